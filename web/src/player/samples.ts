/** Which per-sample findings belong to the picture that is shown. */

import type { Finding } from "../api/types";
import type { Size } from "./use-element-size";

/** All findings of one looked-at picture. */
export interface Sample {
  ms: number;
  findings: Finding[];
}

/** Findings that have a box, gathered by the picture on which they were seen, in time order. */
export function bySample(findings: Finding[]): Sample[] {
  const samples = new Map<number, Finding[]>();
  for (const finding of findings) {
    if (!finding.box) continue;
    const there = samples.get(finding.start_ms);
    if (there) there.push(finding);
    else samples.set(finding.start_ms, [finding]);
  }
  return [...samples].map(([ms, found]) => ({ ms, findings: found })).sort((a, b) => a.ms - b.ms);
}

/** Between samples nothing is known, so a box is shown for at most this long before and after its own picture. */
export const HALF_PERIOD_MAX_MS = 1000;
const HALF_PERIOD_DEFAULT_MS = 500;

/** Half of the time between two looked-at pictures: the shortest gap is the sampling, since pictures without findings are missing. */
export function halfPeriod(samples: Sample[]): number {
  let gap = Number.POSITIVE_INFINITY;
  for (let index = 1; index < samples.length; index += 1) {
    gap = Math.min(gap, samples[index]!.ms - samples[index - 1]!.ms);
  }
  return Number.isFinite(gap) ? Math.min(HALF_PERIOD_MAX_MS, gap / 2) : HALF_PERIOD_DEFAULT_MS;
}

/** The sample nearest to `ms`, if it is within `half`; by index, or -1. */
export function sampleAt(samples: Sample[], ms: number, half: number): number {
  let low = 0;
  let high = samples.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (samples[middle]!.ms <= ms) low = middle + 1;
    else high = middle;
  }
  const before = samples[low - 1];
  const after = samples[low];
  const toBefore = before ? ms - before.ms : Number.POSITIVE_INFINITY;
  const toAfter = after ? after.ms - ms : Number.POSITIVE_INFINITY;
  if (Math.min(toBefore, toAfter) > half) return -1;
  return toBefore <= toAfter ? low - 1 : low;
}

/** Time is fetched in windows of this length. */
export const WINDOW_MS = 30_000;

/** Which windows to hold at `ms`: the one it is in and, from its second half on, the next. */
export function windowsAt(ms: number): number[] {
  const index = Math.max(0, Math.floor(ms / WINDOW_MS));
  return ms - index * WINDOW_MS > WINDOW_MS / 2 ? [index, index + 1] : [index];
}

/** Source pixels per CSS pixel of a picture that is fitted into `shown` with its shape kept. */
export function sourcePerPixel(source: Size, shown: Size): number {
  if (shown.width <= 0 || shown.height <= 0) return 1;
  return Math.max(source.width / shown.width, source.height / shown.height);
}
