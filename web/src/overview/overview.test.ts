import { describe, expect, it } from "vitest";
import type { MinuteRates } from "../api/types";
import { byKind } from "./queue-rows";
import { axisTop, fillMinutes, linePath, total } from "./series";

const row = (minute: string, uploaded: number): MinuteRates => ({ minute, uploaded, packaged: 0, analysed: 0, decided: 0 });

describe("rates", () => {
  it("fills minutes without events with zeros, up to now", () => {
    const rows = fillMinutes([row("2026-01-01T00:01:00Z", 3), row("2025-12-31T20:00:00Z", 9)], Date.parse("2026-01-01T00:02:30Z"), 3);
    expect(rows.map((each) => [each.minute.slice(11, 16), each.uploaded])).toEqual([
      ["00:00", 0],
      ["00:01", 3],
      ["00:02", 0],
    ]);
    expect(total(rows, "uploaded")).toBe(3);
  });

  it("chooses a round top", () => {
    expect([0, 4, 5, 11, 21, 41, 101, 399].map((value) => axisTop([row("", value)]))).toEqual([4, 4, 10, 20, 40, 100, 200, 400]);
  });

  it("draws from the left edge to the right one", () => {
    expect(linePath([row("", 0), row("", 2), row("", 4)], "uploaded", 4, 100, 50)).toBe("M0.0 50.0L50.0 25.0L100.0 0.0");
  });
});

describe("queue", () => {
  it("has one row per kind, in the order of the work, without what is done", () => {
    const rows = byKind([
      { kind: "judge", state: "waiting", count: 2, oldest_ms: 500 },
      { kind: "probe", state: "running", count: 1, oldest_ms: 20 },
      { kind: "judge", state: "dead", count: 1, oldest_ms: 900_000 },
      { kind: "package", state: "done", count: 40, oldest_ms: 0 },
      { kind: "other", state: "ready", count: 1, oldest_ms: 7 },
    ]);
    expect(rows.map((each) => [each.kind, each.counts.waiting, each.counts.dead, each.oldestMs])).toEqual([
      ["probe", 0, 0, 20],
      ["judge", 2, 1, 500],
      ["other", 0, 0, 7],
    ]);
  });
});
