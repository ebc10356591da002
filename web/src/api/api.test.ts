import { describe, expect, it } from "vitest";
import { problem, withQuery } from "./client";
import { readEvent, retryDelay } from "./event-feed";
import { refusal, titleOf } from "./upload";

describe("client", () => {
  it("reads problem+json", () => {
    const read = problem(404, { type: "about:blank", title: "Not Found", status: 404, detail: "video `x` is not there", code: "not_found" });
    expect([read.status, read.code, read.message]).toEqual([404, "not_found", "video `x` is not there"]);
  });

  it("finds words for an answer that is none", () => {
    const read = problem(502, "<html>Bad gateway</html>");
    expect([read.code, read.message]).toEqual(["http_502", "The server answered 502."]);
  });

  it("leaves unset parameters out", () => {
    expect(withQuery("/vod", { title: "a & b", cursor: undefined, owner: "", limit: 5 })).toBe("/vod?title=a+%26+b&limit=5");
    expect(withQuery("/vod", {})).toBe("/vod");
  });
});

describe("events", () => {
  it("reads an event and refuses anything else", () => {
    const text = '{"cursor":"0.0.7","at":"2026-01-01T00:00:00Z","key":"vod-1","kind":"video.ready","data":{}}';
    expect(readEvent(text)?.kind).toBe("video.ready");
    expect(["", "null", "[]", '{"kind":1,"key":"x"}'].map(readEvent)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("waits longer after each failure, within a bound", () => {
    expect([0, 1, 2, 5, 50].map(retryDelay)).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  });
});

describe("upload", () => {
  it("takes a title from a name", () => {
    expect(["clip.mp4", "C:\\films\\my.holiday.mov", "../../etc/passwd", ".hidden", "plain"].map(titleOf)).toEqual([
      "clip",
      "my.holiday",
      "passwd",
      ".hidden",
      "plain",
    ]);
  });

  it("does not send an empty file", () => {
    expect(refusal({ size: 0 })?.code).toBe("empty");
    expect(refusal({ size: 1 })).toBeUndefined();
  });
});
