//! The worker's metrics: every name in one place.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

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
