import { type RefObject, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import type { AnalysisAnswer, VideoMetadata } from "../api/types";
import { AnalysisChip, DecisionChip, LabelChip, StatusChip } from "../components/chips";
import { Empty, Failure, Loading } from "../components/note";
import { RelativeTime } from "../components/relative-time";
import { useTitle } from "../components/use-title";
import { clock as words } from "../format/time";
import { useShortcuts } from "../keyboard/shortcuts";
import { coloursOf, isObject, lanesOf, sureObjects, withSamples } from "../lanes/lanes";
import { Timeline, type TimelineHandle } from "../lanes/timeline";
import { Clock } from "../player/clock";
import { type Playable, Player, type PlayerHandle } from "../player/player";
import { useMay } from "../session/session";
import { useSettings } from "../settings/settings";
import { Actions } from "../video/actions";
import { DetailsCard } from "../video/details-card";
import { FindingsPanel } from "../video/findings-panel";
import { type AskedLabel, LabelCard } from "../video/label-card";
import { Pipeline } from "../video/pipeline";
import { TaskHistory } from "../video/task-history";
import { useVideo } from "../video/use-video";
import { VerdictCard } from "../video/verdict-card";
import { WholeCards } from "../whole/whole-cards";
import "../video/video.css";
import "../video/cards.css";

export function VideoPage({ id }: { id: string }) {
  const parts = useVideo(id);
  const { data: video, error, loading } = parts.video;
  useTitle(video?.title ?? "Video");
  if (loading) {
    return (
      <div className="page">
        <Loading rows={6} />
      </div>
    );
  }
  if (!video) {
    return (
      <div className="page">
        <h1>Video</h1>
        {error?.status === 404 ? (
          <Empty title="There is no such video, or it was deleted.">
            <Link href="/library">Go to the library</Link>
          </Empty>
        ) : (
          error && <Failure error={error} onRetry={parts.reload} />
        )}
      </div>
    );
  }
  return <Shown video={video} parts={parts} />;
}

function Shown({ video, parts }: { video: VideoMetadata; parts: ReturnType<typeof useVideo> }) {
  const [clock] = useState(() => new Clock());
  const [asking, setAsking] = useState<AskedLabel>();
  const player = useRef<PlayerHandle>(null);
  const timeline = useRef<TimelineHandle>(null);
  const { objectsFrom } = useSettings();
  const all = parts.spans.data?.items;
  const spans = useMemo(() => sureObjects(all ?? [], objectsFrom), [all, objectsFrom]);
  const [scores, sound, quality] = [parts.scores.data, parts.sound.data, parts.quality.data];
  const lanes = useMemo(() => lanesOf(withSamples(spans, { scores, sound, quality })), [spans, scores, sound, quality]);
  const colours = useMemo(() => coloursOf(lanes), [lanes]);
  const analysis = parts.analysis.data;
  const looked = useMemo(() => whoLooked(analysis), [analysis]);
  const tasks = parts.tasks.data?.items ?? [];
  const durationMs = video.duration_ms ?? 0;
  const playable = video.status === "ready";
  const mayLabel = useMay("reviewer");
  useVideoKeys(clock, player, timeline, mayLabel ? setAsking : undefined, video.media?.video?.fps);

  return (
    <div className="page watch">
      <Heading video={video} onChanged={parts.reload} />
      {parts.video.error && <Failure error={parts.video.error} onRetry={parts.reload} />}
      <div className="watch-grid">
        <div className="watch-main">
          {playable ? <Player ref={player} of={playableOf(video, { colours, objectsFrom, looked })} clock={clock} /> : <Pipeline video={video} tasks={tasks} />}
          {parts.spans.error && <Failure error={parts.spans.error} onRetry={parts.spans.reload} />}
          {durationMs > 0 && (playable || lanes.length > 0) && <Timeline ref={timeline} lanes={lanes} hidden={all === undefined || !all.some(isObject) ? undefined : all.length - spans.length} durationMs={durationMs} clock={clock} />}
          {(playable || spans.length > 0) && <WholeCards video={video.stream_id} spans={spans} analysis={analysis} clock={clock} />}
          <TaskHistory tasks={tasks} onChanged={parts.tasks.reload} />
          <DetailsCard video={video} />
        </div>
        <div className="watch-side">
          <VerdictCard video={video} verdict={parts.verdict} clock={clock} />
          <LabelCard video={video} asking={asking} onAsk={setAsking} onLabelled={parts.video.reload} />
          <FindingsPanel video={video.stream_id} spans={spans} analysis={analysis} clock={clock} colours={colours} />
        </div>
      </div>
    </div>
  );
}

function Heading({ video, onChanged }: { video: VideoMetadata; onChanged: () => void }) {
  return (
    <header className="watch-head">
      <div>
        <h1>{video.title || video.stream_id}</h1>
        <p className="muted">
          {video.duration_ms != null && `${words(video.duration_ms)} · `}
          {video.resolution && `${video.resolution} · `}
          <RelativeTime at={video.created_at} />
        </p>
      </div>
      <div className="chips">
        <StatusChip status={video.status} />
        {video.status === "ready" && <AnalysisChip analysis={video.analysis} />}
        <DecisionChip decision={video.decision} />
        {video.human_label && <LabelChip label={video.human_label} />}
      </div>
      <Actions video={video} onChanged={onChanged} />
    </header>
  );
}

/** Analysers that have something to show, whole or in part. */
function whoLooked(analysis: AnalysisAnswer | undefined): ReadonlySet<string> {
  return new Set(Object.entries(analysis?.analysers ?? {}).flatMap(([name, { status }]) => (status === "done" || status === "degraded" ? [name] : [])));
}

function playableOf(video: VideoMetadata, drawn: Pick<Playable, "colours" | "objectsFrom" | "looked">): Playable {
  const track = video.media?.video;
  return {
    id: video.stream_id,
    title: video.title,
    posterUrl: video.poster_url,
    decision: video.decision,
    label: video.human_label,
    durationMs: video.duration_ms ?? 0,
    size: track ? { width: track.width, height: track.height } : undefined,
    stamp: `${video.analysis} ${video.analysed_at ?? ""}`,
    ...drawn,
  };
}

const LONG_MS = 10_000;
const SHORT_MS = 2000;
const FPS_DEFAULT = 25;
const ZOOM_STEP = 1.6;

function useVideoKeys(
  clock: Clock,
  player: RefObject<PlayerHandle | null>,
  timeline: RefObject<TimelineHandle | null>,
  label: ((label: AskedLabel) => void) | undefined,
  fps: number | undefined,
): void {
  const move = (ms: number) => () => clock.seekMs(clock.nowMs() + ms);
  const frame = 1000 / (fps && fps > 0 ? fps : FPS_DEFAULT);
  const toggle = () => player.current?.toggle();
  useShortcuts({
    " ": toggle,
    k: toggle,
    j: move(-LONG_MS),
    l: move(LONG_MS),
    ArrowLeft: move(-SHORT_MS),
    ArrowRight: move(SHORT_MS),
    ",": move(-frame),
    ".": move(frame),
    m: () => player.current?.mute(),
    f: () => player.current?.fullscreen(),
    b: () => player.current?.layers(),
    v: () => player.current?.reveal(),
    n: () => timeline.current?.jump(1),
    p: () => timeline.current?.jump(-1),
    "+": () => timeline.current?.zoom(ZOOM_STEP),
    "=": () => timeline.current?.zoom(ZOOM_STEP),
    "-": () => timeline.current?.zoom(1 / ZOOM_STEP),
    "0": () => timeline.current?.fit(),
    "1": () => label?.("safe"),
    "2": () => label?.("harmful"),
  });
}
