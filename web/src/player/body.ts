/** Persons and gazes as lines, from what `body_pose` and `eye_tracking` tell; pure. */

import { listOf, numberOf, placeOf, recordOf, textOf } from "../api/value";

export type Place = [number, number];

/** Under this a point is a guess, says the analyser: it is drawn faintly. */
const SURE = 0.3;

/** Pairs of COCO's 17 points that are joined. */
const LIMBS: [number, number, Side][] = [
  [0, 1, "middle"], [0, 2, "middle"], [1, 3, "middle"], [2, 4, "middle"],
  [5, 6, "middle"], [11, 12, "middle"], [5, 11, "left"], [6, 12, "right"],
  [5, 7, "left"], [7, 9, "left"], [11, 13, "left"], [13, 15, "left"],
  [6, 8, "right"], [8, 10, "right"], [12, 14, "right"], [14, 16, "right"],
];

/** The person's own. */
export type Side = "left" | "right" | "middle";

export interface Joint {
  at: Place;
  sure: boolean;
}

export interface Limb {
  from: Place;
  to: Place;
  side: Side;
  sure: boolean;
}

export interface Skeleton {
  joints: Joint[];
  limbs: Limb[];
  gestures: string[];
}

/** Points and lines of a `pose`; nothing where it does not have 17 points. */
export function skeletonOf(value: unknown): Skeleton | undefined {
  const held = recordOf(value);
  const joints = listOf(held.points).flatMap((point): Joint[] => {
    const at = placeOf(point);
    return at ? [{ at, sure: (numberOf(listOf(point)[2]) ?? 0) >= SURE }] : [];
  });
  if (joints.length !== 17) return undefined;
  const limbs = LIMBS.flatMap(([a, b, side]): Limb[] => {
    const [from, to] = [joints[a], joints[b]];
    return from && to ? [{ from: from.at, to: to.at, side, sure: from.sure && to.sure }] : [];
  });
  return { joints, limbs, gestures: listOf(held.gestures).flatMap((each) => textOf(each) ?? []) };
}

export interface Gaze {
  /** Nothing where the rule gives no word. */
  direction: string | undefined;
  irises: Place[];
  /** From between the eyes to where the look points; nothing for closed eyes and for a look at the camera. */
  arrow: { from: Place; to: Place } | undefined;
  /** Where a look at the camera is drawn. */
  middle: Place | undefined;
}

/** Widths of the face that an arrow is long when somebody looks all the way to the side. */
const ARROW_LENGTH = 1.6;
const RADIANS = Math.PI / 180;

/** What to draw of a `gaze`; `box` is that of the face. */
export function gazeOf(value: unknown, box: readonly number[]): Gaze {
  const held = recordOf(value);
  const irises = listOf(held.eyes).flatMap((eye): Place[] => {
    const iris = placeOf(recordOf(eye).iris);
    return iris ? [iris] : [];
  });
  const [x, y, width, height] = [box[0] ?? 0, box[1] ?? 0, box[2] ?? 0, box[3] ?? 0];
  const middle: Place = irises[0] && irises[1] ? [(irises[0][0] + irises[1][0]) / 2, (irises[0][1] + irises[1][1]) / 2] : [x + width / 2, y + height * 0.4];
  const direction = textOf(held.direction);
  const [yaw, pitch] = [numberOf(held.yaw), numberOf(held.pitch)];
  const away = direction !== undefined && direction !== "camera" && direction !== "closed" && yaw !== undefined && pitch !== undefined;
  if (!away) return { direction, irises, arrow: undefined, middle: direction === undefined ? undefined : middle };
  const length = width * ARROW_LENGTH;
  const to: Place = [middle[0] + Math.sin(yaw * RADIANS) * length, middle[1] - Math.sin(pitch * RADIANS) * length];
  return { direction, irises, arrow: { from: middle, to }, middle };
}
