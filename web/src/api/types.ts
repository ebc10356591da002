/** Names for the shapes of the HTTP API; the shapes themselves are generated from the server's OpenAPI document. */

import type { components } from "../api.gen";

type Schemas = components["schemas"];

export type Role = Schemas["Role"];
export type VideoStatus = Schemas["VideoStatus"];
export type Analysis = Schemas["Analysis"];
export type Decision = Schemas["Decision"];
export type TaskState = Schemas["TaskState"];
export type AnalyserStatus = Schemas["AnalyserStatus"];
export type Modality = Schemas["Modality"];
export type Account = Schemas["Myself"];
export type Me = Schemas["Me"];
export type HumanLabel = Schemas["Label"];
export type VideoSummary = Schemas["VideoSummary"];
export type VideoMetadata = Schemas["VideoMetadata"];
export type VideoTrack = Schemas["VideoTrackAnswer"];
export type Rendition = Schemas["Rendition"];
export type Manifest = Schemas["ManifestAnswer"];
export type AnalysisAnswer = Schemas["AnalysisAnswer"];
export type Finding = Schemas["FindingAnswer"];
export type FindingsAnswer = Schemas["FindingsAnswer"];
export type Evidence = Schemas["Evidence"];
export type Verdict = Schemas["VerdictAnswer"];
export type Task = Schemas["TaskHistory"];
export type Overview = Schemas["OverviewAnswer"];
export type QueueRow = Schemas["QueueRow"];
export type MinuteRates = Schemas["MinuteRow"];
export type WeirEvent = Schemas["EventAnswer"];
export type ModelsAnswer = Schemas["ModelsAnswer"];
export type ModelCard = Schemas["ModelCard"];
export type ModelCache = Schemas["ModelCache"];
export type ModelRuns = Schemas["ModelRuns"];

export interface Page<T> {
  items: T[];
  next?: string | null;
}
