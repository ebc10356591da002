//! Recordings: list, metadata, poster, original, deletion.

use std::fmt::Write;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{Answer, Problem, ProblemBody};
use super::extract::{Args, Id, limit_of};
use super::objects::{Serving, object};
use super::wire::{Binary, List, VideoMetadata, VideoSummary, metadata, summaries};
use super::{Ctx, Server};
use crate::model::{Decision, Fact, Guard, Micros, Video, VideoId, VideoStatus};
use crate::source::pipeline::purge_task;
use crate::store::VideoFilter;

/// Which videos.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VideoArgs {
    /// Packaging state.
    status: Option<VideoStatus>,
    /// Decision.
    decision: Option<Decision>,
    /// Whose.
    owner: Option<String>,
    /// Exact id.
    #[param(value_type = Option<String>)]
    stream_id: Option<VideoId>,
    /// `name=value`, or `name` alone.
    label: Option<String>,
    /// Part of the title.
    title: Option<String>,
    /// Created at or after, RFC 3339.
    since: Option<String>,
    /// Created before, RFC 3339.
    until: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Rows per page, 1 to 200; 50 unless said.
    limit: Option<u32>,
}

/// Videos, newest first.
#[utoipa::path(
    get, path = "/vod", tag = "videos", params(VideoArgs),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = List<VideoSummary>), (status = 400, body = ProblemBody))
)]
pub async fn list(State(server): Ctx, Args(args): Args<VideoArgs>) -> Answer<Json<List<VideoSummary>>> {
    let filter = VideoFilter {
        status: args.status,
        decision: args.decision,
        owner: args.owner,
        video: args.stream_id,
        label: args.label,
        title: args.title,
        since: args.since.as_deref().map(moment).transpose()?,
        until: args.until.as_deref().map(moment).transpose()?,
        cursor: args.cursor.map(|cursor| cursor.parse()).transpose().map_err(|error: String| Problem::bad_request(error))?,
        limit: limit_of(args.limit, 50, 200),
    };
    let page = server.app.store.videos(&filter).await?;
    Ok(Json(List { items: summaries(&server, page.items).await?, next: page.next }))
}

fn moment(text: &str) -> Answer<Micros> {
    let parsed: jiff::Timestamp =
        text.parse().map_err(|_| Problem::bad_request("`since` and `until` are times such as `2026-08-01T12:00:00Z`"))?;
    Ok(Micros(parsed.as_microsecond()))
}

/// Everything that is known of a video.
#[utoipa::path(
    get, path = "/vod/{id}/metadata", tag = "videos", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = VideoMetadata), (status = 404, body = ProblemBody))
)]
pub async fn one(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<Json<VideoMetadata>> {
    let video = server.video(&id).await?;
    Ok(Json(metadata(&server, video).await?))
}

/// The poster picture.
#[utoipa::path(
    get, path = "/vod/{id}/poster", tag = "videos", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = Binary, content_type = "image/jpeg"), (status = 404, body = ProblemBody))
)]
pub async fn poster(State(server): Ctx, Id(id): Id<VideoId>, headers: HeaderMap) -> Answer<Response> {
    let video = server.video(&id).await?;
    let key = video.poster.ok_or_else(|| Problem::not_found(format!("video `{id}` has no poster")))?;
    object(&server.app.blobs, &key, Serving { content_type: "image/jpeg", cache: "private, no-cache" }, &headers).await
}

/// The original, as it was uploaded.
#[utoipa::path(
    get, path = "/vod/{id}/original", tag = "videos", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("operator"))),
    responses(
        (status = 200, body = Binary, content_type = "application/octet-stream"),
        (status = 206, body = Binary, content_type = "application/octet-stream"),
        (status = 404, body = ProblemBody), (status = 416)
    )
)]
pub async fn original(State(server): Ctx, Id(id): Id<VideoId>, headers: HeaderMap) -> Answer<Response> {
    let video = server.video(&id).await?;
    let key = video.original.clone().ok_or_else(|| Problem::not_found(format!("video `{id}` has no bytes yet")))?;
    let serving = Serving { content_type: "application/octet-stream", cache: "private, no-cache" };
    let mut response = object(&server.app.blobs, &key, serving, &headers).await?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition(&video)?);
    Ok(response)
}

/// RFC 6266: a plain name for old clients, the title percent-encoded for the rest.
fn disposition(video: &Video) -> Answer<HeaderValue> {
    let mut encoded = String::new();
    for byte in video.title.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let name = if encoded.is_empty() { String::new() } else { format!("; filename*=UTF-8''{encoded}") };
    HeaderValue::try_from(format!("attachment; filename=\"{}\"{name}", video.id)).map_err(|error| Problem::down(&error))
}

/// Delete a video: it is gone at once, its objects soon after.
#[utoipa::path(
    delete, path = "/vod/{id}", tag = "videos", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("operator"))),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub async fn remove(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<StatusCode> {
    let video = server.video(&id).await?;
    let purge = purge_task(&id, &video.owner, server.app.config.max_attempts, &server.app.random);
    let fact = Fact::VideoDeleted { video: id.clone(), purge };
    server.app.store.record(&[fact], Guard::Video(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Server {
    /// A video that is there.
    pub(super) async fn video(&self, id: &VideoId) -> Answer<Video> {
        self.app.store.video(id).await?.ok_or_else(|| Problem::no_video(id))
    }
}
