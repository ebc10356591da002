//! Events over HTTP: pages and server-sent events with the same cursors.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::time::timeout;
use weir::model::Role;
use weir::serve::Limits;

use crate::harness::{TestApp, problem};

/// Reads server-sent events as they come.
struct Stream {
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

#[derive(Debug, PartialEq)]
struct Sent {
    id: String,
    kind: String,
    data: Value,
}

impl Stream {
    async fn open(request: RequestBuilder) -> Self {
        let response = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        Self { body: response.bytes_stream().boxed(), text: String::new() }
    }

    /// The next event within five seconds; none when the stream ended.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some((event, _)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                let sent = field("id:").map(|id| Sent {
                    id,
                    kind: field("event:").unwrap(),
                    data: serde_json::from_str(&field("data:").unwrap()).unwrap(),
                });
                let end = event.len() + 2;
                self.text.drain(..end);
                if sent.is_some() {
                    return sent;
                }
                continue;
            }
            let part = timeout(Duration::from_secs(5), self.body.next()).await.expect("an event within five seconds")?;
            self.text += std::str::from_utf8(&part.ok()?).unwrap();
        }
    }
}

fn kinds(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_are_read_on_by_their_cursor() {
    let app = TestApp::start().await;
    let video = app.uploaded("?title=A%20personal%20title", "one").await;
    let first = app.json("/events?limit=1").await;
    assert_eq!(kinds(&first), ["video.created"]);
    assert_eq!(first["items"][0]["key"], video.as_str());
    let second = app.json(&format!("/events?after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(kinds(&second), ["video.uploaded"]);
    assert!(!format!("{first}{second}").contains("personal"), "no title in an event");
    let next = second["next"].as_str().unwrap();
    let third = app.json(&format!("/events?after={next}")).await;
    assert_eq!((kinds(&third).len(), third["next"].as_str()), (0, Some(next)));
    problem(app.get("/events?after=nonsense").await, 400, "bad_request").await;
    problem(app.get("/events?limit=x").await, 400, "bad_request").await;
}

#[tokio::test]
async fn a_stream_begins_now_and_goes_on_behind_the_last_event() {
    let app = TestApp::start().await;
    app.uploaded("", "before").await;
    let mut stream = Stream::open(app.request(Role::Viewer, Method::GET, "/events")).await;
    let video = app.uploaded("", "after").await;
    let created = stream.next().await.unwrap();
    assert_eq!((created.kind.as_str(), created.data["key"].as_str()), ("video.created", Some(video.as_str())));
    assert_eq!(created.data["cursor"], created.id.as_str());
    let uploaded = stream.next().await.unwrap();
    assert_eq!(uploaded.kind, "video.uploaded");
    drop(stream);

    app.uploaded("", "meanwhile").await;
    let request = app.request(Role::Viewer, Method::GET, "/api/events").header("last-event-id", &created.id);
    let mut again = Stream::open(request).await;
    assert_eq!(again.next().await.unwrap(), uploaded, "the same event under the same id");
    assert_eq!(again.next().await.unwrap().kind, "video.created");
    let page = app.json(&format!("/events?after={}", created.id)).await;
    assert_eq!(page["items"][0]["cursor"], uploaded.id.as_str());
}

#[tokio::test]
async fn an_expired_cursor_says_so() {
    let app = TestApp::start().await;
    app.uploaded("", "old").await;
    let old = app.json("/events?limit=1").await["next"].as_str().unwrap().to_owned();
    let ahead = app.store.now().await.unwrap().plus_ms(60_000);
    app.store.forget(ahead, weir::model::Micros(0)).await.unwrap();
    app.uploaded("", "new").await;
    problem(app.get(&format!("/events?after={old}")).await, 410, "cursor_expired").await;
    let stream =
        app.request(Role::Viewer, Method::GET, "/events").header("accept", "text/event-stream").header("last-event-id", old);
    problem(stream.send().await.unwrap(), 410, "cursor_expired").await;
    assert!(!kinds(&app.json("/events").await).is_empty(), "without a cursor the oldest that are kept");
}

#[tokio::test]
async fn streams_are_bounded_in_number_and_time_and_end_with_the_server() {
    let set = |config: &mut weir::serve::ServeConfig| {
        config.max_event_streams = 2;
        config.event_stream = Duration::from_secs(2);
    };
    let app = TestApp::start_with(set, Limits::default()).await;
    let open = || Stream::open(app.request(Role::Viewer, Method::GET, "/events"));
    let (mut first, second) = (open().await, open().await);
    let third = app.request(Role::Viewer, Method::GET, "/events").header("accept", "text/event-stream").send().await.unwrap();
    problem(third, 429, "rate_limited").await;
    drop(second);
    assert_eq!(first.next().await, None, "the time is over");
    let mut last = open().await;
    app.app().stop.cancel();
    assert_eq!(last.next().await, None);
}
