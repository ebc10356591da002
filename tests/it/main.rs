//! The integration tests: one binary.

mod analysers;
mod bad_input;
mod cli;
mod durable;
mod harness;
mod http_access;
mod http_events;
mod http_limits;
mod http_observe;
mod http_play;
mod http_read;
mod http_upload;
mod judge;
mod media;
mod models;
mod postgres;
mod program;
mod sandbox;
mod seed_forms;
mod speech;
mod store;
mod support;
mod tidy;
mod work;
