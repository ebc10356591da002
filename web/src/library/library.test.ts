import { describe, expect, it } from "vitest";
import type { VideoSummary } from "../api/types";
import { asked, dayBound, filterOf, withFilter } from "./filter";
import { append, pageSize, refresh } from "./video-list";

describe("filter", () => {
  it("is read from the address and written back in one order", () => {
    const params = new URLSearchParams("decision=review&other=1&title= cat ");
    expect(filterOf(params)).toEqual({ decision: "review", title: "cat" });
    expect(withFilter(params, "status", "ready").toString()).toBe("title=cat&status=ready&decision=review");
    expect(withFilter(params, "title", "  ").toString()).toBe("decision=review");
  });

  it("turns days into moments, the last day included", () => {
    const since = dayBound("2026-03-01", "since");
    const until = dayBound("2026-03-01", "until");
    expect(Date.parse(until ?? "") - Date.parse(since ?? "")).toBe(86_400_000);
    expect(asked({ since: "nonsense", title: "a" })).toEqual({ since: undefined, until: undefined, title: "a" });
  });
});

describe("video list", () => {
  const video = (stream_id: string, title = ""): VideoSummary => ({
    stream_id,
    title,
    owner: "default",
    labels: {},
    status: "ready",
    analysis: "done",
    decision: "safe",
    size_bytes: 1,
    created_at: "2026-01-01T00:00:00Z",
  });

  it("keeps a video once when it moved between two pages", () => {
    expect(append([video("a"), video("b")], [video("b", "new"), video("c")]).map((each) => each.stream_id + each.title)).toEqual(["a", "bnew", "c"]);
  });

  it("changes videos in their places and takes out the deleted", () => {
    expect(refresh([video("a"), video("b"), video("c")], [video("b", "new")], new Set(["c"])).map((each) => each.stream_id + each.title)).toEqual(["a", "bnew"]);
  });

  it("asks for as many as are shown, within the server's bound", () => {
    expect([0, 48, 96, 400].map(pageSize)).toEqual([48, 48, 96, 200]);
  });
});
