//! Suites that every database passes: plain async functions over a store that is new and empty. A test that fails panics.

#![expect(clippy::panic, reason = "a suite reports by panicking, as tests do")]

pub mod direct;
pub mod event;
pub mod lease;
pub mod query;
pub mod record;
pub mod retry;

use std::time::Duration;

use serde_json::json;

use super::{Backoff, Limits, SharedStore, StoreOptions, Want};
use crate::model::{
    AnalyserResult, AnalyserStatus, Cursor, Decision, Event, Fact, Finding, Guard, Key, NewTask, Personal, ResultKey, Span, Task,
    TaskEnd, TaskId, TaskKind, UploadId, Verdict, VideoId, WorkerId,
};

/// Options under which the suites expect a store to be open: short pauses, so that they can be waited for.
pub fn options() -> StoreOptions {
    let backoff = Backoff { base: Duration::from_millis(200), max: Duration::from_millis(500) };
    StoreOptions { backoff, connections: 12, ..StoreOptions::default() }
}

/// A lease that no test outlives.
const LONG: Duration = Duration::from_mins(1);
/// A lease that tests wait out.
const SHORT: Duration = Duration::from_millis(400);

fn worker() -> WorkerId {
    WorkerId::from_random(rand::random())
}

fn new_task(kind: TaskKind) -> NewTask {
    NewTask {
        id: TaskId::from_random(rand::random()),
        kind,
        video: None,
        owner: "default".to_owned(),
        priority: 0,
        run_at: None,
        after: Vec::new(),
        input: json!({"size": 1}),
        max_attempts: 3,
    }
}

fn want(lease: Duration) -> Want {
    Want { kinds: TaskKind::ALL.to_vec(), lease, limits: Limits::default() }
}

async fn create(store: &SharedStore, tasks: Vec<NewTask>) {
    store.record(&[Fact::TasksCreated { tasks }], Guard::None).await.expect("tasks are created");
}

/// Leases one task, whatever it is.
async fn lease_one(store: &SharedStore, lease: Duration) -> Option<Task> {
    store.lease(&worker(), &want(lease), 1).await.expect("a lease is answered").pop()
}

async fn end(store: &SharedStore, task: &Task, end: TaskEnd) -> Result<(), super::RecordError> {
    let fact = Fact::TaskEnded { lease: task.lease(), end };
    store.record(&[fact], Guard::Lease(task.lease())).await.map(|_| ())
}

async fn task(store: &SharedStore, id: &TaskId) -> Task {
    store.task(id).await.expect("tasks are read").expect("the task is there")
}

fn error() -> String {
    "broken: on purpose".to_owned()
}

/// A video that is announced.
struct Announced {
    video: VideoId,
    upload: UploadId,
}

fn announcement(video: &VideoId, upload: &UploadId, title: &str) -> Fact {
    Fact::VideoCreated {
        video: video.clone(),
        upload: upload.clone(),
        owner: "default".to_owned(),
        external_id: None,
        labels: json!({}),
        title: Personal(title.to_owned()),
    }
}

async fn announce(store: &SharedStore) -> Announced {
    let (video, upload) = (VideoId::from_random(rand::random()), UploadId::from_random(rand::random()));
    store.record(&[announcement(&video, &upload, "A title")], Guard::None).await.expect("a video is announced");
    Announced { video, upload }
}

impl Announced {
    /// Its bytes came: `content` stands for them.
    fn uploaded(&self, content: &str, tasks: Vec<NewTask>) -> Fact {
        Fact::VideoUploaded {
            video: self.video.clone(),
            key: Key::original(&self.upload),
            size_bytes: 1000,
            sha256: ResultKey::of(content, "", 0, 0, "", "").0,
            tasks,
        }
    }
}

/// All events, as soon as there are `count`. On PostgreSQL any transaction of the server that is still open (of a test beside this
/// one) holds the readers of events back until it ends.
async fn told(store: &SharedStore, count: usize) -> Vec<Event> {
    for _ in 0..1_000 {
        let events = store.events(Cursor::default(), 10_000).await.expect("events are read");
        if events.len() >= count {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are not {count} events within 10 s")
}

/// A video with bytes of its own.
async fn uploaded(store: &SharedStore) -> VideoId {
    let announced = announce(store).await;
    let content = announced.video.to_string();
    store.record(&[announced.uploaded(&content, Vec::new())], Guard::None).await.expect("it is uploaded");
    announced.video
}

fn span(label: &str, start_ms: i64, end_ms: i64) -> Span {
    let finding = Finding {
        start_ms,
        end_ms,
        frame: Some(7),
        label: label.to_owned(),
        confidence: 0.5,
        bounds: Some([1.0, 2.0, 3.5, 4.0]),
        text: Some(format!("read {label}")),
        value: Some(json!({"n": 1})),
    };
    Span { analyser: "object_detection".to_owned(), finding, count: 3 }
}

fn result(key: &str, status: AnalyserStatus, spans: Vec<Span>) -> AnalyserResult {
    AnalyserResult {
        recovery: vec!["over_memory: 9 bytes; half of the samples".into()],
        key: ResultKey::of(key, "object_detection", 1, 1, "", ""),
        analyser: "object_detection".to_owned(),
        version: 1,
        model: "nanodet".to_owned(),
        status,
        reason: None,
        ms: 12,
        samples: 34,
        findings: Vec::new(),
        spans,
        findings_key: None,
    }
}

fn verdict(decision: Decision) -> Verdict {
    Verdict {
        decision,
        score: Some(0.75),
        avg_score: Some(0.75),
        text: Some(0.9),
        video: Some(0.25),
        audio: None,
        text_weight: 0.3,
        threshold: 0.5,
        review_band: 0.05,
        method: "weighted_mean/1".to_owned(),
        evidence: Vec::new(),
        not_run: Vec::new(),
        limits: Vec::new(),
    }
}
