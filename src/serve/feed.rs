//! Announcements over HTTP: put on the topic, taken up by the feed from there.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Ctx;
use super::error::{Answer, Code, Problem, ProblemBody};
use super::extract::bytes_of;
use crate::model::Topic;

/// Bodies are read up to here; what the broker takes is checked by the announcer.
const BODY_BYTES: usize = 2 << 20;

/// Where an announcement lies.
#[derive(Debug, Serialize, ToSchema)]
pub struct Announced {
    /// The topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: i32,
    /// Its position there.
    pub offset: i64,
}

/// Announce a chunk: 202 once the announcement is durable. What becomes of it is an event, `feed.announced`.
#[utoipa::path(
    post, path = "/feed/{topic}", tag = "feed", params(("topic" = String, Path, description = "`vod-chunks` or `live-chunks`")),
    request_body(content = Object, content_type = "application/json"),
    extensions(("x-weir-role" = json!("operator"))),
    responses(
        (status = 202, body = Announced), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 413, body = ProblemBody), (status = 503, body = ProblemBody)
    )
)]
pub async fn announce(State(server): Ctx, Path(topic): Path<String>, request: Request) -> Answer<(StatusCode, Json<Announced>)> {
    let known: Option<Topic> = topic.parse().ok().filter(|topic| matches!(topic, Topic::VodChunks | Topic::LiveChunks));
    let topic = known.ok_or_else(|| Problem::not_found("announcements go to `vod-chunks` or `live-chunks`"))?;
    let off = || Problem::new(Code::Down, "this process takes no announcements");
    let announcer = server.app.announcer.as_ref().ok_or_else(off)?;
    let body = bytes_of(request, BODY_BYTES).await?;
    let (partition, offset) = announcer.announce(topic, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(Announced { topic, partition, offset })))
}
