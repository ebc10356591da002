//! What is known of a media file after probing, and of its renditions after packaging.

use serde::{Deserialize, Serialize};

/// A probed file. Time 0 of everything that weir says of it is the first presented frame (audio only: first sample).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct MediaInfo {
    /// Demuxer name, for example `mov`.
    pub container: String,
    /// Length in milliseconds, from time 0.
    pub duration_ms: i64,
    /// Where time 0 lies on the file's own clock, in milliseconds.
    pub start_ms: i64,
    /// The video track that is used; covers (attached pictures) are not video tracks.
    pub video: Option<VideoTrack>,
    /// The audio track that is used: the first.
    pub audio: Option<AudioTrack>,
    /// Microseconds from the earliest time stamp of any track to time 0: what ffmpeg, which starts its clock at the earliest, must be
    /// told to take away.
    #[serde(default)]
    pub lead_us: i64,
    /// The last picture is held so many milliseconds longer when packaged: a still, or sound that outlasts the pictures.
    #[serde(default)]
    pub hold_ms: i64,
    /// So many milliseconds of silence follow the sound when packaged, because the pictures outlast it.
    #[serde(default)]
    pub silence_ms: i64,
    /// What a user should know, for example `20 audio tracks, first kept`.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The video track in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct VideoTrack {
    /// Stream index in the file.
    pub index: u32,
    /// Codec name, for example `h264`.
    pub codec: String,
    /// Width in pixels as shown: after rotation and with square pixels.
    pub width: u32,
    /// Height in pixels as shown.
    pub height: u32,
    /// Clockwise rotation that the file asks for, degrees: 0, 90, 180, 270.
    pub rotation: u32,
    /// Average frame rate as a fraction.
    pub fps_num: u32,
    /// Denominator of the frame rate; never 0.
    pub fps_den: u32,
    /// Whether frame times are uneven.
    pub variable_rate: bool,
    /// Number of frames where the file says so.
    pub frames: Option<u64>,
}

impl VideoTrack {
    /// Frames per second.
    pub fn fps(&self) -> f64 {
        f64::from(self.fps_num) / f64::from(self.fps_den.max(1))
    }
}

/// The audio track in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct AudioTrack {
    /// Stream index in the file.
    pub index: u32,
    /// Codec name, for example `aac`.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
}

/// One packaged rendition; a rendition without video is the audio of an audio-only source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rendition {
    /// `1080p`, `720p`, `480p`, `360p` or `audio`.
    pub name: String,
    /// Pixels, 0 for audio only.
    pub width: u32,
    /// Pixels, 0 for audio only.
    pub height: u32,
    /// Peak segment bit rate in bits per second, measured.
    pub bandwidth_bps: u64,
    /// Mean bit rate in bits per second, measured.
    pub average_bandwidth_bps: u64,
    /// RFC 6381 codecs, for example `avc1.64001f,mp4a.40.2`.
    pub codecs: String,
    /// Frames per second, 0 for audio only.
    pub frame_rate: f64,
    /// Media playlist, relative to the packaging prefix, for example `720p/index.m3u8`.
    pub playlist: String,
    /// Number of media segments.
    pub segments: u32,
    /// Bytes of all segments and the init segment.
    pub size_bytes: u64,
}
