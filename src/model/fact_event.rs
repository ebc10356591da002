//! The event form of every fact: what other systems are told. Texts of or about persons (titles, read and spoken text, notes,
//! evidence) stay out; they are reached by the ids in here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{AnalyserResult, EventForm, Fact, Key, Micros, Task, TaskState, Topic, Verdict, VideoId, VideoStatus};

/// Labels that one `video.analyser` event names.
const LABELS_MAX: usize = 100;

impl Fact {
    /// What is told of this fact; nothing for facts that only move work. `origin` is the id of the installation, `at` the moment
    /// of the record. What depends on a row (the end of a task) has a constructor of its own in [`EventForm`].
    pub fn event(&self, origin: &str, at: Micros) -> Option<EventForm> {
        match self {
            Self::VideoCreated { video, owner, external_id, .. } => {
                Some(of_video(video, "video.created", None, json!({"owner": owner, "external_id": external_id})))
            }
            Self::VideoUploaded { video, key, size_bytes, sha256, .. } => {
                Some(EventForm::uploaded(video, key, *size_bytes, sha256, origin, at))
            }
            Self::StatusMoved { video, status: VideoStatus::Processing } => {
                Some(of_video(video, "video.processing", None, json!({})))
            }
            Self::StatusMoved { video, status: VideoStatus::Transcoding } => {
                Some(of_video(video, "video.transcoding", None, json!({})))
            }
            Self::VideoPackaged { video, renditions, duration_ms, .. } => {
                let names: Vec<_> = renditions.iter().map(|rendition| rendition.name.as_str()).collect();
                Some(of_video(video, "video.ready", None, json!({"duration_ms": duration_ms, "renditions": names})))
            }
            Self::VideoFailed { video, reason } => Some(of_video(video, "video.failed", None, json!({"reason": code(reason)}))),
            Self::AnalysisMoved { video, analysis } => {
                Some(of_video(video, "video.analysis", None, json!({"analysis": analysis.as_str()})))
            }
            Self::AnalysisAsked { video, .. } => Some(of_video(video, "video.analysis", None, json!({"analysis": "queued"}))),
            Self::AnalyserFinished { video, result } => Some(analyser(video, result)),
            Self::VerdictGiven { video, verdict } => {
                Some(of_video(video, "video.verdict", Some(Topic::Verdicts), scores(verdict)))
            }
            Self::HumanLabelled { video, label } => {
                let data = json!({"label": label.label.as_str(), "by": label.by.as_str()});
                Some(of_video(video, "video.labelled", Some(Topic::Audit), data))
            }
            Self::VideoDeleted { video, .. } => Some(of_video(video, "video.deleted", Some(Topic::Audit), json!({}))),
            Self::VideoPurged { video } => Some(of_video(video, "video.purged", Some(Topic::Audit), json!({}))),
            Self::Announced { topic, partition, offset, stream, outcome } => Some(EventForm {
                topic: None,
                key: format!("{topic}-{partition}"),
                kind: "feed.announced".to_owned(),
                data: json!({"topic": topic.as_str(), "partition": partition, "offset": offset, "stream_id": stream, "outcome": outcome}),
            }),
            Self::MediaProbed { .. }
            | Self::StatusMoved { .. }
            | Self::TasksCreated { .. }
            | Self::TaskEnded { .. }
            | Self::CancelAsked { .. }
            | Self::TaskReplayed { .. } => None,
        }
    }
}

impl EventForm {
    /// `video.uploaded` in the seeds' flat message, on their topic: `sequence_number` 0 of a stream of one chunk. What only
    /// probing knows is null. `key` is where the bytes are kept, which is another upload's object when equal bytes were there.
    pub fn uploaded(video: &VideoId, key: &Key, size_bytes: i64, sha256: &str, origin: &str, at: Micros) -> Self {
        let data = json!({
            "version": 1,
            "origin": origin,
            "stream_type": "vod",
            "chunk_index": 0,
            "sequence_number": 0,
            "size_bytes": size_bytes,
            "duration_ms": null,
            "keyframe_aligned": null,
            "audio_track_id": null,
            "video_track_id": null,
            "checksum": sha256,
            "timestamp": at.rfc3339(),
            "object_key": key.as_str(),
        });
        of_video(video, "video.uploaded", Some(Topic::VodChunks), data)
    }

    /// `task.ended`: an attempt ended as `outcome` (`done`, `retry`, `fail`, `cancelled`, `handed_back`, `lost`), which left the
    /// task in `state`.
    pub fn task_ended(task: &Task, outcome: &str, state: TaskState) -> Self {
        let key = task.video.as_ref().map_or(task.id.as_str(), VideoId::as_str).to_owned();
        let data = json!({
            "task": task.id.as_str(),
            "kind": task.kind.as_str(),
            "stream_id": task.video.as_ref().map(VideoId::as_str),
            "attempt": task.attempt,
            "outcome": outcome,
            "state": state.as_str(),
        });
        Self { topic: None, key, kind: "task.ended".to_owned(), data }
    }
}

fn of_video(video: &VideoId, kind: &str, topic: Option<Topic>, mut data: Value) -> EventForm {
    if let Value::Object(members) = &mut data {
        members.insert("stream_id".to_owned(), Value::from(video.as_str()));
    }
    EventForm { topic, key: video.to_string(), kind: kind.to_owned(), data }
}

/// The stable code of `code: words`; the words may quote a file.
fn code(reason: &str) -> &str {
    reason.split_once(':').map_or(reason, |(code, _)| code)
}

fn analyser(video: &VideoId, result: &AnalyserResult) -> EventForm {
    let mut labels: BTreeMap<&str, (u64, f32)> = BTreeMap::new();
    for span in &result.spans {
        if labels.len() >= LABELS_MAX && !labels.contains_key(span.finding.label.as_str()) {
            continue;
        }
        let (count, highest) = labels.entry(&span.finding.label).or_default();
        *count += 1;
        *highest = highest.max(span.finding.confidence);
    }
    let labels: serde_json::Map<_, _> = labels
        .into_iter()
        .map(|(label, (spans, confidence))| (label.to_owned(), json!({"spans": spans, "confidence": confidence})))
        .collect();
    let data = json!({
        "analyser": result.analyser,
        "version": result.version,
        "model": result.model,
        "status": result.status,
        "reason": result.reason.as_deref().map(code),
        "spans": result.spans.len(),
        "labels": labels,
    });
    of_video(video, "video.analyser", Some(Topic::Detections), data)
}

fn scores(verdict: &Verdict) -> Value {
    json!({
        "decision": verdict.decision.as_str(),
        "score": verdict.score,
        "avg_score": verdict.avg_score,
        "text": verdict.text,
        "video": verdict.video,
        "audio": verdict.audio,
        "threshold": verdict.threshold,
        "method": verdict.method,
    })
}
