//! What analysers found, and the verdict.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio_util::codec::{FramedRead, LinesCodec};
use tokio_util::io::StreamReader;
use utoipa::{IntoParams, ToSchema};

use super::error::{Answer, Code, Problem, ProblemBody};
use super::extract::{Args, Id, limit_of};
use super::wire::{Label, Names};
use super::{Ctx, Server};
use crate::model::{AnalyserResult, AnalyserStatus, Analysis, Fact, Finding, Guard, Key, Span, Verdict, VideoId};
use crate::source::pipeline::analysis_tasks;

/// Findings per answer.
const FINDINGS_DEFAULT: u32 = 1000;
const FINDINGS_MAX: u32 = 10_000;
/// A line of a findings object; longer ones end the answer.
const LINE_BYTES: usize = 1 << 20;

/// Analysis was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalysisAsked {
    /// The video.
    pub stream_id: VideoId,
    /// `queued`.
    pub analysis: Analysis,
}

/// One analyser's result in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalyserSummary {
    /// How it ended.
    pub status: AnalyserStatus,
    /// Why, for anything but `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Version of its code.
    pub version: u32,
    /// Models it used.
    pub model: String,
    /// Milliseconds of work.
    pub ms: i64,
    /// What was tried after the process of the analyser died, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<String>,
    /// Frames or audio windows that it looked at.
    pub samples: u64,
    /// What a reader of its results must know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// Number of merged spans.
    pub spans: usize,
    /// Findings per label.
    pub counts: BTreeMap<String, u64>,
}

/// The analysis of a video.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalysisAnswer {
    /// The video.
    pub stream_id: VideoId,
    /// Where the analysis stands.
    pub analysis: Analysis,
    /// Length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// By analyser.
    pub analysers: BTreeMap<String, AnalyserSummary>,
}

/// One finding or span.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingAnswer {
    /// Who found it.
    pub analyser: String,
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Findings merged into this span; absent for single findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// Findings in time order.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingsAnswer {
    /// The findings.
    pub items: Vec<FindingAnswer>,
    /// There are more than `limit`: ask again from the last one's time.
    pub truncated: bool,
}

/// How fine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Merged spans and tracks.
    #[default]
    Spans,
    /// Every sample; needs `analyser`.
    Samples,
}

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FindingArgs {
    /// Of this analyser.
    analyser: Option<String>,
    /// That end at or after.
    from_ms: Option<i64>,
    /// That begin at or before.
    to_ms: Option<i64>,
    /// At most, 1 to 10,000; 1,000 unless said.
    limit: Option<u32>,
    /// How fine.
    detail: Option<Detail>,
}

/// The verdict, with the label beside it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictAnswer {
    /// The verdict and what it was computed from.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The last human label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_label: Option<Label>,
}

/// Analyse and judge a video again.
#[utoipa::path(
    post, path = "/videos/{id}/analyse", tag = "analysis", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("operator"))),
    responses((status = 202, body = AnalysisAsked), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub async fn analyse(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<(StatusCode, Json<AnalysisAsked>)> {
    let video = server.video(&id).await?;
    if video.media.is_none() {
        return Err(Problem::conflict(format!(
            "video `{id}` is `{}` and was not probed: there is nothing to analyse",
            video.status
        )));
    }
    if !video.analysis.is_final() {
        return Err(Problem::conflict(format!("the analysis of `{id}` is `{}` already", video.analysis)));
    }
    let tasks = analysis_tasks(&id, &video.owner, server.app.config.max_attempts, &server.app.random);
    let fact = Fact::AnalysisAsked { video: id.clone(), tasks };
    server.app.store.record(&[fact], Guard::Video(id.clone())).await?;
    Ok((StatusCode::ACCEPTED, Json(AnalysisAsked { stream_id: id, analysis: Analysis::Queued })))
}

/// What each analyser did.
#[utoipa::path(
    get, path = "/videos/{id}/analysis", tag = "analysis", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = AnalysisAnswer), (status = 404, body = ProblemBody))
)]
pub async fn analysis(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<Json<AnalysisAnswer>> {
    let video = server.video(&id).await?;
    let results = server.app.store.results(&id).await?;
    let analysers = results.into_iter().map(|result| (result.analyser.clone(), summary(&server, result))).collect();
    Ok(Json(AnalysisAnswer { stream_id: id, analysis: video.analysis, duration_ms: video.duration_ms, analysers }))
}

fn summary(server: &Server, result: AnalyserResult) -> AnalyserSummary {
    let mut counts = BTreeMap::new();
    for span in &result.spans {
        *counts.entry(span.finding.label.clone()).or_default() += u64::from(span.count);
    }
    AnalyserSummary {
        limits: server.app.analyser_limits.get(&result.analyser).cloned(),
        status: result.status,
        reason: result.reason,
        version: result.version,
        model: result.model,
        ms: result.ms,
        recovery: result.recovery,
        samples: result.samples,
        spans: result.spans.len(),
        counts,
    }
}

/// What was found: merged spans, or every sample of one analyser.
#[utoipa::path(
    get, path = "/videos/{id}/findings", tag = "analysis", params(("id" = VideoId, Path), FindingArgs),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = FindingsAnswer), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub async fn findings(State(server): Ctx, Id(id): Id<VideoId>, Args(args): Args<FindingArgs>) -> Answer<Json<FindingsAnswer>> {
    server.video(&id).await?;
    let limit = limit_of(args.limit, FINDINGS_DEFAULT, FINDINGS_MAX);
    let (from_ms, to_ms) = (args.from_ms.unwrap_or(0), args.to_ms.unwrap_or(i64::MAX));
    let mut items = match args.detail.unwrap_or_default() {
        Detail::Spans => {
            let spans = server.app.store.spans(&id, args.analyser.as_deref(), from_ms, to_ms, limit + 1).await?;
            spans
                .into_iter()
                .map(|Span { analyser, finding, count }| FindingAnswer { analyser, finding, count: Some(count) })
                .collect()
        }
        Detail::Samples => {
            let analyser = args.analyser.ok_or_else(|| Problem::bad_request("`detail=samples` needs `analyser`"))?;
            let results = server.app.store.results(&id).await?;
            let key = results.into_iter().find(|result| result.analyser == analyser).and_then(|result| result.findings_key);
            let found = match key {
                Some(key) => samples(&server, &key, from_ms..=to_ms, limit as usize + 1).await?,
                None => vec![],
            };
            found
                .into_iter()
                .map(|finding| FindingAnswer { analyser: analyser.clone(), finding, count: None })
                .collect::<Vec<_>>()
        }
    };
    let truncated = items.len() > limit as usize;
    items.truncate(limit as usize);
    Ok(Json(FindingsAnswer { items, truncated }))
}

/// Findings of the object `key` (JSON lines in time order) that overlap the span. Reads no further than needed.
async fn samples(server: &Server, key: &Key, span_ms: RangeInclusive<i64>, limit: usize) -> Answer<Vec<Finding>> {
    let reader = StreamReader::new(server.app.blobs.stream(key, None).await?.map_err(std::io::Error::other));
    let mut lines = FramedRead::new(reader, LinesCodec::new_with_max_length(LINE_BYTES));
    let mut found = Vec::new();
    while let Some(line) = lines.next().await {
        let line = line.map_err(|error| Problem::down(&format!("`{key}`: {error}")))?;
        let finding: Finding = serde_json::from_str(&line).map_err(|error| Problem::down(&format!("`{key}`: {error}")))?;
        if finding.start_ms > *span_ms.end() || found.len() >= limit {
            break;
        }
        if finding.end_ms >= *span_ms.start() {
            found.push(finding);
        }
    }
    Ok(found)
}

/// The last verdict.
#[utoipa::path(
    get, path = "/videos/{id}/verdict", tag = "verdicts", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = VerdictAnswer), (status = 404, body = ProblemBody))
)]
pub async fn verdict(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<Json<VerdictAnswer>> {
    let video = server.video(&id).await?;
    let verdict = server.app.store.verdict(&id).await?;
    let verdict = verdict.ok_or_else(|| Problem::new(Code::NotJudged, format!("video `{id}` is not judged yet")))?;
    let human_label = match video.human_label {
        Some(label) => Some(Names::load(&server).await?.label(label)),
        None => None,
    };
    Ok(Json(VerdictAnswer { verdict, human_label }))
}
