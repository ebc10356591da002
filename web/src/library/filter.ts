/** The library's filter as an address, both ways. */

import type { VideoFilter } from "../api/videos";

/** Names in the address; the same as the API's. */
export const FILTER_NAMES = ["title", "status", "decision", "owner", "label", "since", "until"] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

export function filterOf(params: URLSearchParams): VideoFilter {
  const filter: VideoFilter = {};
  for (const name of FILTER_NAMES) {
    const value = params.get(name)?.trim();
    if (value) filter[name] = value;
  }
  return filter;
}

/** `params` with one value changed; an empty value is left out, so that equal filters have equal addresses. */
export function withFilter(params: URLSearchParams, name: FilterName, value: string): URLSearchParams {
  const filter = { ...filterOf(params), [name]: value.trim() };
  const next = new URLSearchParams();
  for (const each of FILTER_NAMES) {
    const held = filter[each];
    if (held) next.set(each, held);
  }
  return next;
}

/** A day of a date field as the API's moments: `since` its first, `until` the first of the next day. */
export function dayBound(day: string, name: "since" | "until"): string | undefined {
  const start = new Date(`${day}T00:00:00`);
  if (Number.isNaN(start.getTime())) return undefined;
  if (name === "until") start.setDate(start.getDate() + 1);
  return start.toISOString();
}

/** The filter with days turned into moments: what is asked of the server. */
export function asked(filter: VideoFilter): VideoFilter {
  return {
    ...filter,
    since: filter.since && dayBound(filter.since, "since"),
    until: filter.until && dayBound(filter.until, "until"),
  };
}
