import { type PointerEvent, useRef } from "react";
import { clock, clockTenths } from "../format/time";
import { ticks, tickStep, type View } from "./layout";

/** Times along the lanes; pressing or dragging goes there. */
export function Ruler({ view, durationMs, onSeek }: { view: View; durationMs: number; onSeek: (ms: number) => void }) {
  const dragging = useRef(false);
  if (view.scale === 0) return <div className="ruler" />;
  const words = tickStep(view.scale) < 1000 ? clockTenths : clock;
  const seek = (event: PointerEvent<HTMLDivElement>) =>
    onSeek((event.clientX - event.currentTarget.getBoundingClientRect().left) / view.scale);
  return (
    <div
      className="ruler"
      aria-hidden="true"
      onPointerDown={(event) => {
        dragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        if (dragging.current) seek(event);
      }}
      onPointerUp={() => {
        dragging.current = false;
      }}
      onPointerCancel={() => {
        dragging.current = false;
      }}
    >
      {ticks(view, durationMs).map((ms) => (
        <span key={ms} style={{ left: ms * view.scale }}>
          {words(ms)}
        </span>
      ))}
    </div>
  );
}
