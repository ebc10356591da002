//! The truth: rows, tasks and events in one database, SQLite or PostgreSQL.
//!
//! Four traits, one per way of touching it: [`Record`] (state changes, one transaction each), [`Queue`] (leases),
//! [`Query`] (reads) and [`Direct`] (writes that have no event: accounts, sessions, uploads, logs). [`Store`] is all four.
//! Both databases pass the same suites in `store::conformance`.

mod backend;
pub mod conformance;
mod direct;
mod migrations;
mod postgres;
mod query;
mod queue;
mod record;
mod sql;
mod sqlite;
mod task_row;
mod url;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{
    Account, AccountId, AnalyserResult, ApiKey, ApiKeyId, Cursor, Decision, Event, Fact, Guard, HumanLabel, Key, Lease, Micros,
    Page, PageToken, PlaySession, PlaySessionId, ResultKey, SignIn, Span, Task, TaskId, TaskKind, TaskState, UploadId, Verdict,
    Video, VideoId, VideoStatus, WorkerId,
};

pub use backend::{StoreOptions, open, open_with};
pub use url::{PostgresUrl, StoreUrl};

/// Everything that the store can do.
pub trait Store: Record + Queue + Query + Direct {}
impl<T: Record + Queue + Query + Direct> Store for T {}

/// A store to share.
pub type SharedStore = Arc<dyn Store>;

/// What a record did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recorded {
    /// Cursor of the last event that it appended; the default when it appended none.
    pub cursor: Cursor,
    /// Originals that no video references any more (equal bytes were there before, or the last video was purged): the caller
    /// deletes them; what it fails to delete is collected later.
    pub unreferenced: Vec<Key>,
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The state of the world does not allow it; the caller answers 409. The text names the thing.
    #[error("{0}")]
    Conflict(String),
    /// The lease or fence is no longer ours.
    #[error("the lease was taken over")]
    Stale,
    /// More than 1,000 rows, or a fact over 64 KiB: a bug of the caller.
    #[error("record is too large: {0}")]
    TooLarge(String),
    /// The database does not answer.
    #[error("database: {0}")]
    Down(String),
}

/// The database does not answer, or a row cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("database: {0}")]
pub struct StoreError(pub String);

/// State changes.
#[async_trait]
pub trait Record: Send + Sync {
    /// One transaction: checks the guard, turns the facts into rows, creates their tasks, appends their events.
    async fn record(&self, facts: &[Fact], guard: Guard) -> Result<Recorded, RecordError>;

    /// Resolves after the next commit that made tasks ready, ended or cancelled some, or appended events; and at the latest after one
    /// second. Spurious returns are allowed. It listens from the call on, not from the first poll: call it, look at the rows, then
    /// await it, and no commit in between is missed.
    async fn changed(&self);
}

/// What a worker wants to lease.
#[derive(Debug, Clone)]
pub struct Want {
    /// Kinds that it can do.
    pub kinds: Vec<TaskKind>,
    /// How long the lease lasts.
    pub lease: Duration,
    /// Limits that hold over all workers.
    pub limits: Limits,
}

/// How many tasks may run at the same time, over all workers.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Per kind; a kind that is absent has no limit.
    pub per_kind: Vec<(TaskKind, u32)>,
    /// Per owner and kind; none: no limit.
    pub per_owner: Option<u32>,
}

/// How a task is tried again: attempt n waits `base` × 2^(n−1), at most `max`, times a random factor in [0.5, 1.0).
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// After the first failure.
    pub base: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(2), max: Duration::from_mins(5) }
    }
}

/// What a worker learns when it renews a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The lease; one that is missing from the answer is lost.
    pub lease: Lease,
    /// Somebody asked for the task to stop.
    pub cancel: bool,
}

/// Leases. Times are the database's.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Leases up to `max` tasks that are ready and due (or whose lease ran out), by priority (high first), then `run_at`, then id.
    /// An expired lease of a task with no attempts left makes it dead instead.
    async fn lease(&self, worker: &WorkerId, want: &Want, max: usize) -> Result<Vec<Task>, StoreError>;
    /// Renews leases by `lease`; those that are no longer ours are missing from the answer.
    async fn renew(&self, held: &[Lease], lease: Duration) -> Result<Vec<Renewed>, StoreError>;
    /// Shows progress (0 to 1) and what is being done; a stale lease is ignored.
    async fn progress(&self, lease: &Lease, progress: f32, step: &str) -> Result<(), StoreError>;
    /// The moment at which the next ready task falls due or the next lease runs out, if any, and the database's time now.
    async fn next_due(&self, kinds: &[TaskKind]) -> Result<(Option<Micros>, Micros), StoreError>;
}

/// Which videos.
#[derive(Debug, Clone, Default)]
pub struct VideoFilter {
    /// Packaging state.
    pub status: Option<VideoStatus>,
    /// Decision.
    pub decision: Option<Decision>,
    /// Owner.
    pub owner: Option<String>,
    /// Exact id.
    pub video: Option<VideoId>,
    /// A label `name=value` (top level of `labels`, string values) or `name` alone.
    pub label: Option<String>,
    /// Part of the title, case-insensitive.
    pub title: Option<String>,
    /// Created at or after.
    pub since: Option<Micros>,
    /// Created before.
    pub until: Option<Micros>,
    /// Continue here.
    pub cursor: Option<PageToken>,
    /// Rows per page, 1 to 200.
    pub limit: u32,
}

/// Which tasks.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// State.
    pub state: Option<TaskState>,
    /// Kind.
    pub kind: Option<TaskKind>,
    /// Video.
    pub video: Option<VideoId>,
    /// Continue here.
    pub cursor: Option<PageToken>,
    /// Rows per page, 1 to 200.
    pub limit: u32,
}

/// Figures for the overview page.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Overview {
    /// Videos by status word.
    pub by_status: Vec<(String, i64)>,
    /// Videos by decision word.
    pub by_decision: Vec<(String, i64)>,
    /// Videos by analysis word.
    pub by_analysis: Vec<(String, i64)>,
    /// Open tasks: (kind, state, number, age of the oldest in ms).
    pub queue: Vec<(String, String, i64, i64)>,
    /// Per minute for the last 60 minutes, oldest first: (minute as RFC 3339, uploaded, packaged, analysed, decided).
    pub per_minute: Vec<(String, i64, i64, i64, i64)>,
    /// Number of videos.
    pub videos: i64,
    /// Bytes of all distinct originals.
    pub original_bytes: i64,
    /// Last 20 decided videos.
    pub latest: Vec<Video>,
}

/// One line of `system_logs`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LogLine {
    /// Row id, grows with time.
    pub id: i64,
    /// RFC 3339.
    pub timestamp: String,
    /// `error`, `warn` or `info`.
    pub level: String,
    /// What happened.
    pub message: String,
    /// Module.
    pub source: String,
}

/// A task's history for one video: its row and what happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// Which attempt, from 1.
    pub attempt: i32,
    /// Worker.
    pub worker: WorkerId,
    /// Begin.
    pub started_at: Micros,
    /// End; none while it runs.
    pub ended_at: Option<Micros>,
    /// `done`, `retry`, `fail`, `cancelled`, `handed_back`, `lost`; none while it runs.
    pub outcome: Option<String>,
    /// Error words.
    pub error: Option<String>,
}

/// Reads.
#[async_trait]
pub trait Query: Send + Sync {
    /// A video that is not deleted.
    async fn video(&self, id: &VideoId) -> Result<Option<Video>, StoreError>;
    /// The video of an upload that is not finished.
    async fn video_of_upload(&self, upload: &UploadId) -> Result<Option<Video>, StoreError>;
    /// The owner's video with this external id.
    async fn video_by_external_id(&self, owner: &str, external_id: &str) -> Result<Option<Video>, StoreError>;
    /// Newest first.
    async fn videos(&self, filter: &VideoFilter) -> Result<Page<Video>, StoreError>;
    /// A video's last verdict.
    async fn verdict(&self, id: &VideoId) -> Result<Option<Verdict>, StoreError>;
    /// Every human label, newest first, at most 200.
    async fn human_labels(&self, id: &VideoId) -> Result<Vec<HumanLabel>, StoreError>;
    /// A stored result, for reuse. Without findings and spans.
    async fn result(&self, key: &ResultKey) -> Result<Option<AnalyserResult>, StoreError>;
    /// A video's current results, one per analyser, by name; with spans, without per-sample findings (see `findings_key`).
    async fn results(&self, id: &VideoId) -> Result<Vec<AnalyserResult>, StoreError>;
    /// Spans of a video that overlap `[from_ms, to_ms]`, by start; all analysers when `analyser` is none; at most `limit`.
    async fn spans(
        &self,
        id: &VideoId,
        analyser: Option<&str>,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> Result<Vec<Span>, StoreError>;
    /// A task.
    async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError>;
    /// Newest first.
    async fn tasks(&self, filter: &TaskFilter) -> Result<Page<Task>, StoreError>;
    /// All attempts of a video's tasks, oldest first, at most 500.
    async fn attempts(&self, id: &VideoId) -> Result<Vec<Attempt>, StoreError>;
    /// Figures for the overview.
    async fn overview(&self) -> Result<Overview, StoreError>;
    /// Events beyond `after`, in order, at most `max`. `Err(Expired)` when `after` is older than what is kept.
    async fn events(&self, after: Cursor, max: usize) -> Result<Vec<Event>, EventsError>;
    /// Cursor of the newest event.
    async fn newest_event(&self) -> Result<Cursor, StoreError>;
    /// Which of these folders or objects no row names and no leased task's current token owns. Folders are originals'
    /// (`vod-raw/{upload}`), attempts' (`vod-variants/…`, `manifests/…`) or result blobs; at most 500 at a time.
    async fn unnamed(&self, folders: &[Key]) -> Result<Vec<Key>, StoreError>;
    /// `system_logs`, newest first; `level` and everything worse; `before` an id.
    async fn logs(&self, level: &str, before: Option<i64>, limit: u32) -> Result<Vec<LogLine>, StoreError>;
}

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The cursor is older than what is kept; the reader starts anew from the oldest.
    #[error("cursor_expired: events before {oldest} are gone")]
    Expired {
        /// The oldest cursor that is still there.
        oldest: Cursor,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A place that a single holder keeps: a sink's cursor or a feed partition's position.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Where it stands: a cursor or an offset as text; empty at the beginning.
    pub position: String,
    /// Fencing token of this holder.
    pub fence: i64,
}

/// Writes without events.
#[async_trait]
pub trait Direct: Send + Sync {
    /// The database's time.
    async fn now(&self) -> Result<Micros, StoreError>;
    /// Id of this installation, made on first use.
    async fn installation(&self) -> Result<String, StoreError>;

    /// Makes an account, or answers `false` when the name is taken.
    async fn add_account(&self, account: &Account) -> Result<bool, StoreError>;
    /// By sign-in name.
    async fn account_by_name(&self, name: &str) -> Result<Option<Account>, StoreError>;
    /// All accounts by name (at most 1,000).
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;
    /// Deletes an account and its sign-ins; `false` when it is not there.
    async fn delete_account(&self, id: &AccountId) -> Result<bool, StoreError>;
    /// Sets role or password hash; `false` when it is not there.
    async fn update_account(&self, account: &Account) -> Result<bool, StoreError>;

    /// Stores an API key.
    async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError>;
    /// By the secret's SHA-256; notes the use at most once a minute.
    async fn api_key_by_secret(&self, secret_sha256: &str) -> Result<Option<ApiKey>, StoreError>;
    /// All keys, newest first (at most 1,000).
    async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError>;
    /// Deletes; `false` when it is not there.
    async fn delete_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError>;

    /// Stores a sign-in and drops expired ones.
    async fn add_sign_in(&self, sign_in: &SignIn) -> Result<(), StoreError>;
    /// A sign-in that has not expired, with its account.
    async fn sign_in(&self, cookie_sha256: &str) -> Result<Option<(SignIn, Account)>, StoreError>;
    /// Ends one.
    async fn delete_sign_in(&self, cookie_sha256: &str) -> Result<(), StoreError>;

    /// Opens a playback session, or answers the one that this token opened before.
    async fn open_play_session(&self, session: &PlaySession) -> Result<PlaySession, StoreError>;
    /// By token.
    async fn play_session(&self, token_sha256: &str) -> Result<Option<PlaySession>, StoreError>;
    /// Sets a new end, at most `renew_until`; none when it is not there or revoked.
    async fn renew_play_session(&self, id: &PlaySessionId, expires_at: Micros) -> Result<Option<PlaySession>, StoreError>;
    /// Revokes; `false` when it is not there.
    async fn revoke_play_session(&self, id: &PlaySessionId) -> Result<bool, StoreError>;

    /// Takes or renews the place `name` (for example `sink:broker`, `feed:vod-chunks:0`) for `holder`; none while another holds it.
    async fn hold(&self, name: &str, holder: &WorkerId, lease: Duration) -> Result<Option<Held>, StoreError>;
    /// Moves the place; `false` when the fence is no longer ours.
    async fn advance(&self, name: &str, fence: i64, position: &str) -> Result<bool, StoreError>;

    /// Appends lines to `system_logs` and keeps the newest 100,000.
    async fn add_logs(&self, lines: &[LogLine]) -> Result<(), StoreError>;
    /// Forgets events, ended tasks and expired sessions older than their keep times; at most 1,000 rows of each at a time. Answers
    /// how many went.
    async fn forget(&self, events_before: Micros, tasks_before: Micros) -> Result<u64, StoreError>;
    /// Probes the database for `/health`.
    async fn ping(&self) -> Result<(), StoreError>;
}
