//! Decode once: one ffmpeg gives every analyser its pictures and its sound.
//!
//! ffmpeg writes raw pictures and PCM as tracks of one Matroska stream on its standard output, so every picture comes with its time,
//! and one pipe cannot be stalled by another. One OS thread drains it into a bounded channel: when the receiver is slow, ffmpeg
//! waits. Its own interleaving holds at most one second.
//!
//! A picture's index counts all pictures of the video. The sampled ones take theirs from the track that has every picture (in two
//! by two pixels, where nobody wants to see them), by equal time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::frame::{DETAIL_HEIGHT, DETAIL_WIDTH, Frame, LARGE_SIDE, Pcm, SAMPLE_RATE, SMALL_WIDTH};
use super::matroska::{Block, Blocks};
use super::tool::{self, Caps, Job, Program, Waiting};
use super::{Limits, MediaError};
use crate::model::{MediaInfo, VideoTrack};

/// Chunks that wait for the receiver: at most some 30 MB.
const CHUNKS: usize = 8;
/// Small pictures per chunk.
const BATCH: usize = 16;
/// Samples per chunk of sound: half a second.
const PCM_SAMPLES: usize = SAMPLE_RATE as usize / 2;
/// Highest small picture: shapes beyond 4:1 upright are squeezed.
const SMALL_HEIGHT_MAX: u32 = 1024;
/// Times of pictures that are remembered for the sampled ones; they come within a second.
const TIMES: usize = 4096;
/// Sampled pictures that wait for the track with every picture.
const PENDING: usize = 8;
/// The receiver sets the pace, so the clock is no limit; processor time is.
const WALL: Duration = Duration::from_hours(24);

/// What is wanted of a medium.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Every picture, RGB24, [`SMALL_WIDTH`] wide, height by aspect.
    pub every_frame_small: bool,
    /// The first picture of every 1/fps seconds, for each of these rates, RGB24, the long side at most [`LARGE_SIDE`], never enlarged.
    pub sampled_fps: Vec<f32>,
    /// The middle of the first picture of every 1/fps seconds, for each of these rates, in the source's own pixels, RGB24, at most [`DETAIL_WIDTH`] ×
    /// [`DETAIL_HEIGHT`].
    pub detail_fps: Vec<f32>,
    /// 16 kHz mono, from time 0, gaps filled with silence.
    pub audio: bool,
}

/// A piece of what is wanted. Each kind is in order of time; kinds are interleaved to about a second.
#[derive(Debug, Clone)]
pub enum Chunk {
    /// Pictures of [`Plan::every_frame_small`].
    Small(Vec<Frame>),
    /// Pictures of [`Plan::sampled_fps`].
    Large(Vec<Frame>),
    /// Pictures of [`Plan::detail_fps`].
    Detail(Vec<Frame>),
    /// Sound.
    Audio(Pcm),
}

/// A running decoder; dropping it ends ffmpeg.
#[derive(Debug)]
pub struct Decoding {
    chunks: mpsc::Receiver<io::Result<Chunk>>,
    child: Option<Waiting>,
}

impl Decoding {
    /// Starts to decode what `plan` wants of the tracks that `media` has; wanting nothing of it ends at once.
    ///
    /// # Errors
    /// `Tool` when ffmpeg cannot be started.
    pub async fn start(path: &Path, media: &MediaInfo, plan: Plan, limits: &Limits) -> Result<Self, MediaError> {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let roles = Role::list(media, plan);
        if roles.is_empty() {
            return Ok(Self { chunks, child: None });
        }
        let (stdout, child) = tool::start(job(path, media, &roles, limits)?).await?.split();
        let pipe = stdout.into_owned_fd().map_err(|error| MediaError::io("the pipe cannot be used", &error))?;
        let thread = std::thread::Builder::new().name("media-decode".to_owned());
        let drained = thread.spawn(move || drain(File::from(pipe), &roles, &sender));
        drained.map_err(|error| MediaError::io("the thread that drains the pipe could not be made", &error))?;
        Ok(Self { chunks, child: Some(child) })
    }

    /// The next chunk; none after the last. After an error there is no more.
    pub async fn recv(&mut self) -> Option<Result<Chunk, MediaError>> {
        let broken = match self.chunks.recv().await {
            Some(Ok(chunk)) => return Some(Ok(chunk)),
            Some(Err(error)) => Some(error),
            None => None,
        };
        self.chunks.close();
        // Why ffmpeg ended says more than that its stream broke off.
        let ended = self.child.take()?.wait().await;
        match (ended, broken) {
            (Err(error), _) => Some(Err(error)),
            (Ok(ended), _) if !ended.success => {
                Some(Err(MediaError::Tool(format!("decoding failed: {}", tool::last_line(&ended.stderr)))))
            }
            (Ok(_), Some(error)) => Some(Err(MediaError::io("the decoded stream makes no sense", &error))),
            (Ok(_), None) => None,
        }
    }
}

/// What a track of the stream is for.
#[derive(Debug, Clone, PartialEq)]
enum Role {
    Small {
        width: u32,
        height: u32,
    },
    /// Times only.
    Count,
    Large {
        width: u32,
        height: u32,
        rates: Vec<f32>,
    },
    Detail {
        shown: (u32, u32),
        rates: Vec<f32>,
    },
    Audio,
}

impl Role {
    fn list(media: &MediaInfo, plan: Plan) -> Vec<Self> {
        let mut roles = Vec::new();
        if let Some(video) = &media.video {
            if plan.every_frame_small {
                let (width, height) = small_size(video);
                roles.push(Self::Small { width, height });
            } else if !(plan.sampled_fps.is_empty() && plan.detail_fps.is_empty()) {
                roles.push(Self::Count);
            }
            if !plan.sampled_fps.is_empty() {
                let (width, height) = large_size(video);
                roles.push(Self::Large { width, height, rates: plan.sampled_fps });
            }
            if !plan.detail_fps.is_empty() {
                let shown = (video.width.max(1), video.height.max(1));
                roles.push(Self::Detail { shown, rates: plan.detail_fps });
            }
        }
        if plan.audio && media.audio.is_some() {
            roles.push(Self::Audio);
        }
        roles
    }

    /// Bytes of one block at most.
    fn block_bytes(&self) -> u64 {
        match self {
            Self::Small { width, height } | Self::Large { width, height, .. } => u64::from(*width) * u64::from(*height) * 3,
            Self::Detail { shown: (full, high), .. } => {
                let (width, height) = detail_size(*full, *high);
                u64::from(width) * u64::from(height) * 3
            }
            Self::Count => 12,
            // ffmpeg's audio frames are far shorter than a second.
            Self::Audio => u64::from(SAMPLE_RATE) * 4,
        }
    }

    /// What follows `split` in the filter graph.
    fn filter(&self) -> String {
        match self {
            Self::Small { width, height } => format!("scale={width}:{height}:flags=bilinear,setsar=1,format=rgb24"),
            Self::Count => "crop=2:2:0:0,setsar=1,format=rgb24".to_owned(),
            Self::Large { width, height, rates } => {
                format!("{},scale={width}:{height},setsar=1,format=rgb24", first_of_period(rates))
            }
            // The size is stated because a stream may change it; cropping RGB keeps odd sizes, which cropping 4:2:0 rounds.
            Self::Detail { shown: (full, high), rates } => {
                let (width, height) = detail_size(*full, *high);
                format!("{},scale={full}:{high},format=rgb24,crop={width}:{height},setsar=1", first_of_period(rates))
            }
            Self::Audio => format!("aresample={SAMPLE_RATE}:async=1:first_pts=0,aformat=sample_fmts=flt:channel_layouts=mono"),
        }
    }
}

/// The first picture of every period, for each of these rates. A period is reckoned from the milliseconds that are written, exactly as
/// `stage/analyse/plan.rs` does that picks the pictures of one rate out: what it gets does not depend on the other rates.
fn first_of_period(rates: &[f32]) -> String {
    let period = |time: &str, fps: f32| format!("floor((round({time}*1000)+1)*{}/1000)", f64::from(fps));
    let begins = rates.iter().map(|fps| format!("+gt({},{})", period("t", *fps), period("prev_t", *fps)));
    format!("select='isnan(prev_t){}'", begins.collect::<Vec<_>>().concat())
}

fn small_size(video: &VideoTrack) -> (u32, u32) {
    let height = f64::from(SMALL_WIDTH) * f64::from(video.height) / f64::from(video.width.max(1));
    (SMALL_WIDTH, (height.round() as u32).clamp(2, SMALL_HEIGHT_MAX))
}

fn large_size(video: &VideoTrack) -> (u32, u32) {
    let scale = (f64::from(LARGE_SIDE) / f64::from(video.width.max(video.height).max(1))).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    (side(video.width), side(video.height))
}

fn detail_size(width: u32, height: u32) -> (u32, u32) {
    (width.min(DETAIL_WIDTH), height.min(DETAIL_HEIGHT))
}

fn job(path: &Path, media: &MediaInfo, roles: &[Role], limits: &Limits) -> Result<Job, MediaError> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    let cpu = limits.package_timeout(media.duration_ms).saturating_mul(cores);
    let caps = Caps { wall: WALL, cpu, memory_bytes: limits.max_memory_bytes, file_bytes: 0 };
    let mut after = vec!["-filter_complex".to_owned(), graph(media, roles)];
    for number in 0..roles.len() {
        after.extend(["-map".to_owned(), format!("[t{number}]")]);
    }
    // `vfr` would drop pictures with equal times; `live` writes clusters that need no seeking; raw RGB needs VFW's form.
    let muxing = "-fps_mode:v passthrough -enc_time_base:v 1:1000 -c:v rawvideo -c:a pcm_f32le -max_interleave_delta 1000000 \
                  -max_error_rate 1 -f matroska -live 1 -allow_raw_vfw 1 -write_crc32 0";
    after.extend(muxing.split(' ').map(str::to_owned));
    after.extend(["-t".to_owned(), limits.max_duration.as_secs().saturating_add(1).to_string(), "pipe:1".to_owned()]);
    let before = vec!["-max_pixels".to_owned(), limits.max_pixels.to_string()];
    Ok(Job { program: Program::Ffmpeg, before, after, input: tool::open(path)?, folder: None, caps })
}

fn graph(media: &MediaInfo, roles: &[Role]) -> String {
    let from_time_0 = format!("round(PTS-{:.6}/TB)", media.lead_us as f64 / 1e6);
    let pictures = roles.iter().filter(|role| **role != Role::Audio).count();
    let mut chains = Vec::new();
    if let (Some(video), 1..) = (&media.video, pictures) {
        let branches = (0..pictures).map(|number| format!("[s{number}]")).collect::<Vec<_>>().concat();
        chains.push(format!("[0:{}]setpts={from_time_0},split={pictures}{branches}", video.index));
    }
    for (number, role) in roles.iter().enumerate() {
        let input = match (role, &media.audio) {
            (Role::Audio, Some(audio)) => format!("[0:{}]asetpts={from_time_0},", audio.index),
            _ => format!("[s{number}]"),
        };
        chains.push(format!("{input}{}[t{number}]", role.filter()));
    }
    chains.join(";")
}

/// Takes the stream apart until it ends or nobody receives.
fn drain(pipe: impl Read, roles: &[Role], sender: &mpsc::Sender<io::Result<Chunk>>) {
    let largest = roles.iter().map(Role::block_bytes).max().unwrap_or(0);
    let mut blocks = Blocks::new(BufReader::with_capacity(1 << 16, pipe), largest);
    let mut sorter = Sorter::default();
    loop {
        let (chunks, done) = match blocks.next() {
            Ok(Some(block)) => {
                (sorter.take(block, roles).map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what)), false)
            }
            Ok(None) => (Ok(sorter.finish()), true),
            Err(error) => (Err(error), true),
        };
        let (chunks, failed) = match chunks {
            Ok(chunks) => (chunks.into_iter().map(Ok).collect::<Vec<_>>(), false),
            Err(error) => (vec![Err(error)], true),
        };
        for chunk in chunks {
            if sender.blocking_send(chunk).is_err() {
                return;
            }
        }
        if done || failed {
            return;
        }
    }
}

/// Gathers blocks into chunks and numbers the pictures.
#[derive(Debug, Default)]
struct Sorter {
    count: u64,
    times: VecDeque<(i64, u64)>,
    small: Vec<Frame>,
    pending: VecDeque<(fn(Vec<Frame>) -> Chunk, Frame)>,
    pcm: Vec<f32>,
    samples: u64,
}

impl Sorter {
    fn take(&mut self, block: Block, roles: &[Role]) -> Result<Vec<Chunk>, &'static str> {
        let role = usize::try_from(block.track).ok().and_then(|track| roles.get(track.checked_sub(1)?));
        let role = role.ok_or("a track that was not asked for")?;
        if *role != Role::Audio && block.data.len() as u64 != role.block_bytes() {
            return Err("a picture of another size");
        }
        let mut chunks = Vec::new();
        match *role {
            Role::Small { width, height } => {
                let index = self.number(block.time_ms);
                self.small.push(Frame::new(index, block.time_ms, width, height, block.data));
                if self.small.len() >= BATCH {
                    chunks.push(Chunk::Small(std::mem::take(&mut self.small)));
                }
            }
            Role::Count => drop(self.number(block.time_ms)),
            Role::Large { width, height, .. } => {
                self.pending.push_back((Chunk::Large, Frame::new(0, block.time_ms, width, height, block.data)));
            }
            Role::Detail { shown: (full, high), .. } => {
                let (width, height) = detail_size(full, high);
                self.pending.push_back((Chunk::Detail, Frame::new(0, block.time_ms, width, height, block.data)));
            }
            Role::Audio => {
                self.pcm.extend(block.data.as_chunks().0.iter().map(|&sample| f32::from_le_bytes(sample)));
                if self.pcm.len() >= PCM_SAMPLES {
                    chunks.push(self.sound());
                }
            }
        }
        let newest = self.times.back().map_or(i64::MIN, |&(time, _)| time);
        while self.pending.front().is_some_and(|(_, frame)| frame.time_ms <= newest) || self.pending.len() > PENDING {
            chunks.extend(self.sampled());
        }
        Ok(chunks)
    }

    fn finish(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        if !self.small.is_empty() {
            chunks.push(Chunk::Small(std::mem::take(&mut self.small)));
        }
        while let Some(chunk) = self.sampled() {
            chunks.push(chunk);
        }
        if !self.pcm.is_empty() {
            chunks.push(self.sound());
        }
        chunks
    }

    /// Counts a picture and remembers its time.
    fn number(&mut self, time_ms: i64) -> u64 {
        let index = self.count;
        self.count += 1;
        if self.times.len() >= TIMES {
            self.times.pop_front();
        }
        self.times.push_back((time_ms, index));
        index
    }

    /// The oldest sampled picture, numbered like the first picture of its time, or else the last before it.
    fn sampled(&mut self) -> Option<Chunk> {
        let (kind, mut frame) = self.pending.pop_front()?;
        let at = self.times.partition_point(|&(time, _)| time < frame.time_ms);
        let same = self.times.get(at).filter(|&&(time, _)| time == frame.time_ms);
        let before = || at.checked_sub(1).and_then(|at| self.times.get(at));
        frame.index = same.or_else(before).map_or(0, |&(_, index)| index);
        Some(kind(vec![frame]))
    }

    fn sound(&mut self) -> Chunk {
        let samples = std::mem::take(&mut self.pcm);
        let time_ms = (self.samples * 1000 / u64::from(SAMPLE_RATE)).cast_signed();
        self.samples += samples.len() as u64;
        Chunk::Audio(Pcm { time_ms, samples: Arc::from(samples) })
    }
}
