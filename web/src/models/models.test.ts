import { describe, expect, it } from "vitest";
import type { ModelCache, ModelCard } from "../api/types";
import { analyserOn, modelsOf } from "./address";
import { analysersOf, modelFilterOf, narrowed, pullCommands, runsOf, withModelFilter, withoutModelFilter } from "./filter";

const model = (name: string, more: Partial<ModelCard> = {}): ModelCard => ({
  name,
  kind: "model",
  summary: "",
  licence: "MIT",
  licence_read: "",
  limits: "",
  packages: [],
  files: [],
  size_bytes: 1,
  state: "present",
  optional: false,
  used_by: [],
  helps: [],
  measured: null,
  accuracy: null,
  ...more,
});

describe("models", () => {
  const all = [
    model("b", { used_by: ["body_pose"] }),
    model("a"),
    model("c", { state: "missing", optional: true, helps: ["cut_analysis"] }),
    model("d", { state: "missing", kind: "list" }),
    model("e", { state: "damaged" }),
  ];
  const names = (filter: Parameters<typeof narrowed>[1]) => narrowed(all, filter).map((each) => each.name).join("");

  it("come with what needs somebody first", () => {
    expect(names({})).toBe("edcab");
  });

  it("are narrowed by kind, state and the analysers that they serve", () => {
    expect([names({ kind: "list" }), names({ state: "present" }), names({ analyser: "cut_analysis" }), names({ analyser: "body_pose" }), names({ kind: "sample" })]).toEqual(["d", "ab", "c", "b", ""]);
    expect(analysersOf(all)).toEqual(["body_pose", "cut_analysis"]);
  });

  it("that are not here come by one command, optional ones by name", () => {
    expect(pullCommands(all)).toEqual(["weir models pull", "weir models pull c"]);
    expect(pullCommands([model("a")])).toEqual([]);
  });

  it("were run by all pools together", () => {
    const pool = (runs: ModelCache["runs"]): ModelCache => ({ pool: "", loaded: 0, bytes: 0, limit_bytes: 0, hits: 0, misses: 0, evictions: 0, runs });
    const caches = [pool({ a: { count: 2, micros: 30 } }), pool({ a: { count: 1, micros: 5 }, b: { count: 1, micros: 1 } })];
    expect([runsOf(caches, "a"), runsOf(caches, "c")]).toEqual([{ count: 3, micros: 35 }, { count: 0, micros: 0 }]);
  });

  it("are filtered by the address, which keeps the way back", () => {
    const params = new URLSearchParams("analyser=body_pose&video=vod-1");
    expect(modelFilterOf(params)).toEqual({ analyser: "body_pose" });
    expect(withModelFilter(params, "kind", "list").toString()).toBe("analyser=body_pose&video=vod-1&kind=list");
    expect(withModelFilter(params, "analyser", "").toString()).toBe("video=vod-1");
    expect(withoutModelFilter(params).toString()).toBe("video=vod-1");
    expect([modelsOf("body_pose", "vod-1"), modelsOf("body_pose"), analyserOn("vod-1", "body_pose")]).toEqual([
      "/model-cards?analyser=body_pose&video=vod-1",
      "/model-cards?analyser=body_pose",
      "/watch/vod-1#analyser-body_pose",
    ]);
  });
});
