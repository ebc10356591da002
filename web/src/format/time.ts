/** Moments and durations as people read them. */

/** `0:05`, `12:34`, `1:02:03`. */
export function clock(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** As `clock`, with tenths: `0:05.2`. */
export function clockTenths(ms: number): string {
  // Rounded first, so that 59,970 ms is 1:00.0 and not 0:60.0.
  const tenths = Math.max(0, Math.round(ms / 100));
  return `${clock(tenths * 100)}.${tenths % 10}`;
}

/** A length of time in one or two units: `340 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return two(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.floor(minutes / 60);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** How long before `now` something was: `just now`, `3 min ago`, or the date when it is more than a week. */
export function ago(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "";
  const ms = now - then;
  if (ms < 10_000) return "just now";
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  if (ms < 7 * 86_400_000) return `${Math.floor(ms / 86_400_000)} d ago`;
  return new Date(then).toLocaleDateString();
}

/** Date and time in the reader's own form. */
export function dateTime(at: string): string {
  const then = Date.parse(at);
  return Number.isNaN(then) ? "" : new Date(then).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** Hours and minutes in the reader's own form. */
export function hourMinute(at: string): string {
  const then = Date.parse(at);
  return Number.isNaN(then) ? "" : new Date(then).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}
