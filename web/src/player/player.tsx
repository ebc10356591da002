import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import type { Decision, HumanLabel } from "../api/types";
import { Icon } from "../components/icon";
import { Note } from "../components/note";
import { isFlagged } from "../components/poster";
import { changeSettings, settings, useSettings } from "../settings/settings";
import type { Clock } from "./clock";
import { Controls } from "./controls";
import { chosenLayers } from "./layers";
import { LayersMenu } from "./layers-menu";
import { Overlay } from "./overlay";
import { type Size, useElementSize } from "./use-element-size";
import { useHls } from "./use-hls";
import "./player.css";

/** What the page's keys do to the player. */
export interface PlayerHandle {
  toggle: () => void;
  mute: () => void;
  fullscreen: () => void;
  layers: () => void;
  reveal: () => void;
}

export interface Playable {
  id: string;
  title: string;
  posterUrl: string | null | undefined;
  decision: Decision;
  label: HumanLabel | null | undefined;
  durationMs: number;
  /** Source size as shown; nothing for sound alone. */
  size: Size | undefined;
  /** Changes when the analysis does: what is drawn is fetched anew. */
  stamp: string;
  /** Analysers that looked. */
  looked: ReadonlySet<string>;
  /** Of classes. */
  colours: ReadonlyMap<string, number>;
  /** Objects of which the model is less sure are not drawn. */
  objectsFrom: number;
}

export function Player({ of, clock, ref }: { of: Playable; clock: Clock; ref: Ref<PlayerHandle> }) {
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const screen = useRef<HTMLDivElement>(null);
  const hls = useHls(video, of.id);
  const [drawn, setDrawn] = useState(true);
  const [revealed, setRevealed] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const { blurFlagged, layers } = useSettings();
  const shown = useElementSize(screen);
  const flagged = blurFlagged && isFlagged(of.decision, of.label);
  const blurred = flagged && !revealed;

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const held = settings();
    element.volume = held.volume;
    element.muted = held.muted;
    return clock.attach(element);
  }, [clock]);

  const toggle = () => {
    const element = video.current;
    if (!element) return;
    // A refused play (no source yet, or an autoplay rule) leaves it paused, which is what the button shows.
    if (element.paused) element.play().catch(() => undefined);
    else element.pause();
  };
  const mute = () => {
    if (video.current) video.current.muted = !video.current.muted;
  };
  const fullscreen = () => {
    // Where full screen is not allowed the player stays as it is.
    const change = document.fullscreenElement ? document.exitFullscreen() : frame.current?.requestFullscreen();
    change?.catch(() => undefined);
  };
  useImperativeHandle(ref, () => ({
    toggle,
    mute,
    fullscreen,
    layers: () => setDrawn((now) => !now),
    reveal: () => setRevealed((now) => !now),
  }));

  return (
    <div ref={frame} className={blurred ? "player blurred" : "player"}>
      <div ref={screen} className="screen" style={{ aspectRatio: of.size ? `${of.size.width} / ${of.size.height}` : "16 / 3" }}>
        <video
          ref={video}
          poster={of.posterUrl ?? undefined}
          playsInline
          preload="metadata"
          aria-label={of.title}
          onClick={toggle}
          onWaiting={() => setWaiting(true)}
          onPlaying={() => setWaiting(false)}
          onCanPlay={() => setWaiting(false)}
          onVolumeChange={(event) => changeSettings({ volume: event.currentTarget.volume, muted: event.currentTarget.muted })}
        />
        {!of.size && (
          <p className="sound-only">
            <Icon name="volume" /> Sound only
          </p>
        )}
        {of.size && drawn && !blurred && (
          <Overlay of={{ ...of, video: of.id, source: of.size, clock }} layers={chosenLayers(layers).filter((layer) => of.looked.has(layer.analyser))} shown={shown} />
        )}
        {waiting && <div className="buffering" role="status" aria-label="Loading the video" />}
        {blurred && (
          <div className="cover">
            <p>{of.label ? "A person labelled this video as harmful." : of.decision === "review" ? "This video needs review." : "This video was judged harmful."}</p>
            <button type="button" className="button" onClick={() => setRevealed(true)}>
              <Icon name="eye" /> Reveal
            </button>
          </div>
        )}
      </div>
      {hls.problem !== undefined && (
        <Note tone="bad">
          <p>{hls.problem}</p>
          <button type="button" className="button small" onClick={hls.retry}>
            Try again
          </button>
        </Note>
      )}
      <Controls
        video={video}
        clock={clock}
        hls={hls}
        durationMs={of.durationMs}
        layers={of.size && <LayersMenu looked={of.looked} drawn={drawn} onDrawn={() => setDrawn(!drawn)} />}
        onToggle={toggle}
        onMute={mute}
        onFullscreen={fullscreen}
        onBlur={flagged && revealed ? () => setRevealed(false) : undefined}
      />
    </div>
  );
}
