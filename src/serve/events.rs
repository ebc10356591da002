//! Events: pages of JSON, or a stream of server-sent events whose ids are the same cursors.
//!
//! A stream reads the store in pages and holds one page at most, so a slow client holds up nobody and costs nothing but its place.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::error::{Answer, Code, Problem, ProblemBody};
use super::extract::{Args, limit_of};
use super::wire::Moment;
use super::{Ctx, Server};
use crate::model::{Cursor, Event, Topic};
use crate::store::EventsError;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1000;
/// Events that a stream holds at most.
const PAGE: usize = 200;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventAnswer {
    /// Its place: give it back as `after` or `Last-Event-ID`.
    #[schema(value_type = String)]
    pub cursor: Cursor,
    /// When it was recorded.
    pub at: Moment,
    /// Where sinks publish it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// What it is about; order is kept per key.
    pub key: String,
    /// For example `video.ready`.
    pub kind: String,
    /// The rest.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

impl From<Event> for EventAnswer {
    fn from(event: Event) -> Self {
        Self {
            cursor: event.cursor,
            at: Moment(event.at),
            topic: event.topic,
            key: event.key,
            kind: event.kind,
            data: event.data,
        }
    }
}

/// Events in order.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events.
    pub items: Vec<EventAnswer>,
    /// Give it back as `after` to read on, now or later.
    #[schema(value_type = String)]
    pub next: Cursor,
}

/// Where to read on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventArgs {
    /// Events beyond this cursor; a page without it begins with the oldest, a stream with the next event to come.
    after: Option<String>,
    /// Events per page, 1 to 1,000; 100 unless said.
    limit: Option<u32>,
}

/// Events in order: a page, or with `Accept: text/event-stream` a stream.
#[utoipa::path(
    get, path = "/events", tag = "events",
    params(EventArgs, ("Last-Event-ID" = Option<String>, Header, description = "for a stream: go on behind this event")),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = EventPage), (status = 400, body = ProblemBody), (status = 410, body = ProblemBody))
)]
pub async fn events(State(server): Ctx, Args(args): Args<EventArgs>, headers: HeaderMap) -> Answer<Response> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    if accept.contains("text/event-stream") {
        let after = cursor(last.or(args.after.as_deref()))?;
        return stream(server, after).await;
    }
    let after = cursor(args.after.as_deref())?;
    let limit = limit_of(args.limit, LIMIT_DEFAULT, LIMIT_MAX) as usize;
    let events = match (server.app.store.events(after.unwrap_or_default(), limit).await, after) {
        (Err(EventsError::Expired { oldest }), None) => {
            let before = Cursor { id: oldest.id - 1, ..oldest };
            server.app.store.events(before, limit).await?
        }
        (events, _) => events?,
    };
    let next = events.last().map(|event| event.cursor).or(after).unwrap_or_default();
    Ok(Json(EventPage { items: events.into_iter().map(EventAnswer::from).collect(), next }).into_response())
}

fn cursor(text: Option<&str>) -> Answer<Option<Cursor>> {
    text.map(str::parse).transpose().map_err(Problem::bad_request)
}

/// A stream's place.
struct Tail {
    server: Arc<Server>,
    after: Cursor,
    page: VecDeque<Event>,
    /// The client comes again then, and shows that it still may.
    ends_at: Instant,
    _turn: OwnedSemaphorePermit,
}

async fn stream(server: Arc<Server>, after: Option<Cursor>) -> Answer<Response> {
    let full = |_| Problem::new(Code::RateLimited, "too many event streams are open").retry_after(5);
    let turn = Arc::clone(&server.event_streams).try_acquire_owned().map_err(full)?;
    let after = match after {
        Some(after) => after,
        None => server.app.store.newest_event().await?,
    };
    let page: VecDeque<Event> = server.app.store.events(after, PAGE).await?.into();
    let ends_at = Instant::now() + server.app.config.event_stream;
    let tail = Tail { server, after, page, ends_at, _turn: turn };
    let mut response = Sse::new(tail.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies that gather answers would hold events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Tail {
    fn events(self) -> impl Stream<Item = Result<SseEvent, Infallible>> {
        futures::stream::unfold(self, |mut tail| async move {
            let event = tail.next().await?;
            let id = event.cursor.to_string();
            let kind = event.kind.clone();
            let data = serde_json::to_string(&EventAnswer::from(event)).unwrap_or_default();
            Some((Ok(SseEvent::default().id(id).event(kind).data(data)), tail))
        })
    }

    /// The next event; none when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.page.pop_front() {
                self.after = event.cursor;
                return Some(event);
            }
            tokio::select! {
                biased;
                () = self.server.app.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.ends_at) => return None,
                () = self.server.app.store.changed() => {}
            }
            match self.server.app.store.events(self.after, PAGE).await {
                Ok(events) => self.page = events.into(),
                Err(error) => {
                    tracing::warn!(%error, "an event stream ends; its client goes on from its last event");
                    return None;
                }
            }
        }
    }
}
