/** Colours of the lanes: numbers of the style sheet's `--lane-N`. A class has one colour in the lanes, the lists and over the picture. */

export const PERSON_COLOUR = 0;
export const TEXT_COLOUR = 1;
export const SPEECH_COLOUR = 2;
export const PLAIN_COLOUR = 8;
export const SENSITIVE_COLOUR = 9;

const CLASS_COLOURS = [3, 4, 5, 6, 7];

/** Colours for classes in the order in which they are shown: neighbours differ, and persons have the same colour in every video. */
export function classColours(labels: string[]): Map<string, number> {
  const others = labels.filter((label) => label !== "person");
  const colours = new Map(others.map((label, index) => [label, CLASS_COLOURS[index % CLASS_COLOURS.length] ?? PLAIN_COLOUR]));
  if (labels.includes("person")) colours.set("person", PERSON_COLOUR);
  return colours;
}
