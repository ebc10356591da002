import { useMemo, useState } from "react";
import { clockTenths } from "../format/time";
import { type Curve, curvePaths, pointNear, type Strip, stripRuns } from "./curve";
import type { View } from "./layout";

/** Pixels of a lane's line; the style sheet's `--row`. */
const HEIGHT = 24;

/** Where a drawing lies that covers the view and as much again on both sides: zoomed in, the whole is wider than a browser draws. */
function visible(view: View): { style: { left: number; width: number }; viewBox: string } {
  const left = Math.max(0, view.left - view.width);
  const width = view.left - left + 2 * view.width;
  return { style: { left, width }, viewBox: `${left} 0 ${width} ${HEIGHT}` };
}

/** A curve as a line over its area. */
export function CurveLine({ curve, view }: { curve: Curve; view: View }) {
  const { line, area } = useMemo(() => curvePaths(curve, view.scale, HEIGHT), [curve, view.scale]);
  const [at, setAt] = useState<number>();
  const near = at === undefined ? undefined : pointNear(curve, at);
  return (
    <>
      <svg
        className="lane-curve"
        height={HEIGHT}
        {...visible(view)}
        onPointerMove={(event) => setAt((event.clientX - event.currentTarget.getBoundingClientRect().left + visible(view).style.left) / view.scale)}
        onPointerLeave={() => setAt(undefined)}
      >
        <path className="curve-area" d={area} />
        <path className="curve-line" d={line} />
        {near && <circle cx={near.ms * view.scale} cy={HEIGHT * (1 - Math.min(1, Math.max(0, (near.value - curve.low) / (curve.high - curve.low))))} r="3" />}
      </svg>
      {near && (
        <div className="tip" style={{ left: tipLeft(near.ms * view.scale, view) }}>
          <strong>{curve.words(near.value)}</strong> {clockTenths(near.ms)}
        </div>
      )}
    </>
  );
}

const TIP_WIDTH = 190;

function tipLeft(x: number, view: View): number {
  return Math.max(0, Math.min(Math.max(x, view.left), view.left + view.width - TIP_WIDTH));
}

/** The film's colours, step by step. */
export function StripLine({ strip, view }: { strip: Strip; view: View }) {
  const runs = useMemo(() => stripRuns(strip), [strip]);
  return (
    <svg className="lane-strip" height={HEIGHT} {...visible(view)} shapeRendering="crispEdges">
      {runs.map(({ from, to, colour }) => (
        // A hair wider than its time, so that no seam shows between neighbours.
        <rect key={from} x={from * view.scale} y="0" width={(to - from) * view.scale + 0.6} height={HEIGHT} fill={colour} />
      ))}
    </svg>
  );
}
