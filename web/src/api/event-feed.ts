/**
 * The server's events, one SSE connection per tab, shared by every page.
 *
 * A lost connection is taken up after the last event seen: the browser sends `Last-Event-ID` when it reconnects by itself; when
 * it gives up (an answer that is not a stream) this asks why, waits, and opens a new one with `?after=`. When events were missed
 * for good, listeners get `resync` and read everything anew. A hidden tab hangs up after a minute: browsers allow six
 * connections per server.
 */

import { BASE, withQuery } from "./client";
import type { WeirEvent } from "./types";

export const EVENT_KINDS = [
  "video.created",
  "video.uploaded",
  "video.processing",
  "video.transcoding",
  "video.ready",
  "video.failed",
  "video.analysis",
  "video.analyser",
  "video.verdict",
  "video.labelled",
  "video.deleted",
  "video.purged",
  "task.ended",
  "feed.announced",
] as const;

export type FeedState = "off" | "connecting" | "live";
export type Heard = { type: "event"; event: WeirEvent } | { type: "resync" };

const HIDDEN_MS = 60_000;
const RETRY_MAX_MS = 30_000;

/** Milliseconds before attempt `n` (from 0): 1 s doubled each time, at most 30 s. */
export function retryDelay(n: number): number {
  return Math.min(RETRY_MAX_MS, 1000 * 2 ** Math.min(n, 10));
}

/** Reads an event from the text of an SSE message; what is not one is nothing. */
export function readEvent(text: string): WeirEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { kind, key } = value as Partial<WeirEvent>;
    return typeof kind === "string" && typeof key === "string" ? (value as WeirEvent) : undefined;
  } catch {
    return undefined;
  }
}

export class EventFeed {
  private source: EventSource | undefined;
  private after: string | undefined;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private current: FeedState = "off";
  private readonly listeners = new Set<(heard: Heard) => void>();
  private readonly watchers = new Set<() => void>();

  /** Begins to listen. */
  start(): void {
    if (this.running) return;
    this.running = true;
    document.addEventListener("visibilitychange", this.visibility);
    this.open();
  }

  /** Hangs up and forgets where it was. */
  stop(): void {
    this.running = false;
    this.after = undefined;
    document.removeEventListener("visibilitychange", this.visibility);
    this.hangUp();
  }

  /** Calls `listener` with every event, until the returned function is called. */
  subscribe(listener: (heard: Heard) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls `watcher` when `state` changes. */
  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  state = (): FeedState => this.current;

  private move(state: FeedState): void {
    if (this.current === state) return;
    this.current = state;
    for (const watcher of this.watchers) watcher();
  }

  private tell(heard: Heard): void {
    for (const listener of this.listeners) listener(heard);
  }

  private open(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.move("connecting");
    const resumed = this.after;
    const source = new EventSource(withQuery(`${BASE}/events`, { after: resumed }));
    this.source = source;
    let first = true;
    source.onopen = () => {
      this.failures = 0;
      this.move("live");
      // Without a cursor the stream begins now: what happened before it is read from the lists.
      if (first && resumed === undefined) this.tell({ type: "resync" });
      first = false;
    };
    source.onerror = () => {
      this.move("connecting");
      if (source.readyState === EventSource.CLOSED) void this.gaveUp();
    };
    for (const kind of EVENT_KINDS) source.addEventListener(kind, this.heard);
  }

  private readonly heard = (message: MessageEvent<string>): void => {
    if (message.lastEventId !== "") this.after = message.lastEventId;
    const event = readEvent(message.data);
    if (event) this.tell({ type: "event", event });
  };

  /** The browser does not try again: finds out whether the cursor is too old, then tries again itself. */
  private async gaveUp(): Promise<void> {
    const delay = retryDelay(this.failures);
    this.failures += 1;
    if (this.after !== undefined) {
      const answer = await fetch(withQuery(`${BASE}/events`, { after: this.after, limit: 1 }), {
        headers: { Accept: "application/json" },
      }).catch(() => undefined);
      if (answer?.status === 410) this.after = undefined;
    }
    if (!this.running || document.hidden) return;
    this.timer = setTimeout(() => this.open(), delay);
  }

  private hangUp(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
    this.move("off");
  }

  private readonly visibility = (): void => {
    clearTimeout(this.timer);
    if (document.hidden) {
      this.timer = setTimeout(() => this.hangUp(), HIDDEN_MS);
    } else if (this.source === undefined || this.source.readyState === EventSource.CLOSED) {
      this.open();
    }
  };
}

export const feed = new EventFeed();
