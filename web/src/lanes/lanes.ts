/** Which lanes there are and what lies in them; pure. */

import type { Finding, FindingsAnswer } from "../api/types";
import { classColours } from "./colours";
import type { Curve, Strip } from "./curve";
import { type GroupId, GROUPS } from "./groups";
import { type LaneKind, placeOf } from "./recipes";
import { seriesOf } from "./series";

export interface LaneItem {
  start: number;
  end: number;
  label: string;
  /** 0 to 1. */
  confidence: number;
  text: string | undefined;
  /** Its own colour, where it is not the lane's. */
  colour?: number | undefined;
  /** 0 to 1: how high it stands in a lane of scores. */
  height: number;
}

export interface Lane {
  id: string;
  title: string;
  /** `marks` are moments, `spans` bars, `text` bars with words, `score` bars of a height, `curve` a line, `strip` colours. */
  kind: LaneKind;
  group: GroupId;
  colour: number;
  /** In time order; none in curves and strips. */
  items: LaneItem[];
  /** The same items, those that are there at the same time on lines of their own. */
  rows: LaneItem[][];
  /** Holds inferences about persons, which decide nothing. */
  guess: boolean;
  curve?: Curve | undefined;
  strip?: Strip | undefined;
}

type Ordered = Lane & { order: number };

/** Lanes of what is told as rows of numbers and colours. */
function drawn(findings: Finding[]): Ordered[] {
  return seriesOf(findings).map((each) => ({ ...each, kind: each.strip ? "strip" : "curve", items: [], rows: [[]], guess: false }));
}

/** Lanes of single findings. */
function filled(findings: Finding[]): Ordered[] {
  const lanes = new Map<string, Ordered>();
  for (const finding of findings) {
    const place = placeOf(finding);
    if (!place) continue;
    const id = place.lane === "" ? finding.analyser : `${finding.analyser}:${place.lane}`;
    const { title, kind, group, order, colour, guess } = place;
    const lane = lanes.get(id) ?? { id, title, kind, group, order, colour, guess: guess === true, items: [], rows: [] };
    lane.items.push({
      start: finding.start_ms,
      end: Math.max(finding.start_ms, finding.end_ms),
      label: finding.label,
      confidence: finding.confidence,
      text: place.text ?? finding.text ?? undefined,
      colour: place.itemColour,
      height: place.height ?? finding.confidence,
    });
    lanes.set(id, lane);
  }
  return [...lanes.values()].map((lane) => {
    const items = lane.items.toSorted((a, b) => a.start - b.start || a.end - b.end);
    return { ...lane, items, rows: lane.kind === "spans" || lane.kind === "text" ? stack(items, ROWS_MAX) : [items] };
  });
}

/** How long things were there, for the order of classes. */
function covered(items: LaneItem[]): number {
  return items.reduce((sum, each) => sum + each.end - each.start + 1, 0);
}

/** Lanes from findings, by group and in the order in which they are shown; classes with the longest seen first. */
export function lanesOf(findings: Finding[]): Lane[] {
  const place = (lane: Ordered) => GROUPS.findIndex((group) => group.id === lane.group);
  const sorted = [...drawn(findings), ...filled(findings)].sort(
    (a, b) => place(a) - place(b) || a.order - b.order || covered(b.items) - covered(a.items) || a.id.localeCompare(b.id),
  );
  const colours = classColours(sorted.flatMap((lane) => classOf(lane) ?? []));
  return sorted.map(({ order: _, ...lane }) => ({ ...lane, colour: colours.get(classOf(lane) ?? "") ?? lane.colour }));
}

const CLASS_PREFIX = "object_detection:";

/** The class whose lane it is; nothing for other lanes. */
function classOf(lane: Pick<Lane, "id">): string | undefined {
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

/** What is only told sample by sample, or kept out of the spans because it is a curve. */
export interface Sampled {
  /** Of `sensitive_content`: every score. */
  scores: FindingsAnswer | undefined;
  /** Of `audio_analysis`: what begins with the sound, the curve of its loudness among it. */
  sound: FindingsAnswer | undefined;
  /** Of `content_quality`: every picture. */
  quality: FindingsAnswer | undefined;
}

/** What the lanes are made from: the merged spans, the sensitive ones replaced by the score over time, and the curves. */
export function withSamples(spans: Finding[], { scores, sound, quality }: Sampled): Finding[] {
  const every = scores && !scores.truncated && scores.items.length > 0;
  return [
    ...(every ? spans.filter((span) => span.analyser !== "sensitive_content") : spans),
    ...(every ? scoresUntilNext(scores.items) : []),
    ...(sound?.items ?? []).filter((each) => each.label === "loudness_curve"),
    ...(quality && !quality.truncated ? quality.items.filter((each) => each.label === "quality") : []),
  ];
}

/** The item to jump to from `ms`: the next (or previous) one that begins elsewhere. */
export function neighbour(items: LaneItem[], ms: number, direction: 1 | -1): LaneItem | undefined {
  // A seek lands on a frame near the moment that was asked for; this keeps it from finding itself again.
  const slack = 120;
  return direction === 1 ? items.find((each) => each.start > ms + slack) : items.findLast((each) => each.start < ms - slack);
}
