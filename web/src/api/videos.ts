/** Calls about videos. */

import type { paths } from "../api.gen";
import { answer, BASE, client } from "./client";
import type { AnalysisAnswer, FindingsAnswer, HumanLabel, Manifest, Page, Task, Verdict, VideoMetadata, VideoSummary } from "./types";

/** What the library can be narrowed to: the filters of `GET /vod`. */
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

const path = (id: string) => ({ path: { id } });

export function listVideos(filter: VideoFilter, cursor: string | undefined, limit: number, signal?: AbortSignal): Promise<Page<VideoSummary>> {
  // Filters come from the address: a word that the server does not know is answered with words about it.
  return answer(client.GET("/vod", { params: { query: { ...filter, cursor, limit } as ListQuery }, signal }));
}

type ListQuery = NonNullable<paths["/vod"]["get"]["parameters"]["query"]>;

export function videoMetadata(id: string, signal: AbortSignal): Promise<VideoMetadata> {
  return answer(client.GET("/vod/{id}/metadata", { params: path(id), signal }));
}

export function videoManifest(id: string, signal: AbortSignal): Promise<Manifest> {
  return answer(client.GET("/vod/{id}/manifest", { params: path(id), signal }));
}

export function videoAnalysis(id: string, signal: AbortSignal): Promise<AnalysisAnswer> {
  return answer(client.GET("/videos/{id}/analysis", { params: path(id), signal }));
}

/** The most that the server gives at once. It keeps at most 500 spans per analyser, so all of them fit. */
const FINDINGS_MAX = 10_000;

/** Merged spans of every analyser: what the lanes and lists show. */
export function videoSpans(id: string, signal: AbortSignal): Promise<FindingsAnswer> {
  return answer(client.GET("/videos/{id}/findings", { params: { ...path(id), query: { limit: FINDINGS_MAX } }, signal }));
}

/** What one analyser saw at every sample between two moments: what is drawn over the picture. */
export function videoSamples(id: string, analyser: string, from: number, to: number): Promise<FindingsAnswer> {
  const query = { analyser, from_ms: from, to_ms: to, detail: "samples" as const, limit: FINDINGS_MAX };
  return answer(client.GET("/videos/{id}/findings", { params: { ...path(id), query } }));
}

export function videoVerdict(id: string, signal: AbortSignal): Promise<Verdict> {
  return answer(client.GET("/videos/{id}/verdict", { params: path(id), signal }));
}

export function videoTasks(id: string, signal: AbortSignal): Promise<Page<Task>> {
  return answer(client.GET("/videos/{id}/tasks", { params: path(id), signal }));
}

export function videoLabels(id: string, signal: AbortSignal): Promise<Page<HumanLabel>> {
  return answer(client.GET("/videos/{id}/labels", { params: path(id), signal }));
}

export async function labelVideo(id: string, label: "safe" | "harmful", note: string): Promise<void> {
  await answer(client.POST("/videos/{id}/label", { params: path(id), body: note === "" ? { label } : { label, note } }));
}

export async function deleteVideo(id: string): Promise<void> {
  await answer(client.DELETE("/vod/{id}", { params: path(id) }));
}

export async function analyseAgain(id: string): Promise<void> {
  await answer(client.POST("/videos/{id}/analyse", { params: path(id) }));
}

/** Where the original can be fetched from (operators). */
export function originalUrl(id: string): string {
  return `${BASE}/vod/${encodeURIComponent(id)}/original`;
}
