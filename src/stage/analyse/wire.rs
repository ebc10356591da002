//! What a worker and a pool say to each other over a socket pair: a length-prefixed header in JSON, then raw bytes.
//!
//! ```text
//! u32 LE header length (≤ 1 MiB) · u32 LE payload length (≤ 32 MiB) · header · payload
//! ```
//!
//! Both ends are the same program, yet either may break, so every length is checked before a byte of it is read.

use std::io::{Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::ladder::Asked;
use crate::media::frame::{Frame, Pcm};
use crate::model::CacheStats;
use crate::model::{AnalyserStatus, Finding, MediaInfo};

/// Grows when messages change their meaning; a pool of another version is refused.
pub const PROTOCOL: u32 = 4;
/// Longest header.
pub const HEAD_MAX_BYTES: usize = 1 << 20;
/// Longest payload.
pub const PAYLOAD_MAX_BYTES: usize = 32 << 20;
/// Batches of each track that may be on the way without an acknowledgement; a pool with large batches asks for more.
pub const WINDOW: usize = 4;
/// More are not granted: a picture is up to 3 MB.
pub const WINDOW_MAX: usize = 64;

/// What a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// Every frame, small.
    Small,
    /// Sampled frames, large.
    Large,
    /// Sampled frames, in the source's own pixels.
    Detail,
    /// Sound.
    Audio,
    /// Findings of another analyser.
    Findings,
}

/// Headers that a pool gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToPool {
    /// A job begins. One at a time.
    Begin {
        /// Its number: grows.
        job: u64,
        /// What is looked at.
        media: Box<MediaInfo>,
        /// Who looks.
        analysers: Vec<Asked>,
    },
    /// Pictures; the payload is their pixels, one after the other.
    Frames {
        /// The job.
        job: u64,
        /// `Small` or `Large`.
        track: Track,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Index and time in milliseconds of each.
        frames: Vec<(u64, i64)>,
    },
    /// Sound; the payload is f32 LE samples.
    Audio {
        /// The job.
        job: u64,
        /// Time of the first sample, milliseconds.
        time_ms: i64,
    },
    /// No more pictures and sound come. Analysers finish, those that come after others when they have the findings of all of them.
    End {
        /// The job.
        job: u64,
    },
    /// Findings of an analyser for those that come after it; the payload is JSON lines in time order. Comes after `End`.
    Findings {
        /// The job.
        job: u64,
        /// The analyser.
        of: String,
        /// There are no more of it; none at all when it gave none.
        last: bool,
    },
    /// Nobody wants the result of this analyser in this job any more: it says nothing.
    Forget {
        /// The job.
        job: u64,
        /// The analyser.
        analyser: String,
    },
    /// Nobody waits for the results any more.
    Cancel {
        /// The job.
        job: u64,
    },
}

/// Headers that a pool sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromPool {
    /// The pool is up.
    Ready {
        /// See [`PROTOCOL`].
        protocol: u32,
        /// Batches of each track that it takes ahead, up to [`WINDOW_MAX`].
        window: usize,
    },
    /// Every analyser is through with the oldest batch of this track: one more may be sent.
    Took {
        /// The job.
        job: u64,
        /// The track.
        track: Track,
    },
    /// An analyser waits for something else than the processor, and is not stuck.
    Alive {
        /// The job.
        job: u64,
    },
    /// Some findings of an analyser in time order; the payload is JSON lines. Come before its `Finished`.
    Findings {
        /// The job.
        job: u64,
        /// The analyser.
        analyser: String,
    },
    /// An analyser ended; the payload is its spans as a JSON array.
    Finished {
        /// The job.
        job: u64,
        /// The analyser.
        analyser: String,
        /// How.
        outcome: Outcome,
    },
    /// Every analyser of the job ended: the next may begin.
    Idle {
        /// The job.
        job: u64,
        /// The process's models.
        cache: CacheStats,
    },
}

/// How one analyser ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How.
    pub status: AnalyserStatus,
    /// Why, when not `done`.
    pub reason: Option<String>,
    /// Milliseconds inside the analyser, loading its models included.
    pub ms: i64,
    /// Frames or pieces of sound that it looked at.
    pub samples: u64,
}

/// What goes wrong on the wire.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A length over its bound, or bytes that do not fit their header.
    #[error("message refused: {0}")]
    Refused(String),
    /// A header that is no JSON of a known message.
    #[error("header: {0}")]
    Head(#[from] serde_json::Error),
    /// The other end is gone.
    #[error("socket: {0}")]
    Io(#[from] std::io::Error),
}

/// The first bytes of a message: both lengths and the header. The payload follows.
///
/// # Errors
/// `Refused` when a length is over its bound.
pub fn opening(head: &impl Serialize, payload_bytes: usize) -> Result<Vec<u8>, WireError> {
    let head = serde_json::to_vec(head)?;
    check(head.len(), payload_bytes)?;
    let mut bytes = Vec::with_capacity(8 + head.len());
    bytes.extend_from_slice(&(head.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(payload_bytes as u32).to_le_bytes());
    bytes.extend_from_slice(&head);
    Ok(bytes)
}

/// Writes one message.
///
/// # Errors
/// `Refused`, `Io`.
pub fn write(to: &mut impl Write, head: &impl Serialize, payload: &[u8]) -> Result<(), WireError> {
    to.write_all(&opening(head, payload.len())?)?;
    to.write_all(payload)?;
    Ok(to.flush()?)
}

/// Reads one message; none at the end of the stream.
///
/// # Errors
/// `Refused`, `Head`, `Io`.
pub fn read<H: DeserializeOwned>(from: &mut impl Read) -> Result<Option<(H, Vec<u8>)>, WireError> {
    let mut lengths = [0; 8];
    if let Err(error) = from.read_exact(&mut lengths) {
        return ended(error);
    }
    let (head_bytes, payload_bytes) = lengths_of(lengths)?;
    let mut head = vec![0; head_bytes];
    from.read_exact(&mut head)?;
    let mut payload = vec![0; payload_bytes];
    from.read_exact(&mut payload)?;
    Ok(Some((serde_json::from_slice(&head)?, payload)))
}

/// As [`read`], for async streams.
///
/// # Errors
/// `Refused`, `Head`, `Io`.
pub async fn read_async<H: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<(H, Vec<u8>)>, WireError> {
    let mut lengths = [0; 8];
    if let Err(error) = from.read_exact(&mut lengths).await {
        return ended(error);
    }
    let (head_bytes, payload_bytes) = lengths_of(lengths)?;
    let mut head = vec![0; head_bytes];
    from.read_exact(&mut head).await?;
    let mut payload = vec![0; payload_bytes];
    from.read_exact(&mut payload).await?;
    Ok(Some((serde_json::from_slice(&head)?, payload)))
}

fn ended<T>(error: std::io::Error) -> Result<Option<T>, WireError> {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error.into()) }
}

fn lengths_of(bytes: [u8; 8]) -> Result<(usize, usize), WireError> {
    let both = u64::from_le_bytes(bytes);
    let (head, payload) = (both as u32 as usize, (both >> 32) as usize);
    check(head, payload)?;
    Ok((head, payload))
}

fn check(head_bytes: usize, payload_bytes: usize) -> Result<(), WireError> {
    if head_bytes > HEAD_MAX_BYTES || payload_bytes > PAYLOAD_MAX_BYTES {
        return Err(WireError::Refused(format!("{head_bytes} bytes of header, {payload_bytes} of payload")));
    }
    Ok(())
}

/// The header of a batch of pictures, which must all have one size.
///
/// # Errors
/// `Refused` when they have not, or there are none.
pub fn frames_head(job: u64, track: Track, frames: &[Frame]) -> Result<ToPool, WireError> {
    let Some(first) = frames.first() else { return Err(WireError::Refused("a batch without pictures".to_owned())) };
    let (width, height) = (first.width, first.height);
    let bytes = picture_bytes(width, height)?;
    if frames.iter().any(|frame| (frame.width, frame.height) != (width, height) || frame.rgb.len() != bytes) {
        return Err(WireError::Refused("a batch with pictures of several sizes".to_owned()));
    }
    Ok(ToPool::Frames { job, track, width, height, frames: frames.iter().map(|frame| (frame.index, frame.time_ms)).collect() })
}

/// The pictures of a batch.
///
/// # Errors
/// `Refused` when the payload has another length than its header says.
pub fn frames_of(width: u32, height: u32, frames: &[(u64, i64)], payload: &[u8]) -> Result<Vec<Frame>, WireError> {
    let bytes = picture_bytes(width, height)?;
    if bytes.checked_mul(frames.len()) != Some(payload.len()) || payload.is_empty() {
        return Err(WireError::Refused(format!("{} bytes for {} pictures {width}x{height}", payload.len(), frames.len())));
    }
    let picture = |(&(index, time_ms), rgb): (&(u64, i64), &[u8])| Frame::new(index, time_ms, width, height, rgb);
    Ok(frames.iter().zip(payload.chunks_exact(bytes)).map(picture).collect())
}

fn picture_bytes(width: u32, height: u32) -> Result<usize, WireError> {
    let bytes = u64::from(width) * u64::from(height);
    let bytes = bytes.checked_mul(3).and_then(|bytes| usize::try_from(bytes).ok());
    bytes
        .filter(|bytes| (1..=PAYLOAD_MAX_BYTES).contains(bytes))
        .ok_or_else(|| WireError::Refused(format!("a picture of {width}x{height}")))
}

/// The payload of a piece of sound.
pub fn pcm_bytes(pcm: &Pcm) -> Vec<u8> {
    pcm.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// The piece of sound of a payload.
///
/// # Errors
/// `Refused` when the payload is no whole number of samples.
pub fn pcm_of(time_ms: i64, payload: &[u8]) -> Result<Pcm, WireError> {
    let (samples, rest) = payload.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(WireError::Refused(format!("{} bytes of sound", payload.len())));
    }
    Ok(Pcm { time_ms, samples: samples.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect() })
}

/// The findings of a payload of JSON lines.
///
/// # Errors
/// `Head` when a line is no finding.
pub fn findings_of(payload: &[u8]) -> Result<Vec<Finding>, WireError> {
    let lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

#[cfg(test)]
mod tests;
