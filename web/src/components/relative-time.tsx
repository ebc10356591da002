import { useSyncExternalStore } from "react";
import { ago, dateTime } from "../format/time";

const watchers = new Set<() => void>();
let tick = Math.floor(Date.now() / 10_000);
let timer: ReturnType<typeof setInterval> | undefined;

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    tick = Math.floor(Date.now() / 10_000);
    for (const each of watchers) each();
  }, 10_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** How long ago, kept true; the exact moment as a tooltip. One timer for all. */
export function RelativeTime({ at }: { at: string }) {
  useSyncExternalStore(watch, () => tick);
  return (
    <time dateTime={at} title={dateTime(at)}>
      {ago(at, Date.now())}
    </time>
  );
}
