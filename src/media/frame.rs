//! Decoded pictures and sound, as analysers get them.

use std::sync::Arc;

/// Width of the every-frame pictures, pixels.
pub const SMALL_WIDTH: u32 = 256;
/// Longest side of the sampled pictures, pixels.
pub const LARGE_SIDE: u32 = 1280;
/// Samples per second of [`Pcm`].
pub const SAMPLE_RATE: u32 = 16_000;

/// One decoded picture.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Number of the frame, counted from 0 over all frames of the video.
    pub index: u64,
    /// Presentation time from time 0, milliseconds.
    pub time_ms: i64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// RGB24 rows without padding: `width × height × 3` bytes.
    pub rgb: Arc<[u8]>,
}

/// A piece of sound.
#[derive(Debug, Clone)]
pub struct Pcm {
    /// Time of the first sample, milliseconds from time 0.
    pub time_ms: i64,
    /// Mono samples at [`SAMPLE_RATE`], −1 to 1.
    pub samples: Arc<[f32]>,
}
