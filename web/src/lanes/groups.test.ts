import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { byGroup, refold } from "./groups";
import { lanesOf, withSamples } from "./lanes";
import { mostOf, placeOf } from "./recipes";

const told = (analyser: string, label: string, value?: unknown, more: Partial<Finding> = {}): Finding => ({ analyser, label, start_ms: 0, end_ms: 1000, confidence: 0.5, value, ...more });

describe("groups", () => {
  it("hold their lanes in one order and are left out when empty", () => {
    const lanes = lanesOf([
      told("content_quality", "blurry"),
      told("speech_flow", "turn", { speaker: 2 }),
      told("speech_flow", "turn", { speaker: 1 }),
      told("audio_environment", "music"),
      told("temporal_flow", "pace", { step_ms: 500, curve: [0.1, 0.5] }),
      told("camera_analysis", "pan_right"),
      told("cut_analysis", "dissolve"),
      told("cut_analysis", "rhythm"),
    ]);
    expect(byGroup(lanes).map((group) => [group.id, group.lanes.map((lane) => lane.title)])).toEqual([
      ["film", ["Dissolves", "Camera", "Pace"]],
      ["sound", ["Surroundings", "Speaker 1", "Speaker 2"]],
      ["quality", ["Blurry"]],
    ]);
  });

  it("fold and unfold", () => {
    expect(refold(["quality"], "film")).toEqual(["quality", "film"]);
    expect(refold(["quality", "film"], "quality")).toEqual(["film"]);
  });
});

describe("recipes", () => {
  it("say what stands in a lane", () => {
    expect(placeOf(told("scene_segmentation", "scene", { index: 0, setting: "outdoor", time_of_day: null }, { text: "street" }))?.text).toBe("Street, outdoor");
    expect(placeOf(told("scene_segmentation", "scene", { index: 4 }))?.text).toBe("Scene 5");
    expect(placeOf(told("temporal_flow", "repetition", { of_start_ms: 4000 }))?.text).toBe("As at 0:04");
    expect(placeOf(told("eye_tracking", "gaze", { camera_share: 0.25 }))?.text).toBe("At the camera 25 % of the time");
    expect(placeOf(told("body_pose", "pose", { gestures: { standing: 3, arm_raised: 9, lying: 0 } }))?.text).toBe("Arm raised, standing");
    expect(mostOf({}, 3)).toBeUndefined();
  });

  it("mark inferences about persons as guesses", () => {
    const guesses = ["age_estimation", "eye_tracking", "speech_emotion", "body_pose", "object_detection"].map((analyser) => placeOf(told(analyser, "x"))?.guess);
    expect(guesses).toEqual([true, true, true, undefined, undefined]);
    expect(lanesOf([told("speech_emotion", "arousal_high", { arousal: 0.8 })]).map((lane) => [lane.guess, lane.items[0]?.height])).toEqual([[true, 0.8]]);
  });

  it("leave out what is for a card", () => {
    const whole = [told("audio_analysis", "tempo"), told("audio_environment", "reverb"), told("content_quality", "summary"), told("color_analysis", "palette"), told("speech_flow", "flow"), told("scene_segmentation", "tag")];
    expect(whole.map(placeOf)).toEqual(whole.map(() => undefined));
  });

  it("of environments colour each item by its class", () => {
    const [lane] = lanesOf([told("audio_environment", "speech"), told("audio_environment", "music", undefined, { start_ms: 1000, end_ms: 2000 })]);
    expect(new Set(lane?.items.map((item) => item.colour)).size).toBe(2);
  });
});

describe("samples", () => {
  it("replace the spans of scores, add the curves, and are left out when they are not complete", () => {
    const spans = [told("sensitive_content", "nsfw"), told("cut_analysis", "cut")];
    const of = (items: Finding[], truncated = false) => ({ items, truncated });
    const all = withSamples(spans, {
      scores: of([told("sensitive_content", "nsfw"), told("sensitive_content", "nsfw", undefined, { start_ms: 1000 })]),
      sound: of([told("audio_analysis", "loudness_curve"), told("audio_analysis", "spectrum")]),
      quality: of([told("content_quality", "quality"), told("content_quality", "summary")]),
    });
    expect(all.map((each) => each.label)).toEqual(["cut", "nsfw", "nsfw", "loudness_curve", "quality"]);
    const parts = withSamples(spans, { scores: of([], true), sound: undefined, quality: of([told("content_quality", "quality")], true) });
    expect(parts).toEqual(spans);
  });
});
