//! The integration tests: one binary.

mod analysers;
mod judge;
mod media;
mod models;
mod postgres;
mod speech;
mod store;
mod support;
mod work;
