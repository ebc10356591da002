//! Lease, run a stage, record its end; pools and other child processes.
//!
//! [`Worker`] is one node's loop. It owns nothing that must survive it: a killed worker's tasks are leased again when their
//! leases run out, and a fencing token keeps what it still tries to write out of the store.

pub mod attempt;
pub mod keeper;
pub mod lease;
pub mod metric;
pub mod pool;
pub mod worker;

use std::path::PathBuf;
use std::time::Duration;

use crate::store::Limits;

pub use worker::{Deps, Worker};

/// How much a worker does at a time, and how it holds what it does.
#[derive(Debug, Clone)]
pub struct WorkConfig {
    /// `package` tasks at a time.
    pub package: usize,
    /// `analyse` tasks at a time.
    pub analyse: usize,
    /// Tasks of every other kind at a time, together.
    pub other: usize,
    /// How long a lease lasts; it is renewed three times in that time.
    pub lease: Duration,
    /// Limits over all workers.
    pub limits: Limits,
    /// Where attempts get their scratch folders. It belongs to this worker alone: what lies there at the start is removed.
    pub scratch: PathBuf,
    /// How long a stage that was told to stop may take until it is dropped.
    pub grace: Duration,
    /// What is kept, and for how long.
    pub keep: KeepConfig,
}

/// How often a worker cleans up, and what it forgets.
#[derive(Debug, Clone)]
pub struct KeepConfig {
    /// A `collect` task is created this long after the last one.
    pub collect_every: Duration,
    /// Events older than this are forgotten.
    pub events: Duration,
    /// Ended tasks older than this are forgotten.
    pub tasks: Duration,
}
