/** Everything that the video page shows of one video, kept true by events. */

import { useEffect } from "react";
import type { WeirEvent } from "../api/types";
import { useReloadOn } from "../api/use-events";
import { useQuery } from "../api/use-query";
import { videoAnalysis, videoMetadata, videoSamples, videoSpans, videoTasks, videoVerdict } from "../api/videos";

/** Progress of a task is no event: it is asked for while something runs. */
const PROGRESS_MS = 2000;
const GATHER_MS = 500;

export function useVideo(id: string) {
  const video = useQuery(`video ${id}`, (signal) => videoMetadata(id, signal));
  const analysis = useQuery(`analysis ${id}`, (signal) => videoAnalysis(id, signal));
  const spans = useQuery(`spans ${id}`, (signal) => videoSpans(id, signal));
  // The sensitive lane shows the score over time, so it needs every sample.
  const scores = useQuery(`scores ${id}`, () => videoSamples(id, "sensitive_content", 0, Number.MAX_SAFE_INTEGER));
  // Of what is told sample by sample, what begins with the sound: the curve of its loudness is among it.
  const sound = useQuery(`sound ${id}`, () => videoSamples(id, "audio_analysis", 0, 0));
  const quality = useQuery(`quality ${id}`, () => videoSamples(id, "content_quality", 0, Number.MAX_SAFE_INTEGER));
  const judged = video.data !== undefined && video.data.decision !== "pending";
  const verdict = useQuery(judged ? `verdict ${id}` : null, (signal) => videoVerdict(id, signal));
  const tasks = useQuery(`tasks ${id}`, (signal) => videoTasks(id, signal));

  const mine = (event: WeirEvent) => event.key === id;
  useReloadOn(mine, video.reload, GATHER_MS);
  useReloadOn((event) => mine(event) && (event.kind === "video.verdict" || event.kind === "video.analysis"), verdict.reload, GATHER_MS);
  useReloadOn(
    (event) => mine(event) && event.kind.startsWith("video.analys"),
    () => {
      analysis.reload();
      spans.reload();
      scores.reload();
      sound.reload();
      quality.reload();
    },
    GATHER_MS,
  );
  const open = (tasks.data?.items ?? []).some((task) => task.state === "running" || task.state === "ready" || task.state === "waiting");
  const mineToo = (event: WeirEvent) => mine(event) || (tasks.data?.items ?? []).some((task) => task.id === event.key);
  useReloadOn(mineToo, tasks.reload, GATHER_MS);
  const reloadTasks = tasks.reload;
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(() => {
      if (!document.hidden) reloadTasks();
    }, PROGRESS_MS);
    return () => clearInterval(timer);
  }, [open, reloadTasks]);

  return {
    video,
    analysis,
    spans,
    scores,
    sound,
    quality,
    verdict,
    tasks,
    reload: () => {
      for (const each of [video, analysis, spans, scores, sound, quality, verdict, tasks]) each.reload();
    },
  };
}
