//! The integration tests: one binary.

mod analysers;
mod models;
mod store;
mod speech;
mod support;
