import { describe, expect, it } from "vitest";
import { parseSettings } from "../settings/settings";
import { change, parseLabels, startable, totals, type UploadItem } from "../uploads/queue";
import { includes } from "./session";

describe("roles", () => {
  it("include the ones before them", () => {
    expect([includes("viewer", "operator"), includes("operator", "operator"), includes("admin", "reviewer")]).toEqual([false, true, true]);
  });
});

describe("settings", () => {
  it("fall back to the defaults, one by one", () => {
    const defaults = { theme: "system", blurFlagged: true, shortcuts: true, objectsFrom: 0.4, volume: 1, muted: false, foldedGroups: ["quality"], layers: ["objects"] };
    expect([parseSettings(null), parseSettings("{"), parseSettings("7")]).toEqual([defaults, defaults, defaults]);
    expect(parseSettings('{"layers":[],"foldedGroups":[7]}')).toEqual({ ...defaults, layers: [] });
    expect(parseSettings('{"theme":"dark","volume":7,"blurFlagged":false}')).toEqual({ ...defaults, theme: "dark", blurFlagged: false });
  });
});

describe("upload queue", () => {
  const item = (id: number, state: UploadItem["state"], size = 10): UploadItem => ({
    id,
    file: new File([new Uint8Array(size)], `${id}.mp4`),
    details: {},
    state,
    sentBytes: 4,
    rate: 0,
  });

  it("starts waiting files in order, as many as are free", () => {
    expect(startable([item(1, "sending"), item(2, "waiting"), item(3, "waiting")], 2).map((each) => each.id)).toEqual([2]);
    expect(startable([item(1, "sending"), item(2, "sending"), item(3, "waiting")], 2)).toEqual([]);
  });

  it("counts bytes without those of failed files", () => {
    expect(totals([item(1, "stored"), item(2, "sending"), item(3, "failed")])).toEqual({ sent: 14, all: 20 });
  });

  it("clears what has ended", () => {
    const items = [item(1, "stored"), item(2, "sending"), item(3, "failed"), item(4, "waiting")];
    expect(change(items, { type: "cleared" }).map((each) => each.id)).toEqual([2, 4]);
    expect(change(items, { type: "moved", id: 3, change: { state: "waiting" } })[2]?.state).toBe("waiting");
  });

  it("reads labels", () => {
    expect(parseLabels("a=b, c = d=e ,")).toEqual({ labels: { a: "b", c: "d=e" } });
    expect(parseLabels("=x")).toHaveProperty("problem");
  });
});
