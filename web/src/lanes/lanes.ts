/** Which lanes there are and what lies in them; pure. */

import type { Finding, FindingsAnswer } from "../api/types";
import { words } from "../format/words";
import { classColours, PLAIN_COLOUR, SENSITIVE_COLOUR, SPEECH_COLOUR, TEXT_COLOUR } from "./colours";

export type LaneKind = "marks" | "spans" | "text" | "score";

export interface LaneItem {
  start: number;
  end: number;
  label: string;
  /** 0 to 1. */
  confidence: number;
  text: string | undefined;
}

export interface Lane {
  id: string;
  title: string;
  /** `marks` are moments, `spans` bars, `text` bars with words, `score` bars whose height is the confidence. */
  kind: LaneKind;
  colour: number;
  /** In time order. */
  items: LaneItem[];
  /** The same items, those that are there at the same time on lines of their own. */
  rows: LaneItem[][];
}

/** Labels of findings that describe the whole sound or every second: numbers for the details, not for a lane. */
const NOT_SHOWN = new Set(["loudness", "tempo", "spectrum"]);

function item(finding: Finding): LaneItem {
  return {
    start: finding.start_ms,
    end: Math.max(finding.start_ms, finding.end_ms),
    label: finding.label,
    confidence: finding.confidence,
    text: finding.text ?? undefined,
  };
}

interface Recipe {
  kind: LaneKind;
  colour: number;
  title: (label: string) => string;
  /** Which lane a label belongs to; nothing: no lane. */
  lane: (label: string) => string | undefined;
  order: number;
}

const one = (title: string) => ({ title: () => title, lane: () => "" });

const RECIPES: Record<string, Recipe> = {
  cut_analysis: {
    kind: "marks",
    order: 0,
    colour: PLAIN_COLOUR,
    lane: (label) => (label === "cut" || label === "fade" ? label : undefined),
    title: (label) => (label === "cut" ? "Cuts" : "Fades"),
  },
  object_detection: { kind: "spans", order: 1, colour: PLAIN_COLOUR, lane: (label) => label, title: words },
  text_overlay: { kind: "text", order: 2, colour: TEXT_COLOUR, ...one("Text") },
  speech_transcription: { kind: "text", order: 3, colour: SPEECH_COLOUR, ...one("Speech") },
  sensitive_content: { kind: "score", order: 4, colour: SENSITIVE_COLOUR, ...one("Sensitive") },
  audio_analysis: {
    kind: "spans",
    order: 5,
    colour: PLAIN_COLOUR,
    lane: (label) => (NOT_SHOWN.has(label) ? undefined : label),
    title: words,
  },
};

/** An analyser that this page does not know yet still gets lanes: one per label. */
const UNKNOWN: Recipe = { kind: "spans", order: 6, colour: PLAIN_COLOUR, lane: (label) => label, title: words };

/** How long things were there, for the order of classes. */
function covered(items: LaneItem[]): number {
  return items.reduce((sum, each) => sum + each.end - each.start + 1, 0);
}

/** Lanes from merged spans: cuts, fades, objects (one lane per class, longest seen first), text, speech, sensitive, sound. */
export function lanesOf(spans: Finding[]): Lane[] {
  const lanes = new Map<string, Lane & { order: number }>();
  for (const finding of spans) {
    const recipe = RECIPES[finding.analyser] ?? UNKNOWN;
    const part = recipe.lane(finding.label);
    if (part === undefined) continue;
    const id = part === "" ? finding.analyser : `${finding.analyser}:${part}`;
    const lane = lanes.get(id) ?? {
      id,
      title: recipe.title(finding.label),
      kind: recipe.kind,
      colour: recipe.colour,
      items: [],
      rows: [],
      order: recipe.order,
    };
    lane.items.push(item(finding));
    lanes.set(id, lane);
  }
  const sorted = [...lanes.values()]
    .sort((a, b) => a.order - b.order || covered(b.items) - covered(a.items) || a.id.localeCompare(b.id))
    .map(({ order: _, ...lane }) => {
      const items = lane.items.toSorted((a, b) => a.start - b.start || a.end - b.end);
      return { ...lane, items, rows: lane.kind === "spans" || lane.kind === "text" ? stack(items, ROWS_MAX) : [items] };
    });
  const colours = classColours(sorted.flatMap((lane) => classOf(lane) ?? []));
  return sorted.map((lane) => ({ ...lane, colour: colours.get(classOf(lane) ?? "") ?? lane.colour }));
}

const CLASS_PREFIX = "object_detection:";

/** The class whose lane it is; nothing for other lanes. */
function classOf(lane: Lane): string | undefined {
  return lane.id.startsWith(CLASS_PREFIX) ? lane.id.slice(CLASS_PREFIX.length) : undefined;
}

/** The colours that the lanes gave to classes, for the picture and the lists. */
export function coloursOf(lanes: Lane[]): Map<string, number> {
  return new Map(lanes.flatMap((lane): [string, number][] => [[classOf(lane) ?? lane.id, lane.colour]]));
}

export function isObject(finding: Pick<Finding, "analyser">): boolean {
  return finding.analyser === "object_detection";
}

/** Objects of which the model is less sure than `from` are left out; everything else stays. */
export function sureObjects<T extends Pick<Finding, "analyser" | "confidence">>(findings: T[], from: number): T[] {
  return findings.filter((finding) => !isObject(finding) || finding.confidence >= from);
}

/** Splits off the classes beyond the first `most` object lanes; they are shown on demand. */
export function foldClasses(lanes: Lane[], most: number): { shown: Lane[]; folded: number } {
  let classes = 0;
  const shown = lanes.filter((lane) => classOf(lane) === undefined || ++classes <= most);
  return { shown, folded: lanes.length - shown.length };
}

const ROWS_MAX = 5;

/** Lines such that items that are there at the same time do not cover each other, at most `most`; what is beyond shares the last. */
export function stack(items: LaneItem[], most: number): LaneItem[][] {
  const rows: LaneItem[][] = [];
  for (const each of items) {
    const free = rows.find((row) => (row.at(-1)?.end ?? 0) <= each.start);
    if (free) free.push(each);
    else if (rows.length < most) rows.push([each]);
    else rows.at(-1)?.push(each);
  }
  return rows.length === 0 ? [[]] : rows;
}

/** Whether the item is there at `ms`. A moment counts for `momentMs` after it. */
export function isThere(item: Pick<LaneItem, "start" | "end">, ms: number, momentMs: number): boolean {
  return item.start <= ms && (ms < item.end || ms <= item.start + momentMs);
}

const SAMPLE_MS_MAX = 2000;

/** Per-sample scores as spans: each lasts until the next sample; the last one, and one before a gap, as long as the shortest. */
export function scoresUntilNext(samples: Finding[]): Finding[] {
  const lengths = samples.slice(1).map((next, index) => next.start_ms - (samples[index]?.start_ms ?? 0));
  const period = Math.min(SAMPLE_MS_MAX, ...lengths.filter((length) => length > 0));
  return samples.map((each, index) => {
    const length = lengths[index] ?? period;
    return { ...each, end_ms: each.start_ms + (length > 2 * period ? period : length) };
  });
}

/** `spans` with the sensitive ones replaced by the score over time, when all of its samples are there. */
export function withScores(spans: Finding[], scores: FindingsAnswer | undefined): Finding[] {
  if (!scores || scores.truncated || scores.items.length === 0) return spans;
  return [...spans.filter((span) => span.analyser !== "sensitive_content"), ...scoresUntilNext(scores.items)];
}

/** The item to jump to from `ms`: the next (or previous) one that begins elsewhere. */
export function neighbour(items: LaneItem[], ms: number, direction: 1 | -1): LaneItem | undefined {
  // A seek lands on a frame near the moment that was asked for; this keeps it from finding itself again.
  const slack = 120;
  return direction === 1 ? items.find((each) => each.start > ms + slack) : items.findLast((each) => each.start < ms - slack);
}
