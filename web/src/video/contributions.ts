/** What each modality adds to a verdict's score; pure. */

import type { Modality, Verdict } from "../api/types";

export interface Contribution {
  modality: Modality;
  /** Nothing when there was nothing to score. */
  score: number | undefined;
  /** Its share of the score; 0 when it is absent. The shares of those present add up to 1. */
  weight: number;
  /** weight × score. */
  part: number;
}

/**
 * The weighted mean taken apart: text with `text_weight`, video with the rest, and the whole weight for the one when the other
 * is absent. Audio has no weight in this method; it is listed because a verdict names it.
 */
export function contributions(verdict: Pick<Verdict, "text" | "video" | "audio" | "text_weight">): Contribution[] {
  const base: Record<Modality, number> = { text: verdict.text_weight, video: 1 - verdict.text_weight, audio: 0 };
  const order: Modality[] = ["text", "video", "audio"];
  const held = order.map((modality) => ({ modality, score: verdict[modality] ?? undefined }));
  const sum = held.reduce((total, each) => total + (each.score === undefined ? 0 : base[each.modality]), 0);
  return held.map(({ modality, score }) => {
    // A weight of 0 still counts in full when it is the only one that is there.
    const alone = sum === 0 && score !== undefined && base[modality] === 0 && modality !== "audio";
    const weight = score === undefined ? 0 : alone ? 1 : sum === 0 ? 0 : base[modality] / sum;
    return { modality, score, weight, part: weight * (score ?? 0) };
  });
}
