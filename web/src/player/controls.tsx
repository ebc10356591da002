import { type ReactNode, type RefObject, useCallback } from "react";
import { Icon } from "../components/icon";
import { clock as words } from "../format/time";
import { bitRate } from "../format/numbers";
import { type Clock, useClock } from "./clock";
import type { HlsState } from "./use-hls";
import { useMediaState } from "./use-media-state";

interface Props {
  video: RefObject<HTMLVideoElement | null>;
  clock: Clock;
  hls: HlsState;
  durationMs: number;
  /** Chooses what is drawn over the picture; nothing where there is none. */
  layers: ReactNode;
  onToggle: () => void;
  onMute: () => void;
  onFullscreen: () => void;
  /** Set while a flagged picture is revealed. */
  onBlur: (() => void) | undefined;
}

const RATES = [0.25, 0.5, 1, 1.5, 2];

export function Controls({ video, clock, hls, durationMs, layers, onToggle, onMute, onFullscreen, onBlur }: Props) {
  const media = useMediaState(video);
  const silent = media.muted || media.volume === 0;
  return (
    <div className="controls" role="group" aria-label="Player">
      <Seek clock={clock} durationMs={durationMs} bufferedMs={media.bufferedMs} />
      <div className="controls-row">
        <button type="button" className="icon-button" aria-label={media.paused ? "Play" : "Pause"} onClick={onToggle}>
          <Icon name={media.paused ? "play" : "pause"} />
        </button>
        <Times clock={clock} durationMs={durationMs} />
        <button type="button" className="icon-button" aria-label={silent ? "Sound on" : "Sound off"} onClick={onMute}>
          <Icon name={silent ? "muted" : "volume"} />
        </button>
        <input
          className="volume"
          type="range"
          aria-label="Volume"
          min="0"
          max="1"
          step="0.05"
          value={silent ? 0 : media.volume}
          onChange={(event) => {
            if (!video.current) return;
            video.current.volume = Number(event.target.value);
            video.current.muted = false;
          }}
        />
        <span className="spacer" />
        {onBlur && (
          <button type="button" className="icon-button" aria-label="Blur again" onClick={onBlur}>
            <Icon name="hidden" />
          </button>
        )}
        {layers}
        <label className="select-field">
          <span className="hidden-text">Speed</span>
          <select
            value={media.rate}
            onChange={(event) => {
              if (video.current) video.current.playbackRate = Number(event.target.value);
            }}
          >
            {RATES.map((rate) => (
              <option key={rate} value={rate}>
                {rate}×
              </option>
            ))}
          </select>
        </label>
        {hls.levels.length > 1 && <QualityMenu hls={hls} />}
        <button type="button" className="icon-button" aria-label="Full screen" onClick={onFullscreen}>
          <Icon name="fullscreen" />
        </button>
      </div>
    </div>
  );
}

function QualityMenu({ hls }: { hls: HlsState }) {
  const playing = hls.levels.find((level) => level.index === hls.playing);
  return (
    <label className="select-field">
      <span className="hidden-text">Quality</span>
      <select value={hls.chosen} onChange={(event) => hls.choose(Number(event.target.value))}>
        <option value={-1}>{hls.chosen === -1 && playing ? `Auto (${playing.name})` : "Auto"}</option>
        {hls.levels.map((level) => (
          <option key={level.index} value={level.index}>
            {level.name} · {bitRate(level.bitRate)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Times({ clock, durationMs }: { clock: Clock; durationMs: number }) {
  const now = useClock(clock, words);
  return (
    <span className="times">
      {now} <span className="muted">/ {words(durationMs)}</span>
    </span>
  );
}

const STEP_MS = 100;

function Seek({ clock, durationMs, bufferedMs }: { clock: Clock; durationMs: number; bufferedMs: number }) {
  const now = useClock(
    clock,
    useCallback((ms: number) => Math.round(ms / STEP_MS) * STEP_MS, []),
  );
  const share = (ms: number) => `${durationMs > 0 ? Math.min(100, (ms / durationMs) * 100) : 0}%`;
  return (
    <input
      className="seek"
      type="range"
      aria-label="Position"
      aria-valuetext={`${words(now)} of ${words(durationMs)}`}
      min="0"
      max={Math.max(STEP_MS, durationMs)}
      step={STEP_MS}
      value={Math.min(now, durationMs)}
      style={{ "--played": share(now), "--loaded": share(bufferedMs) }}
      onChange={(event) => clock.seekMs(Number(event.target.value))}
    />
  );
}
