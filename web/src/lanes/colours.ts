/** Colours of the lanes: numbers of the style sheet's `--lane-N`. A class has one colour in the lanes, the lists and over the picture. */

export const PERSON_COLOUR = 0;
export const TEXT_COLOUR = 1;
export const SPEECH_COLOUR = 2;
export const FACE_COLOUR = 6;
export const POSE_COLOUR = 5;
export const GAZE_COLOUR = 4;
export const MASK_COLOUR = 7;
export const MUSIC_COLOUR = 4;
export const OVERLAP_COLOUR = 3;
export const FILM_COLOUR = 7;
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

const SPEAKER_COLOURS = [2, 0, 3, 1, 6, 5];

/** Of a speaker, counted from 1. */
export function speakerColour(speaker: number): number {
  return SPEAKER_COLOURS[(Math.max(1, speaker) - 1) % SPEAKER_COLOURS.length] ?? SPEECH_COLOUR;
}
