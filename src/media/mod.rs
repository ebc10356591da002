//! ffmpeg and ffprobe as child processes, frame and PCM readers, fMP4 and playlist writers.
//!
//! The bytes are hostile. ffmpeg gets a regular local file that we opened, as its standard input, and opens that file and no
//! other: see [`tool`].

pub mod decode;
mod error;
pub mod fmp4;
pub mod frame;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ladder;
mod limits;
mod matroska;
pub mod package;
pub mod playlist;
pub mod probe;
mod report;
mod sandbox;
pub mod spawn;
pub mod tool;

pub use error::MediaError;
pub use limits::Limits;
pub use sandbox::Sandbox;
