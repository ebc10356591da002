/** Which lanes there are and what lies in them; pure. */

import type { Finding } from "../api/types";
import { words } from "../format/words";
import { colourOf } from "./colours";

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
  items: LaneItem[];
}

/** Labels of findings that describe the whole sound or every second: numbers for the details, not for a lane. */
const NOT_SHOWN = new Set(["loudness", "tempo", "spectrum"]);

const SENSITIVE_COLOUR = 9;
const CUT_COLOUR = 8;

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
  colour: (label: string) => number;
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
    colour: () => CUT_COLOUR,
    lane: (label) => (label === "cut" || label === "fade" ? label : undefined),
    title: (label) => (label === "cut" ? "Cuts" : "Fades"),
  },
  object_detection: { kind: "spans", order: 1, colour: colourOf, lane: (label) => label, title: words },
  text_overlay: { kind: "text", order: 2, colour: () => colourOf("text"), ...one("Text") },
  speech_transcription: { kind: "text", order: 3, colour: () => colourOf("speech"), ...one("Speech") },
  sensitive_content: { kind: "score", order: 4, colour: () => SENSITIVE_COLOUR, ...one("Sensitive") },
  audio_analysis: {
    kind: "spans",
    order: 5,
    colour: () => CUT_COLOUR,
    lane: (label) => (NOT_SHOWN.has(label) ? undefined : label),
    title: words,
  },
};

/** An analyser that this page does not know yet still gets lanes: one per label. */
const UNKNOWN: Recipe = { kind: "spans", order: 6, colour: colourOf, lane: (label) => label, title: words };

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
      colour: recipe.colour(finding.label),
      items: [],
      order: recipe.order,
    };
    lane.items.push(item(finding));
    lanes.set(id, lane);
  }
  return [...lanes.values()]
    .sort((a, b) => a.order - b.order || covered(b.items) - covered(a.items) || a.id.localeCompare(b.id))
    .map(({ order: _, ...lane }) => ({ ...lane, items: lane.items.toSorted((a, b) => a.start - b.start || a.end - b.end) }));
}

/** Splits off the classes beyond the first `most` object lanes; they are shown on demand. */
export function foldClasses(lanes: Lane[], most: number): { shown: Lane[]; folded: number } {
  let classes = 0;
  const shown = lanes.filter((lane) => !lane.id.startsWith("object_detection:") || ++classes <= most);
  return { shown, folded: lanes.length - shown.length };
}

/** Index of the item that is there at `ms` (the latest begun), or -1. Moments count for `momentMs` after them. */
export function itemAt(items: LaneItem[], ms: number, momentMs: number): number {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const each = items[index]!;
    if (each.start <= ms && ms <= Math.max(each.end, each.start + momentMs)) return index;
  }
  return -1;
}

/** The item to jump to from `ms`: the next (or previous) one that begins elsewhere. */
export function neighbour(items: LaneItem[], ms: number, direction: 1 | -1): LaneItem | undefined {
  // A seek lands on a frame near the moment that was asked for; this keeps it from finding itself again.
  const slack = 120;
  return direction === 1 ? items.find((each) => each.start > ms + slack) : items.findLast((each) => each.start < ms - slack);
}
