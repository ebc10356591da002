/** Plays a video's packaged renditions with hls.js, or with the browser's own HLS where there is no Media Source. */

import type HlsType from "hls.js";
import type { ErrorData } from "hls.js";
import { type RefObject, useEffect, useRef, useState } from "react";
import { asApiError } from "../api/client";
import { videoManifest } from "../api/videos";

export interface Level {
  index: number;
  /** For example `720p`. */
  name: string;
  bitRate: number;
}

export interface HlsState {
  /** Best first; empty where the browser chooses by itself. */
  levels: Level[];
  /** The one that is played. */
  playing: number;
  /** The one that was asked for; -1: automatic. */
  chosen: number;
  choose: (index: number) => void;
  /** Why it does not play, in words. */
  problem: string | undefined;
  retry: () => void;
}

/** Renewed addresses per video page: a server that refuses every one must not be asked for ever. */
const RENEWALS_MAX = 5;

/** Whether an error means that the playback session ended (410), so that a new address helps. */
export function sessionEnded(data: Pick<ErrorData, "response">): boolean {
  return data.response?.code === 410;
}

/** A rendition is named by its short side, so that a portrait one has the name it has in the ladder. */
export function levelName(level: { width: number; height: number }): string {
  const side = Math.min(level.width, level.height);
  return side > 0 ? `${side}p` : "Audio";
}

export function useHls(media: RefObject<HTMLVideoElement | null>, video: string): HlsState {
  const [levels, setLevels] = useState<Level[]>([]);
  const [playing, setPlaying] = useState(-1);
  const [chosen, setChosen] = useState(-1);
  const [problem, setProblem] = useState<string>();
  const [round, setRound] = useState(0);
  const current = useRef<HlsType | undefined>(undefined);

  useEffect(() => {
    const element = media.current;
    if (!element) return;
    const stop = new AbortController();
    setProblem(undefined);

    const open = async () => {
      const [{ default: Hls, ErrorTypes, Events }, manifest] = await Promise.all([import("hls.js"), videoManifest(video, stop.signal)]);
      if (stop.signal.aborted) return;
      if (!Hls.isSupported()) {
        if (element.canPlayType("application/vnd.apple.mpegurl") === "") throw new Error("This browser cannot play HLS.");
        element.src = manifest.manifest_url;
        return;
      }
      // No worker: its script would be a blob, which the content security policy does not allow; fMP4 needs no transmuxing.
      const hls = new Hls({ enableWorker: false, capLevelToPlayerSize: true, backBufferLength: 60 });
      current.current = hls;
      stop.signal.addEventListener("abort", () => hls.destroy());
      hls.on(Events.MANIFEST_PARSED, (_, data) => {
        setLevels(data.levels.map((level, index) => ({ index, name: levelName(level), bitRate: level.bitrate })).reverse());
      });
      hls.on(Events.LEVEL_SWITCHED, (_, data) => setPlaying(data.level));

      let renewals = 0;
      let renewing = false;
      const renew = async () => {
        renewals += 1;
        renewing = true;
        const playing = !element.paused;
        hls.config.startPosition = element.currentTime;
        const fresh = await videoManifest(video, stop.signal);
        hls.once(Events.MANIFEST_PARSED, () => {
          renewing = false;
          // A refused play leaves it paused, which is what the button shows.
          if (playing) element.play().catch(() => undefined);
        });
        hls.loadSource(fresh.manifest_url);
      };
      let recovered = false;
      hls.on(Events.ERROR, (_, data) => {
        // Not fatal at first: hls.js waits for another rendition, but all of them are gone.
        if (sessionEnded(data) && renewals < RENEWALS_MAX) {
          if (!renewing) renew().catch((error: unknown) => setProblem(asApiError(error).message));
        } else if (data.fatal && data.type === ErrorTypes.MEDIA_ERROR && !recovered) {
          recovered = true;
          hls.recoverMediaError();
        } else if (data.fatal) {
          setProblem(data.type === ErrorTypes.NETWORK_ERROR ? "The video could not be loaded from the server." : "The browser could not decode the video.");
        }
      });
      hls.loadSource(manifest.manifest_url);
      hls.attachMedia(element);
    };

    open().catch((error: unknown) => {
      if (!stop.signal.aborted) setProblem(asApiError(error).message);
    });
    return () => {
      stop.abort();
      current.current = undefined;
    };
  }, [media, video, round]);

  return {
    levels,
    playing,
    chosen,
    choose: (index) => {
      setChosen(index);
      if (current.current) current.current.nextLevel = index;
    },
    problem,
    retry: () => setRound((n) => n + 1),
  };
}
