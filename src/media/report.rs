//! What ffprobe and the first decoded pictures say, as plain data, and what follows from it. No I/O here.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Limits, MediaError};
use crate::model::{AudioTrack, MediaInfo, VideoTrack};

/// A still picture, or a video shorter than [`FLASH_MS`] without sound, is shown for so long.
const STILL_MS: i64 = 2000;
/// A video without sound that is shorter than this cannot be looked at: it is treated as a still.
const FLASH_MS: i64 = 200;
/// Sound and pictures whose ends differ by no more than this are left as they are.
const TAIL_MS: i64 = 500;

/// `ffprobe -of json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    pub(super) streams: Vec<Stream>,
    pub(super) format: Format,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Format {
    #[serde(rename = "format_name")]
    pub(super) name: String,
    pub(super) start_time: Option<String>,
    pub(super) duration: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stream {
    pub(super) index: u32,
    pub(super) codec_name: Option<String>,
    pub(super) codec_type: Option<String>,
    width: i64,
    height: i64,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    field_order: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
    nb_frames: Option<String>,
    sample_rate: Option<String>,
    channels: u32,
    disposition: Disposition,
    tags: HashMap<String, String>,
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

/// The entries of [`Report`], for `-show_entries`.
pub(super) const ENTRIES: &str = "format=format_name,start_time,duration:stream=index,codec_name,codec_type,width,height,\
    r_frame_rate,avg_frame_rate,field_order,start_time,duration,nb_frames,sample_rate,channels:\
    stream_disposition=attached_pic:stream_tags=DURATION,DURATION-eng:stream_side_data=rotation";

/// The first decoded picture and the first decoded sound, on ffmpeg's clock (0 is the earliest time stamp of any track).
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct FirstLook {
    /// As ffmpeg shows it, rotated.
    pub(super) picture: Option<FirstPicture>,
    pub(super) sound_us: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct FirstPicture {
    pub(super) time_us: i64,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Width of a pixel divided by its height.
    pub(super) pixel_aspect: f64,
}

/// The tracks in use.
pub(super) struct Chosen<'a> {
    pub(super) video: Option<&'a Stream>,
    pub(super) audio: Option<&'a Stream>,
    pub(super) notes: Vec<String>,
}

impl Report {
    /// Picks the tracks and checks what can be checked before anything is decoded.
    pub(super) fn choose(&self, limits: &Limits) -> Result<Chosen<'_>, MediaError> {
        if self.streams.len() > Limits::MAX_TRACKS {
            return Err(MediaError::OverLimit(format!("{} tracks; at most {}", self.streams.len(), Limits::MAX_TRACKS)));
        }
        let of = |kind: &str| self.streams.iter().filter(|s| s.codec_type.as_deref() == Some(kind)).collect::<Vec<_>>();
        let (pictures, sounds, subtitles) = (of("video"), of("audio"), of("subtitle"));
        let (covers, videos): (Vec<_>, Vec<_>) = pictures.into_iter().partition(|s| s.disposition.attached_pic == 1);
        let usable = |tracks: &[&'_ Stream]| tracks.iter().position(|s| s.codec_name.is_some());
        let video = usable(&videos).and_then(|at| videos.get(at).copied());
        let audio = usable(&sounds).and_then(|at| sounds.get(at).copied());
        if video.is_none() && audio.is_none() {
            return Err(MediaError::Unsupported("there is no video track and no audio track that can be decoded".to_owned()));
        }
        let mut notes = Vec::new();
        for (kind, tracks) in [("video", &videos), ("audio", &sounds)] {
            if tracks.len() > 1 {
                notes.push(format!("{} {kind} tracks, first kept", tracks.len()));
            }
        }
        if !covers.is_empty() {
            notes.push("an attached picture is a cover, not a video track".to_owned());
        }
        if !subtitles.is_empty() {
            notes.push(format!("{} subtitle tracks, not kept", subtitles.len()));
        }
        if let Some(video) = video {
            let (width, height) = (video.width.max(0).unsigned_abs(), video.height.max(0).unsigned_abs());
            check_picture(width, height, limits)?;
        }
        Ok(Chosen { video, audio, notes })
    }

    /// Start of ffmpeg's clock on the file's own, microseconds.
    fn origin_us(&self) -> i64 {
        self.format.start_time.as_deref().and_then(seconds_us).unwrap_or(0)
    }

    /// End of the whole on ffmpeg's clock, microseconds, where the file says so.
    fn whole_us(&self) -> Option<i64> {
        self.format.duration.as_deref().and_then(seconds_us)
    }

    /// Whether this is one picture.
    fn is_still(&self) -> bool {
        self.format.name.ends_with("_pipe")
    }

    /// End of a track on ffmpeg's clock, microseconds, where the file says so. It is not after the end of the whole: the durations
    /// that Matroska keeps of tracks count from the beginning of the file in some, from the track's own in others.
    fn end_us(&self, stream: &Stream) -> Option<i64> {
        let start = stream.start_time.as_deref().and_then(seconds_us).map_or(0, |start| start.saturating_sub(self.origin_us()));
        let end = start.saturating_add(stream.duration_us()?);
        Some(self.whole_us().map_or(end, |whole| end.min(whole)))
    }

    /// Puts everything together. `scanned_us` is the end on ffmpeg's clock from reading the whole file, used when the file does not
    /// say.
    pub(super) fn info(
        &self,
        chosen: Chosen<'_>,
        look: &FirstLook,
        scanned_us: Option<i64>,
        limits: &Limits,
    ) -> Result<MediaInfo, MediaError> {
        let lead_us = look.picture.as_ref().map(|picture| picture.time_us).or(look.sound_us).unwrap_or(0);
        let video_end = chosen.video.and_then(|stream| self.end_us(stream));
        let audio_end = chosen.audio.and_then(|stream| self.end_us(stream));
        let end_us = video_end.max(audio_end).or(self.whole_us()).or(scanned_us).unwrap_or(0);
        let mut info = MediaInfo {
            container: self.format.name.split(',').next().unwrap_or_default().to_owned(),
            duration_ms: end_us.saturating_sub(lead_us).max(0) / 1000,
            start_ms: self.origin_us().saturating_add(lead_us).div_euclid(1000),
            lead_us,
            notes: chosen.notes,
            ..MediaInfo::default()
        };
        if let (Some(stream), Some(picture)) = (chosen.video, &look.picture) {
            info.video = Some(video_track(stream, picture, limits)?);
        }
        info.audio = chosen.audio.map(|stream| AudioTrack {
            index: stream.index,
            codec: stream.codec_name.clone().unwrap_or_default(),
            sample_rate: stream.sample_rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or(0),
            channels: stream.channels,
        });
        if let (Some(video), Some(audio)) = (video_end, audio_end) {
            let longer_ms = audio.saturating_sub(video) / 1000;
            info.hold_ms = if longer_ms > TAIL_MS { longer_ms } else { 0 };
            info.silence_ms = if longer_ms < -TAIL_MS { -longer_ms } else { 0 };
        }
        if let Some(video) = &mut info.video
            && (self.is_still() || (info.audio.is_none() && info.duration_ms < FLASH_MS))
        {
            let frame_ms = (1000.0 / video.fps()) as i64;
            let own_ms = if self.is_still() { frame_ms } else { info.duration_ms.max(frame_ms) };
            info.hold_ms = (STILL_MS - own_ms).max(0);
            info.duration_ms = STILL_MS;
            info.notes.push(format!("a still picture, shown for {} s", STILL_MS / 1000));
            if self.is_still() {
                video.frames = Some(1);
            }
        }
        let max_ms = i64::try_from(limits.max_duration.as_millis()).unwrap_or(i64::MAX);
        if info.duration_ms > max_ms {
            let (is, may) = (info.duration_ms / 1000, max_ms / 1000);
            return Err(MediaError::OverLimit(format!("it is {is} s long; at most {may} s")));
        }
        Ok(info)
    }

    /// Whether the length is only known after reading the whole file.
    pub(super) fn needs_scan(&self, chosen: &Chosen<'_>) -> bool {
        let ends = [chosen.video, chosen.audio].into_iter().flatten().any(|stream| self.end_us(stream).is_some());
        !ends && !self.is_still() && self.whole_us().is_none()
    }
}

impl Stream {
    fn duration_us(&self) -> Option<i64> {
        let tagged = || self.tags.get("DURATION").or_else(|| self.tags.get("DURATION-eng")).and_then(|text| clock_us(text));
        self.duration.as_deref().and_then(seconds_us).or_else(tagged)
    }
}

fn video_track(stream: &Stream, picture: &FirstPicture, limits: &Limits) -> Result<VideoTrack, MediaError> {
    let width = (f64::from(picture.width) * picture.pixel_aspect).round().clamp(0.0, f64::from(u32::MAX)) as u32;
    check_picture(u64::from(width), u64::from(picture.height), limits)?;
    let lowest = stream.r_frame_rate.as_deref().and_then(fraction);
    let average = stream.avg_frame_rate.as_deref().and_then(fraction);
    let near = |a: (u32, u32), b: (u32, u32), factor: f64| (ratio(a) / (ratio(b) * factor) - 1.0).abs() < 0.005;
    let interlaced = !matches!(stream.field_order.as_deref(), None | Some("progressive" | "unknown"));
    let (rate, variable_rate) = match (lowest, average) {
        (Some(lowest), Some(average)) if near(lowest, average, 1.0) => (lowest, false),
        // The fields of interlaced video are counted as frames by one of the two.
        (Some(lowest), Some(average)) if interlaced && near(lowest, average, 2.0) => (average, false),
        (Some(_), Some(average)) => (average, true),
        (Some(only), None) | (None, Some(only)) => (only, false),
        (None, None) => ((25, 1), false),
    };
    let rotation = stream.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0);
    Ok(VideoTrack {
        index: stream.index,
        codec: stream.codec_name.clone().unwrap_or_default(),
        width,
        height: picture.height,
        // ffprobe counts against the clock.
        rotation: ((-rotation / 90.0).round() as i64).rem_euclid(4) as u32 * 90,
        fps_num: rate.0,
        fps_den: rate.1,
        variable_rate,
        frames: stream.nb_frames.as_deref().and_then(|text| text.parse().ok()).filter(|&count| count > 0),
    })
}

/// Sides and area of a picture against the limits.
fn check_picture(width: u64, height: u64, limits: &Limits) -> Result<(), MediaError> {
    let (short, long) = (width.min(height), width.max(height));
    if width.saturating_mul(height) > limits.max_pixels {
        return Err(MediaError::OverLimit(format!("the picture is {width}×{height}; at most {} pixels", limits.max_pixels)));
    }
    if long > u64::from(Limits::MAX_SIDE) {
        return Err(MediaError::OverLimit(format!("the picture is {width}×{height}; at most {} on a side", Limits::MAX_SIDE)));
    }
    if short < u64::from(Limits::MIN_SIDE) {
        let least = Limits::MIN_SIDE;
        return Err(MediaError::Unsupported(format!("the picture is {width}×{height}; at least {least}×{least} is needed")));
    }
    Ok(())
}

fn ratio((num, den): (u32, u32)) -> f64 {
    f64::from(num) / f64::from(den)
}

/// `30000/1001`; none for `0/0` and for rates that are no rate (above 1,000 or below one frame a minute).
fn fraction(text: &str) -> Option<(u32, u32)> {
    let (num, den) = text.split_once('/')?;
    let fraction = (num.parse().ok()?, den.parse().ok().filter(|&den| den > 0)?);
    (1.0 / 60.0..=1000.0).contains(&ratio(fraction)).then_some(fraction)
}

/// `12.345678` seconds in microseconds; at most a thousand years.
fn seconds_us(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    (seconds.abs() < 3.2e10).then(|| (seconds * 1e6).round() as i64)
}

/// `HH:MM:SS.nnn` in microseconds.
fn clock_us(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds = seconds_us(parts.next()?)?;
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000_000)?.checked_add(seconds)
}

/// Reads what `-f framecrc` wrote of the first picture and the first sound.
pub(super) fn first_look(text: &str) -> FirstLook {
    let mut look = FirstLook::default();
    let (mut bases, mut sounds) = (HashMap::new(), Vec::new());
    let (mut size, mut aspect) = (None, 1.0);
    for line in text.lines() {
        if let Some((name, value)) = line.strip_prefix('#').and_then(|header| header.split_once(": ")) {
            match name.split_once(' ') {
                Some(("tb", track)) => drop(bases.insert(track, value.split_once('/').and_then(base))),
                Some(("media_type", track)) if value == "audio" => sounds.push(track),
                Some(("dimensions", _)) => size = value.split_once('x').and_then(sides),
                Some(("sar", _)) => aspect = value.split_once('/').and_then(base).unwrap_or(1.0),
                _ => {}
            }
            continue;
        }
        let mut fields = line.split(',').map(str::trim);
        let (Some(track), Some(_decode), Some(time)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (Some(base), Ok(time)) = (bases.get(track).copied().flatten(), time.parse::<i64>()) else { continue };
        let time_us = (time as f64 * base * 1e6).round() as i64;
        if sounds.contains(&track) {
            look.sound_us = look.sound_us.or(Some(time_us));
        } else if let (None, Some((width, height))) = (&look.picture, size) {
            look.picture = Some(FirstPicture { time_us, width, height, pixel_aspect: aspect });
        }
    }
    look
}

fn sides((width, height): (&str, &str)) -> Option<(u32, u32)> {
    Some((width.parse().ok()?, height.parse().ok()?))
}

fn base((num, den): (&str, &str)) -> Option<f64> {
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0.0 && den > 0.0).then_some(num / den)
}

#[cfg(test)]
mod tests;
