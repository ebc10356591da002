//! What the analyse stage sees of a pool. `work::pool` implements it; the analysers run in another process.

use async_trait::async_trait;
use bytes::Bytes;

use super::wire::{Outcome, Track};
use crate::media::frame::{Frame, Pcm};
use crate::model::{MediaInfo, Span};

/// What goes wrong with a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// No member could be started.
    #[error("pool: {0}")]
    Start(String),
    /// The member that had the job is gone: it crashed, hung, or went over its memory.
    #[error("{0}")]
    Crashed(String),
}

/// Processes that run analysers.
#[async_trait]
pub trait Pool: Send + Sync {
    /// Begins a job on a member that is free; waits for one, and starts it where needed.
    ///
    /// # Errors
    /// [`PoolError`].
    async fn begin(&self, media: &MediaInfo, analysers: &[String]) -> Result<Box<dyn Session>, PoolError>;
}

/// A batch for the analysers.
#[derive(Debug, Clone)]
pub enum Input {
    /// Pictures of one size, of the track `Small` or `Large`.
    Pictures(Track, Vec<Frame>),
    /// Sound.
    Sound(Pcm),
}

/// What a job says.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Findings of an analyser, as JSON lines in time order; more may follow.
    Findings {
        /// The analyser.
        analyser: String,
        /// Whole lines.
        lines: Bytes,
    },
    /// An analyser ended, and all its findings were said.
    Finished {
        /// The analyser.
        analyser: String,
        /// How.
        outcome: Outcome,
        /// Merged spans, at most [`AnalyserResult::SPANS_MAX`](crate::model::AnalyserResult::SPANS_MAX).
        spans: Vec<Span>,
    },
    /// Every analyser ended.
    Idle,
}

/// A job on a member. Dropping it before [`Said::Idle`] cancels the job. `feed` and `next` must be driven at the same time.
#[async_trait]
pub trait Session: Send + Sync {
    /// Gives a batch; waits while the analysers are behind.
    ///
    /// # Errors
    /// [`PoolError::Crashed`].
    async fn feed(&self, input: Input) -> Result<(), PoolError>;
    /// Nothing more comes.
    ///
    /// # Errors
    /// [`PoolError::Crashed`].
    async fn end(&self) -> Result<(), PoolError>;
    /// The next that the job says.
    ///
    /// # Errors
    /// [`PoolError::Crashed`].
    async fn next(&self) -> Result<Said, PoolError>;
}
