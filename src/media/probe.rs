//! What a file is: ffprobe's description, then one decoded picture, because a description may lie.
//!
//! Two short children read the file: ffprobe for its tracks, and ffmpeg for the first picture and the first sound, which
//! tells that they can be decoded, how large the picture is as shown, and where time 0 lies. Only a file that does not say how long
//! it is (for example WebM from a browser's recorder) is read as a whole, without decoding.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::report::{self, Chosen, FirstLook, Report, first_look};
use super::tool::{self, Caps, Ended, Job, Program};
use super::{Limits, MediaError, fmp4};
use crate::model::MediaInfo;

/// ffprobe's description of a file with as many tracks as are allowed stays well below this.
const REPORT_BYTES: usize = 1 << 20;
/// The first picture must come within this much of the file's time.
const LOOK_SECONDS: &str = "30";
/// Brands of HEIC and AVIF: pictures in an MP4 that ffmpeg 5.1 reads wrongly or not at all.
const PICTURE_BRANDS: [&[u8]; 11] =
    [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf", b"avif", b"avis"];

/// Describes the medium in a local file.
///
/// # Errors
/// `Empty`, `Unsupported`, `Truncated`, `OverLimit`, `Timeout`; `Tool` when this machine is at fault.
pub async fn probe(path: &Path, limits: &Limits) -> Result<MediaInfo, MediaError> {
    let sniffed = sniff(&tool::open(path)?)?;
    let report = describe(path, limits).await.map_err(|error| sniffed.blame(error))?;
    let chosen = report.choose(limits).map_err(|error| sniffed.blame(error))?;
    let (mut chosen, look) = look(path, chosen, limits).await.map_err(|error| sniffed.blame(error))?;
    if let Some(missing) = sniffed.missing_bytes {
        chosen.notes.push(format!("the file is cut short: {missing} bytes are missing"));
    }
    let scanned = if report.needs_scan(&chosen) { Some(scan(path, &chosen, limits).await?) } else { None };
    report.info(chosen, &look, scanned, limits)
}

/// What the file's own bytes say before any program sees them.
struct Sniffed {
    /// An MP4 names so many bytes more than there are.
    missing_bytes: Option<u64>,
}

impl Sniffed {
    /// What is unreadable in a file that is cut short is so because it is cut short.
    fn blame(&self, error: MediaError) -> MediaError {
        match (self.missing_bytes, error) {
            (Some(missing), MediaError::Unsupported(_)) => {
                MediaError::Truncated(format!("{missing} bytes are missing, and what is there cannot be decoded"))
            }
            (_, error) => error,
        }
    }
}

fn sniff(file: &File) -> Result<Sniffed, MediaError> {
    let mut head = [0; 12];
    let count = file.read_at(&mut head, 0).map_err(|error| MediaError::io("the file cannot be read", &error))?;
    if count < head.len() || head.get(4..8) != Some(b"ftyp") {
        return Ok(Sniffed { missing_bytes: None });
    }
    if head.get(8..12).is_some_and(|brand| PICTURE_BRANDS.contains(&brand)) {
        return Err(MediaError::Unsupported("HEIC and AVIF pictures are not read; JPEG, PNG, WebP and GIF are".to_owned()));
    }
    Ok(Sniffed { missing_bytes: fmp4::missing_bytes(file) })
}

async fn describe(path: &Path, limits: &Limits) -> Result<Report, MediaError> {
    let after = ["-show_entries", report::ENTRIES, "-of", "json"].map(str::to_owned).to_vec();
    let job = Job { program: Program::Ffprobe, after, ..job(path, limits)? };
    let (json, ended) = tool::output(job, REPORT_BYTES).await?;
    if !ended.success {
        return Err(refusal(&ended.stderr));
    }
    serde_json::from_slice(&json).map_err(|error| MediaError::Tool(format!("ffprobe's description cannot be read: {error}")))
}

/// Why ffprobe refused the file.
fn refusal(stderr: &str) -> MediaError {
    if let Some(line) = stderr.lines().find(|line| line.contains("Format not on whitelist")) {
        let name = line.trim_start_matches('[').split([' ', ']']).next().unwrap_or("this");
        return MediaError::Unsupported(format!("`{name}` is no accepted format: lists of other files are not followed"));
    }
    if stderr.contains("moov atom not found") {
        return MediaError::Truncated("the index (`moov`) is missing: the file ends before it".to_owned());
    }
    if stderr.contains("partial file") || stderr.contains("End of file") {
        return MediaError::Truncated("the file ends before its first track".to_owned());
    }
    MediaError::Unsupported("it is in no video or audio format that weir reads".to_owned())
}

/// Decodes the first picture and the first sound. Sound that cannot be decoded is left out, and said.
async fn look<'a>(path: &Path, mut chosen: Chosen<'a>, limits: &Limits) -> Result<(Chosen<'a>, FirstLook), MediaError> {
    let (first, ended) = look_at(path, &chosen, limits).await?;
    let found = if chosen.video.is_some() { first.picture.is_some() } else { first.sound_us.is_some() };
    if ended.success && found {
        return Ok((chosen, first));
    }
    if chosen.video.is_some() && chosen.audio.is_some() {
        let silent = Chosen { video: chosen.video, audio: None, notes: Vec::new() };
        let (second, _) = look_at(path, &silent, limits).await?;
        if second.picture.is_some() {
            chosen.audio = None;
            chosen.notes.push("the sound cannot be decoded and is left out".to_owned());
            return Ok((chosen, second));
        }
    }
    let what = if chosen.video.is_some() { "picture" } else { "sound" };
    if ended.stderr.contains("partial file") {
        return Err(MediaError::Truncated(format!("the file ends before the first {what}")));
    }
    Err(MediaError::Unsupported(format!("no {what} can be decoded")))
}

async fn look_at(path: &Path, chosen: &Chosen<'_>, limits: &Limits) -> Result<(FirstLook, Ended), MediaError> {
    let mut after = Vec::new();
    for stream in [chosen.video, chosen.audio].into_iter().flatten() {
        after.extend(["-map".to_owned(), format!("0:{}", stream.index)]);
    }
    let video = "-frames:v 1 -frames:a 1 -fps_mode:v passthrough -enc_time_base:v 1:1000000 -f framecrc pipe:1";
    after.extend(video.split(' ').map(str::to_owned));
    let before = vec!["-t".to_owned(), LOOK_SECONDS.to_owned(), "-max_pixels".to_owned(), limits.max_pixels.to_string()];
    let job = Job { before, after, ..job(path, limits)? };
    let (text, ended) = tool::output(job, REPORT_BYTES).await?;
    Ok((first_look(&String::from_utf8_lossy(&text)), ended))
}

/// Reads the whole file without decoding and answers where its tracks end, microseconds on ffmpeg's clock.
async fn scan(path: &Path, chosen: &Chosen<'_>, limits: &Limits) -> Result<i64, MediaError> {
    let mut after = Vec::new();
    for stream in [chosen.video, chosen.audio].into_iter().flatten() {
        after.extend(["-map".to_owned(), format!("0:{}", stream.index)]);
    }
    after.extend("-c copy -progress pipe:1 -stats_period 5 -f null /dev/null".split(' ').map(str::to_owned));
    let (text, _) = tool::output(Job { after, ..job(path, limits)? }, REPORT_BYTES).await?;
    let text = String::from_utf8_lossy(&text);
    let ends = text.lines().filter_map(|line| line.strip_prefix("out_time_us=")).filter_map(|us| us.parse().ok());
    Ok(ends.max().unwrap_or(0))
}

fn job(path: &Path, limits: &Limits) -> Result<Job, MediaError> {
    let caps = Caps {
        wall: limits.probe_timeout,
        cpu: limits.probe_timeout + Duration::from_secs(10),
        memory_bytes: limits.max_memory_bytes,
        file_bytes: 0,
    };
    let input = tool::open(path)?;
    Ok(Job { program: Program::Ffmpeg, before: Vec::new(), after: Vec::new(), input, folder: None, caps })
}
