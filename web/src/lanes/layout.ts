/** Where things lie on a time line of a given width; pure. */

import type { LaneItem } from "./lanes";

/** What of the time line is on the screen, in pixels of its whole width. */
export interface View {
  /** Pixels per millisecond. */
  scale: number;
  left: number;
  width: number;
}

export interface Placed {
  x: number;
  width: number;
  /** The item, or the first of several that are too close to be told apart. */
  item: LaneItem;
  /** How many items this stands for. */
  count: number;
  /** Greatest height among them. */
  height: number;
  /** Where the last of them ends, in milliseconds. */
  end: number;
}

const WIDTH_MIN = 2;
/** Items whose gap is narrower than this are drawn as one. */
const GAP_MIN = 1;

/** The items within `view` and as much again on both sides (so that scrolling shows no holes), those too close to be told apart as one. */
export function place(items: LaneItem[], view: View): Placed[] {
  const from = (view.left - view.width) / view.scale;
  const to = (view.left + 2 * view.width) / view.scale;
  const placed: Placed[] = [];
  for (const item of items) {
    if (item.end < from || item.start > to) continue;
    const x = item.start * view.scale;
    const width = Math.max(WIDTH_MIN, (item.end - item.start) * view.scale);
    const last = placed.at(-1);
    // Only what would be unreadably narrow is joined: wide neighbours that touch stay apart.
    const narrow = last !== undefined && (width <= WIDTH_MIN * 2 || last.width <= WIDTH_MIN * 2);
    if (last && narrow && x < last.x + last.width + GAP_MIN) {
      last.width = Math.max(last.width, x + width - last.x);
      last.count += 1;
      last.height = Math.max(last.height, item.height);
      last.end = Math.max(last.end, item.end);
    } else {
      placed.push({ x, width, item, count: 1, height: item.height, end: item.end });
    }
  }
  return placed;
}

const STEPS_MS = [100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
const TICK_PX = 72;

/** Time between two marks of the ruler: the least round step that leaves room for its words. */
export function tickStep(scale: number): number {
  return STEPS_MS.find((step) => step * scale >= TICK_PX) ?? STEPS_MS.at(-1)!;
}

/** Moments of the ruler's marks within and around `view`. */
export function ticks(view: View, durationMs: number): number[] {
  const step = tickStep(view.scale);
  const first = Math.max(0, Math.floor((view.left - view.width) / view.scale / step));
  const last = Math.floor(Math.min(durationMs, (view.left + 2 * view.width) / view.scale) / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** One frame of a usual video is some pixels wide at the closest zoom. */
const SCALE_MAX = 0.4;
/** Browsers draw elements up to some 10 million pixels wide. */
const WHOLE_MAX = 8_000_000;

/** Zoom bounds: 1 shows everything. */
export function zoomMax(durationMs: number, width: number): number {
  if (durationMs <= 0 || width <= 0) return 1;
  return Math.max(1, Math.min((SCALE_MAX * durationMs) / width, WHOLE_MAX / width));
}

/** How far to scroll after a zoom so that the moment under `anchor` (pixels from the left edge of the view) stays there. */
export function scrollAfterZoom(left: number, anchor: number, before: number, after: number): number {
  return Math.max(0, ((left + anchor) * after) / before - anchor);
}

/** How far to scroll so that `x` is in view: nothing when it is, else with `x` at a quarter. */
export function scrollToShow(x: number, left: number, width: number): number | undefined {
  if (x >= left && x <= left + width * 0.92) return undefined;
  return Math.max(0, x - width * 0.25);
}
