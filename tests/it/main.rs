//! The integration tests: one binary.

mod analysers;
mod media;
mod judge;
mod models;
mod postgres;
mod speech;
mod store;
mod support;
mod work;
