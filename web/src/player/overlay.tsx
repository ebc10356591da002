import { useCallback, useMemo } from "react";
import type { Finding } from "../api/types";
import { percent } from "../format/numbers";
import { FACE_COLOUR, PLAIN_COLOUR, TEXT_COLOUR } from "../lanes/colours";
import { sureObjects } from "../lanes/lanes";
import { ageWords, expressionWords } from "../video/face-words";
import { recordOf } from "../api/value";
import { type Clock, useClock } from "./clock";
import type { Layer } from "./layers";
import { GazeMark, MaskMark, PoseMark } from "./marks";
import { halfPeriod, sampleAt, sourcePerPixel } from "./samples";
import { placeTags, type Tag } from "./tags";
import type { Size } from "./use-element-size";
import { useSamples } from "./use-samples";

export interface Drawing {
  video: string;
  clock: Clock;
  /** Changes when the analysis does: findings are fetched anew. */
  stamp: string;
  /** The source's pixels, in which boxes and points are given. */
  source: Size;
  /** Of classes. */
  colours: ReadonlyMap<string, number>;
  /** Objects of which the model is less sure are not drawn. */
  objectsFrom: number;
}

interface Props {
  of: Drawing;
  layers: Layer[];
  /** The place into which the picture is fitted, in CSS pixels, so that words and lines keep their size. */
  shown: Size;
}

const TEXT_PX = 12;
const CHARS_MAX = 40;

/** What was seen, over the picture. The view box is the source's, and the picture is fitted in the same way, so no arithmetic is needed. */
export function Overlay({ of, layers, shown }: Props) {
  const { source } = of;
  const pixel = sourcePerPixel(source, shown);
  return (
    <svg className="overlay" viewBox={`0 0 ${source.width} ${source.height}`} preserveAspectRatio="xMidYMid meet" aria-hidden="true">
      {layers.map((layer) => (
        <LayerMarks key={layer.id} layer={layer} of={of} pixel={pixel} />
      ))}
    </svg>
  );
}

/** One layer: it fetches what it draws, so that a layer that is off costs nothing. */
function LayerMarks({ layer, of, pixel }: { layer: Layer; of: Drawing; pixel: number }) {
  const samples = useSamples(of.video, layer.analyser, of.clock, of.stamp);
  const half = useMemo(() => halfPeriod(samples), [samples]);
  const at = useClock(
    of.clock,
    useCallback((ms: number) => sampleAt(samples, ms, half), [samples, half]),
  );
  const findings = samples[at]?.findings ?? [];
  if (layer.id === "masks") return findings.map((finding, index) => <MaskMark key={index} finding={finding} source={of.source} />);
  if (layer.id === "poses") return findings.map((finding, index) => <PoseMark key={index} finding={finding} pixel={pixel} />);
  if (layer.id === "gaze") return findings.map((finding, index) => <GazeMark key={index} finding={finding} pixel={pixel} />);
  return <Boxes layer={layer} findings={layer.id === "objects" ? sureObjects(findings, of.objectsFrom) : findings} of={of} pixel={pixel} />;
}

/** Boxes with their words, which keep clear of each other. */
function Boxes({ layer, findings, of, pixel }: { layer: Layer; findings: Finding[]; of: Drawing; pixel: number }) {
  const size = TEXT_PX * pixel;
  const places = findings.map((finding) => {
    const [x = 0, y = 0, , height = 0] = finding.box ?? [];
    const width = (wordsOf(layer, finding).length * 0.6 + 0.9) * size;
    // A face lies inside a person, whose words are above: its own go below.
    return { x, y: layer.id === "faces" ? y + height + size * 1.45 : y, width };
  });
  const tags = placeTags(places, size * 1.45, of.source.width);
  return findings.map((finding, index) => (
    <BoxMark
      key={`${finding.start_ms} ${index}`}
      finding={finding}
      words={wordsOf(layer, finding)}
      tag={tags[index]}
      size={size}
      colour={layer.id === "text" ? TEXT_COLOUR : layer.id === "faces" ? FACE_COLOUR : (of.colours.get(finding.label) ?? PLAIN_COLOUR)}
    />
  ));
}

function wordsOf(layer: Layer, finding: Finding): string {
  if (layer.id === "faces") {
    const value = recordOf(finding.value);
    const said = [ageWords(value), expressionWords(value)].filter((each) => each !== undefined);
    return said.length === 0 ? "face" : said.join(" · ");
  }
  return (finding.text ?? `${finding.label} ${percent(finding.confidence)}`).slice(0, CHARS_MAX);
}

interface BoxProps {
  finding: Finding;
  words: string;
  tag: Tag | undefined;
  size: number;
  colour: number;
}

function BoxMark({ finding, words, tag, size, colour }: BoxProps) {
  const [x, y, width, height] = finding.box ?? [];
  return (
    <g className={`box colour-${colour}`} data-label={finding.label}>
      <rect className="box-frame" x={x} y={y} width={width} height={height} />
      {tag && (
        <>
          <rect className="box-tag" x={tag.x} y={tag.y} width={tag.width} height={tag.height} />
          <text x={tag.x + size * 0.45} y={tag.y + tag.height * 0.72} fontSize={size}>
            {words}
          </text>
        </>
      )}
    </g>
  );
}
