/** The shapes of the HTTP API that the dashboard uses. */

export type Role = "viewer" | "reviewer" | "operator" | "admin";
export type VideoStatus = "created" | "uploaded" | "processing" | "transcoding" | "ready" | "failed";
export type Analysis = "queued" | "running" | "done" | "partial" | "failed";
export type Decision = "pending" | "safe" | "harmful" | "review" | "unknown";
export type TaskState = "waiting" | "ready" | "running" | "done" | "dead" | "cancelled";
export type AnalyserStatus = "done" | "degraded" | "skipped" | "failed";
export type Modality = "text" | "video" | "audio";

export interface Account {
  id: string;
  name: string;
  role: Role;
}

export interface Me {
  account: Account;
  csrf?: string | null;
}

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export interface HumanLabel {
  label: Decision;
  by: string;
  by_name?: string | null;
  at: string;
  note?: string | null;
}

export interface VideoSummary {
  stream_id: string;
  title: string;
  owner: string;
  external_id?: string | null;
  labels: Record<string, unknown>;
  status: VideoStatus;
  analysis: Analysis;
  decision: Decision;
  reason?: string | null;
  duration_ms?: number | null;
  size_bytes: number;
  resolution?: string | null;
  poster_url?: string | null;
  human_label?: HumanLabel | null;
  created_at: string;
  completed_at?: string | null;
  decided_at?: string | null;
  score?: number | null;
}

export interface MediaSummary {
  container: string;
  video?: { width: number; height: number; fps: number; codec: string; rotation: number; variable_rate: boolean } | null;
  audio?: { codec: string; sample_rate: number; channels: number } | null;
  notes: string[];
}

export interface Rendition {
  name: string;
  width: number;
  height: number;
  bandwidth_bps: number;
  average_bandwidth_bps: number;
  codecs: string;
  frame_rate: number;
  playlist: string;
  segments: number;
  size_bytes: number;
}

export interface VideoMetadata {
  stream_id: string;
  title: string;
  status: VideoStatus;
  analysis: Analysis;
  decision: Decision;
  reason?: string | null;
  size_bytes: number;
  resolution?: string | null;
  duration_ms?: number | null;
  checksum?: string | null;
  processing_latency_ms?: number | null;
  created_at: string;
  uploaded_at?: string | null;
  processing_started_at?: string | null;
  transcoding_started_at?: string | null;
  completed_at?: string | null;
  analysed_at?: string | null;
  decided_at?: string | null;
  owner: string;
  external_id?: string | null;
  labels: Record<string, unknown>;
  human_label?: HumanLabel | null;
  poster_url?: string | null;
  media?: MediaSummary | null;
  renditions: Rendition[];
}

export interface Manifest {
  stream_id: string;
  manifest_url: string;
  expires_at: string;
}

export interface AnalyserSummary {
  status: AnalyserStatus;
  reason?: string | null;
  version: number;
  model: string;
  ms: number;
  samples: number;
  limits?: string | null;
  spans: number;
  counts: Record<string, number>;
}

export interface AnalysisAnswer {
  stream_id: string;
  analysis: Analysis;
  duration_ms?: number | null;
  analysers: Record<string, AnalyserSummary>;
}

/** `[x, y, width, height]` in source pixels as shown. */
export type Box = [number, number, number, number];

export interface Finding {
  analyser: string;
  start_ms: number;
  end_ms: number;
  frame?: number | null;
  label: string;
  confidence: number;
  box?: Box | null;
  text?: string | null;
  value?: unknown;
  count?: number | null;
}

export interface FindingsAnswer {
  items: Finding[];
  /** There are more than were asked for. */
  truncated: boolean;
}

export interface Evidence {
  modality: Modality;
  source: string;
  start_ms: number;
  end_ms: number;
  score: number;
  label: string;
  text?: string | null;
}

export interface Verdict {
  decision: Decision;
  score?: number | null;
  avg_score?: number | null;
  text?: number | null;
  video?: number | null;
  audio?: number | null;
  text_weight: number;
  threshold: number;
  review_band: number;
  method: string;
  evidence: Evidence[];
  not_run: string[];
  limits: string[];
}

export interface TaskAttempt {
  attempt: number;
  started_at: string;
  ended_at?: string | null;
  outcome?: string | null;
  error?: string | null;
}

export interface Task {
  id: string;
  kind: string;
  video?: string | null;
  state: TaskState;
  attempt: number;
  max_attempts: number;
  progress: number;
  step?: string | null;
  error?: string | null;
  created_at: string;
  started_at?: string | null;
  ended_at?: string | null;
  attempts?: TaskAttempt[];
}

export interface QueueRow {
  kind: string;
  state: TaskState;
  count: number;
  oldest_ms?: number | null;
}

export interface MinuteRates {
  minute: string;
  uploaded: number;
  packaged: number;
  analysed: number;
  decided: number;
}

export interface Overview {
  videos: number;
  original_bytes: number;
  by_status: Record<string, number>;
  by_decision: Record<string, number>;
  by_analysis: Record<string, number>;
  queue: QueueRow[];
  per_minute: MinuteRates[];
  latest: VideoSummary[];
}

export interface WeirEvent {
  cursor: string;
  at: string;
  key: string;
  kind: string;
  data: Record<string, unknown>;
}
