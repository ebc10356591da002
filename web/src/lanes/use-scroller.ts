/** How the lanes are scrolled and zoomed. */

import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Clock } from "../player/clock";
import { useElementSize } from "../player/use-element-size";
import { scrollAfterZoom, scrollToShow, type View, zoomMax } from "./layout";

export interface Scroller {
  box: RefObject<HTMLDivElement | null>;
  view: View;
  /** Pixels of the whole time line. */
  whole: number;
  zoom: number;
  most: number;
  /** Zooms by a factor; what is under `anchor` (pixels from the left edge), or else the playhead, stays in its place. */
  zoomBy: (by: number, anchor?: number) => void;
  scrolled: (left: number) => void;
}

export function useScroller(durationMs: number, clock: Clock): Scroller {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useElementSize(box);
  const [zoom, setZoom] = useState(1);
  const [left, setLeft] = useState(0);
  const pending = useRef<number | undefined>(undefined);
  const most = zoomMax(durationMs, width);
  const whole = width * zoom;
  const view: View = { scale: durationMs > 0 ? whole / durationMs : 0, left, width };

  const zoomBy = (by: number, anchor?: number) => {
    const element = box.current;
    if (!element || width === 0) return;
    const next = Math.min(most, Math.max(1, zoom * by));
    if (next === zoom) return;
    const playhead = (clock.nowMs() / durationMs) * whole - element.scrollLeft;
    const fixed = anchor ?? (playhead >= 0 && playhead <= width ? playhead : width / 2);
    pending.current = scrollAfterZoom(element.scrollLeft, fixed, zoom, next);
    setZoom(next);
  };
  // The scroll position can only be set once the content has its new width.
  useLayoutEffect(() => {
    if (pending.current === undefined || !box.current) return;
    box.current.scrollLeft = pending.current;
    pending.current = undefined;
    setLeft(box.current.scrollLeft);
  }, [zoom]);
  useWheelZoom(box, zoomBy);
  useFollow(box, clock, view);
  return { box, view, whole, zoom, most, zoomBy, scrolled: setLeft };
}

/** Ctrl (or ⌘) and wheel, and pinching, zoom around the pointer; the plain wheel keeps scrolling the page. */
function useWheelZoom(scroller: RefObject<HTMLDivElement | null>, zoomAt: (by: number, anchor: number) => void): void {
  const latest = useRef(zoomAt);
  useEffect(() => {
    latest.current = zoomAt;
  });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      latest.current(Math.exp(-event.deltaY / 300), event.clientX - element.getBoundingClientRect().left);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [scroller]);
}

/** Keeps the playhead in view while it moves by itself or jumps; scrolling by hand in a pause is left alone. */
function useFollow(scroller: RefObject<HTMLDivElement | null>, clock: Clock, view: View): void {
  const latest = useRef(view);
  useEffect(() => {
    latest.current = view;
  });
  useEffect(() => {
    let before = clock.nowMs();
    return clock.subscribe(() => {
      const now = clock.nowMs();
      if (now === before) return;
      before = now;
      const element = scroller.current;
      if (!element || latest.current.scale === 0) return;
      const to = scrollToShow(now * latest.current.scale, element.scrollLeft, latest.current.width);
      if (to !== undefined) element.scrollLeft = to;
    });
  }, [scroller, clock]);
}
