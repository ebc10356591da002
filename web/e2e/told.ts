/** What nineteen analysers might tell of a video of a minute, in the shapes that they document: the same on every machine. */

import type { Page } from "@playwright/test";

type Told = Record<string, unknown>;

const DURATION_MS = 60_000;
const SIZE = { width: 1280, height: 720 };

const span = (analyser: string, label: string, start_ms: number, end_ms: number, more: Told = {}): Told => ({ analyser, label, start_ms, end_ms, confidence: 0.8, count: 1, ...more });
const whole = (analyser: string, label: string, value: Told, more: Told = {}): Told => span(analyser, label, 0, DURATION_MS, { confidence: 1, value, ...more });
const every = (step: number, tell: (ms: number, index: number) => Told) => Array.from({ length: DURATION_MS / step }, (_, index) => tell(index * step, index));

const hex = (share: number) => Math.round(255 * share).toString(16).padStart(2, "0");
const sine = (index: number, period: number) => 0.5 + 0.5 * Math.sin((index / period) * 2 * Math.PI);

const CUTS = [4000, 9000, 15_500, 22_000, 31_000, 36_500, 44_000, 52_000];

const FILM: Told[] = [
  ...CUTS.map((ms) => span("cut_analysis", "cut", ms, ms, { frame: ms / 40 })),
  span("cut_analysis", "fade", 59_000, 59_400),
  span("cut_analysis", "dissolve", 27_000, 28_000, { value: { transnetv2: 0.91 } }),
  whole("cut_analysis", "rhythm", { shots: 10, cuts_per_minute: 9, pace: "moderate", variation: 0.42, shot_ms: { mean: 6000, median: 6500, shortest: 3000, longest: 9000 }, method: "heuristic" }),
  ...[["street", "outdoor", "day"], ["kitchen", "indoor", null], ["stage", "indoor", "night"]].map(([place, setting, time_of_day], index) =>
    span("scene_segmentation", "scene", index * 20_000, (index + 1) * 20_000, {
      text: place,
      value: { index, shots: 3, setting, time_of_day, tags: [{ tag: place, confidence: 0.7 }, { tag: "lamp", confidence: 0.4 }], method: "heuristic" },
    }),
  ),
  span("scene_segmentation", "tag", 0, 20_000, { text: "street" }),
  span("temporal_description", "description", 0, 30_000, { text: "Outdoors, by day, it looks like: street. Two persons and a dog are seen. The camera pans to the right.", value: { method: "composed", from: ["scene_segmentation"] } }),
  span("temporal_description", "description", 30_000, 60_000, { text: "Indoors, it looks like: stage. A person speaks: “And so, my fellow Americans”. Music plays.", value: { method: "composed", from: ["scene_segmentation"] } }),
  span("camera_analysis", "static", 0, 8000),
  span("camera_analysis", "pan_right", 8000, 16_000, { value: { speed: 12 } }),
  span("camera_analysis", "zoom_in", 20_000, 28_000),
  span("camera_analysis", "handheld", 30_000, 58_000),
  whole("temporal_flow", "pace", { step_ms: 500, curve: Array.from({ length: 120 }, (_, index) => 0.15 + 0.7 * sine(index, 48) * (index / 120)), mean: 0.38, trend: "rising", method: "heuristic" }),
  span("temporal_flow", "hook", 0, 3000, { value: { score: 0.62, motion: 0.5, cuts: 0.2, sound: 0.7, text: 1, person: 1, method: "heuristic" } }),
  span("temporal_flow", "climax", 46_000, 52_000, { value: { energy: 0.8, mean: 0.38, at: 0.82, method: "heuristic" } }),
  span("temporal_flow", "repetition", 52_000, 59_000, { value: { of_start_ms: 4000, of_end_ms: 9000, distance: 5, method: "heuristic" } }),
  whole("color_analysis", "palette", {
    brightness: 0.42, contrast: 0.2, saturation: 0.31, colorfulness: 44, temperature_k: 5230, bars: [0.06, 0, 0.06, 0],
    palette: [["#22303c", 0.41], ["#8a6b4d", 0.26], ["#c9b79c", 0.17], ["#4d7a8c", 0.1], ["#e2552f", 0.06]].map(([color, share]) => ({ color, share })),
  }),
  whole("color_analysis", "color_strip", { step_ms: 250, colors: Array.from({ length: 240 }, (_, index) => `#${hex(0.2 + 0.5 * sine(index, 90))}${hex(0.2 + 0.4 * sine(index, 60))}${hex(0.3 + 0.4 * sine(index, 130))}`) }),
];

const SOUND: Told[] = [
  whole("audio_analysis", "loudness", { integrated_lufs: -18.2, range_lu: 6.1, true_peak_dbtp: -0.4, max_momentary_lufs: -11.9, max_short_term_lufs: -14.3 }),
  whole("audio_analysis", "tempo", { bpm: 118.6, share: 0.72, beats: 84 }, { confidence: 0.44 }),
  whole("audio_analysis", "key", { key: "A", mode: "minor", likeness: 0.81, second: 0.7, tuning_cents: 4 }, { confidence: 0.6 }),
  span("audio_analysis", "silence", 56_000, 57_200),
  ...(["speech", "music", "noise", "music", "speech", "silence"] as const).map((label, index) => span("audio_environment", label, index * 10_000, (index + 1) * 10_000)),
  span("audio_environment", "hum", 0, 20_000, { value: { mains_hz: 50, above_db: 12, method: "heuristic" } }),
  whole("audio_environment", "reverb", { rt60_s: 0.48, room: "room", decays: 7, method: "heuristic" }),
  ...["And so, my fellow Americans, ask not", "what your country can do for you;", "ask what you can do for your café."].map((text, line) =>
    span("speech_transcription", "speech", 2000 + line * 9000, 9000 + line * 9000, {
      text,
      value: { language: "en", words: text.split(" ").map((word, index) => ({ word, start_ms: 2000 + line * 9000 + index * 700, end_ms: 2600 + line * 9000 + index * 700, confidence: 0.9 })) },
    }),
  ),
  ...[[1, 2000, 9000], [2, 11_000, 18_000], [1, 20_000, 27_000]].map(([speaker = 1, from = 0, to = 0]) => span("speech_flow", "turn", from, to, { value: { speaker, words: 12, words_per_minute: 130 } })),
  span("speech_flow", "pause", 9000, 11_000),
  span("speech_flow", "filler", 18_400, 18_700, { text: "um" }),
  span("speech_flow", "overlap", 18_000, 18_600, { value: { speakers: [1, 2], method: "heuristic" } }),
  ...[0, 1, 2].map((index) => span("speech_flow", "rate", index * 10_000, (index + 1) * 10_000, { value: { words: 22, words_per_minute: 110 + index * 30, articulation_rate: 180 } })),
  whole("speech_flow", "flow", { words: 22, words_per_minute: 131, articulation_rate: 182, pauses: 2, mean_pause_ms: 1900, fillers: 1, speakers: 2, turns: 3 }),
  ...[["arousal_low", 0.2], ["arousal_medium", 0.5], ["arousal_high", 0.8]].map(([label, arousal], index) =>
    span("speech_emotion", String(label), 2000 + index * 9000, 9000 + index * 9000, { confidence: 0.4, value: { arousal, pitch_hz: 142, method: "heuristic" } }),
  ),
];

const FACE = { age: 34, age_low: 26, age_high: 42, expression: { label: "happy", score: 0.8 } };

const PEOPLE: Told[] = [
  span("object_detection", "person", 0, 40_000, { value: { track: 1, at_once: 1 } }),
  span("object_detection", "person", 20_000, 58_000, { value: { track: 2, at_once: 1 } }),
  span("object_detection", "dog", 5000, 14_000, { value: { track: 3, at_once: 1 } }),
  span("object_detection", "cow", 5000, 14_000, { confidence: 0.2 }),
  span("age_estimation", "face", 0, 40_000, { value: { track: 1, at_once: 1, readings: 9, ...FACE } }),
  span("age_estimation", "face", 30_000, 58_000, { value: { track: 2, age: null, expression: null, readings: 0 } }),
  span("eye_tracking", "gaze", 0, 40_000, { value: { track: 1, samples: 40, camera_share: 0.6, closed_share: 0.05, directions: { camera: 24, left: 10, down: 4, closed: 2 }, method: "heuristic" } }),
  span("body_pose", "pose", 0, 40_000, { value: { track: 1, at_once: 1, gestures: { standing: 30, arm_raised: 6 } } }),
  span("background_segmentation", "foreground", 0, 58_000, { value: { share: 0.23 } }),
  ...["SALE 50 %", "Đường phố", "weir"].map((text, index) => span("text_overlay", "text", 6000 + index * 12_000, 14_000 + index * 12_000, { text, value: { track: index, at_once: 1 } })),
];

const HARM_AND_QUALITY: Told[] = [
  span("sensitive_content", "nsfw", 0, DURATION_MS, { confidence: 0.12, value: { shot: 0, class: null, severity: 0 } }),
  span("content_quality", "blurry", 12_000, 20_000, { value: { worst: 0.8, samples: 4, method: "heuristic" } }),
  span("content_quality", "frozen", 56_000, 60_000, { value: { worst: 4, samples: 2, method: "heuristic" } }),
  whole("content_quality", "letterbox", { method: "heuristic" }, { box: [0, 44, 1280, 632] }),
  whole("content_quality", "summary", { score: 68, brisque: 28.4, sharpness: 0.61, blockiness: 0.18, noise: 3.2, brightness: 0.42, dark: 0.11, bright: 0.02, detail: 0.9, method: "heuristic" }),
];

const SPANS = [...FILM, ...SOUND, ...PEOPLE, ...HARM_AND_QUALITY];

/** COCO's 17 points of somebody who stands with one arm raised, within a box of 200 × 500. */
const POINTS = [
  [100, 40], [110, 32], [90, 32], [122, 40], [78, 40], [140, 110], [60, 110], [170, 70], [40, 180], [180, 10], [36, 250],
  [125, 260], [75, 260], [128, 370], [72, 370], [130, 480], [70, 480],
].map(([x = 0, y = 0], index) => [420 + x, 140 + y, index === 16 ? 0.2 : 0.8]);

/** A mask of 32 × 18 cells with a person in the middle, packed as the analyser packs it. */
function bits(): string {
  const cells = Array.from({ length: 32 * 18 }, (_, at) => Math.abs((at % 32) - 13) < 3 && Math.floor(at / 32) > 3);
  const bytes = Array.from({ length: cells.length / 8 }, (_, byte) => cells.slice(byte * 8, byte * 8 + 8).reduce((sum, cell, bit) => sum | (cell ? 128 >> bit : 0), 0));
  return Buffer.from(bytes).toString("base64");
}

const SAMPLES: Record<string, Told[]> = {
  sensitive_content: every(1000, (ms, index) => ({ label: "nsfw", start_ms: ms, end_ms: ms, confidence: 0.1 + 0.2 * sine(index, 15), value: {} })),
  content_quality: every(2000, (ms, index) => ({ label: "quality", start_ms: ms, end_ms: ms, confidence: 1, value: { score: 50 + 30 * sine(index, 9) } })),
  audio_analysis: [
    { label: "loudness_curve", start_ms: 0, end_ms: DURATION_MS, confidence: 1, value: { step_ms: 100, momentary_lufs: Array.from({ length: 600 }, (_, index) => (index > 555 && index < 575 ? null : -32 + 20 * sine(index, 70) * sine(index, 13))) } },
  ],
  object_detection: every(1000, (ms) => ({ label: "person", start_ms: ms, end_ms: ms, confidence: 0.83, box: [410, 130, 220, 510], value: { track: 1 } })),
  text_overlay: every(1000, (ms) => ({ label: "text", start_ms: ms, end_ms: ms, confidence: 0.9, box: [80, 60, 240, 60], text: "SALE 50 %", value: { track: 0 } })),
  body_pose: every(1000, (ms) => ({ label: "pose", start_ms: ms, end_ms: ms, confidence: 0.8, box: [420, 140, 200, 500], value: { track: 1, score: 0.7, points: POINTS, gestures: ["standing", "arm_raised"] } })),
  age_estimation: every(1000, (ms) => ({ label: "face", start_ms: ms, end_ms: ms, confidence: 0.9, box: [485, 145, 70, 80], value: { track: 1, ...FACE } })),
  eye_tracking: every(1000, (ms) => ({
    label: "gaze", start_ms: ms, end_ms: ms, confidence: 0.9, box: [485, 145, 70, 80],
    value: { track: 1, direction: "right", looking_at_camera: false, yaw: 34, pitch: 8, head: { yaw: 20, pitch: 4, roll: 0 }, method: "heuristic", eyes: [[508, 172], [532, 172]].map((iris) => ({ iris, corners: [], openness: 0.3, closed: false })) },
  })),
  background_segmentation: every(1000, (ms) => ({ label: "foreground", start_ms: ms, end_ms: ms, confidence: 0.9, box: [400, 160, 200, 560], value: { share: 0.12, centroid: [540, 440], mask: { width: 32, height: 18, bits: bits() } } })),
};

/** Analyses with every status; the worst ones have what a reader must see. */
function analysis(id: string): Told {
  const names = [...new Set(SPANS.map((each) => String(each.analyser)))];
  const result = (name: string): Told => ({
    status: "done", version: 1, model: "a model", ms: 1200, samples: 60, limits: `What ${name} cannot do.`,
    spans: SPANS.filter((each) => each.analyser === name).length, counts: { seen: 3 },
  });
  const analysers = Object.fromEntries(names.map((name) => [name, result(name)]));
  analysers.body_pose = { ...analysers.body_pose, recovery: ["batch 8 → 4 after the process ran out of memory", "run alone"] };
  analysers.content_quality = { ...analysers.content_quality, status: "degraded", reason: "model `brisque` is not here; run weir models pull" };
  return { stream_id: id, analysis: "partial", duration_ms: DURATION_MS, analysers };
}

/** The same with every time and length multiplied: what is told fits the video that is played. */
function scaled(value: unknown, factor: number): unknown {
  if (Array.isArray(value)) return value.map((each) => scaled(each, factor));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [name, name.endsWith("_ms") && typeof held === "number" ? Math.round(held * factor) : scaled(held, factor)]),
  );
}

/** Answers what is asked about the analysis of `id`, a video of `durationMs`, with the above. */
export async function tell(page: Page, id: string, durationMs: number): Promise<void> {
  const factor = durationMs / DURATION_MS;
  await page.route(`**/api/videos/${id}/analysis`, (route) => route.fulfill({ json: analysis(id) }));
  await page.route(`**/api/videos/${id}/findings?*`, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const analyser = query.get("analyser") ?? "";
    const [from, to] = [Number(query.get("from_ms") ?? 0), Number(query.get("to_ms") ?? Number.POSITIVE_INFINITY)];
    const told = query.get("detail") === "samples" ? (SAMPLES[analyser] ?? []).map((each) => ({ analyser, ...each })) : SPANS;
    const items = (scaled(told, factor) as Told[]).filter((each) => Number(each.end_ms) >= from && Number(each.start_ms) <= to);
    return route.fulfill({ json: { items, truncated: false } });
  });
  await page.route(`**/api/vod/${id}/metadata`, async (route) => {
    const answer = await route.fetch();
    const video = (await answer.json()) as { media: { video: Told } };
    return route.fulfill({ response: answer, json: { ...video, media: { ...video.media, video: { ...video.media.video, ...SIZE } } } });
  });
}
