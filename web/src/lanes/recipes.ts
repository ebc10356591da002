/** Which lane a finding belongs to, by analyser: what the lane is called, how it is drawn, and what stands in it. */

import type { Finding } from "../api/types";
import { listOf, numberOf, recordOf, textOf } from "../api/value";
import { clock } from "../format/time";
import { words } from "../format/words";
import { ageWords, expressionWords } from "../video/face-words";
import {
  FACE_COLOUR,
  FILM_COLOUR,
  GAZE_COLOUR,
  MASK_COLOUR,
  MUSIC_COLOUR,
  OVERLAP_COLOUR,
  PLAIN_COLOUR,
  POSE_COLOUR,
  SENSITIVE_COLOUR,
  SPEECH_COLOUR,
  speakerColour,
  TEXT_COLOUR,
} from "./colours";
import type { GroupId } from "./groups";

export type LaneKind = "marks" | "spans" | "text" | "score" | "curve" | "strip";

/** What a lane says of a finding. */
export interface Place {
  /** Part of the analyser's lanes; empty where it has one. */
  lane: string;
  title: string;
  kind: LaneKind;
  group: GroupId;
  /** Among the lanes of its group. */
  order: number;
  colour: number;
  /** What stands in it; the finding's own text unless said. */
  text?: string | undefined;
  /** The item's own colour, where it is not the lane's. */
  itemColour?: number | undefined;
  /** 0 to 1, for `score`; the confidence unless said. */
  height?: number | undefined;
  /** An inference about a person: shown as a guess. */
  guess?: true;
}

type Recipe = (finding: Finding) => Place | undefined;

const lane = (group: GroupId, order: number, kind: LaneKind, title: string, colour: number, part = ""): Place => ({ lane: part, title, kind, group, order, colour });

const CUTS: Record<string, Place> = {
  cut: lane("film", 1, "marks", "Cuts", PLAIN_COLOUR, "cut"),
  fade: lane("film", 2, "marks", "Fades", PLAIN_COLOUR, "fade"),
  dissolve: lane("film", 3, "spans", "Dissolves", PLAIN_COLOUR, "dissolve"),
};

/** The names of `object` with the highest numbers first, for example `Standing, arms raised`. */
export function mostOf(object: unknown, most: number): string | undefined {
  const counted = Object.entries(recordOf(object)).flatMap(([name, count]): [string, number][] => (numberOf(count) ? [[name, Number(count)]] : []));
  const names = counted.toSorted((a, b) => b[1] - a[1]).slice(0, most).map(([name]) => name.replaceAll("_", " "));
  return names.length === 0 ? undefined : words(names.join(", "));
}

function sceneWords({ text, value }: Finding): string {
  const { index, setting, time_of_day } = recordOf(value);
  const said = [text, textOf(setting), textOf(time_of_day)].filter((each) => each != null).join(", ");
  return said === "" ? `Scene ${(numberOf(index) ?? 0) + 1}` : words(said);
}

const STRUCTURE: Record<string, (value: Record<string, unknown>) => string> = {
  hook: () => "Hook",
  climax: () => "Climax",
  loop: (value) => (value.kind === "back" ? "Ends as it begins" : "Goes round"),
  repetition: (value) => `As at ${clock(numberOf(value.of_start_ms) ?? 0)}`,
};

function structure({ label, value }: Finding): Place | undefined {
  const text = STRUCTURE[label]?.(recordOf(value));
  return text === undefined ? undefined : { ...lane("film", 7, "text", "Structure", FILM_COLOUR, "structure"), text };
}

function face({ value }: Finding): Place {
  const held = recordOf(value);
  const text = [ageWords(held), expressionWords(held)].filter((each) => each !== undefined).join(", ");
  return { ...lane("things", 2, "spans", "Faces", FACE_COLOUR), text: text || undefined, guess: true };
}

function gaze({ value }: Finding): Place {
  const held = recordOf(value);
  const share = numberOf(held.camera_share);
  const text = share === undefined ? mostOf(held.directions, 2) : `At the camera ${Math.round(share * 100)} % of the time`;
  return { ...lane("things", 3, "spans", "Gaze", GAZE_COLOUR), text, guess: true };
}

function speech({ label, text, value }: Finding): Place | undefined {
  if (label === "turn") {
    const speaker = numberOf(recordOf(value).speaker) ?? 0;
    return { ...lane("sound", 3, "spans", `Speaker ${speaker}`, speakerColour(speaker), `turn:${speaker}`), order: 3 + speaker / 1000 };
  }
  if (label === "pause") return lane("sound", 5, "spans", "Pauses", PLAIN_COLOUR, "pause");
  if (label === "filler") return { ...lane("sound", 6, "text", "Fillers", TEXT_COLOUR, "filler"), text: text ?? undefined };
  if (label === "overlap") return { ...lane("sound", 4, "spans", "Overlap", OVERLAP_COLOUR, "overlap"), text: `Speakers ${listOf(recordOf(value).speakers).join(" and ")}` };
  return undefined;
}

const ENVIRONMENT: Record<string, number> = { speech: SPEECH_COLOUR, music: MUSIC_COLOUR, noise: TEXT_COLOUR, silence: PLAIN_COLOUR };

function environment({ label }: Finding): Place | undefined {
  const colour = ENVIRONMENT[label];
  if (colour !== undefined) return { ...lane("sound", 1, "text", "Surroundings", PLAIN_COLOUR), text: words(label), itemColour: colour };
  if (label === "hum") return lane("sound", 8, "spans", "Hum", PLAIN_COLOUR, label);
  if (label === "crowd_like") return lane("sound", 9, "spans", "Crowd-like", PLAIN_COLOUR, label);
  return undefined;
}

function arousal({ label, value }: Finding): Place {
  const height = numberOf(recordOf(value).arousal);
  return { ...lane("sound", 7, "score", "Arousal", GAZE_COLOUR), text: words(label.replace("arousal_", "")), height, guess: true };
}

/** What `content_quality` tells of the whole is for its card. */
const WHOLE_QUALITY = new Set(["summary", "letterbox", "pillarbox", "upscaled", "quality"]);

const RECIPES: Record<string, Recipe> = {
  cut_analysis: ({ label }) => CUTS[label],
  scene_segmentation: (finding) => (finding.label === "scene" ? { ...lane("film", 4, "text", "Scenes", FILM_COLOUR, "scene"), text: sceneWords(finding) } : undefined),
  temporal_description: () => lane("film", 5, "text", "Description", PLAIN_COLOUR),
  camera_analysis: ({ label }) => ({ ...lane("film", 6, "text", "Camera", PLAIN_COLOUR), text: words(label), itemColour: label === "static" ? PLAIN_COLOUR : 0 }),
  temporal_flow: structure,
  color_analysis: () => undefined,
  object_detection: ({ label }) => lane("things", 1, "spans", words(label), PLAIN_COLOUR, label),
  age_estimation: face,
  eye_tracking: gaze,
  body_pose: ({ value }) => ({ ...lane("things", 4, "spans", "Poses", POSE_COLOUR), text: mostOf(recordOf(value).gestures, 3) }),
  background_segmentation: ({ label }) => ({ ...lane("things", 5, "spans", label === "subject" ? "Subject" : "In front", MASK_COLOUR, label) }),
  text_overlay: () => lane("text", 0, "text", "Text", TEXT_COLOUR),
  speech_transcription: () => lane("sound", 2, "text", "Speech", SPEECH_COLOUR),
  speech_flow: speech,
  audio_environment: environment,
  speech_emotion: arousal,
  audio_analysis: ({ label }) => (label === "silence" ? lane("sound", 10, "spans", "Silence", PLAIN_COLOUR, label) : undefined),
  sensitive_content: () => lane("harm", 0, "score", "Sensitive", SENSITIVE_COLOUR),
  content_quality: ({ label }) => (WHOLE_QUALITY.has(label) ? undefined : lane("quality", 1, "spans", words(label), PLAIN_COLOUR, label)),
};

/** An analyser that this page does not know yet still gets lanes: one per label. */
export function placeOf(finding: Finding): Place | undefined {
  const recipe = RECIPES[finding.analyser];
  return recipe ? recipe(finding) : lane("other", 0, "spans", words(finding.label), PLAIN_COLOUR, finding.label);
}
