//! The integration tests: one binary.

mod models;
