//! Playback addresses and what lies below them: playlists, segments, the poster.
//!
//! Playlists use relative addresses, so the token in the path signs every address of a playlist, and the stored playlists are the
//! same for all viewers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Ctx;
use super::error::{Answer, Problem, ProblemBody};
use super::extract::Id;
use super::objects::{Serving, object};
use super::play_sessions::{Opening, folders};
use super::play_token::{self, Ticket};
use super::wire::{Binary, Moment};
use crate::model::{PlaySessionId, VideoId, VideoStatus};

const MASTER: &str = "master.m3u8";
const POSTER: &str = "poster.jpg";
const PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// Nobody but the viewer may keep a segment, and its bytes never change.
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

/// A playback address.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManifestAnswer {
    /// The video.
    pub stream_id: VideoId,
    /// `ready`.
    pub status: VideoStatus,
    /// The master playlist; open it before `expires_at`.
    pub manifest_url: String,
    /// The address must be opened before.
    pub expires_at: Moment,
    /// The session that opening it opens, for renewing and revoking.
    pub session_id: PlaySessionId,
}

/// A playback address. With `Accept: application/vnd.apple.mpegurl` the answer is a redirect to it.
#[utoipa::path(
    get, path = "/vod/{id}/manifest", tag = "playback", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses(
        (status = 200, body = ManifestAnswer), (status = 302), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody)
    )
)]
pub async fn manifest(State(server): Ctx, Id(id): Id<VideoId>, headers: HeaderMap) -> Answer<Response> {
    let video = server.video(&id).await?;
    folders(&video)?;
    server.check_gate(&video)?;
    let issued = server.app.clock.now();
    let token = play_token::issue(&server.app.secret, &Ticket { video: id.clone(), issued }, server.app.random.bytes());
    let manifest_url = format!("/play/{token}/{MASTER}");
    let asked = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut response = if asked.to_ascii_lowercase().contains(PLAYLIST) {
        let location = HeaderValue::try_from(manifest_url).map_err(|error| Problem::down(&error))?;
        (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
    } else {
        let ttl_ms = server.app.config.playback.address_ttl.as_millis() as i64;
        let session_id = play_token::session_id(&token);
        let expires_at = Moment(issued.plus_ms(ttl_ms));
        Json(ManifestAnswer { stream_id: id, status: video.status, manifest_url, expires_at, session_id }).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The master playlist (its first GET opens the session), media playlists, segments and `poster.jpg`.
#[utoipa::path(
    get, path = "/play/{token}/{*path}", tag = "playback", params(("token" = String, Path), ("path" = String, Path)),
    extensions(("x-weir-role" = json!("none"))),
    responses(
        (status = 200, body = Binary, content_type = "application/vnd.apple.mpegurl"),
        (status = 206, body = Binary, content_type = "video/mp4"), (status = 404, body = ProblemBody), (status = 410, body = ProblemBody),
        (status = 416)
    )
)]
pub async fn play(
    State(server): Ctx,
    method: Method,
    Path((token, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let opening = match (&method, path.as_str()) {
        (&Method::GET, MASTER) => Opening::Open,
        (_, MASTER) => Opening::Look,
        _ => Opening::Refuse,
    };
    let answer = async {
        let playing = server.playing(&token, opening).await?;
        let unknown = || Problem::not_found("no such part of the video");
        let (key, serving) = if path == POSTER {
            (playing.poster.ok_or_else(unknown)?, Serving { content_type: "image/jpeg", cache: IMMUTABLE })
        } else if extension(&path) == "m3u8" {
            let key = playing.manifests.join(&path).map_err(|_| unknown())?;
            (key, Serving { content_type: PLAYLIST, cache: "no-cache" })
        } else {
            let key = playing.variants.join(&path).map_err(|_| unknown())?;
            (key, Serving { content_type: media_type(&path), cache: IMMUTABLE })
        };
        object(&server.app.blobs, &key, serving, &headers).await
    };
    cross_origin(answer.await.into_response())
}

/// What a player of another site may send.
#[utoipa::path(
    options, path = "/play/{token}/{*path}", tag = "playback", params(("token" = String, Path), ("path" = String, Path)),
    extensions(("x-weir-role" = json!("none"))),
    responses((status = 204))
)]
pub async fn preflight() -> Response {
    let mut response = cross_origin(StatusCode::NO_CONTENT.into_response());
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("range, if-range, if-none-match"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// Players of other sites may read: the token is the permission, and no cookie is looked at.
fn cross_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("content-length, content-range, accept-ranges, etag"),
    );
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    response
}

fn extension(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn media_type(path: &str) -> &'static str {
    match extension(path) {
        "mp4" | "m4s" | "m4v" => "video/mp4",
        "m4a" => "audio/mp4",
        "jpg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}
