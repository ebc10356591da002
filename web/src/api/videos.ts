/** Calls about videos. */

import { request } from "./client";
import type { AnalysisAnswer, FindingsAnswer, HumanLabel, Manifest, Page, Task, Verdict, VideoMetadata, VideoSummary } from "./types";

/** What the library can be narrowed to; every value is a query parameter of `GET /vod`. */
export interface VideoFilter {
  title?: string;
  status?: string;
  decision?: string;
  owner?: string;
  label?: string;
  since?: string;
  until?: string;
  stream_id?: string;
}

const at = (id: string) => encodeURIComponent(id);

export function listVideos(filter: VideoFilter, cursor: string | undefined, limit: number, signal?: AbortSignal): Promise<Page<VideoSummary>> {
  return request("/vod", { query: { ...filter, cursor, limit }, signal });
}

export function videoMetadata(id: string, signal?: AbortSignal): Promise<VideoMetadata> {
  return request(`/vod/${at(id)}/metadata`, { signal });
}

export function videoManifest(id: string, signal?: AbortSignal): Promise<Manifest> {
  return request(`/vod/${at(id)}/manifest`, { signal });
}

export function videoAnalysis(id: string, signal?: AbortSignal): Promise<AnalysisAnswer> {
  return request(`/videos/${at(id)}/analysis`, { signal });
}

/** The most that the server gives at once. It keeps at most 500 spans per analyser, so all of them fit. */
const FINDINGS_MAX = 10_000;

/** Merged spans of every analyser: what the lanes and lists show. */
export function videoSpans(id: string, signal?: AbortSignal): Promise<FindingsAnswer> {
  return request(`/videos/${at(id)}/findings`, { query: { limit: FINDINGS_MAX }, signal });
}

/** What one analyser saw at every sample between two moments: what is drawn over the picture. */
export function videoSamples(id: string, analyser: string, from: number, to: number): Promise<FindingsAnswer> {
  const query = { analyser, from_ms: from, to_ms: to, detail: "samples", limit: FINDINGS_MAX };
  return request(`/videos/${at(id)}/findings`, { query });
}

export function videoVerdict(id: string, signal?: AbortSignal): Promise<Verdict> {
  return request(`/videos/${at(id)}/verdict`, { signal });
}

export function videoTasks(id: string, signal?: AbortSignal): Promise<Page<Task>> {
  return request(`/videos/${at(id)}/tasks`, { signal });
}

export function videoLabels(id: string, signal?: AbortSignal): Promise<Page<HumanLabel>> {
  return request(`/videos/${at(id)}/labels`, { signal });
}

export function labelVideo(id: string, label: "safe" | "harmful", note: string): Promise<{ human_label: HumanLabel }> {
  return request(`/videos/${at(id)}/label`, { method: "POST", body: note === "" ? { label } : { label, note } });
}

export function deleteVideo(id: string): Promise<void> {
  return request(`/vod/${at(id)}`, { method: "DELETE" });
}

export function analyseAgain(id: string): Promise<unknown> {
  return request(`/videos/${at(id)}/analyse`, { method: "POST" });
}

/** Where the original can be fetched from (operators). */
export function originalUrl(id: string): string {
  return `/api/vod/${at(id)}/original`;
}
