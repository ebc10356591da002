import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { bySample, halfPeriod, sampleAt, sourcePerPixel, windowsAt } from "./samples";
import { placeTags } from "./tags";
import { levelName, sessionEnded } from "./use-hls";

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

describe("tags", () => {
  it("stand above their boxes, inside at the top, and within the picture", () => {
    const tags = placeTags(
      [
        { x: 10, y: 100, width: 50 },
        { x: 200, y: 5, width: 50 },
        { x: 390, y: 300, width: 50 },
      ],
      20,
      400,
    );
    expect(tags.map(({ x, y }) => [x, y])).toEqual([
      [10, 80],
      [200, 5],
      [350, 280],
    ]);
  });

  it("move down under those that they would cover", () => {
    const box = { x: 10, y: 100, width: 50 };
    expect(placeTags([box, box, { ...box, x: 30 }], 20, 400).map((tag) => tag.y)).toEqual([80, 100, 120]);
  });
});

describe("hls", () => {
  it("names renditions by their short side", () => {
    expect([{ width: 1280, height: 720 }, { width: 480, height: 854 }, { width: 0, height: 0 }].map(levelName)).toEqual(["720p", "480p", "Audio"]);
  });

  it("asks for a new address only when the session ended", () => {
    const answer = (code: number) => ({ response: { url: "", data: undefined, code } });
    expect([sessionEnded(answer(410)), sessionEnded(answer(404)), sessionEnded({})]).toEqual([true, false, false]);
  });
});
