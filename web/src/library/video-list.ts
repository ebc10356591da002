/** Pages of videos kept together, and changed one by one as events come. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type ApiError, asApiError } from "../api/client";
import type { VideoSummary, WeirEvent } from "../api/types";
import { useEvents } from "../api/use-events";
import { listVideos, type VideoFilter } from "../api/videos";

export interface VideoList {
  videos: VideoSummary[];
  loading: boolean;
  error: ApiError | undefined;
  /** There are more pages. */
  more: boolean;
  loadMore: () => void;
  reload: () => void;
}

interface Held {
  key: string;
  videos: VideoSummary[];
  next: string | undefined;
  error: ApiError | undefined;
}

/** Appends a page; a video that moved between two pages is kept once, as it is now. */
export function append(videos: VideoSummary[], page: VideoSummary[]): VideoSummary[] {
  const ids = new Set(page.map((video) => video.stream_id));
  return [...videos.filter((video) => !ids.has(video.stream_id)), ...page];
}

/** Puts the newly read `fresh` in the place of the shown ones; what is in `gone` is taken out. */
export function refresh(videos: VideoSummary[], fresh: VideoSummary[], gone: ReadonlySet<string>): VideoSummary[] {
  const byId = new Map(fresh.map((video) => [video.stream_id, video]));
  return videos.filter((video) => !gone.has(video.stream_id)).map((video) => byId.get(video.stream_id) ?? video);
}

const PAGE = 48;
const PAGE_MAX = 200;

/** A list that is read anew keeps the length to which it had grown, within what the server gives at once. */
export function pageSize(shown: number): number {
  return Math.min(PAGE_MAX, Math.max(PAGE, shown));
}

const GATHER_MS = 700;
/** More changed videos than this are read as a list. */
const ONE_BY_ONE_MAX = 6;

export function useVideoList(filter: VideoFilter): VideoList {
  const key = JSON.stringify(filter);
  const [held, setHeld] = useState<Held>();
  const [round, setRound] = useState(0);
  const latest = useRef<{ filter: VideoFilter; held: Held | undefined }>({ filter, held });
  useEffect(() => {
    latest.current = { filter, held };
  });

  useEffect(() => {
    const stop = new AbortController();
    const { filter: wanted, held: before } = latest.current;
    const shown = before?.key === key ? before.videos.length : 0;
    listVideos(wanted, undefined, pageSize(shown), stop.signal).then(
      (page) => {
        if (!stop.signal.aborted) setHeld({ key, videos: page.items, next: page.next ?? undefined, error: undefined });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setHeld((before) => (before?.key === key ? { ...before, error: asApiError(error) } : { key, videos: [], next: undefined, error: asApiError(error) }));
      },
    );
    return () => stop.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  const loadMore = useCallback(() => {
    const before = latest.current.held;
    if (!before?.next) return;
    listVideos(latest.current.filter, before.next, PAGE).then(
      (page) =>
        setHeld((now) =>
          now?.key === before.key && now.next === before.next
            ? { ...now, videos: append(now.videos, page.items), next: page.next ?? undefined, error: undefined }
            : now,
        ),
      (error: unknown) => setHeld((now) => (now?.key === before.key ? { ...now, error: asApiError(error) } : now)),
    );
  }, []);

  const current = held?.key === key ? held : undefined;
  useLiveChanges(current, setHeld, reload);
  return useMemo(
    () => ({
      videos: current?.videos ?? [],
      loading: current === undefined,
      error: current?.error,
      more: current?.next !== undefined,
      loadMore,
      reload,
    }),
    [current, loadMore, reload],
  );
}

/** Follows events: shown videos are read anew; a new one reloads the list while only its first page is shown. */
function useLiveChanges(held: Held | undefined, setHeld: (change: (now: Held | undefined) => Held | undefined) => void, reload: () => void): void {
  const waiting = useRef(new Map<string, WeirEvent>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const settle = async () => {
    timer.current = undefined;
    const events = [...waiting.current.values()];
    waiting.current.clear();
    const shown = new Set(held?.videos.map((video) => video.stream_id));
    const changed = events.filter((event) => shown.has(event.key));
    const isNew = events.some((event) => event.kind !== "video.deleted" && !shown.has(event.key));
    const firstPageOnly = held !== undefined && held.videos.length <= PAGE;
    if (changed.length > ONE_BY_ONE_MAX || (isNew && firstPageOnly)) {
      reload();
      return;
    }
    const gone = new Set(changed.filter((event) => event.kind === "video.deleted").map((event) => event.key));
    const asking = changed.filter((event) => !gone.has(event.key)).map((event) => listVideos({ stream_id: event.key }, undefined, 1));
    const pages = await Promise.allSettled(asking);
    const fresh = pages.flatMap((page) => (page.status === "fulfilled" ? page.value.items : []));
    setHeld((now) => now && { ...now, videos: refresh(now.videos, fresh, gone) });
  };

  useEvents((heard) => {
    if (heard.type === "resync") {
      reload();
      return;
    }
    if (!heard.event.kind.startsWith("video.") || heard.event.kind === "video.analyser") return;
    waiting.current.set(heard.event.key, heard.event);
    timer.current ??= setTimeout(() => void latestSettle.current(), GATHER_MS);
  });
  const latestSettle = useRef(settle);
  useEffect(() => {
    latestSettle.current = settle;
  });
}
