//! Figures for the overview page.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Ctx;
use super::error::Answer;
use super::wire::{VideoSummary, summaries};

/// Open tasks of one kind and state.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueRow {
    /// Kind of task.
    pub kind: String,
    /// State.
    pub state: String,
    /// How many.
    pub count: i64,
    /// Age of the oldest.
    pub oldest_ms: i64,
}

/// What happened in one minute.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinuteRow {
    /// Its begin, RFC 3339.
    pub minute: String,
    /// Uploads.
    pub uploaded: i64,
    /// Packaged videos.
    pub packaged: i64,
    /// Analysed videos.
    pub analysed: i64,
    /// Judged videos.
    pub decided: i64,
}

/// Figures of the installation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverviewAnswer {
    /// Number of videos.
    pub videos: i64,
    /// Bytes of all distinct originals.
    pub original_bytes: i64,
    /// Videos per packaging state.
    pub by_status: BTreeMap<String, i64>,
    /// Videos per decision.
    pub by_decision: BTreeMap<String, i64>,
    /// Videos per state of the analysis.
    pub by_analysis: BTreeMap<String, i64>,
    /// Open tasks.
    pub queue: Vec<QueueRow>,
    /// The last 60 minutes, oldest first.
    pub per_minute: Vec<MinuteRow>,
    /// The last 20 judged videos.
    pub latest: Vec<VideoSummary>,
}

/// Figures of the installation.
#[utoipa::path(
    get, path = "/overview", tag = "overview",
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = OverviewAnswer))
)]
pub async fn overview(State(server): Ctx) -> Answer<Json<OverviewAnswer>> {
    let figures = server.app.store.overview().await?;
    let queue = figures.queue.into_iter().map(|(kind, state, count, oldest_ms)| QueueRow { kind, state, count, oldest_ms });
    let per_minute = figures.per_minute.into_iter().map(|(minute, uploaded, packaged, analysed, decided)| MinuteRow {
        minute,
        uploaded,
        packaged,
        analysed,
        decided,
    });
    Ok(Json(OverviewAnswer {
        videos: figures.videos,
        original_bytes: figures.original_bytes,
        by_status: figures.by_status.into_iter().collect(),
        by_decision: figures.by_decision.into_iter().collect(),
        by_analysis: figures.by_analysis.into_iter().collect(),
        queue: queue.collect(),
        per_minute: per_minute.collect(),
        latest: summaries(&server, figures.latest).await?,
    }))
}
