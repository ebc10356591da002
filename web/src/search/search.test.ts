import { describe, expect, it } from "vitest";
import { hitsIn, pieces, rangesOf, turn } from "./search";

const found = (text: string, query: string) => rangesOf(text, query).map(({ from, to }) => text.slice(from, to));

describe("search", () => {
  it("does not care about case and marks, on either side", () => {
    expect(found("Ask not, ASK twice", "ask")).toEqual(["Ask", "ASK"]);
    expect(found("Café cafe CAFÉ", "café")).toEqual(["Café", "cafe", "CAFÉ"]);
    expect(found("đường phố Hà Nội", "duong pho ha noi")).toEqual(["đường phố Hà Nội"]);
    expect(found("Łódź and Straße", "lodz")).toEqual(["Łódź"]);
    expect(found("Łódź and Straße", "STRASSE")).toEqual(["Straße"]);
  });

  it("takes a mark that is a character of its own with its letter", () => {
    expect(found("cafe\u0301 au lait", "cafe")).toEqual(["cafe\u0301"]);
    expect(found("cafe\u0301 au lait", "caf")).toEqual(["caf"]);
  });

  it("finds across spaces of any kind and nothing for nothing", () => {
    expect(found("one  two\nthree", "one two three")).toEqual(["one  two\nthree"]);
    expect([rangesOf("text", "  "), rangesOf("", "a"), rangesOf("abc", "d")]).toEqual([[], [], []]);
  });

  it("does not overlap, and keeps places beyond the basic plane", () => {
    expect(found("aaaa", "aa")).toEqual(["aa", "aa"]);
    expect(rangesOf("😀 dog", "dog")).toEqual([{ from: 3, to: 6 }]);
  });

  it("gathers hits over texts and goes round them", () => {
    const hits = hitsIn(["a b a", "c", "A"], "a");
    expect(hits.map((hit) => [hit.entry, hit.from])).toEqual([[0, 0], [0, 4], [2, 0]]);
    expect([turn(-1, 3, 1), turn(-1, 3, -1), turn(2, 3, 1), turn(0, 3, -1), turn(0, 0, 1)]).toEqual([0, 2, 0, 2, -1]);
  });

  it("cuts a part of a text at the hits that reach into it", () => {
    const text = "ask not what";
    // One hit over two words: each word holds its part of it.
    const ranges = rangesOf(text, "k no");
    expect(pieces(text, { from: 0, to: 3 }, ranges, 5)).toEqual([{ text: "as", hit: undefined }, { text: "k", hit: 5 }]);
    expect(pieces(text, { from: 4, to: 7 }, ranges, 5)).toEqual([{ text: "no", hit: 5 }, { text: "t", hit: undefined }]);
    expect(pieces(text, { from: 8, to: 12 }, ranges, 5)).toEqual([{ text: "what", hit: undefined }]);
  });
});
