/** The rates chart as numbers: what is drawn where. */

import type { MinuteRates } from "../api/types";

export type SeriesName = "uploaded" | "packaged" | "analysed" | "decided";
export const SERIES: SeriesName[] = ["uploaded", "packaged", "analysed", "decided"];

const MINUTE_MS = 60_000;

/**
 * The last `minutes` whole minutes up to `now`, oldest first. The server may leave out minutes in which nothing happened: they
 * are zeros here, because a gap in a line would hide them.
 */
export function fillMinutes(given: MinuteRates[], now: number, minutes: number): MinuteRates[] {
  const byMinute = new Map(given.map((row) => [Math.floor(Date.parse(row.minute) / MINUTE_MS), row]));
  const last = Math.floor(now / MINUTE_MS);
  return Array.from({ length: minutes }, (_, index) => {
    const minute = last - minutes + 1 + index;
    const zero = { minute: new Date(minute * MINUTE_MS).toISOString(), uploaded: 0, packaged: 0, analysed: 0, decided: 0 };
    return byMinute.get(minute) ?? zero;
  });
}

/** The least of 4, 10, 20, 40, 100, … that is not under the highest value: quarters of it are whole or readable. */
export function axisTop(rows: MinuteRates[]): number {
  const highest = Math.max(0, ...rows.flatMap((row) => SERIES.map((name) => row[name])));
  for (let top = 4, step = 0; ; step += 1) {
    if (top >= highest) return top;
    top = [10, 20, 40][step % 3]! * 10 ** Math.floor(step / 3);
  }
}

/** An SVG path through one series in a box of `width` × `height`. */
export function linePath(rows: MinuteRates[], name: SeriesName, top: number, width: number, height: number): string {
  const step = rows.length > 1 ? width / (rows.length - 1) : 0;
  return rows
    .map((row, index) => `${index === 0 ? "M" : "L"}${(index * step).toFixed(1)} ${(height - (row[name] / top) * height).toFixed(1)}`)
    .join("");
}

/** Sum of one series. */
export function total(rows: MinuteRates[], name: SeriesName): number {
  return rows.reduce((sum, row) => sum + row[name], 0);
}
