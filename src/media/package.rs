//! One ffmpeg decodes once and encodes every rung, the sound and the poster; weir cuts and measures what it wrote.
//!
//! * Each rung is one fragmented MP4, a fragment per closed group of pictures of 2 s; the groups of all rungs start at the same
//!   pictures. Segments are ranges of such a file, three fragments each, so nothing is muxed a second time.
//! * The sound is encoded once and copied into every rung and into `audio.m4a` (ffmpeg's `tee`).
//! * Time 0 is the first presented picture. Sound before it is cut away, a gap before the first sound is silence. Decode times
//!   start before 0 where pictures are reordered; the edit list of the init segment says so.
//! * Constant rates stay as they are up to 60 pictures a second. A variable rate becomes the lowest usual rate that is not below its
//!   average (at least 24), because players and segment lengths need an even clock; faster video becomes 60.
//! * The poster is the first of ten pictures, from 10 % of the time on, that is not blank: see [`choose_poster`].

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::fmp4::{self, Kind, Movie, Track};
use super::ladder::{Rung, rungs};
use super::playlist::{self, Segment};
use super::tool::{self, Caps, Job, Program, Running};
use super::{Limits, MediaError};
use crate::model::{MediaInfo, Rendition, VideoTrack};

/// Length of a group of pictures, seconds.
const GROUP_S: u32 = 2;
/// Length of a segment, seconds.
const SEGMENT_S: f64 = 6.0;
/// Pictures to choose the poster from, evenly over the time.
const POSTERS: u32 = 10;
/// Longest side of the poster, pixels.
const POSTER_SIDE: u32 = 1280;
/// Rates that a variable rate becomes.
const USUAL_RATES: [(u32, u32); 6] = [(24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60, 1)];
/// Fragments start at key frames and hold whole groups; the index comes with the first of them, so that it can hold the edit lists.
const FRAGMENTED: &str = "f=mp4:movflags=frag_keyframe+delay_moov+default_base_moof+skip_trailer";

/// A packaged medium: files in the folder, and what to serve of them.
#[derive(Debug)]
pub struct Packaged {
    /// Best first.
    pub renditions: Vec<PackagedRendition>,
    /// The master playlist.
    pub master: String,
    /// JPEG; none for audio only.
    pub poster: Option<PathBuf>,
    /// AAC in MP4; none for silent video.
    pub audio: Option<PathBuf>,
    /// Measured.
    pub duration_ms: i64,
}

/// One rendition: ranges of a file.
#[derive(Debug)]
pub struct PackagedRendition {
    /// As it is recorded.
    pub rendition: Rendition,
    /// Where its bytes are.
    pub file: PathBuf,
    /// The init segment.
    pub init: Range<u64>,
    /// The media segments in order.
    pub segments: Vec<Range<u64>>,
    /// The media playlist.
    pub playlist: String,
}

/// Packages a local file into `folder`, which must be empty. Dropping the future ends ffmpeg.
///
/// # Errors
/// `Truncated` and `Unsupported` when nothing can be decoded, `OverLimit`, `Timeout`, `Tool`.
pub async fn package(
    input: &Path,
    media: &MediaInfo,
    folder: &Path,
    limits: &Limits,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<Packaged, MediaError> {
    let ladder = media.video.as_ref().map(|video| rungs(video.width, video.height)).unwrap_or_default();
    let running = tool::start(job(input, media, &ladder, folder, limits)?).await?;
    let ended = follow(running, media.duration_ms, progress).await?;
    if !ended.success {
        return Err(MediaError::Tool(format!("packaging failed: {}", tool::last_line(&ended.stderr))));
    }
    let (folder, media) = (folder.to_owned(), media.clone());
    let measured = tokio::task::spawn_blocking(move || measure(&folder, &media, &ladder)).await;
    let packaged = measured.map_err(|error| MediaError::Tool(format!("measuring broke: {error}")))??;
    if u128::from(packaged.duration_ms.unsigned_abs()) > limits.max_duration.as_millis() {
        return Err(MediaError::OverLimit(format!("it is longer than {} s", limits.max_duration.as_secs())));
    }
    Ok(packaged)
}

fn job(input: &Path, media: &MediaInfo, ladder: &[Rung], folder: &Path, limits: &Limits) -> Result<Job, MediaError> {
    let wall = limits.package_timeout(media.duration_ms);
    let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    let seconds = media.duration_ms.max(0).unsigned_abs() / 1000;
    let caps = Caps {
        wall,
        cpu: wall.saturating_mul(cores),
        memory_bytes: limits.max_memory_bytes,
        // The best rung asks for 0.6 MB/s; four times that, for four times the time that the file says, is out of hand.
        file_bytes: (256 << 20) + seconds.saturating_mul(4 * 2_400_000),
    };
    let input = tool::open(input)?;
    let before = vec!["-max_pixels".to_owned(), limits.max_pixels.to_string()];
    let after = arguments(media, ladder, limits.max_duration);
    Ok(Job { program: Program::Ffmpeg, before, after, input, folder: Some(folder.to_owned()), caps })
}

fn arguments(media: &MediaInfo, ladder: &[Rung], max_duration: Duration) -> Vec<String> {
    let mut words = vec!["-filter_complex".to_owned(), graph(media, ladder)];
    let mut add = |text: String| words.extend(text.split(' ').map(str::to_owned));
    for (number, rung) in ladder.iter().enumerate() {
        let kbps = rung.video_kbps;
        add(format!(
            "-map [v{number}] -b:v:{number} {kbps}k -maxrate:v:{number} {}k -bufsize:v:{number} {}k",
            kbps * 6 / 5,
            kbps * 2
        ));
    }
    if !ladder.is_empty() {
        // Key frames by time alone, on the same pictures in every rung. `vfr`: no picture is added; those with equal times are one.
        add(format!(
            "-c:v libx264 -preset veryfast -profile:v high -g 1000 -sc_threshold 0 -force_key_frames expr:gte(t,n_forced*{GROUP_S})"
        ));
        add("-flags:v +cgop+global_header -fps_mode:v vfr".to_owned());
    }
    if media.audio.is_some() {
        add("-map [a] -c:a aac -b:a 128k -flags:a +global_header".to_owned());
    }
    // Titles, places and chapters of the source stay out of what is served; a chapter track would be a third one.
    add("-map_metadata -1 -map_chapters -1 -max_error_rate 1".to_owned());
    add(format!("-t {} -progress pipe:1 -stats_period 0.5 -f tee", max_duration.as_secs().saturating_add(1)));
    words.push(outputs(media, ladder));
    if !ladder.is_empty() {
        let poster = format!("-map [poster] -fps_mode passthrough -frames:v {POSTERS} -c:v mjpeg -q:v 4 -f image2 poster-%d.jpg");
        words.extend(poster.split(' ').map(str::to_owned));
    }
    words
}

/// Files of the `tee`: `0.mp4` and on, one per rung, or `audio.mp4`; and `audio.m4a`.
fn outputs(media: &MediaInfo, ladder: &[Rung]) -> String {
    let sound = if media.audio.is_some() { ",a" } else { "" };
    let rung = |number| format!("[select=\\'v:{number}{sound}\\':{FRAGMENTED}]{number}.mp4");
    let mut files: Vec<String> = (0..ladder.len()).map(rung).collect();
    if media.audio.is_some() {
        if ladder.is_empty() {
            files.push(format!(
                "[select=a:f=mp4:movflags=delay_moov+default_base_moof+skip_trailer:frag_duration={GROUP_S}000000]audio.mp4"
            ));
        }
        files.push("[select=a:f=mp4:movflags=+faststart]audio.m4a".to_owned());
    }
    files.join("|")
}

/// Where time 0 lies on ffmpeg's clock, as a `setpts` expression.
fn from_time_0(media: &MediaInfo) -> String {
    format!("round(PTS-{:.6}/TB)", media.lead_us as f64 / 1e6)
}

fn graph(media: &MediaInfo, ladder: &[Rung]) -> String {
    let mut chains = Vec::new();
    if let Some(video) = &media.video {
        let rate = new_rate(video).map(|(num, den)| format!(",fps={num}/{den}")).unwrap_or_default();
        let hold = seconds(media.hold_ms).map(|hold| format!(",tpad=stop_mode=clone:stop_duration={hold}")).unwrap_or_default();
        let branches = (0..ladder.len()).map(|number| format!("[s{number}]")).collect::<Vec<_>>().concat();
        chains.push(format!(
            "[0:{}]setpts={}{rate}{hold},format=yuv420p,split={}{branches}[p]",
            video.index,
            from_time_0(media),
            ladder.len() + 1
        ));
        for (number, Rung { width, height, .. }) in ladder.iter().enumerate() {
            chains.push(format!("[s{number}]scale={width}:{height},setsar=1[v{number}]"));
        }
        let (width, height) = poster_size(video);
        let every_s = (media.duration_ms.max(1) as f64 / 1000.0 / f64::from(POSTERS)).max(0.001);
        chains.push(format!(
            "[p]select='isnan(prev_t)+gt(floor(t/{every_s:.6}),floor(prev_t/{every_s:.6}))',scale={width}:{height},setsar=1,\
             format=yuvj420p[poster]"
        ));
    }
    if let Some(audio) = &media.audio {
        let pad = seconds(media.silence_ms).map(|silence| format!(",apad=pad_dur={silence}")).unwrap_or_default();
        chains.push(format!(
            "[0:{}]asetpts={},aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo{pad}[a]",
            audio.index,
            from_time_0(media)
        ));
    }
    chains.join(";")
}

fn seconds(ms: i64) -> Option<String> {
    (ms > 0).then(|| format!("{:.3}", ms as f64 / 1000.0))
}

fn poster_size(video: &VideoTrack) -> (u32, u32) {
    let scale = (f64::from(POSTER_SIDE) / f64::from(video.width.max(video.height))).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * scale / 2.0).floor() as u32 * 2).max(2);
    (side(video.width), side(video.height))
}

/// The constant rate to make of this video; none when its own stays.
fn new_rate(video: &VideoTrack) -> Option<(u32, u32)> {
    let fps = video.fps();
    if !video.variable_rate && fps <= 60.5 {
        return None;
    }
    Some(USUAL_RATES.into_iter().find(|&(num, den)| f64::from(num) / f64::from(den) >= fps * 0.97).unwrap_or((60, 1)))
}

/// Reads ffmpeg's progress to its end and waits.
async fn follow(
    mut running: Running,
    duration_ms: i64,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<tool::Ended, MediaError> {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = running.stdout.read(&mut part).await {
        let text = String::from_utf8_lossy(part.get(..count).unwrap_or_default());
        let done_us = text.lines().filter_map(|line| line.strip_prefix("out_time_us=")?.parse::<i64>().ok()).max();
        if let Some(done_us) = done_us {
            progress((done_us as f64 / 1000.0 / duration_ms.max(1) as f64).clamp(0.0, 1.0) as f32);
        }
    }
    running.wait().await
}

fn measure(folder: &Path, media: &MediaInfo, ladder: &[Rung]) -> Result<Packaged, MediaError> {
    let mut renditions = Vec::new();
    for (number, rung) in ladder.iter().enumerate() {
        renditions.push(rendition(folder.join(format!("{number}.mp4")), rung.name, (rung.width, rung.height))?);
    }
    if ladder.is_empty() {
        renditions.push(rendition(folder.join("audio.mp4"), "audio", (0, 0))?);
    }
    let target = renditions.iter().map(|(_, segments)| playlist::target_duration(segments)).max().unwrap_or(1);
    let Some((_, first)) = renditions.first() else { return Err(MediaError::Tool("nothing was packaged".to_owned())) };
    let aligned = |(_, other): &(_, Vec<Segment>)| {
        other.len() == first.len() && other.iter().zip(first).all(|(a, b)| (a.duration_s - b.duration_s).abs() < 0.001)
    };
    if !renditions.iter().all(aligned) {
        return Err(MediaError::Tool("the segments of the rungs do not start together".to_owned()));
    }
    let duration_s: f64 = first.iter().map(|segment| segment.duration_s).sum();
    let renditions: Vec<PackagedRendition> = renditions
        .into_iter()
        .map(|(rendition, segments)| PackagedRendition { playlist: playlist::media(&segments, target), ..rendition })
        .collect();
    let recorded: Vec<Rendition> = renditions.iter().map(|packaged| packaged.rendition.clone()).collect();
    Ok(Packaged {
        renditions,
        master: playlist::master(&recorded),
        poster: if ladder.is_empty() { None } else { choose_poster(folder) },
        audio: media.audio.as_ref().map(|_| folder.join("audio.m4a")),
        duration_ms: (duration_s * 1000.0).round() as i64,
    })
}

fn rendition(file: PathBuf, name: &str, (width, height): (u32, u32)) -> Result<(PackagedRendition, Vec<Segment>), MediaError> {
    let opened = std::fs::File::open(&file).map_err(|error| MediaError::io("a packaged file is missing", &error))?;
    let length = opened.metadata().map_or(0, |about| about.len());
    if length == 0 {
        return Err(MediaError::Truncated("nothing of it can be decoded".to_owned()));
    }
    let movie = fmp4::read(&opened).map_err(|error| MediaError::Tool(error.to_string()))?;
    let lead = if width > 0 { Kind::Video } else { Kind::Audio };
    let track = movie.track(lead).ok_or_else(|| MediaError::Tool(format!("`{name}` has no track of its kind")))?;
    let cut = cut(&movie, track);
    let segments: Vec<Segment> =
        cut.iter().map(|(bytes, duration_s)| Segment { duration_s: *duration_s, size_bytes: bytes.end - bytes.start }).collect();
    let rates = playlist::rates(&segments);
    let rendition = Rendition {
        name: name.to_owned(),
        width,
        height,
        bandwidth_bps: rates.peak_bps,
        average_bandwidth_bps: rates.average_bps,
        codecs: movie.tracks.iter().map(|track| track.codec.as_str()).collect::<Vec<_>>().join(","),
        frame_rate: if width > 0 { frame_rate(&movie, track) } else { 0.0 },
        playlist: format!("{name}/index.m3u8"),
        segments: u32::try_from(segments.len()).unwrap_or(u32::MAX),
        size_bytes: length,
    };
    let segments_bytes = cut.into_iter().map(|(bytes, _)| bytes).collect();
    let init = movie.init;
    Ok((PackagedRendition { rendition, file, init, segments: segments_bytes, playlist: String::new() }, segments))
}

/// Groups fragments into segments of about [`SEGMENT_S`], each from a key frame; answers bytes and seconds.
fn cut(movie: &Movie, track: &Track) -> Vec<(Range<u64>, f64)> {
    let scale = f64::from(track.timescale);
    let mut segments: Vec<(Range<u64>, f64)> = Vec::new();
    let mut end_s: f64 = 0.0;
    // Presentation runs behind decoding by a constant: reordered pictures, or the encoder's lead-in of sound.
    let shift = movie.fragments.iter().find_map(|fragment| fragment.run(track)).map_or(0, |run| run.offset - track.media_time);
    for fragment in &movie.fragments {
        let run = fragment.run(track);
        let start_s = run.map(|run| (run.decode_time as f64 + (run.offset - track.media_time) as f64).max(0.0) / scale);
        let due = start_s.is_some_and(|start| start + 0.02 >= SEGMENT_S * segments.len() as f64);
        match segments.last_mut() {
            Some((bytes, _)) if !due => bytes.end = fragment.bytes.end,
            _ => segments.push((fragment.bytes.clone(), start_s.unwrap_or(0.0))),
        }
        if let Some(run) = run {
            end_s = end_s.max((run.decode_time as f64 + run.duration as f64 + shift as f64) / scale);
        }
    }
    let starts: Vec<f64> = segments.iter().map(|segment| segment.1).chain([end_s]).collect();
    for (segment, pair) in segments.iter_mut().zip(starts.windows(2)) {
        if let [start, next] = pair {
            segment.1 = (next - start).max(0.001);
        }
    }
    segments
}

fn frame_rate(movie: &Movie, track: &Track) -> f64 {
    let runs = || movie.fragments.iter().filter_map(|fragment| fragment.run(track));
    let (samples, units) = (runs().map(|run| run.samples).sum::<u64>(), runs().map(|run| run.duration).sum::<u64>());
    if units == 0 { 0.0 } else { samples as f64 * f64::from(track.timescale) / units as f64 }
}

/// The picture at 10 % of the time, or the next that is not blank: its JPEG is at least a third of the largest, because a
/// black or even picture takes almost no bytes. The very first picture comes last: films begin in black.
fn choose_poster(folder: &Path) -> Option<PathBuf> {
    let candidates = (2..=POSTERS).chain([1]).map(|number| folder.join(format!("poster-{number}.jpg")));
    let sized: Vec<(PathBuf, u64)> =
        candidates.filter_map(|path| std::fs::metadata(&path).ok().map(|about| (path, about.len()))).collect();
    let largest = sized.iter().map(|(_, bytes)| *bytes).max()?;
    sized.into_iter().find(|(_, bytes)| bytes * 3 >= largest).map(|(path, _)| path)
}
