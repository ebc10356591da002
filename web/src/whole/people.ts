/** Cards about persons: inferences, which are marked as such; pure. */

import type { Finding } from "../api/types";
import { numberOf, recordOf } from "../api/value";
import { percent, plural } from "../format/numbers";
import { duration } from "../format/time";
import { words } from "../format/words";
import { GAZE_COLOUR, PLAIN_COLOUR } from "../lanes/colours";
import { ageWords, expressionWords } from "../video/face-words";
import { fact, marksOf, type Moment, type Of, shares, type WholeCard } from "./cards";

export function peopleCards(of: Of): WholeCard[] {
  return [faces(of), gaze(of), poses(of), foreground(of)];
}

/** More faces than that are in the lane. */
const FACES_MAX = 8;

function faces(of: Of): WholeCard {
  const found = of("age_estimation");
  const longest = found.toSorted((a, b) => b.end_ms - b.start_ms - (a.end_ms - a.start_ms) || a.start_ms - b.start_ms).slice(0, FACES_MAX);
  const moments = longest.map((each): Moment => {
    const value = recordOf(each.value);
    const said = [ageWords(value), expressionWords(value)].filter((part) => part !== undefined).join(", ");
    return { ms: each.start_ms, title: said === "" ? "Too small to be read" : words(said), note: seen(each) };
  });
  const marks = ["guess" as const, ...marksOf(found)];
  return { id: "faces", analyser: "age_estimation", title: "Faces", marks, headline: found.length > 0 ? plural(found.length, "face") : undefined, moments };
}

/** How long it is seen; nothing for a moment. */
function seen({ start_ms, end_ms }: Finding): string | undefined {
  return end_ms > start_ms ? `seen for ${duration(end_ms - start_ms)}` : undefined;
}

/** Sums the numbers of objects such as `{left: 3, camera: 5}`. */
export function summed(objects: unknown[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const object of objects) {
    for (const [name, count] of Object.entries(recordOf(object))) sums.set(name, (sums.get(name) ?? 0) + (numberOf(count) ?? 0));
  }
  return sums;
}

const DIRECTIONS: Record<string, number> = { camera: GAZE_COLOUR, left: 0, right: 3, up: 5, down: 1, closed: PLAIN_COLOUR };

function gaze(of: Of): WholeCard {
  const found = of("eye_tracking");
  const directions = summed(found.map((each) => recordOf(each.value).directions));
  return {
    id: "gaze",
    analyser: "eye_tracking",
    title: "Where faces look",
    marks: ["guess", ...marksOf(found)],
    shares: shares(directions, (word) => DIRECTIONS[word] ?? PLAIN_COLOUR).map((each) => ({ ...each, name: each.name === "camera" ? "At the camera" : words(each.name) })),
  };
}

function poses(of: Of): WholeCard {
  const found = of("body_pose");
  const samples = summed(found.map((each) => recordOf(each.value).gestures));
  const gestures = [...samples].filter(([, count]) => count > 0).toSorted((a, b) => b[1] - a[1]);
  return {
    id: "poses",
    analyser: "body_pose",
    title: "Poses",
    marks: found.length === 0 ? [] : ["heuristic"],
    headline: found.length > 0 ? plural(found.length, "person followed", "persons followed") : undefined,
    facts: gestures.map(([name, count]) => ({ name: words(name), value: plural(count, "sample") })),
  };
}

function foreground(of: Of): WholeCard {
  const found = of("background_segmentation", "foreground");
  // A still is seen for no time at all, and still has a share.
  const length = found.reduce((sum, each) => sum + Math.max(1, each.end_ms - each.start_ms), 0);
  const weighed = found.reduce((sum, each) => sum + (numberOf(recordOf(each.value).share) ?? 0) * Math.max(1, each.end_ms - each.start_ms), 0);
  const share = length > 0 ? weighed / length : undefined;
  return {
    id: "foreground",
    analyser: "background_segmentation",
    title: "People in front",
    marks: marksOf(found),
    facts: [...fact("Of the picture", share, percent, (part) => part), ...(length > found.length ? [{ name: "For", value: duration(length) }] : [])],
  };
}
