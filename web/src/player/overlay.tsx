import { useCallback, useMemo } from "react";
import type { Finding } from "../api/types";
import { percent } from "../format/numbers";
import { colourOf } from "../lanes/colours";
import { type Clock, useClock } from "./clock";
import { halfPeriod, sampleAt, type Sample, sourcePerPixel } from "./samples";
import type { Size } from "./use-element-size";

interface Props {
  clock: Clock;
  samples: Sample[];
  /** The source's pixels, in which boxes are given. */
  source: Size;
  /** The place into which the picture is fitted, in CSS pixels, so that words keep their size. */
  shown: Size;
}

/** Boxes over the picture. The view box is the source's, and the picture is fitted in the same way, so no arithmetic is needed. */
export function Overlay({ clock, samples, source, shown }: Props) {
  const half = useMemo(() => halfPeriod(samples), [samples]);
  const at = useClock(
    clock,
    useCallback((ms: number) => sampleAt(samples, ms, half), [samples, half]),
  );
  const unit = sourcePerPixel(source, shown);
  const sample = samples[at];
  return (
    <svg className="overlay" viewBox={`0 0 ${source.width} ${source.height}`} preserveAspectRatio="xMidYMid meet" aria-hidden="true">
      {sample?.findings.map((finding, index) => (
        <BoxMark key={`${sample.ms} ${index}`} finding={finding} unit={unit} height={source.height} />
      ))}
    </svg>
  );
}

const TEXT_PX = 12;
const CHARS_MAX = 40;

function BoxMark({ finding, unit, height }: { finding: Finding; unit: number; height: number }) {
  const [x, y, w, h] = finding.box ?? [];
  if (x === undefined || y === undefined) return null;
  const words = (finding.text ?? `${finding.label} ${percent(finding.confidence)}`).slice(0, CHARS_MAX);
  const size = TEXT_PX * unit;
  const tall = size * 1.45;
  // Above the box where there is room, else inside it; never out of the picture.
  const top = y - tall >= 0 ? y - tall : Math.min(y, height - tall);
  const colour = colourOf(finding.text == null ? finding.label : "text");
  return (
    <g className={`box colour-${colour}`} data-label={finding.label}>
      <rect className="box-frame" x={x} y={y} width={w} height={h} />
      <rect className="box-tag" x={x} y={top} width={(words.length * 0.6 + 0.9) * size} height={tall} />
      <text x={x + size * 0.45} y={top + tall * 0.72} fontSize={size}>
        {words}
      </text>
    </g>
  );
}
