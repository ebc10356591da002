//! The integration tests: one binary.

mod analysers;
mod models;
mod store;
