//! Stages: one file per kind of task. One task in; blobs are written under the attempt's own prefix; the facts of the end come out.

pub mod analyse;
pub mod collect;
pub mod judge;
pub mod package;
pub mod probe;
pub mod purge;
mod sweep;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::blob::{BlobError, Blobs};
use crate::model::{Fact, Key, Task, TaskKind};
use crate::store::{Query, StoreError};

/// What the worker gives a stage. A stage never touches `store::record` itself.
#[async_trait]
pub trait TaskCtx: Send + Sync {
    /// Reads.
    fn query(&self) -> &dyn Query;
    /// Bytes.
    fn blobs(&self) -> &Blobs;
    /// An empty folder of this attempt's own; removed after it.
    fn scratch(&self) -> &Path;
    /// Records facts now, under the attempt's lease. Answers the originals that no video references any more, which only a
    /// purge has use for.
    ///
    /// # Errors
    /// [`StageError::Cancelled`] when the lease is lost; `Retry` when the database is away.
    async fn step(&self, facts: Vec<Fact>) -> Result<Vec<Key>, StageError>;
    /// Shows progress, 0 to 1; cheap, may be called often.
    fn progress(&self, progress: f32, step: &str);
    /// Resolves when the task must stop: cancelled, lease lost, or shutting down.
    async fn cancelled(&self);
    /// Whether it must stop, for loops.
    fn is_cancelled(&self) -> bool;
}

/// Why a stage did not end well. The text is `code: words`; the code is stable, for example `unsupported_media`.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Another try may help.
    #[error("{0}")]
    Retry(String),
    /// No retry helps.
    #[error("{0}")]
    Fail(String),
    /// It was asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<StoreError> for StageError {
    /// The database will be back.
    fn from(error: StoreError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<BlobError> for StageError {
    /// The blobs, or room for them, will be back.
    fn from(error: BlobError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// One kind of work.
#[async_trait]
pub trait Stage: Send + Sync {
    /// What it does.
    fn kind(&self) -> TaskKind;
    /// Does it; answers the facts to record together with the end of the task.
    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError>;
    /// Facts to record when the task ended for good without success (dead or cancelled): what the video's state becomes.
    fn on_dead(&self, _task: &Task, _error: &str) -> Vec<Fact> {
        Vec::new()
    }
}

/// Every stage.
pub type Stages = Vec<Arc<dyn Stage>>;
