//! What the analyse stage sees of a pool. `work::pool` implements it; the analysers run in another process.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::ladder::Asked;
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
    async fn begin(&self, media: &MediaInfo, analysers: &[Asked]) -> Result<Box<dyn Session>, PoolError>;
}

/// A batch for the analysers.
#[derive(Debug, Clone)]
pub enum Input {
    /// Pictures of one size, of the track `Small` or `Large`.
    Pictures(Track, Vec<Frame>),
    /// Sound.
    Sound(Pcm),
    /// Findings of an analyser for those that come after it; only after [`Session::end`].
    Findings {
        /// The analyser.
        of: String,
        /// Whole JSON lines.
        lines: Bytes,
        /// There are no more of it.
        last: bool,
    },
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
    /// No more pictures and sound come.
    ///
    /// # Errors
    /// [`PoolError::Crashed`].
    async fn end(&self) -> Result<(), PoolError>;
    /// This analyser's result is not wanted: it will not be said to have finished.
    ///
    /// # Errors
    /// [`PoolError::Crashed`].
    async fn forget(&self, analyser: &str) -> Result<(), PoolError>;
    /// The next that the job says.
    ///
    /// # Errors
    /// [`PoolError::Crashed`].
    async fn next(&self) -> Result<Said, PoolError>;
}

/// The pools of a node, and which analyser runs in which.
#[derive(Clone)]
pub struct Pools {
    pools: Vec<Arc<dyn Pool>>,
    places: BTreeMap<String, usize>,
}

impl Pools {
    /// One pool for every analyser.
    pub fn one(pool: Arc<dyn Pool>) -> Self {
        Self { pools: vec![pool], places: BTreeMap::new() }
    }

    /// The first pool is the one of all analysers that `places` does not name. None when there is no pool, or a place beyond them.
    pub fn new(pools: Vec<Arc<dyn Pool>>, places: BTreeMap<String, usize>) -> Option<Self> {
        let fits = !pools.is_empty() && places.values().all(|&at| at < pools.len());
        fits.then_some(Self { pools, places })
    }

    /// The number of the pool in which an analyser runs.
    pub(super) fn place(&self, analyser: &str) -> usize {
        self.places.get(analyser).copied().unwrap_or(0)
    }

    /// The pools in their order.
    pub(super) fn all(&self) -> &[Arc<dyn Pool>] {
        &self.pools
    }
}
