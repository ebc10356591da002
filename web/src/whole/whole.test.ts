import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { cardsOf, shares, timeShares } from "./cards";
import { summed } from "./people";

const told = (analyser: string, label: string, value?: unknown, more: Partial<Finding> = {}): Finding => ({ analyser, label, start_ms: 0, end_ms: 1000, confidence: 1, value, ...more });

describe("cards", () => {
  it("are there for what was told, and for nothing else", () => {
    expect(cardsOf([])).toEqual([]);
    const cards = cardsOf([
      told("cut_analysis", "rhythm", { pace: "very_fast", shots: 12, method: "heuristic" }),
      told("cut_analysis", "cut"),
      told("audio_analysis", "loudness", { integrated_lufs: -18.24, true_peak_dbtp: -0.4 }),
      told("temporal_description", "description", { method: "composed" }, { text: "A street." }),
    ]);
    expect(cards.map((card) => [card.id, card.marks, card.headline])).toEqual([
      ["description", ["composed"], undefined],
      ["rhythm", ["heuristic"], "Very fast"],
      ["loudness", [], "-18.2 LUFS"],
    ]);
    expect(cards[2]?.facts).toEqual([{ name: "True peak", value: "-0.4 dBTP, may clip", share: undefined }]);
  });

  it("about persons are guesses", () => {
    const cards = cardsOf([
      told("age_estimation", "face", { age: 33.6, age_low: 25.1, age_high: 41.9, expression: { label: "fear", score: 0.7 } }),
      told("age_estimation", "face", { age: null, expression: null }),
      told("speech_emotion", "arousal_high", { arousal: 0.9, method: "heuristic" }),
      told("eye_tracking", "gaze", { directions: { camera: 3, left: 1 }, method: "heuristic" }),
    ]);
    expect(cards.map((card) => [card.id, card.marks.includes("guess")])).toEqual([["arousal", true], ["faces", true], ["gaze", true]]);
    expect(cards[1]?.moments?.map((each) => each.title)).toEqual(["About 34 (25–42), looks afraid", "Too small to be read"]);
    expect(cards[2]?.shares?.map((each) => [each.name, each.share])).toEqual([["At the camera", 0.75], ["Left", 0.25]]);
  });

  it("say nothing where a value is missing or odd", () => {
    expect(cardsOf([told("color_analysis", "palette", { palette: [{ color: "red", share: 1 }, "odd"], bars: null })])).toEqual([]);
    expect(cardsOf([told("audio_analysis", "loudness", null), told("speech_flow", "flow", { words: "many" })])).toEqual([]);
  });
});

describe("shares", () => {
  it("are parts of the time or of a sum, the largest first", () => {
    expect(timeShares([told("a", "x", 0, { end_ms: 100 }), told("a", "y", 0, { end_ms: 300 })], () => 1).map((each) => [each.name, each.share])).toEqual([["y", 0.75], ["x", 0.25]]);
    expect(shares(new Map([["x", 0]]), () => 1)).toEqual([]);
    expect([...summed([{ a: 1, b: 2 }, { a: 3, odd: "x" }, null])]).toEqual([["a", 4], ["b", 2], ["odd", 0]]);
  });
});
