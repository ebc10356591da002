//! The integration tests: one binary.

mod analysers;
mod bad_input;
mod cli;
mod durable;
mod judge;
mod media;
mod models;
mod postgres;
mod program;
mod seed_forms;
mod speech;
mod store;
mod support;
mod tidy;
mod work;
