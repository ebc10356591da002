import { useMemo, useState } from "react";
import { Icon } from "../components/icon";
import { byEntry, type Hit, hitsIn, pieces, type Range, turn } from "./search";
import "./search.css";

export interface Search {
  query: string;
  hits: Hit[];
  byEntry: ReturnType<typeof byEntry>;
  /** The hit that was gone to; -1 before the first. */
  at: number;
  ask: (query: string) => void;
  go: (direction: 1 | -1) => void;
}

/** Searches texts; `onHit` is called with the hit that is gone to. */
export function useSearch(texts: string[], onHit: (hit: Hit) => void): Search {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(-1);
  const hits = useMemo(() => hitsIn(texts, query), [texts, query]);
  const found = useMemo(() => byEntry(hits), [hits]);
  return {
    query,
    hits,
    byEntry: found,
    // Results may have changed meanwhile.
    at: Math.min(at, hits.length - 1),
    ask: (next) => {
      setQuery(next);
      setAt(-1);
    },
    go: (direction) => {
      const next = turn(at, hits.length, direction);
      setAt(next);
      const hit = hits[next];
      if (hit) onHit(hit);
    },
  };
}

/** A field with the number of hits and the way to the next one: Enter, Shift and Enter back, Escape empties. */
export function SearchField({ search, label }: { search: Search; label: string }) {
  const { query, hits, at, ask, go } = search;
  const none = hits.length === 0;
  return (
    <div className="search" role="search">
      <div className="search-input">
        <Icon name="search" />
        <input
          type="search"
          aria-label={label}
          placeholder={label}
          value={query}
          onChange={(event) => ask(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
            else if (event.key === "Escape") ask("");
            else return;
            event.preventDefault();
          }}
        />
      </div>
      <span className="search-count muted" role="status">
        {query.trim() !== "" && (none ? "none" : at < 0 ? `${hits.length} found` : `${at + 1} of ${hits.length}`)}
      </span>
      <button type="button" className="icon-button small" aria-label="Previous match" disabled={none} onClick={() => go(-1)}>
        <Icon name="up" />
      </button>
      <button type="button" className="icon-button small" aria-label="Next match" disabled={none} onClick={() => go(1)}>
        <Icon name="down" />
      </button>
    </div>
  );
}

interface MarkedProps {
  text: string;
  /** The part of the text that is shown; all of it unless said. */
  part?: Range;
  entry: number;
  search: Search;
}

/** A text with what was searched for marked in it. */
export function Marked({ text, part = { from: 0, to: text.length }, entry, search }: MarkedProps) {
  const found = search.byEntry.get(entry);
  if (!found) return text.slice(part.from, part.to);
  return pieces(text, part, found.ranges, found.first).map((piece, index) =>
    piece.hit === undefined ? (
      piece.text
    ) : (
      <mark key={index} className={piece.hit === search.at ? "hit current" : "hit"}>
        {piece.text}
      </mark>
    ),
  );
}
