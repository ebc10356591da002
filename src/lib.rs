//! weir: a self-hosted video platform in one binary.
//!
//! The modules stand in the order in which data flows through them. Which module may use which is a table in
//! `docs/ARCHITECTURE.md`; `tests/it/tidy.rs` keeps it.

/// Plain data: ids, videos, findings, verdicts, facts, tasks. No I/O, no async.
pub mod model;

/// ffmpeg and ffprobe as child processes, frame and PCM readers, playlist writers.
pub mod media;

/// ONNX sessions, model files and their registry, tokenizers, models behind an endpoint.
pub mod infer;

/// Bytes: typed keys over an object store.
pub mod blob;

/// Announcements in, events out: one append file per partition, or a real broker.
pub mod broker;

/// The truth: rows, tasks, events in one transaction.
pub mod store;

/// The ways in: uploads and announcements.
pub mod source;

/// One file per analyser.
pub mod analyser;

/// Text scoring, fusion, verdict: pure functions.
pub mod safety;

/// One file per kind of task.
pub mod stage;

/// Lease, run a stage, record its end; pools and other child processes.
pub mod work;

/// Events to broker topics.
pub mod relay;

/// HTTP: API, playback, server-sent events, dashboard, metrics.
pub mod serve;

/// Configuration: the only reader of the environment.
pub mod config;

/// Logs and metrics of the process.
pub mod telemetry;

/// Composition root: opens backends, starts roles, waits.
pub mod app;

/// The command line.
pub mod cli;
