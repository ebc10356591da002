/** The groups into which lanes are folded. Their names stand beside the lanes, so they are short. */

export const GROUPS = [
  { id: "film", title: "Film" },
  { id: "things", title: "Things" },
  { id: "text", title: "Text" },
  { id: "sound", title: "Sound" },
  { id: "harm", title: "Harm" },
  { id: "quality", title: "Quality" },
  { id: "other", title: "Other" },
] as const;

export type GroupId = (typeof GROUPS)[number]["id"];

/** Folded until somebody unfolds them: what is looked up, not followed. */
export const FOLDED_AT_FIRST: readonly GroupId[] = ["quality"];

interface Grouped {
  group: GroupId;
}

/** Lanes by group, in the order of the groups; groups without lanes are left out. */
export function byGroup<T extends Grouped>(lanes: T[]): { id: GroupId; title: string; lanes: T[] }[] {
  return GROUPS.map(({ id, title }) => ({ id, title, lanes: lanes.filter((lane) => lane.group === id) })).filter((group) => group.lanes.length > 0);
}

/** The folded groups with `id` added or taken out. */
export function refold(folded: readonly string[], id: GroupId): string[] {
  return folded.includes(id) ? folded.filter((each) => each !== id) : [...folded, id];
}
