/** Colours of classes: the same class has the same colour in the lanes, the lists and over the picture. */

/** How many colours the style sheet has (`--lane-0` …). */
export const COLOURS = 8;

const FIXED: Record<string, number> = { person: 0, text: 1, speech: 2, car: 3, bus: 4, dog: 5, cat: 6, bicycle: 7 };

/** A number from 0 to 7 for a label: fixed for the most frequent, else from its letters. */
export function colourOf(label: string): number {
  const fixed = FIXED[label];
  if (fixed !== undefined) return fixed;
  let sum = 0;
  for (const letter of label) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % COLOURS;
}
