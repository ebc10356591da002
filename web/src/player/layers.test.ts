import { describe, expect, it } from "vitest";
import { gazeOf, skeletonOf } from "./body";
import { chosenLayers, LAYERS, LAYERS_AT_FIRST, switchLayer } from "./layers";
import { maskOf, maskOutline, maskPath } from "./mask";

describe("layers", () => {
  it("lie over each other in one order, whatever the order of choosing", () => {
    expect(chosenLayers(["gaze", "masks", "no such layer"]).map((layer) => layer.id)).toEqual(["masks", "gaze"]);
    expect(switchLayer(switchLayer(["objects"], "text"), "objects")).toEqual(["text"]);
  });

  it("that guess about persons are not shown until somebody chooses them", () => {
    const guesses: string[] = LAYERS.filter((layer) => layer.guess).map((layer) => layer.id);
    expect(guesses).toEqual(["faces", "gaze"]);
    expect(LAYERS_AT_FIRST.some((id) => guesses.includes(id))).toBe(false);
  });
});

describe("masks", () => {
  const set = (cells: boolean[] | undefined) => cells?.map(Number).join("");

  it("are unpacked from bits, the first cell in the highest", () => {
    expect(set(maskOf({ mask: { width: 3, height: 3, bits: btoa("\x81\x80") } })?.cells)).toBe("100000011");
  });

  it("are none when they do not cover the grid exactly", () => {
    expect([{ width: 3, height: 3, bits: btoa("\x81") }, { width: 3, height: 3, bits: "no base 64!" }, { width: 1e6, height: 1e6, bits: "" }, { width: 2.5, height: 3, bits: "" }, {}].map((mask) => maskOf({ mask }))).toEqual(
      Array.from({ length: 5 }, () => undefined),
    );
  });

  it("become areas by runs of a row, and an outline along their edges", () => {
    const mask = { width: 2, height: 2, cells: [true, true, false, true] };
    expect(maskPath(mask, { width: 200, height: 100 })).toBe("M0 0h200v50h-200zM100 50h100v50h-100z");
    expect(maskOutline({ width: 1, height: 1, cells: [true] }, { width: 10, height: 20 }).split("M").filter(Boolean).sort()).toEqual(["0 0h10", "0 0v20", "0 20h10", "10 0v20"]);
  });
});

describe("bodies", () => {
  const points = Array.from({ length: 17 }, (_, index) => [index, 2 * index, index === 9 ? 0.1 : 0.9]);

  it("have 17 points and the lines between them; unsure ones are marked", () => {
    const skeleton = skeletonOf({ points, gestures: ["standing", 7] });
    expect([skeleton?.joints.length, skeleton?.limbs.length, skeleton?.gestures]).toEqual([17, 16, ["standing"]]);
    expect(skeleton?.joints.filter((joint) => !joint.sure).map((joint) => joint.at)).toEqual([[9, 18]]);
    expect(skeleton?.limbs.filter((limb) => !limb.sure).map((limb) => [limb.from, limb.to, limb.side])).toEqual([[[7, 14], [9, 18], "left"]]);
  });

  it("are not drawn with fewer", () => {
    expect([skeletonOf({ points: points.slice(1) }), skeletonOf(undefined), skeletonOf({ points: "odd" })]).toEqual([undefined, undefined, undefined]);
  });
});

describe("gazes", () => {
  const eyes = [{ iris: [40, 50] }, { iris: [60, 50] }];
  const box = [0, 0, 100, 100];

  it("point from between the irises to where the look goes", () => {
    const { arrow, irises } = gazeOf({ direction: "right", yaw: 90, pitch: 0, eyes }, box);
    expect(irises).toEqual([[40, 50], [60, 50]]);
    expect(arrow?.from).toEqual([50, 50]);
    expect(arrow?.to.map(Math.round)).toEqual([210, 50]);
    // Up is up in the picture.
    expect(gazeOf({ direction: "up", yaw: 0, pitch: 30, eyes }, box).arrow?.to.map(Math.round)).toEqual([50, -30]);
  });

  it("have no arrow for the camera, for closed eyes and where nothing is known", () => {
    expect(["camera", "closed", null].map((direction) => gazeOf({ direction, yaw: 1, pitch: 1, eyes }, box).arrow)).toEqual([undefined, undefined, undefined]);
    expect(gazeOf({ direction: "camera", yaw: 1, pitch: 1, eyes: [] }, box).middle).toEqual([50, 40]);
    expect(gazeOf({}, box)).toEqual({ direction: undefined, irises: [], arrow: undefined, middle: undefined });
  });
});
