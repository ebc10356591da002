import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { type Curve, curvePaths, loudnessCurve, paceCurve, pointNear, samplesCurve, stripOf, stripRuns } from "./curve";
import { seriesOf } from "./series";

const told = (analyser: string, label: string, value: unknown, start_ms = 0, end_ms = 1000): Finding => ({ analyser, label, start_ms, end_ms, confidence: 1, value });
const curve = (values: (number | undefined)[]): Curve => ({ points: values.map((value, index) => ({ ms: index * 100, value })), low: 0, high: 10, words: String });

describe("curves", () => {
  it("are read step by step, each value in the middle of its step", () => {
    const read = loudnessCurve(told("audio_analysis", "loudness_curve", { step_ms: 100, momentary_lufs: [-20, null, -30] }));
    expect(read?.points).toEqual([{ ms: 50, value: -20 }, { ms: 150, value: undefined }, { ms: 250, value: -30 }]);
    expect(read?.words(-20)).toBe("-20.0 LUFS");
  });

  it("are none where nothing was measured or the steps are not told", () => {
    expect(loudnessCurve(told("audio_analysis", "loudness_curve", { step_ms: 100, momentary_lufs: [null, null] }))).toBeUndefined();
    expect(paceCurve(told("temporal_flow", "pace", { curve: [1, 2] }))).toBeUndefined();
    expect(paceCurve(told("temporal_flow", "pace", "odd"))).toBeUndefined();
  });

  it("of samples stand in the middle of each, in time order", () => {
    const found = [told("speech_flow", "rate", { words_per_minute: 90 }, 10_000, 20_000), told("speech_flow", "rate", { words_per_minute: 120 }, 0, 10_000)];
    const read = samplesCurve(found, (value) => Number(value.words_per_minute), { low: 0, high: 240, words: String });
    expect(read?.points).toEqual([{ ms: 5000, value: 120 }, { ms: 15_000, value: 90 }]);
  });

  it("become paths, interrupted where nothing is known, out of range on the edge", () => {
    const { line, area } = curvePaths(curve([0, 10, undefined, 20, 5]), 0.1, 24);
    expect(line).toBe("M0 24L10 0M30 0L40 12");
    expect(area).toBe("M0 24L0 24L10 0L10 24ZM30 24L30 0L40 12L40 24Z");
  });

  it("show a point that has no neighbours", () => {
    expect(curvePaths(curve([undefined, 5, undefined]), 0.1, 24).line).toBe("M8.5 12L11.5 12");
  });

  it("are read off at the nearest known point", () => {
    expect([0, 149, 260].map((ms) => pointNear(curve([1, undefined, 3]), ms)?.value)).toEqual([1, 3, 3]);
    expect([99, 101].map((ms) => pointNear(curve([1, undefined, 3]), ms)?.ms)).toEqual([0, 200]);
  });
});

describe("colour strips", () => {
  it("take colours only, and join neighbours of one colour", () => {
    const strip = stripOf(told("color_analysis", "color_strip", { step_ms: 500, colors: ["#aa0000", "#aa0000", "url(x)", "#00BB00"] }));
    expect(strip && stripRuns(strip)).toEqual([
      { from: 0, to: 1000, colour: "#aa0000" },
      { from: 1500, to: 2000, colour: "#00BB00" },
    ]);
    expect(stripOf(told("color_analysis", "color_strip", { step_ms: 0, colors: ["#aa0000"] }))).toBeUndefined();
  });
});

describe("series", () => {
  it("are the lanes of what is told as rows of numbers and colours", () => {
    const lanes = seriesOf([
      told("temporal_flow", "pace", { step_ms: 100, curve: [0.1, 0.2] }),
      told("color_analysis", "color_strip", { step_ms: 500, colors: ["#aa0000"] }),
      told("audio_analysis", "loudness_curve", { step_ms: 100, momentary_lufs: [-3] }),
      told("content_quality", "quality", { score: 50 }),
      told("content_quality", "quality", { score: 70 }, 2000, 2000),
    ]);
    expect(lanes.map((lane) => [lane.title, lane.group, lane.curve !== undefined])).toEqual([
      ["Colours", "film", false],
      ["Pace", "film", true],
      ["Loudness", "sound", true],
      ["Score", "quality", true],
    ]);
  });
});
