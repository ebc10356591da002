/** Where the words of boxes stand, so that they do not cover each other; pure. */

export interface Tag {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Boxes whose words are kept apart; with more of them on one picture the rest stand where they fall. */
const APART_MAX = 40;

function covers(a: Tag, b: Tag): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * Places tags at their boxes: above where there is room, else inside, never out of the picture at the top or left; one that
 * would cover another moves down under it.
 */
export function placeTags(boxes: { x: number; y: number; width: number }[], tall: number, right: number): Tag[] {
  const placed: Tag[] = [];
  for (const box of boxes) {
    const tag: Tag = {
      x: Math.max(0, Math.min(box.x, right - box.width)),
      y: box.y - tall >= 0 ? box.y - tall : Math.max(0, box.y),
      width: box.width,
      height: tall,
    };
    for (let tries = 0; tries < APART_MAX; tries += 1) {
      const under = placed.find((other) => covers(tag, other));
      if (!under) break;
      tag.y = under.y + under.height;
    }
    placed.push(tag);
  }
  return placed;
}
