//! The ways in: uploads and announcements.

pub mod feed;
