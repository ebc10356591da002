//! How often a model is run, and how long that takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::model::ModelRuns;

/// Counts the runs of one model, over all its files and as often as it is opened.
#[derive(Debug, Default)]
pub(super) struct Clock {
    count: AtomicU64,
    micros: AtomicU64,
}

impl Clock {
    /// Does one run.
    pub(super) fn time<T>(&self, run: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let answer = run();
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        answer
    }

    pub(super) fn runs(&self) -> ModelRuns {
        ModelRuns { count: self.count.load(Ordering::Relaxed), micros: self.micros.load(Ordering::Relaxed) }
    }
}
