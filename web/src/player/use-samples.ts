/** Per-sample findings around the current moment, fetched by windows of time. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Finding } from "../api/types";
import { videoSamples } from "../api/videos";
import { type Clock, useClock } from "./clock";
import { bySample, type Sample, WINDOW_MS, windowsAt } from "./samples";

/** Windows kept; the least recently fetched go first. */
const WINDOWS_MAX = 20;

/**
 * Samples of `analyser` in the windows around now. `stamp` changes when the results changed: everything is fetched anew.
 * A window that could not be fetched is tried again when it is next entered.
 */
export function useSamples(video: string, analyser: string, clock: Clock, stamp: string): Sample[] {
  const [windows, setWindows] = useState<ReadonlyMap<number, Finding[]>>(new Map());
  const asked = useRef(new Set<number>());
  const wanted = useClock(
    clock,
    useCallback((ms: number) => windowsAt(ms).join(","), []),
  );

  useEffect(() => {
    setWindows(new Map());
    asked.current = new Set();
  }, [video, analyser, stamp]);

  useEffect(() => {
    const seen = asked.current;
    for (const index of wanted.split(",").map(Number)) {
      if (seen.has(index)) continue;
      seen.add(index);
      videoSamples(video, analyser, index * WINDOW_MS, (index + 1) * WINDOW_MS).then(
        (found) => {
          if (asked.current !== seen) return;
          setWindows((before) => {
            const next = new Map(before).set(index, found.items);
            for (const old of [...next.keys()].slice(0, Math.max(0, next.size - WINDOWS_MAX))) {
              next.delete(old);
              seen.delete(old);
            }
            return next;
          });
        },
        () => seen.delete(index),
      );
    }
  }, [video, analyser, wanted, stamp]);

  return useMemo(() => bySample([...windows.values()].flat()), [windows]);
}
