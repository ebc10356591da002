//! The integration tests: one binary.

mod analysers;
mod media;
mod models;
mod store;
mod speech;
mod support;
