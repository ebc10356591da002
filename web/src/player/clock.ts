/**
 * The moment that is shown, for everything that moves with it: the boxes, the playhead, the transcript. One place listens to
 * the media element; the others subscribe here, and re-render only when what they select changes.
 */

import { useCallback, useSyncExternalStore } from "react";

const EVENTS = ["play", "pause", "playing", "seeking", "seeked", "timeupdate", "durationchange", "ended"] as const;

export class Clock {
  private media: HTMLMediaElement | undefined;
  private frame = 0;
  private readonly listeners = new Set<() => void>();
  /** Where to go once there is a media element. */
  private wanted: number | undefined;

  /** Follows `media`, until the returned function is called. */
  attach(media: HTMLMediaElement): () => void {
    this.media = media;
    if (this.wanted !== undefined) this.seekMs(this.wanted);
    const changed = () => {
      this.tell();
      this.run();
    };
    for (const name of EVENTS) media.addEventListener(name, changed);
    return () => {
      for (const name of EVENTS) media.removeEventListener(name, changed);
      cancelAnimationFrame(this.frame);
      this.frame = 0;
      this.media = undefined;
    };
  }

  nowMs = (): number => (this.media ? this.media.currentTime * 1000 : (this.wanted ?? 0));

  seekMs(ms: number): void {
    if (!this.media) {
      this.wanted = ms;
      this.tell();
      return;
    }
    this.wanted = undefined;
    const end = Number.isFinite(this.media.duration) ? this.media.duration : Number.POSITIVE_INFINITY;
    this.media.currentTime = Math.min(Math.max(0, ms / 1000), end);
    this.tell();
  }

  /** Calls `listener` about once per shown frame while playing, and after every jump. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private run(): void {
    if (this.frame !== 0 || !this.media || this.media.paused) return;
    const step = () => {
      this.frame = 0;
      this.tell();
      this.run();
    };
    this.frame = requestAnimationFrame(step);
  }
}

/** What `select` makes of the current moment. It must answer with a plain value, or the same object for the same moment. */
export function useClock<T extends string | number | boolean | undefined | null>(clock: Clock, select: (ms: number) => T): T {
  const read = useCallback(() => select(clock.nowMs()), [clock, select]);
  return useSyncExternalStore(clock.subscribe, read);
}
