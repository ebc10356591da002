/** What is one value over the whole video, as cards; pure. */

import type { AnalysisAnswer, Finding } from "../api/types";
import { methodOf } from "../api/value";
import { filmCards } from "./film";
import { peopleCards } from "./people";
import { soundCards } from "./sound";

/** How a card's content came about, where a reader must know: rules of thumb, composed from other findings, guessed about persons. */
export type Mark = "heuristic" | "composed" | "guess";

export interface Fact {
  name: string;
  value: string;
  /** 0 to 1: drawn as a meter beside the value. */
  share?: number | undefined;
}

export interface Moment {
  ms: number;
  title: string;
  note?: string | undefined;
}

export interface Share {
  name: string;
  share: number;
  /** A number of the style sheet's `--lane-N`. */
  colour: number;
}

export interface WholeCard {
  id: string;
  analyser: string;
  title: string;
  marks: Mark[];
  /** One word or number that says most. */
  headline?: string | undefined;
  facts?: Fact[];
  /** Parts of the whole time, as a bar with a legend. */
  shares?: Share[];
  /** Colours with their shares. */
  palette?: { colour: string; share: number }[];
  /** What leads to a moment. */
  moments?: Moment[];
}

/** Findings of one analyser. */
export type Of = (analyser: string, ...labels: string[]) => Finding[];

/** Cards in the order in which they are shown; an analyser that told nothing of the whole has none. */
export function cardsOf(spans: Finding[]): WholeCard[] {
  const of: Of = (analyser, ...labels) => spans.filter((each) => each.analyser === analyser && (labels.length === 0 || labels.includes(each.label)));
  return [...filmCards(of), ...soundCards(of), ...peopleCards(of)].filter(holdsSomething);
}

function holdsSomething({ headline, facts, shares, palette, moments }: WholeCard): boolean {
  return headline !== undefined || [facts, shares, palette, moments].some((each) => each !== undefined && each.length > 0);
}

/** The marks that findings say of themselves. */
export function marksOf(findings: Finding[]): Mark[] {
  const methods = new Set(findings.map((each) => methodOf(each.value)));
  return (["composed", "heuristic"] as const).filter((each) => methods.has(each));
}

/** A fact, unless its value is not known. */
export function fact(name: string, value: number | undefined, words: (value: number) => string, share?: (value: number) => number): Fact[] {
  return value === undefined ? [] : [{ name, value: words(value), share: share?.(value) }];
}

/** How much of the time each label takes, the largest first. */
export function timeShares(findings: Finding[], colour: (label: string) => number): Share[] {
  const length = new Map<string, number>();
  for (const each of findings) length.set(each.label, (length.get(each.label) ?? 0) + Math.max(0, each.end_ms - each.start_ms));
  return shares(length, colour);
}

/** Parts of a sum, the largest first. */
export function shares(counts: ReadonlyMap<string, number>, colour: (label: string) => number): Share[] {
  const sum = [...counts.values()].reduce((total, each) => total + each, 0);
  if (sum <= 0) return [];
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => ({ name, share: count / sum, colour: colour(name) }))
    .sort((a, b) => b.share - a.share);
}

/** What a reader must know of an analyser, and which analysers a card cannot do without. */
export function limitsOf(analysis: AnalysisAnswer | undefined, analyser: string): string | undefined {
  return analysis?.analysers[analyser]?.limits ?? undefined;
}
