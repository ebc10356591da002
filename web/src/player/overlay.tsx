import { useCallback, useMemo } from "react";
import type { Finding } from "../api/types";
import { percent } from "../format/numbers";
import { PLAIN_COLOUR, TEXT_COLOUR } from "../lanes/colours";
import { sureObjects } from "../lanes/lanes";
import { type Clock, useClock } from "./clock";
import { halfPeriod, sampleAt, type Sample, sourcePerPixel } from "./samples";
import { placeTags, type Tag } from "./tags";
import type { Size } from "./use-element-size";

interface Props {
  clock: Clock;
  samples: Sample[];
  /** The source's pixels, in which boxes are given. */
  source: Size;
  /** The place into which the picture is fitted, in CSS pixels, so that words keep their size. */
  shown: Size;
  colours: ReadonlyMap<string, number>;
  /** Objects of which the model is less sure are not drawn. */
  objectsFrom: number;
}

const TEXT_PX = 12;
const CHARS_MAX = 40;

/** Boxes over the picture. The view box is the source's, and the picture is fitted in the same way, so no arithmetic is needed. */
export function Overlay({ clock, samples, source, shown, colours, objectsFrom }: Props) {
  const half = useMemo(() => halfPeriod(samples), [samples]);
  const at = useClock(
    clock,
    useCallback((ms: number) => sampleAt(samples, ms, half), [samples, half]),
  );
  const size = TEXT_PX * sourcePerPixel(source, shown);
  const findings = sureObjects(samples[at]?.findings ?? [], objectsFrom);
  const places = findings.map((finding) => ({
    x: finding.box?.[0] ?? 0,
    y: finding.box?.[1] ?? 0,
    width: (wordsOf(finding).length * 0.6 + 0.9) * size,
  }));
  const tags = placeTags(places, size * 1.45, source.width);
  return (
    <svg className="overlay" viewBox={`0 0 ${source.width} ${source.height}`} preserveAspectRatio="xMidYMid meet" aria-hidden="true">
      {findings.map((finding, index) => (
        <BoxMark key={`${finding.start_ms} ${index}`} finding={finding} tag={tags[index]} size={size} colour={colourOf(finding, colours)} />
      ))}
    </svg>
  );
}

function colourOf(finding: Finding, colours: ReadonlyMap<string, number>): number {
  return finding.text == null ? (colours.get(finding.label) ?? PLAIN_COLOUR) : TEXT_COLOUR;
}

function wordsOf(finding: Finding): string {
  return (finding.text ?? `${finding.label} ${percent(finding.confidence)}`).slice(0, CHARS_MAX);
}

function BoxMark({ finding, tag, size, colour }: { finding: Finding; tag: Tag | undefined; size: number; colour: number }) {
  const [x, y, width, height] = finding.box ?? [];
  return (
    <g className={`box colour-${colour}`} data-label={finding.label}>
      <rect className="box-frame" x={x} y={y} width={width} height={height} />
      {tag && (
        <>
          <rect className="box-tag" x={tag.x} y={tag.y} width={tag.width} height={tag.height} />
          <text x={tag.x + size * 0.45} y={tag.y + tag.height * 0.72} fontSize={size}>
            {wordsOf(finding)}
          </text>
        </>
      )}
    </g>
  );
}
