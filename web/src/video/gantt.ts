/** Tasks and their attempts as bars over time; pure. */

import type { Task } from "../api/types";

export type BarTone = "wait" | "run" | "done" | "failed" | "cancelled";

export interface Bar {
  /** Milliseconds since the first task was created. */
  from: number;
  to: number;
  tone: BarTone;
  title: string;
}

export interface GanttRow {
  task: Task;
  bars: Bar[];
}

export interface Gantt {
  rows: GanttRow[];
  /** Milliseconds from the first to the last moment; at least 1. */
  span: number;
}

const ORDER: Task["kind"][] = ["probe", "package", "analyse", "judge"];

const TONES: Record<string, BarTone> = {
  done: "done",
  fail: "failed",
  failed: "failed",
  retry: "failed",
  dead: "failed",
  cancelled: "cancelled",
  handed_back: "cancelled",
};

/** The tone of an attempt's outcome; one without an end is running. */
export function toneOf(outcome: string | null | undefined, ended: boolean): BarTone {
  if (!ended) return "run";
  return TONES[outcome ?? "done"] ?? "failed";
}

function moment(at: string | null | undefined): number | undefined {
  const ms = at ? Date.parse(at) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

interface Run {
  from: number;
  to: number | undefined;
  tone: BarTone;
  title: string;
}

/** Attempts where the server tells them, else what the row itself says. */
function runsOf(task: Task): Run[] {
  if (task.attempts.length === 0) {
    const from = moment(task.started_at);
    if (from === undefined) return [];
    const to = moment(task.ended_at);
    return [{ from, to, tone: toneOf(task.state, to !== undefined), title: task.kind }];
  }
  return task.attempts.flatMap((each): Run[] => {
    const from = moment(each.started_at);
    if (from === undefined) return [];
    const to = moment(each.ended_at);
    const tone = toneOf(each.outcome, to !== undefined);
    return [{ from, to, tone, title: `attempt ${each.attempt}${each.outcome ? `: ${each.outcome.replaceAll("_", " ")}` : ""}` }];
  });
}

/** Rows in the order in which a video passes through them, each with its waits and attempts. `now` ends what still runs. */
export function gantt(tasks: Task[], now: number): Gantt {
  const starts = tasks.flatMap((task) => moment(task.created_at) ?? []);
  const origin = Math.min(now, ...starts);
  let last = origin;
  const place = (task: Task) => (ORDER.includes(task.kind) ? ORDER.indexOf(task.kind) : ORDER.length);
  const rows = tasks
    .toSorted((a, b) => (moment(a.created_at) ?? 0) - (moment(b.created_at) ?? 0) || place(a) - place(b))
    .map((task): GanttRow => {
      const bars: Bar[] = [];
      let at = moment(task.created_at) ?? origin;
      for (const run of runsOf(task)) {
        if (run.from > at) bars.push({ from: at - origin, to: run.from - origin, tone: "wait", title: "waiting" });
        const to = Math.max(run.from, run.to ?? now);
        bars.push({ from: run.from - origin, to: to - origin, tone: run.tone, title: run.title });
        at = to;
      }
      if (bars.length === 0 && task.ended_at == null) bars.push({ from: at - origin, to: Math.max(at, now) - origin, tone: "wait", title: "waiting" });
      last = Math.max(last, ...bars.map((bar) => bar.to + origin));
      return { task, bars };
    });
  return { rows, span: Math.max(1, last - origin) };
}

const SAME_BATCH_MS = 2000;

/**
 * Tasks that were created together, newest first: an upload's, and those of each later analysis. Each batch has a time line of its
 * own, because days may lie between them.
 */
export function batches(tasks: Task[]): Task[][] {
  const found: Task[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const task of tasks.toSorted((a, b) => (moment(a.created_at) ?? 0) - (moment(b.created_at) ?? 0))) {
    const created = moment(task.created_at) ?? 0;
    if (created - last > SAME_BATCH_MS) found.push([]);
    found.at(-1)?.push(task);
    last = created;
  }
  return found.reverse();
}

/** Work done in a task: its attempts without the waits. */
export function workedMs(row: GanttRow): number {
  return row.bars.filter((bar) => bar.tone !== "wait").reduce((sum, bar) => sum + bar.to - bar.from, 0);
}
