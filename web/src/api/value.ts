/** Reading a finding's `value`, whose shape its analyser documents and which results of older versions may not have. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` as a record; an empty one for anything else. */
export function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A place, `[x, y]`. */
export function placeOf(value: unknown): [number, number] | undefined {
  const [x, y] = listOf(value).map(numberOf);
  return x === undefined || y === undefined ? undefined : [x, y];
}

/** How a finding came about, where it says so: `heuristic` (rules, no model), `composed` (from other findings), or a model's name. */
export function methodOf(value: unknown): string | undefined {
  return textOf(recordOf(value).method);
}
