//! Facts: state changes as data. `store::record` turns each into rows, tasks and an event, in one transaction.

use serde::{Deserialize, Serialize};

use super::{
    AnalyserResult, Analysis, Event, HumanLabel, Key, Lease, MediaInfo, NewTask, Rendition, TaskEnd, TaskId, Topic, UploadId,
    Verdict, VideoId, VideoStatus,
};

/// Text about a person, or by one: it may become a row, and cannot be put into an event, because it has no `Serialize`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personal<T>(pub T);

/// One state change. Every variant is small (at most 64 KiB): bytes are in blobs.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A video is announced; its bytes are still to come. Row with status `created`.
    VideoCreated {
        /// Its id.
        video: VideoId,
        /// Where its bytes will come.
        upload: UploadId,
        /// Who it belongs to.
        owner: String,
        /// The owner's own id. A second video with it is a conflict.
        external_id: Option<String>,
        /// JSON object.
        labels: serde_json::Value,
        /// Free text.
        title: Personal<String>,
    },
    /// The bytes of an announced video are stored under `key`. Status `created` → `uploaded`; `contents` gains a reference;
    /// when equal bytes were there before, the video points to their key and `key` is left for the caller to delete. Creates
    /// `tasks`. A video that is not `created` is a conflict.
    VideoUploaded {
        /// The video.
        video: VideoId,
        /// Where the bytes lie.
        key: Key,
        /// Their number.
        size_bytes: i64,
        /// Their SHA-256, hex.
        sha256: String,
        /// probe, package, analyse, judge.
        tasks: Vec<NewTask>,
    },
    /// A stage of packaging began: `processing` (probe) or `transcoding` (package).
    StatusMoved {
        /// The video.
        video: VideoId,
        /// The new status; only forward moves take effect.
        status: VideoStatus,
    },
    /// What probing found.
    MediaProbed {
        /// The video.
        video: VideoId,
        /// Its properties.
        media: MediaInfo,
    },
    /// Packaging ended well: status `ready`.
    VideoPackaged {
        /// The video.
        video: VideoId,
        /// Folder of the renditions.
        variants: Key,
        /// Folder of the playlists.
        manifests: Key,
        /// The poster; none for audio only.
        poster: Option<Key>,
        /// The extracted audio; none for silent video.
        audio: Option<Key>,
        /// Best first.
        renditions: Vec<Rendition>,
        /// Of the packaged output.
        duration_ms: i64,
    },
    /// It cannot be packaged: status `failed`.
    VideoFailed {
        /// The video.
        video: VideoId,
        /// `code: words`.
        reason: String,
    },
    /// Analysis began or ended.
    AnalysisMoved {
        /// The video.
        video: VideoId,
        /// The new state.
        analysis: Analysis,
    },
    /// One analyser's result (a step of the analyse task). Stored once per result key; linked to the video. `findings` must be
    /// empty: they are in the blob `findings_key`.
    AnalyserFinished {
        /// The video.
        video: VideoId,
        /// Its result, or an equal one of before.
        result: Box<AnalyserResult>,
    },
    /// It was judged. A human label stays as it is.
    VerdictGiven {
        /// The video.
        video: VideoId,
        /// The verdict.
        verdict: Box<Verdict>,
    },
    /// A person labelled it.
    HumanLabelled {
        /// The video.
        video: VideoId,
        /// The label.
        label: HumanLabel,
    },
    /// Analyse and judge it again: analysis `queued`, decision `pending`; creates `tasks`.
    AnalysisAsked {
        /// The video.
        video: VideoId,
        /// analyse, judge.
        tasks: Vec<NewTask>,
    },
    /// It is deleted: tombstone, its open tasks are asked to stop, `purge` is created to run after them.
    VideoDeleted {
        /// The video.
        video: VideoId,
        /// The purge task.
        purge: NewTask,
    },
    /// Its objects are gone. The reference to its content is dropped in the same step (`contents.references - 1`; at 0 the row
    /// goes and the answer of [`Recorded`](crate::store::Recorded) names the original as unreferenced).
    VideoPurged {
        /// The video.
        video: VideoId,
    },
    /// Tasks that belong to no other fact, for example a `collect`.
    TasksCreated {
        /// The tasks.
        tasks: Vec<NewTask>,
    },
    /// An attempt ended. Needs `Guard::Lease` of the same task. Dependants count down when the task becomes final.
    TaskEnded {
        /// The lease.
        lease: Lease,
        /// How.
        end: TaskEnd,
    },
    /// Somebody asks for a task to stop. A waiting or ready task is cancelled at once, a running one is asked to.
    CancelAsked {
        /// The task.
        task: TaskId,
    },
    /// A dead or cancelled task runs again, with its attempts counted anew.
    TaskReplayed {
        /// The task.
        task: TaskId,
    },
    /// An announcement from the broker was taken up, refused or parked; see `source::feed`.
    Announced {
        /// `vod-chunks` or `live-chunks`.
        topic: Topic,
        /// Partition of the topic.
        partition: i32,
        /// Position in the partition.
        offset: i64,
        /// The stream it names, where it names one.
        stream: Option<String>,
        /// `accepted`, `rejected: why`, `parked: why` or `own`.
        outcome: String,
    },
}

/// What must hold for the facts to be recorded; checked in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    None,
    /// The lease is still ours: the task is running with this token. Else `Stale`.
    Lease(Lease),
    /// The video is there and not deleted. Else `Conflict`.
    Video(VideoId),
    /// The partition is still held with this fence and stands at this position. Else `Stale`.
    Feed {
        /// Topic.
        topic: Topic,
        /// Partition.
        partition: i32,
        /// Fencing token of the partition's lease.
        fence: i64,
        /// The position before this record.
        after: i64,
    },
}

/// The event form of a fact: what other systems are told. No personal text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventForm {
    /// Where sinks publish it; none: SSE and `GET /events` only.
    pub topic: Option<Topic>,
    /// What it is about: a video id or a task id. Order is kept per key.
    pub key: String,
    /// Stable name, for example `video.ready`.
    pub kind: String,
    /// The rest.
    pub data: serde_json::Value,
}

impl EventForm {
    /// As it is stored.
    pub fn at(self, cursor: super::Cursor, at: super::Micros) -> Event {
        Event { cursor, at, topic: self.topic, key: self.key, kind: self.kind, data: self.data }
    }
}
