/** States, names and problems in words. */

import type { ApiError } from "../api/client";
import type { Analysis, Decision, VideoStatus } from "../api/types";

const ANALYSERS: Record<string, string> = {
  age_estimation: "Age and expression",
  audio_analysis: "Sound",
  audio_environment: "Surroundings",
  background_segmentation: "People in front",
  body_pose: "Poses",
  camera_analysis: "Camera",
  color_analysis: "Colours",
  content_quality: "Technical quality",
  cut_analysis: "Cuts",
  eye_tracking: "Gaze",
  object_detection: "Objects",
  scene_segmentation: "Scenes",
  sensitive_content: "Sensitive content",
  speech_emotion: "Voice arousal",
  speech_flow: "Speakers and speed",
  speech_transcription: "Speech",
  temporal_description: "Description",
  temporal_flow: "Flow",
  text_overlay: "Text in the picture",
  title: "Title",
};

/** An analyser's name as a heading; unknown ones in plain words. */
export function analyserName(name: string): string {
  return ANALYSERS[name] ?? words(name);
}

/** `text_overlay` as `Text overlay`. */
export function words(name: string): string {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

export const STATUS_WORDS: Record<VideoStatus, string> = {
  created: "Waiting for its bytes",
  uploaded: "Waiting to be packaged",
  processing: "Being probed",
  transcoding: "Being packaged",
  ready: "Ready",
  failed: "Failed",
};

export const ANALYSIS_WORDS: Record<Analysis, string> = {
  queued: "Analysis waiting",
  running: "Being analysed",
  done: "Analysed",
  partial: "Partly analysed",
  failed: "Analysis failed",
};

export const DECISION_WORDS: Record<Decision, string> = {
  pending: "Not judged yet",
  safe: "Safe",
  harmful: "Harmful",
  review: "Needs review",
  unknown: "Unknown",
};

/** What a decision means, for the card and for tooltips. */
export const DECISION_MEANING: Record<Decision, string> = {
  pending: "The verdict comes when every analyser has ended.",
  safe: "The score is under the threshold.",
  harmful: "The score is at or over the threshold.",
  review: "The score is too near to the threshold; a person decides.",
  unknown: "Nothing in this video could be scored. This is not the same as safe.",
};

const REASONS: Record<string, string> = {
  unsupported_media: "weir cannot read this kind of file",
  truncated: "The file ends too early",
  over_limit: "The file is over a limit",
  empty: "The file is empty",
};

/** A reason of the form `code: words`, split. */
export function reasonWords(reason: string): { title: string; detail: string } {
  const match = /^([a-z][a-z0-9_]*):\s*(.*)$/s.exec(reason);
  if (!match) return { title: "It could not be packaged", detail: reason };
  const [, code = "", detail = ""] = match;
  return { title: REASONS[code] ?? words(code), detail };
}

const UPLOAD_PROBLEMS: Record<string, string> = {
  empty: "The file is empty.",
  too_large: "The file is larger than this server accepts.",
  disk_reserve: "The server's disk is nearly full; it takes no more uploads for now.",
  timeout: "The connection was too slow and the server gave up.",
  conflict: "A video with this external id is there already.",
  forbidden: "Your role may not upload.",
  csrf: "Your sign-in is out of date. Reload the page and try again.",
  unauthenticated: "You are signed out. Sign in and try again.",
  unreachable: "The connection was lost.",
  cancelled: "Cancelled.",
};

/** Why a file did not go up. */
export function uploadProblem(error: ApiError): string {
  return UPLOAD_PROBLEMS[error.code] ?? error.message;
}
