import { describe, expect, it } from "vitest";
import type { Finding } from "../api/types";
import { PERSON_COLOUR } from "./colours";
import { coloursOf, foldClasses, isThere, type LaneItem, lanesOf, neighbour, scoresUntilNext, stack, sureObjects } from "./lanes";
import { place, scrollAfterZoom, scrollToShow, ticks, tickStep, zoomMax } from "./layout";

const found = (analyser: string, label: string, start_ms: number, end_ms = start_ms, more: Partial<Finding> = {}): Finding => ({
  analyser,
  label,
  start_ms,
  end_ms,
  confidence: 0.5,
  ...more,
});

const item = (start: number, end = start, confidence = 0.5): LaneItem => ({ start, end, label: "x", confidence, text: undefined, height: confidence });

describe("lanesOf", () => {
  it("orders by group: cuts, classes by time seen, text, speech and sound, sensitive, unknown", () => {
    const lanes = lanesOf([
      found("new_analyser", "thing", 0),
      found("audio_analysis", "silence", 0, 100),
      found("sensitive_content", "nsfw", 0, 1000),
      found("speech_transcription", "speech", 0, 900, { text: "hello" }),
      found("text_overlay", "text", 0, 900, { text: "SALE" }),
      found("object_detection", "dog", 0, 100),
      found("object_detection", "person", 0, 5000),
      found("cut_analysis", "fade", 10),
      found("cut_analysis", "cut", 500),
    ]);
    expect(lanes.map((lane) => [lane.title, lane.kind])).toEqual([
      ["Cuts", "marks"],
      ["Fades", "marks"],
      ["Person", "spans"],
      ["Dog", "spans"],
      ["Text", "text"],
      ["Speech", "text"],
      ["Silence", "spans"],
      ["Sensitive", "score"],
      ["Thing", "spans"],
    ]);
  });

  it("leaves out shots and what describes the whole sound, and sorts by time", () => {
    const lanes = lanesOf([
      found("cut_analysis", "shot", 0, 900),
      found("audio_analysis", "loudness", 0, 900),
      found("audio_analysis", "spectrum", 0, 900),
      found("cut_analysis", "cut", 700),
      found("cut_analysis", "cut", 300),
    ]);
    expect(lanes.map((lane) => lane.items.map((each) => each.start))).toEqual([[300, 700]]);
  });

  it("folds classes only", () => {
    const lanes = lanesOf(["a", "b", "c"].map((label) => found("object_detection", label, 0, 10)).concat(found("cut_analysis", "cut", 1)));
    const { shown, folded } = foldClasses(lanes, 2);
    expect([shown.map((lane) => lane.title), folded]).toEqual([["Cuts", "A", "B"], 1]);
  });
});

describe("items", () => {
  const items = [item(0, 1000), item(2000), item(5000, 6000)];

  it("are there until their end, moments for a while", () => {
    const there = (ms: number) => items.findIndex((each) => isThere(each, ms, 400));
    expect([0, 999, 1000, 2000, 2400, 2500, 5500, 7000].map(there)).toEqual([0, 0, -1, 1, 1, -1, 2, -1]);
  });

  it("at the same time get lines of their own, within a bound", () => {
    const together = [item(0, 100), item(0, 50), item(50, 80), item(60, 90), item(100, 200)];
    expect(stack(together, 5).map((row) => row.map((each) => each.end))).toEqual([[100, 200], [50, 80], [90]]);
    expect(stack(together, 2).map((row) => row.length)).toEqual([2, 3]);
    expect(stack([], 2)).toEqual([[]]);
  });

  it("of scores last until the next sample, but not over a gap", () => {
    const samples = [0, 1000, 2000, 9000].map((ms) => found("sensitive_content", "nsfw", ms));
    expect(scoresUntilNext(samples).map((each) => each.end_ms)).toEqual([1000, 2000, 3000, 10_000]);
    expect(scoresUntilNext([found("sensitive_content", "nsfw", 5)]).map((each) => each.end_ms)).toEqual([2005]);
  });

  it("jumps to another one, not to the one it stands on", () => {
    expect(neighbour(items, 2010, 1)?.start).toBe(5000);
    expect(neighbour(items, 2010, -1)?.start).toBe(0);
    expect(neighbour(items, 5000, 1)).toBeUndefined();
  });
});

describe("place", () => {
  it("places by scale, and gives moments a width that can be seen", () => {
    const placed = place([item(1000, 2000), item(5000)], { scale: 0.1, left: 0, width: 1000 });
    expect(placed.map(({ x, width }) => [x, width])).toEqual([
      [100, 100],
      [500, 2],
    ]);
  });

  it("joins moments that are too close to be told apart", () => {
    const [one, two, ...more] = place([item(1000, 1000, 0.2), item(1010, 1010, 0.9), item(1500)], { scale: 0.1, left: 0, width: 1000 });
    expect([one?.count, one?.height, one?.end, two?.count, more.length]).toEqual([2, 0.9, 1010, 1, 0]);
  });

  it("keeps wide neighbours that touch apart", () => {
    expect(place([item(0, 1000), item(1000, 2000)], { scale: 0.1, left: 0, width: 1000 })).toHaveLength(2);
  });

  it("leaves out what is far from the view", () => {
    const items = Array.from({ length: 100 }, (_, index) => item(index * 1000, index * 1000 + 900));
    const placed = place(items, { scale: 0.1, left: 4000, width: 500 });
    expect([placed[0]?.item.start, placed.at(-1)?.item.start]).toEqual([35_000, 50_000]);
  });
});

describe("ruler and zoom", () => {
  it("chooses a round step with room for its words", () => {
    expect([0.01, 0.1, 1].map(tickStep)).toEqual([10_000, 1000, 100]);
    expect(ticks({ scale: 0.1, left: 0, width: 300 }, 2500)).toEqual([0, 1000, 2000]);
  });

  it("bounds the zoom by the width of a frame and of the whole", () => {
    expect(zoomMax(1000, 800)).toBe(1);
    expect(zoomMax(60_000, 800)).toBe(30);
    expect(zoomMax(86_400_000, 800)).toBe(10_000);
    expect(zoomMax(0, 800)).toBe(1);
  });

  it("keeps the moment under the pointer", () => {
    expect(scrollAfterZoom(100, 50, 1, 2)).toBe(250);
    expect(scrollAfterZoom(0, 50, 4, 1)).toBe(0);
  });

  it("scrolls only to what is out of view", () => {
    expect(scrollToShow(50, 0, 100)).toBeUndefined();
    expect(scrollToShow(500, 0, 100)).toBe(475);
    expect(scrollToShow(10, 400, 100)).toBe(0);
  });
});

describe("colours", () => {
  it("differ between neighbours, and are the same for persons", () => {
    const lanes = lanesOf([found("object_detection", "dog", 0, 10), found("object_detection", "cat", 0, 9), found("object_detection", "person", 0, 8)]);
    const colours = coloursOf(lanes);
    expect(["dog", "cat", "person"].map((label) => colours.get(label))).toEqual([3, 4, PERSON_COLOUR]);
    expect(lanes.map((lane) => lane.colour)).toEqual([3, 4, PERSON_COLOUR]);
  });
});

describe("sureObjects", () => {
  it("leaves out unsure objects and nothing else", () => {
    const findings = [found("object_detection", "cow", 0, 0, { confidence: 0.35 }), found("sensitive_content", "nsfw", 0, 0, { confidence: 0.1 })];
    expect(sureObjects(findings, 0.4).map((each) => each.label)).toEqual(["nsfw"]);
    expect(sureObjects(findings, 0)).toHaveLength(2);
  });
});
