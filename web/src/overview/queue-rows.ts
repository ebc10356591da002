/** The queue of `GET /overview` as one row per kind of task. */

import type { QueueRow } from "../api/types";

export const OPEN_STATES = ["running", "ready", "waiting", "dead"] as const;
export type OpenState = (typeof OPEN_STATES)[number];

export interface KindRow {
  kind: string;
  counts: Record<OpenState, number>;
  /** Age of the oldest task that is not dead. */
  oldestMs: number | undefined;
}

const KINDS = ["probe", "package", "analyse", "judge", "purge", "collect"];

function place(kind: string): number {
  const at = KINDS.indexOf(kind);
  return at < 0 ? KINDS.length : at;
}

/** Kinds with open or dead tasks, in the order in which a video passes through them. */
export function byKind(rows: QueueRow[]): KindRow[] {
  const kinds = new Map<string, KindRow>();
  for (const row of rows) {
    const state = OPEN_STATES.find((each) => each === row.state);
    if (!state || row.count === 0) continue;
    const kind = kinds.get(row.kind) ?? { kind: row.kind, counts: { running: 0, ready: 0, waiting: 0, dead: 0 }, oldestMs: undefined };
    kind.counts[state] += row.count;
    if (state !== "dead") kind.oldestMs = Math.max(kind.oldestMs ?? 0, row.oldest_ms);
    kinds.set(row.kind, kind);
  }
  return [...kinds.values()].sort((a, b) => place(a.kind) - place(b.kind) || a.kind.localeCompare(b.kind));
}
