//! One attempt at one task: what its stage sees of the worker, and how its end is recorded.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::metric;
use crate::blob::Blobs;
use crate::model::{Fact, Guard, Key, Lease, Task, TaskEnd};
use crate::stage::{Stage, StageError, TaskCtx};
use crate::store::{Query, RecordError, SharedStore};

/// Progress is written at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// How long an end is tried to be recorded while the database is away. Attempts are dear, so this is long; when the lease was
/// taken over meanwhile, the store says so.
const END_TRIES_FOR: Duration = Duration::from_mins(10);
/// How long a step is tried to be recorded while the database is away.
const STEP_TRIES_FOR: Duration = Duration::from_secs(30);

/// The reason on a video whose task was cancelled.
pub(super) const CANCELLED: &str = "cancelled: somebody asked for it";

/// Why an attempt must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// Another worker has the lease, or the task is gone.
    Lost,
    /// This worker ends.
    Shutdown,
}

/// What an attempt is told from outside: shared by its stage, the renewer and the worker.
#[derive(Debug)]
pub struct Held {
    /// The task as it was leased.
    pub task: Task,
    why: OnceLock<Stop>,
    stop: CancellationToken,
}

impl Held {
    /// Takes up a leased task.
    pub fn new(task: Task) -> Arc<Self> {
        Arc::new(Self { task, why: OnceLock::new(), stop: CancellationToken::new() })
    }

    /// The lease.
    pub fn lease(&self) -> Lease {
        self.task.lease()
    }

    /// Tells the stage to stop; the first reason stays.
    pub fn stop(&self, why: Stop) {
        self.why.get_or_init(|| why);
        self.stop.cancel();
    }

    fn why(&self) -> Option<Stop> {
        self.why.get().copied()
    }
}

/// What an attempt works with.
pub(super) struct Bench {
    pub(super) store: SharedStore,
    pub(super) blobs: Blobs,
    pub(super) scratch: PathBuf,
    pub(super) grace: Duration,
}

struct Ctx {
    store: SharedStore,
    blobs: Blobs,
    held: Arc<Held>,
    scratch: PathBuf,
    progress: watch::Sender<(f32, String)>,
}

#[async_trait]
impl TaskCtx for Ctx {
    fn query(&self) -> &dyn Query {
        &*self.store
    }

    fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    fn scratch(&self) -> &Path {
        &self.scratch
    }

    async fn step(&self, facts: Vec<Fact>) -> Result<Vec<Key>, StageError> {
        if self.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        match record(&self.store, &facts, &self.held, STEP_TRIES_FOR).await {
            Ok(unreferenced) => Ok(unreferenced),
            Err(RecordError::Stale) => {
                self.held.stop(Stop::Lost);
                Err(StageError::Cancelled)
            }
            Err(RecordError::Conflict(why)) => Err(StageError::Fail(format!("conflict: {why}"))),
            Err(RecordError::TooLarge(why)) => Err(StageError::Fail(format!("too_large: {why}"))),
            Err(RecordError::Down(why)) => Err(StageError::Retry(format!("database: {why}"))),
        }
    }

    fn progress(&self, progress: f32, step: &str) {
        self.progress.send_if_modified(|shown| {
            let changed = (shown.0 - progress).abs() >= 0.001 || shown.1 != step;
            if changed {
                *shown = (progress.clamp(0.0, 1.0), step.to_owned());
            }
            changed
        });
    }

    async fn cancelled(&self) {
        self.held.stop.cancelled().await;
    }

    fn is_cancelled(&self) -> bool {
        self.held.stop.is_cancelled()
    }
}

/// Runs the stage on the task and records the end, whatever happens inside.
pub(super) async fn run(bench: &Bench, stage: &dyn Stage, held: &Arc<Held>) {
    let began = Instant::now();
    metric::began(held.task.kind);
    let result = in_scratch(bench, stage, held).await;
    let outcome = end(bench, stage, held, result).await;
    metric::ended(held.task.kind, outcome, began.elapsed());
}

async fn in_scratch(bench: &Bench, stage: &dyn Stage, held: &Arc<Held>) -> Result<Vec<Fact>, StageError> {
    let scratch = bench.scratch.join(format!("{}-{}", held.task.id, held.task.token));
    let made = tokio::fs::create_dir_all(&scratch).await;
    made.map_err(|error| StageError::Retry(format!("scratch: `{}`: {error}", scratch.display())))?;
    let (progress, shown) = watch::channel((0.0, String::new()));
    let showing = tokio::spawn(show_progress(bench.store.clone(), held.lease(), shown));
    let (store, blobs) = (bench.store.clone(), bench.blobs.clone());
    let ctx = Ctx { store, blobs, held: held.clone(), scratch: scratch.clone(), progress };
    let result = guarded(stage, &ctx, held, bench.grace).await;
    drop(ctx);
    showing.abort();
    if let Err(error) = tokio::fs::remove_dir_all(&scratch).await {
        tracing::warn!(folder = %scratch.display(), %error, "scratch folder stays behind");
    }
    result
}

/// The stage's own result; `Retry` when it panics, `Cancelled` when it does not stop within `grace` of being told.
async fn guarded(stage: &dyn Stage, ctx: &Ctx, held: &Held, grace: Duration) -> Result<Vec<Fact>, StageError> {
    let too_long = async {
        held.stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        result = AssertUnwindSafe(stage.run(ctx, &held.task)).catch_unwind() => {
            result.unwrap_or_else(|panic| Err(StageError::Retry(format!("panic: {}", words_of(panic.as_ref())))))
        }
        () = too_long => Err(StageError::Cancelled),
    }
}

/// What a panic said.
fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

async fn show_progress(store: SharedStore, lease: Lease, mut shown: watch::Receiver<(f32, String)>) {
    while shown.changed().await.is_ok() {
        let (progress, step) = shown.borrow_and_update().clone();
        if let Err(error) = store.progress(&lease, progress, &step).await {
            tracing::debug!(task = %lease.task, %error, "progress was not written");
        }
        tokio::time::sleep(PROGRESS_EVERY).await;
    }
}

/// Records the end; answers its word.
async fn end(bench: &Bench, stage: &dyn Stage, held: &Held, result: Result<Vec<Fact>, StageError>) -> &'static str {
    let task = &held.task;
    let (facts, end) = match result {
        Ok(facts) => (facts, TaskEnd::Done),
        Err(error) => match ending(task, held.why(), error) {
            Some(end) => (last_words(stage, task, &end), end),
            None => return "lost",
        },
    };
    if let TaskEnd::Retry { error } | TaskEnd::Fail { error } = &end {
        tracing::warn!(task = %task.id, kind = %task.kind, attempt = task.attempt, %error, "attempt failed");
    }
    match finish(bench, held, facts, end.clone()).await {
        Ok(()) => word_of(&end),
        Err(RecordError::Conflict(why)) => unwanted(bench, stage, held, &why).await,
        Err(RecordError::Stale) => "lost",
        Err(error) => {
            tracing::error!(task = %task.id, kind = %task.kind, %error, "the end could not be recorded");
            "lost"
        }
    }
}

/// How an attempt ends that did not end well; none when there is nothing to say any more.
fn ending(task: &Task, why: Option<Stop>, error: StageError) -> Option<TaskEnd> {
    match (error, why) {
        (_, Some(Stop::Lost)) => None,
        (StageError::Fail(error), _) => Some(TaskEnd::Fail { error }),
        (_, Some(Stop::Shutdown)) => Some(TaskEnd::HandedBack),
        (_, Some(Stop::Cancelled)) | (StageError::Cancelled, None) => Some(TaskEnd::Cancelled),
        (StageError::Retry(error), None) if task.attempt >= task.max_attempts => {
            Some(TaskEnd::Retry { error: format!("{error} (attempt {} of {})", task.attempt, task.max_attempts) })
        }
        (StageError::Retry(error), None) => Some(TaskEnd::Retry { error }),
    }
}

/// What becomes of the video when this end is the task's last.
fn last_words(stage: &dyn Stage, task: &Task, end: &TaskEnd) -> Vec<Fact> {
    match end {
        TaskEnd::Fail { error } => stage.on_dead(task, error),
        TaskEnd::Retry { error } if task.attempt >= task.max_attempts => stage.on_dead(task, error),
        TaskEnd::Cancelled => stage.on_dead(task, CANCELLED),
        TaskEnd::Done | TaskEnd::Retry { .. } | TaskEnd::HandedBack => Vec::new(),
    }
}

/// The world changed under the attempt (the video was deleted, say): its facts are refused, and it ends alone.
async fn unwanted(bench: &Bench, stage: &dyn Stage, held: &Held, why: &str) -> &'static str {
    tracing::info!(task = %held.task.id, kind = %held.task.kind, why, "facts of the end were refused");
    let end = TaskEnd::Fail { error: format!("conflict: {why}") };
    let facts = last_words(stage, &held.task, &end);
    let mut ended = finish(bench, held, facts, end.clone()).await;
    if matches!(ended, Err(RecordError::Conflict(_))) {
        ended = finish(bench, held, Vec::new(), end.clone()).await;
    }
    match ended {
        Ok(()) => word_of(&end),
        Err(error) => {
            tracing::warn!(task = %held.task.id, %error, "the end could not be recorded");
            "lost"
        }
    }
}

async fn finish(bench: &Bench, held: &Held, mut facts: Vec<Fact>, end: TaskEnd) -> Result<(), RecordError> {
    facts.push(Fact::TaskEnded { lease: held.lease(), end });
    record(&bench.store, &facts, held, END_TRIES_FOR).await.map(|_| ())
}

/// Records under the lease, again and again while the database is away.
async fn record(store: &SharedStore, facts: &[Fact], held: &Held, tries_for: Duration) -> Result<Vec<Key>, RecordError> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match store.record(facts, Guard::Lease(held.lease())).await {
            Ok(recorded) => return Ok(recorded.unreferenced),
            Err(RecordError::Down(why)) if began.elapsed() < tries_for && held.why() != Some(Stop::Shutdown) => {
                tracing::warn!(task = %held.task.id, %why, "database away, trying again");
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

fn word_of(end: &TaskEnd) -> &'static str {
    match end {
        TaskEnd::Done => "done",
        TaskEnd::Retry { .. } => "retry",
        TaskEnd::Fail { .. } => "fail",
        TaskEnd::Cancelled => "cancelled",
        TaskEnd::HandedBack => "handed_back",
    }
}
