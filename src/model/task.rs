//! Work as rows: what a task is, how it is leased and how it ends.

use serde::{Deserialize, Serialize};

use super::video::states;
use super::{Micros, TaskId, VideoId, WorkerId};

states!(
    /// What a task does; one file each in `stage/`.
    TaskKind {
        /// Read the media's properties.
        Probe = "probe",
        /// Make renditions, playlists, poster and extracted audio.
        Package = "package",
        /// Look and listen.
        Analyse = "analyse",
        /// Score and decide.
        Judge = "judge",
        /// Delete the objects of a deleted video.
        Purge = "purge",
        /// Collect objects that no row names: lost attempts, abandoned uploads.
        Collect = "collect",
    }
);

states!(
    /// Where a task stands.
    TaskState {
        /// Waits for `waiting` other tasks to end.
        Waiting = "waiting",
        /// May be leased from `run_at` on.
        Ready = "ready",
        /// Leased by a worker.
        Running = "running",
        /// Ended well.
        Done = "done",
        /// Failed for good: attempts used up, or an error that no retry cures. Can be replayed.
        Dead = "dead",
        /// Cancelled.
        Cancelled = "cancelled",
    }
);

impl TaskState {
    /// Whether the task will not run again by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

/// A task to create, in the same transaction as the facts that call for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its id, given by the caller, so that other new tasks can wait for it.
    pub id: TaskId,
    /// What to do.
    pub kind: TaskKind,
    /// The video that it is about; none for `collect`.
    pub video: Option<VideoId>,
    /// Whose limits it counts against.
    pub owner: String,
    /// Higher is sooner.
    pub priority: i32,
    /// Not before this moment; none: at once.
    pub run_at: Option<Micros>,
    /// Tasks that must be final first.
    pub after: Vec<TaskId>,
    /// What the stage needs to know, at most 64 KiB.
    pub input: serde_json::Value,
    /// Attempts before it is dead, at least 1.
    pub max_attempts: i32,
}

/// A task's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What to do.
    pub kind: TaskKind,
    /// The video that it is about.
    pub video: Option<VideoId>,
    /// Whose limits it counts against.
    pub owner: String,
    /// Where it stands.
    pub state: TaskState,
    /// Higher is sooner.
    pub priority: i32,
    /// Not before this moment.
    pub run_at: Micros,
    /// How many tasks it still waits for.
    pub waiting: i32,
    /// What the stage needs to know.
    pub input: serde_json::Value,
    /// Leases so far, this one included.
    pub attempt: i32,
    /// Attempts before it is dead.
    pub max_attempts: i32,
    /// The worker that holds or last held it.
    pub worker: Option<WorkerId>,
    /// Fencing token: grows with every lease of this task.
    pub token: i64,
    /// The lease ends here unless renewed.
    pub lease_until: Option<Micros>,
    /// Somebody asked for it to stop.
    pub cancel_requested: bool,
    /// 0 to 1, for show.
    pub progress: f32,
    /// What it is doing now, for show, for example `encoding`.
    pub step: Option<String>,
    /// The last error.
    pub error: Option<String>,
    /// When it was created.
    pub created_at: Micros,
    /// When the current or last attempt began.
    pub started_at: Option<Micros>,
    /// When it became final.
    pub ended_at: Option<Micros>,
}

impl Task {
    /// The lease under which this copy of the row was handed out.
    pub fn lease(&self) -> Lease {
        Lease { task: self.id.clone(), token: self.token }
    }
}

/// The right to work on a task: as long as the row still has this token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// Its fencing token.
    pub token: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEnd {
    /// Well.
    Done,
    /// Try again after the backoff, or dead when the attempts are used up.
    Retry {
        /// What went wrong: `code: words`.
        error: String,
    },
    /// No retry cures it.
    Fail {
        /// What is wrong: `code: words`.
        error: String,
    },
    /// It was asked to stop, and did.
    Cancelled,
    /// The worker shuts down: back to `ready` at once, the attempt does not count.
    HandedBack,
}
