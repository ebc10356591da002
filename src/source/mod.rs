//! The ways in: uploads and announcements.

pub mod announce;
pub mod feed;
pub mod pipeline;
pub mod random;
pub mod upload;

pub use pipeline::pipeline_tasks;
pub use random::Random;
