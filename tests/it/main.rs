//! The integration tests: one binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends at the first surprise, and says what it skips"
)]

mod analysers;
mod bad_input;
mod cli;
mod describe;
mod durable;
mod faults;
mod harness;
mod hearing;
mod http_access;
mod http_events;
mod http_limits;
mod http_observe;
mod http_play;
mod http_read;
mod http_upload;
mod judge;
mod media;
mod model_cache;
mod model_cards;
mod models;
mod parity;
mod people;
mod pixels;
mod postgres;
mod program;
mod resume;
mod sandbox;
mod seed_forms;
mod speech;
mod store;
mod support;
mod tidy;
mod work;
mod yolo;
