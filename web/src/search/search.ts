/** Finding words in texts regardless of case and of marks on letters; pure. */

export interface Range {
  from: number;
  to: number;
}

/** Letters that Unicode does not take apart into a base and a mark, but that people type as the base. */
const BASES: Record<string, string> = { đ: "d", ð: "d", ł: "l", ø: "o", ħ: "h", ı: "i", ß: "ss", æ: "ae", œ: "oe", þ: "th" };

/** A letter as it is compared. */
function foldLetter(letter: string): string {
  const plain = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return BASES[plain] ?? plain;
}

/** A text as it is compared, and for every unit of it where in the text it comes from. */
function fold(text: string): { folded: string; origins: number[] } {
  let folded = "";
  const origins: number[] = [];
  let at = 0;
  for (const letter of text) {
    const plain = /\s/.test(letter) ? " " : foldLetter(letter);
    // Several spaces compare as one.
    if (!(plain === " " && folded.endsWith(" "))) {
      folded += plain;
      for (let unit = 0; unit < plain.length; unit += 1) origins.push(at);
    }
    at += letter.length;
  }
  origins.push(at);
  return { folded, origins };
}

/** Where `query` stands in `text`, in its own units, without overlaps. */
export function rangesOf(text: string, query: string): Range[] {
  const wanted = fold(query.trim()).folded;
  if (wanted === "") return [];
  const { folded, origins } = fold(text);
  const found: Range[] = [];
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + wanted.length)) {
    const [from, last] = [origins[at]!, origins[at + wanted.length - 1]!];
    // To the end of the last letter, with the marks that follow it.
    let to = origins.slice(at + wanted.length).find((origin) => origin > last) ?? text.length;
    while (to < text.length && /\p{M}/u.test(text[to]!)) to += 1;
    found.push({ from, to });
  }
  return found;
}

/** One place where the query stands. */
export interface Hit extends Range {
  /** Index of the text. */
  entry: number;
}

/** All places in several texts, in their order. */
export function hitsIn(texts: string[], query: string): Hit[] {
  return texts.flatMap((text, entry) => rangesOf(text, query).map((range) => ({ ...range, entry })));
}

/** The hits of each text that has some, and the index of its first among all. */
export function byEntry(hits: Hit[]): Map<number, { first: number; ranges: Range[] }> {
  const found = new Map<number, { first: number; ranges: Range[] }>();
  hits.forEach((hit, index) => {
    const there = found.get(hit.entry);
    if (there) there.ranges.push(hit);
    else found.set(hit.entry, { first: index, ranges: [hit] });
  });
  return found;
}

/** The index after (or before) `index` among `count`, going round; from nowhere to the first (or last). */
export function turn(index: number, count: number, direction: 1 | -1): number {
  if (count === 0) return -1;
  if (index < 0) return direction === 1 ? 0 : count - 1;
  return (index + direction + count) % count;
}

export interface Piece {
  text: string;
  /** Nothing: not found here; else the index of the hit. */
  hit: number | undefined;
}

/** A part of a text, `from` to `to`, cut at the hits that reach into it. `first` is the index of the first of `ranges`. */
export function pieces(text: string, part: Range, ranges: Range[], first: number): Piece[] {
  const found: Piece[] = [];
  let at = part.from;
  ranges.forEach((range, index) => {
    const [from, to] = [Math.max(range.from, at), Math.min(range.to, part.to)];
    if (from >= to) return;
    if (from > at) found.push({ text: text.slice(at, from), hit: undefined });
    found.push({ text: text.slice(from, to), hit: first + index });
    at = to;
  });
  if (at < part.to) found.push({ text: text.slice(at, part.to), hit: undefined });
  return found;
}
