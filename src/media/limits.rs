//! What a medium may ask for.

use std::time::Duration;

/// What a medium may ask for. Each is a setting of `[media]` or says why it is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Longest duration.
    pub max_duration: Duration,
    /// Largest picture, width × height. 8K is 33,177,600.
    pub max_pixels: u64,
    /// Address space of one ffmpeg or ffprobe, bytes.
    pub max_memory_bytes: u64,
    /// Time for probing.
    pub probe_timeout: Duration,
    /// Packaging may take this many times the duration of the medium, and never less than [`Limits::PACKAGE_AT_LEAST`].
    pub package_time_factor: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration: Duration::from_hours(12),
            max_pixels: 36_000_000,
            max_memory_bytes: 6 << 30,
            probe_timeout: Duration::from_secs(20),
            package_time_factor: 30,
        }
    }
}

impl Limits {
    /// Shortest side of a picture. Below one macroblock there is nothing to encode or to look at.
    pub const MIN_SIDE: u32 = 16;
    /// Longest side of a picture: the encoder's own limit.
    pub const MAX_SIDE: u32 = 16_384;
    /// Tracks of all kinds. Real files have a few dozen; a file with thousands is made to harm.
    pub const MAX_TRACKS: usize = 64;
    /// Packaging may always take so long.
    pub const PACKAGE_AT_LEAST: Duration = Duration::from_mins(5);

    /// How long packaging a medium of this duration may take.
    pub fn package_timeout(&self, duration_ms: i64) -> Duration {
        let media = Duration::from_millis(duration_ms.max(0).unsigned_abs());
        media.saturating_mul(self.package_time_factor).max(Self::PACKAGE_AT_LEAST)
    }
}
