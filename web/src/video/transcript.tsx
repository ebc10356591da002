import { useCallback, useMemo, useRef, useState } from "react";
import type { Finding } from "../api/types";
import { Empty } from "../components/note";
import { clock as words } from "../format/time";
import { type Clock, useClock } from "../player/clock";
import { Marked, type Search, SearchField, useSearch } from "../search/search-field";
import { currentAt, type Segment, segmentsOf, shownText } from "./transcript-words";
import { useFollowCurrent } from "./use-follow-current";

/** Between two words, and after a segment, the last one stays marked for this long. */
const SLACK_MS = 600;

interface Shown extends Segment {
  /** As it is shown and searched. */
  shown: ReturnType<typeof shownText>;
}

/** What is said: a click on a word goes there; what is being said is marked and kept in view; a search leads along its matches. */
export function Transcript({ spans, clock }: { spans: Finding[]; clock: Clock }) {
  const segments = useMemo(() => segmentsOf(spans).map((segment): Shown => ({ ...segment, shown: shownText(segment) })), [spans]);
  const list = useRef<HTMLOListElement>(null);
  const [follow, setFollow] = useState(true);
  const current = useClock(
    clock,
    useCallback((ms: number) => currentAt(segments, ms, SLACK_MS), [segments]),
  );
  const seek = useCallback((ms: number) => clock.seekMs(ms), [clock]);
  const texts = useMemo(() => segments.map((segment) => segment.shown.text), [segments]);
  const search = useSearch(texts, (hit) => {
    const segment = segments[hit.entry];
    if (segment) seek(segment.words[segment.shown.words.findIndex((word) => word.to > hit.from)]?.start ?? segment.start);
  });
  const found = search.hits[search.at]?.entry;
  useFollowCurrent(list, current, follow);
  useFollowCurrent(list, found ?? -1, true);
  if (segments.length === 0) return <Empty title="No speech was found." />;
  return (
    <>
      <SearchField search={search} label="Search the transcript" />
      <label className="check follow">
        <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.target.checked)} />
        Follow the video
      </label>
      <ol className="transcript" ref={list}>
        {segments.map((segment, index) => {
          const line = { segment, index, search, onSeek: seek };
          return index === current ? <CurrentLine key={segment.start} {...line} clock={clock} /> : <Line key={segment.start} {...line} word={-1} />;
        })}
      </ol>
    </>
  );
}

interface LineProps {
  segment: Shown;
  index: number;
  search: Search;
  onSeek: (ms: number) => void;
}

/** Only the line being said follows the clock word by word. */
function CurrentLine({ clock, ...line }: LineProps & { clock: Clock }) {
  const { segment } = line;
  const word = useClock(
    clock,
    useCallback((ms: number) => currentAt(segment.words, ms, SLACK_MS), [segment]),
  );
  return <Line {...line} word={word} current />;
}

function Line({ segment, index, search, onSeek, word, current }: LineProps & { word: number; current?: true }) {
  const { text, words: places } = segment.shown;
  return (
    <li aria-current={current}>
      <button type="button" className="time" lang="en" aria-label={`Go to ${words(segment.start)}`} onClick={() => onSeek(segment.start)}>
        {words(segment.start)}
      </button>
      <p lang={segment.language}>
        {segment.words.length === 0 ? (
          <Marked text={text} entry={index} search={search} />
        ) : (
          segment.words.map((each, at) => (
            // Words are for the pointer; the keyboard goes by lines, to keep the number of stops bearable.
            <span key={`${each.start} ${at}`} className={at === word ? "word current" : "word"} onClick={() => onSeek(each.start)}>
              <Marked text={text} part={places[at]} entry={index} search={search} />{" "}
            </span>
          ))
        )}
      </p>
    </li>
  );
}
