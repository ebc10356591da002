/** What the media element does, as state of a component. */

import { type RefObject, useEffect, useState } from "react";

export interface MediaState {
  paused: boolean;
  muted: boolean;
  volume: number;
  rate: number;
  /** How far it is loaded around the current moment, in milliseconds. */
  bufferedMs: number;
}

const EVENTS = ["play", "pause", "ended", "volumechange", "ratechange", "progress", "seeked", "loadedmetadata"] as const;

function bufferedEnd(media: HTMLMediaElement): number {
  for (let index = 0; index < media.buffered.length; index += 1) {
    if (media.buffered.start(index) <= media.currentTime + 0.1 && media.currentTime <= media.buffered.end(index)) {
      return media.buffered.end(index) * 1000;
    }
  }
  return 0;
}

export function useMediaState(media: RefObject<HTMLVideoElement | null>): MediaState {
  const [state, setState] = useState<MediaState>({ paused: true, muted: false, volume: 1, rate: 1, bufferedMs: 0 });
  useEffect(() => {
    const element = media.current;
    if (!element) return;
    const read = () =>
      setState({
        paused: element.paused,
        muted: element.muted,
        volume: element.volume,
        rate: element.playbackRate,
        bufferedMs: bufferedEnd(element),
      });
    read();
    for (const name of EVENTS) element.addEventListener(name, read);
    return () => {
      for (const name of EVENTS) element.removeEventListener(name, read);
    };
  }, [media]);
  return state;
}
