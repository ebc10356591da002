/** Segments and words of a transcript from `speech_transcription`'s findings; pure. */

import type { Finding } from "../api/types";
import { isRecord, recordOf } from "../api/value";

export interface Word {
  text: string;
  start: number;
  end: number;
}

export interface Segment {
  start: number;
  end: number;
  text: string;
  /** Empty when the analyser gave none: the text is shown as one. */
  words: Word[];
  language: string | undefined;
  confidence: number;
}

function wordOf(value: unknown): Word[] {
  if (!isRecord(value)) return [];
  const { word, start_ms, end_ms } = value;
  if (typeof word !== "string" || typeof start_ms !== "number" || typeof end_ms !== "number") return [];
  const text = word.trim();
  return text === "" ? [] : [{ text, start: start_ms, end: end_ms }];
}

/** Segments in time order. */
export function segmentsOf(findings: Finding[]): Segment[] {
  return findings
    .filter((finding) => finding.analyser === "speech_transcription" && finding.text)
    .map((finding) => {
      const value = recordOf(finding.value);
      return {
        start: finding.start_ms,
        end: finding.end_ms,
        text: finding.text ?? "",
        words: Array.isArray(value.words) ? value.words.flatMap(wordOf) : [],
        language: typeof value.language === "string" ? value.language : undefined,
        confidence: finding.confidence,
      };
    })
    .sort((a, b) => a.start - b.start);
}

/** Index of the last entry that begins at or before `ms`, if it has not ended more than `slackMs` ago; else -1. */
export function currentAt(entries: { start: number; end: number }[], ms: number, slackMs: number): number {
  const index = entries.findLastIndex((entry) => entry.start <= ms);
  const entry = entries[index];
  return entry && ms <= entry.end + slackMs ? index : -1;
}

/** The text of a segment as its words make it, and where in it each word stands: what is searched is what is shown. */
export function shownText(segment: Pick<Segment, "text" | "words">): { text: string; words: { from: number; to: number }[] } {
  if (segment.words.length === 0) return { text: segment.text, words: [] };
  let text = "";
  const words = segment.words.map((word) => {
    const from = text === "" ? 0 : text.length + 1;
    text = text === "" ? word.text : `${text} ${word.text}`;
    return { from, to: text.length };
  });
  return { text, words };
}
