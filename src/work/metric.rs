//! The worker's metrics: every name in one place.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::model::CacheStats;
use crate::model::TaskKind;

/// An attempt began.
pub(super) fn began(kind: TaskKind) {
    gauge!("weir_tasks_in_flight", "kind" => kind.as_str()).increment(1.0);
}

/// An attempt ended; `outcome` is `done`, `retry`, `fail`, `cancelled`, `handed_back` or `lost`.
pub(super) fn ended(kind: TaskKind, outcome: &'static str, took: Duration) {
    gauge!("weir_tasks_in_flight", "kind" => kind.as_str()).decrement(1.0);
    counter!("weir_tasks_total", "kind" => kind.as_str(), "outcome" => outcome).increment(1);
    histogram!("weir_task_seconds", "kind" => kind.as_str()).record(took.as_secs_f64());
}

/// A member of a pool came up.
pub(super) fn pool_started(pool: &str) {
    counter!("weir_pool_starts_total", "pool" => pool.to_owned()).increment(1);
}

/// A member of a pool ended without being let go: it crashed, hung or took too much memory.
pub(super) fn pool_ended(pool: &str) {
    counter!("weir_pool_crashes_total", "pool" => pool.to_owned()).increment(1);
}

/// What a member's model cache counted since it was heard last.
pub(super) fn model_cache_counted(pool: &str, since: &CacheStats) {
    for (outcome, count) in [("hit", since.hits), ("miss", since.misses), ("eviction", since.evictions)] {
        counter!("weir_model_cache_total", "pool" => pool.to_owned(), "outcome" => outcome).increment(count);
    }
    for (model, runs) in &since.runs {
        let labels = [("pool", pool.to_owned()), ("model", model.clone())];
        counter!("weir_model_runs_total", &labels).increment(runs.count);
        counter!("weir_model_run_microseconds_total", &labels).increment(runs.micros);
    }
}

/// What the model caches of a pool's members hold.
pub(super) fn model_cache_holds(pool: &str, now: &CacheStats) {
    gauge!("weir_model_cache_models", "pool" => pool.to_owned()).set(now.loaded as f64);
    gauge!("weir_model_cache_bytes", "pool" => pool.to_owned()).set(now.bytes as f64);
}
