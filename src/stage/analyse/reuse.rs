//! How often a result was there already.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the process began.
#[derive(Debug, Default)]
pub struct Reuse {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Reuse {
    /// A result of the same content, analyser, models and parameters was there.
    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("weir_result_cache_total", "outcome" => "hit").increment(1);
    }

    /// It must be made.
    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("weir_result_cache_total", "outcome" => "miss").increment(1);
    }

    /// Hits and misses.
    pub fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}
