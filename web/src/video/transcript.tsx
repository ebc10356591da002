import { memo, useCallback, useMemo, useRef, useState } from "react";
import type { Finding } from "../api/types";
import { Empty } from "../components/note";
import { clock as words } from "../format/time";
import { type Clock, useClock } from "../player/clock";
import { currentAt, type Segment, segmentsOf } from "./transcript-words";
import { useFollowCurrent } from "./use-follow-current";

/** Between two words, and after a segment, the last one stays marked for this long. */
const SLACK_MS = 600;

/** What is said: a click on a word goes there; what is being said is marked and kept in view. */
export function Transcript({ spans, clock }: { spans: Finding[]; clock: Clock }) {
  const segments = useMemo(() => segmentsOf(spans), [spans]);
  const list = useRef<HTMLOListElement>(null);
  const [follow, setFollow] = useState(true);
  const current = useClock(
    clock,
    useCallback((ms: number) => currentAt(segments, ms, SLACK_MS), [segments]),
  );
  useFollowCurrent(list, current, follow);
  const seek = useCallback((ms: number) => clock.seekMs(ms), [clock]);
  if (segments.length === 0) return <Empty title="No speech was found." />;
  return (
    <>
      <label className="check follow">
        <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.target.checked)} />
        Follow the video
      </label>
      <ol className="transcript" ref={list}>
        {segments.map((segment, index) =>
          index === current ? (
            <CurrentLine key={segment.start} segment={segment} clock={clock} onSeek={seek} />
          ) : (
            <Line key={segment.start} segment={segment} word={-1} onSeek={seek} />
          ),
        )}
      </ol>
    </>
  );
}

/** Only the line being said follows the clock word by word. */
function CurrentLine({ segment, clock, onSeek }: { segment: Segment; clock: Clock; onSeek: (ms: number) => void }) {
  const word = useClock(
    clock,
    useCallback((ms: number) => currentAt(segment.words, ms, SLACK_MS), [segment]),
  );
  return <Line segment={segment} word={word} onSeek={onSeek} current />;
}

interface LineProps {
  segment: Segment;
  word: number;
  onSeek: (ms: number) => void;
  current?: true;
}

const Line = memo(function Line({ segment, word, onSeek, current }: LineProps) {
  return (
    <li aria-current={current}>
      <button type="button" className="time" lang="en" aria-label={`Go to ${words(segment.start)}`} onClick={() => onSeek(segment.start)}>
        {words(segment.start)}
      </button>
      <p lang={segment.language}>
        {segment.words.length === 0
          ? segment.text
          : segment.words.map((each, index) => (
              // Words are for the pointer; the keyboard goes by lines, to keep the number of stops bearable.
              <span key={`${each.start} ${index}`} className={index === word ? "word current" : "word"} onClick={() => onSeek(each.start)}>
                {each.text}{" "}
              </span>
            ))}
      </p>
    </li>
  );
});
