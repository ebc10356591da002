import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { bySample, halfPeriod, sampleAt, sourcePerPixel, windowsAt } from "./samples";
import { sessionEnded } from "./use-hls";

const seen = (ms: number, label: string): Finding => ({ analyser: "object_detection", start_ms: ms, end_ms: ms, label, confidence: 1, box: [0, 0, 1, 1] });

describe("samples", () => {
  const samples = bySample([seen(1000, "b"), seen(0, "a"), seen(1000, "c"), seen(4000, "d"), { ...seen(0, "no box"), box: null }]);

  it("gathers boxes by picture, in time order", () => {
    expect(samples.map((each) => [each.ms, each.findings.map((finding) => finding.label)])).toEqual([
      [0, ["a"]],
      [1000, ["b", "c"]],
      [4000, ["d"]],
    ]);
  });

  it("takes the shortest gap as the sampling, within a bound", () => {
    expect(halfPeriod(samples)).toBe(500);
    expect(halfPeriod(bySample([seen(0, "a"), seen(30_000, "b")]))).toBe(1000);
    expect(halfPeriod([])).toBe(500);
  });

  it("shows the nearest picture's boxes and none between distant ones", () => {
    expect([0, 499, 501, 1500, 1501, 3499, 3500, 4500, 4501].map((ms) => sampleAt(samples, ms, 500))).toEqual([0, 0, 1, 1, -1, -1, 2, 2, -1]);
    expect(sampleAt([], 0, 500)).toBe(-1);
  });

  it("fetches the next window in the second half of one", () => {
    expect([0, 14_000, 16_000, 31_000].map(windowsAt)).toEqual([[0], [0], [0, 1], [1]]);
  });

  it("scales by the tighter side", () => {
    expect(sourcePerPixel({ width: 1920, height: 1080 }, { width: 960, height: 540 })).toBe(2);
    expect(sourcePerPixel({ width: 1080, height: 1920 }, { width: 960, height: 540 })).toBeCloseTo(1920 / 540);
    expect(sourcePerPixel({ width: 10, height: 10 }, { width: 0, height: 0 })).toBe(1);
  });
});

describe("hls", () => {
  it("asks for a new address only when the session ended", () => {
    const answer = (code: number) => ({ response: { url: "", data: undefined, code } });
    expect([sessionEnded(answer(410)), sessionEnded(answer(404)), sessionEnded({})]).toEqual([true, false, false]);
  });
});
