import { useCallback, useMemo, useRef } from "react";
import type { Finding } from "../api/types";
import { Empty } from "../components/note";
import { percent } from "../format/numbers";
import { clockTenths, duration } from "../format/time";
import { PLAIN_COLOUR } from "../lanes/colours";
import { isThere } from "../lanes/lanes";
import { type Clock, useClock } from "../player/clock";
import { Marked, SearchField, useSearch } from "../search/search-field";
import { useFollowCurrent } from "./use-follow-current";

interface Props {
  findings: Finding[];
  clock: Clock;
  empty: string;
  /** Of classes. */
  colours: ReadonlyMap<string, number>;
  /** What the search field is called; none: the list is too plain to be searched. */
  search?: string | undefined;
}

/** How long a moment counts as now. */
const MOMENT_MS = 400;

/** Findings in time order, each a button that goes there; those that are there now are marked. */
export function FindingList({ findings, clock, empty, colours, search: searchLabel }: Props) {
  const sorted = useMemo(() => findings.toSorted((a, b) => a.start_ms - b.start_ms), [findings]);
  const list = useRef<HTMLOListElement>(null);
  const current = useClock(
    clock,
    useCallback(
      (ms: number) =>
        sorted.flatMap((each, index) => (isThere({ start: each.start_ms, end: each.end_ms }, ms, MOMENT_MS) ? [index] : [])).join(","),
      [sorted],
    ),
  );
  const now = new Set(current === "" ? [] : current.split(",").map(Number));
  const texts = useMemo(() => sorted.map((each) => each.text ?? each.label), [sorted]);
  const search = useSearch(texts, (hit) => clock.seekMs(sorted[hit.entry]?.start_ms ?? 0));
  const found = search.hits[search.at]?.entry;
  // Several may be there at once; the one that was searched for is the one to look at.
  useFollowCurrent(list, found ?? Math.max(-1, ...now), true);
  if (sorted.length === 0) return <Empty title={empty} />;
  return (
    <>
      {searchLabel !== undefined && <SearchField search={search} label={searchLabel} />}
      <ol className="finding-list" ref={list}>
        {sorted.map((finding, index) => (
          <li key={`${finding.start_ms} ${finding.label} ${index}`}>
            <button type="button" aria-current={now.has(index) || undefined} onClick={() => clock.seekMs(finding.start_ms)}>
              <span className="time">{clockTenths(finding.start_ms)}</span>
              <span className="what">
                {finding.text ? (
                  <q>
                    <Marked text={finding.text} entry={index} search={search} />
                  </q>
                ) : (
                  <>
                    <i className={`dot colour-${colours.get(finding.label) ?? PLAIN_COLOUR}`} aria-hidden="true" />
                    {finding.label}
                  </>
                )}
              </span>
              <span className="muted">
                {finding.end_ms > finding.start_ms && `${duration(finding.end_ms - finding.start_ms)} · `}
                {percent(finding.confidence)}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
