import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { bitRate, bytes, percent, plural } from "./numbers";
import { ago, clock, clockTenths, duration } from "./time";
import { analyserName, reasonWords, uploadProblem } from "./words";

describe("time", () => {
  it("writes moments of a video", () => {
    expect([0, 5_400, 65_000, 3_723_000].map(clock)).toEqual(["0:00", "0:05", "1:05", "1:02:03"]);
    expect(clock(-5)).toBe("0:00");
  });

  it("rounds tenths without a sixtieth second", () => {
    expect([5_240, 59_970, 3_599_960].map(clockTenths)).toEqual(["0:05.2", "1:00.0", "1:00:00.0"]);
  });

  it("writes durations in at most two units", () => {
    expect([340, 4_200, 59_949, 59_960, 185_000, 7_800_000, 180_000_000].map(duration)).toEqual([
      "340 ms",
      "4.2 s",
      "59.9 s",
      "1 min",
      "3 min 5 s",
      "2 h 10 min",
      "2 d 2 h",
    ]);
  });

  it("says how long ago", () => {
    const now = Date.parse("2026-01-02T12:00:00Z");
    expect(ago("2026-01-02T11:59:58Z", now)).toBe("just now");
    expect(ago("2026-01-02T11:57:00Z", now)).toBe("3 min ago");
    expect(ago("2026-01-01T10:00:00Z", now)).toBe("1 d ago");
    expect(ago("nonsense", now)).toBe("");
  });
});

describe("numbers", () => {
  it("writes bytes and rates", () => {
    expect([0, 512, 999, 1_000, 1_234_567, 99_960_000, 5_000_000_000].map(bytes)).toEqual(["0 B", "512 B", "999 B", "1.0 kB", "1.2 MB", "100 MB", "5.0 GB"]);
    expect([820_000, 2_800_000].map(bitRate)).toEqual(["820 kb/s", "2.8 Mb/s"]);
  });

  it("writes shares and counts", () => {
    expect(percent(0.456)).toBe("46 %");
    expect([plural(1, "video"), plural(1200, "video")]).toEqual(["1 video", "1,200 videos"]);
  });
});

describe("words", () => {
  it("splits a reason into its code's words and the rest", () => {
    expect(reasonWords("unsupported_media: no stream of it is video or sound")).toEqual({
      title: "weir cannot read this kind of file",
      detail: "no stream of it is video or sound",
    });
    expect(reasonWords("new_code: because")).toEqual({ title: "New code", detail: "because" });
    expect(reasonWords("No code here")).toEqual({ title: "It could not be packaged", detail: "No code here" });
  });

  it("names analysers that it does not know", () => {
    expect([analyserName("object_detection"), analyserName("face_blur")]).toEqual(["Objects", "Face blur"]);
  });

  it("says why an upload did not work, in its own words or the server's", () => {
    expect(uploadProblem(new ApiError(507, "disk_reserve", "x"))).toContain("nearly full");
    expect(uploadProblem(new ApiError(418, "teapot", "I am one."))).toBe("I am one.");
  });
});
