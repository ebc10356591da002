/** Quantities as people read them. */

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `512 B`, `1.2 MB`: decimal units, as disks are sold. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit] ?? ""}`;
}

/** Bits per second: `820 kb/s`, `2.8 Mb/s`. */
export function bitRate(bps: number): string {
  return bps >= 999_500 ? `${(bps / 1_000_000).toFixed(1)} Mb/s` : `${Math.round(bps / 1000)} kb/s`;
}

/** A score from 0 to 1 with two digits. */
export function score(value: number): string {
  return value.toFixed(2);
}

/** A share from 0 to 1 as whole percent. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A count with separators. */
export function count(value: number): string {
  return value.toLocaleString("en-GB");
}

/** `1 video`, `2 videos`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
