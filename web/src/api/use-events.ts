/** Events in components. */

import { useEffect, useRef, useSyncExternalStore } from "react";
import { type FeedState, feed, type Heard } from "./event-feed";
import type { WeirEvent } from "./types";

/** Calls `listener` with every event while the component is shown. */
export function useEvents(listener: (heard: Heard) => void): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => feed.subscribe((heard) => latest.current(heard)), []);
}

/** Whether events come in. */
export function useFeedState(): FeedState {
  return useSyncExternalStore(feed.watch, feed.state);
}

/**
 * Calls `reload` when an event that `matters` came (or events were missed): at once, then at most once every `everyMs`, so
 * that a burst of uploads does not become a burst of requests.
 */
export function useReloadOn(matters: (event: WeirEvent) => boolean, reload: () => void, everyMs: number): void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const last = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents((heard) => {
    if (heard.type === "event" && !matters(heard.event)) return;
    if (timer.current !== undefined) return;
    const wait = Math.max(0, last.current + everyMs - performance.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = performance.now();
      reload();
    }, wait);
  });
}
