/** What a face's readings say, in words that do not promise more than they know; pure. */

import { numberOf, recordOf, textOf } from "../api/value";

/** `about 34 (26–42)`; nothing where no age was read. */
export function ageWords(value: Record<string, unknown>): string | undefined {
  const [age, low, high] = [numberOf(value.age), numberOf(value.age_low), numberOf(value.age_high)];
  if (age === undefined) return undefined;
  const about = `about ${Math.round(age)}`;
  return low === undefined || high === undefined ? about : `${about} (${Math.round(low)}–${Math.round(high)})`;
}

/** `looks happy`: what the face looks like, not what somebody feels. */
export function expressionWords(value: Record<string, unknown>): string | undefined {
  const label = textOf(recordOf(value.expression).label);
  return label === undefined ? undefined : `looks ${EXPRESSIONS[label] ?? label}`;
}

const EXPRESSIONS: Record<string, string> = { disgust: "disgusted", fear: "afraid", surprise: "surprised" };
