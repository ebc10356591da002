//! Reads what was packaged: fragmented MP4 (ISO/IEC 14496-12), as ffmpeg's muxer writes it, and the codec strings of RFC 6381.
//!
//! Nothing but headers is read, every read has a bound, and no number of the file is trusted for a slice or a loop.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// `moov` of our own files is a few kilobytes, `moof` of two seconds too.
const HEADER_BYTES: u64 = 4 << 20;
/// Top-level boxes: half a day in fragments of two seconds has 43,200.
const MAX_BOXES: usize = 1_000_000;

/// Why a file is no fragmented MP4 that we can serve.
#[derive(Debug, thiserror::Error)]
pub enum Fmp4Error {
    /// The bytes make no sense; the words say where.
    #[error("the packaged file makes no sense: {0}")]
    Malformed(&'static str),
    /// The file cannot be read.
    #[error("the packaged file cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

/// A fragmented MP4.
#[derive(Debug, Clone, PartialEq)]
pub struct Movie {
    /// The init segment: the bytes before the first fragment.
    pub init: Range<u64>,
    /// Tracks in the order of the file.
    pub tracks: Vec<Track>,
    /// Fragments in the order of the file, without gaps.
    pub fragments: Vec<Fragment>,
}

/// One track.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its number in the fragments.
    pub id: u32,
    /// `vide` or `soun`.
    pub kind: Kind,
    /// Units per second.
    pub timescale: u32,
    /// RFC 6381, for example `avc1.64001f`.
    pub codec: String,
    /// Presentation starts at this time of the track: what the edit list skips.
    pub media_time: i64,
    default_duration: u32,
}

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// One `moof` and its `mdat`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// Its bytes in the file.
    pub bytes: Range<u64>,
    /// What it holds of each track.
    pub runs: Vec<Run>,
}

/// Samples of one track in one fragment, times in the track's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// [`Track::id`].
    pub track: u32,
    /// Decode time of the first sample.
    pub decode_time: u64,
    /// Presentation time of the first sample minus its decode time.
    pub offset: i64,
    /// Sum of the sample durations.
    pub duration: u64,
    /// Number of samples.
    pub samples: u64,
}

impl Movie {
    /// The first track of a kind.
    pub fn track(&self, kind: Kind) -> Option<&Track> {
        self.tracks.iter().find(|track| track.kind == kind)
    }
}

impl Fragment {
    /// Its samples of a track.
    pub fn run(&self, track: &Track) -> Option<&Run> {
        self.runs.iter().find(|run| run.track == track.id)
    }
}

/// How many bytes an MP4's top-level boxes claim beyond the end of the file; none when it is whole or no MP4.
pub fn missing_bytes(file: &File) -> Option<u64> {
    let length = file.metadata().ok()?.len();
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        if at == length {
            return None;
        }
        let Some(header) = header(file, at, length).ok()? else { return Some(8 - (length - at).min(8)) };
        at = at.checked_add(header.size)?;
        if at > length {
            return Some(at - length);
        }
    }
    None
}

/// Reads the headers of a fragmented MP4 of our own.
///
/// # Errors
/// When it is none, ends early, or holds a codec that we do not name.
pub fn read(file: &File) -> Result<Movie, Fmp4Error> {
    let length = file.metadata()?.len();
    let mut movie = Movie { init: 0..0, tracks: Vec::new(), fragments: Vec::new() };
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        if at >= length {
            break;
        }
        let header = header(file, at, length)?.ok_or(Fmp4Error::Malformed("a box header at the end"))?;
        let end = at.checked_add(header.size).filter(|&end| end <= length).ok_or(Fmp4Error::Malformed("a box beyond the end"))?;
        match &header.kind {
            b"moov" => movie.tracks = tracks(&payload(file, at, &header)?).ok_or(Fmp4Error::Malformed("moov"))?,
            b"moof" => {
                let runs = runs(&payload(file, at, &header)?, &movie.tracks).ok_or(Fmp4Error::Malformed("moof"))?;
                movie.fragments.push(Fragment { bytes: at..end, runs });
            }
            _ => {}
        }
        match movie.fragments.last_mut() {
            Some(last) => last.bytes.end = end,
            None => movie.init.end = end,
        }
        at = end;
    }
    if movie.tracks.is_empty() || movie.fragments.is_empty() {
        return Err(Fmp4Error::Malformed("no fragments"));
    }
    Ok(movie)
}

struct Header {
    kind: [u8; 4],
    head: u64,
    size: u64,
}

fn header(file: &File, at: u64, length: u64) -> std::io::Result<Option<Header>> {
    let mut bytes = [0; 16];
    let count = file.read_at(&mut bytes, at)?;
    let mut cursor = Cursor(bytes.get(..count).unwrap_or_default());
    let (Some(size), Some(kind)) = (cursor.u32(), cursor.take(4).and_then(|kind| kind.try_into().ok())) else { return Ok(None) };
    let (head, size) = match size {
        0 => (8, length.saturating_sub(at)),
        1 => match cursor.u64() {
            Some(size) => (16, size),
            None => return Ok(None),
        },
        size => (8, u64::from(size)),
    };
    Ok(Some(Header { kind, head, size: size.max(head) }))
}

fn payload(file: &File, at: u64, header: &Header) -> Result<Vec<u8>, Fmp4Error> {
    let size = header.size - header.head;
    if size > HEADER_BYTES {
        return Err(Fmp4Error::Malformed("a header of more than 4 MiB"));
    }
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, at + header.head)?;
    Ok(bytes)
}

fn tracks(moov: &[u8]) -> Option<Vec<Track>> {
    let defaults: Vec<(u32, u32)> = boxes(moov, *b"mvex")
        .flat_map(|mvex| boxes(mvex, *b"trex"))
        .filter_map(|trex| {
            let mut cursor = Cursor(trex);
            cursor.take(4)?;
            let id = cursor.u32()?;
            cursor.take(4)?;
            Some((id, cursor.u32()?))
        })
        .collect();
    boxes(moov, *b"trak").map(|trak| track(trak, &defaults)).collect()
}

fn track(trak: &[u8], defaults: &[(u32, u32)]) -> Option<Track> {
    let mut tkhd = Cursor(child(trak, *b"tkhd")?);
    let version = tkhd.full()?.0;
    tkhd.take(if version == 1 { 16 } else { 8 })?;
    let id = tkhd.u32()?;
    let mdia = child(trak, *b"mdia")?;
    let mut mdhd = Cursor(child(mdia, *b"mdhd")?);
    let version = mdhd.full()?.0;
    mdhd.take(if version == 1 { 16 } else { 8 })?;
    let timescale = mdhd.u32().filter(|&scale| scale > 0)?;
    let kind = match child(mdia, *b"hdlr")?.get(8..12)? {
        b"vide" => Kind::Video,
        b"soun" => Kind::Audio,
        _ => return None,
    };
    let stsd = child(child(child(mdia, *b"minf")?, *b"stbl")?, *b"stsd")?;
    let codec = codec(stsd.get(8..)?)?;
    let media_time = child(trak, *b"edts").and_then(|edts| child(edts, *b"elst")).map_or(Some(0), media_time)?;
    let default_duration = defaults.iter().find(|entry| entry.0 == id).map_or(0, |entry| entry.1);
    Some(Track { id, kind, timescale, codec, media_time, default_duration })
}

/// Time where the first edit that shows something starts; an empty edit (−1) shows nothing.
fn media_time(elst: &[u8]) -> Option<i64> {
    let mut cursor = Cursor(elst);
    let version = cursor.full()?.0;
    for _ in 0..cursor.u32()?.min(16) {
        let time = if version == 1 {
            cursor.u64()?;
            cursor.u64()?.cast_signed()
        } else {
            cursor.u32()?;
            i64::from(cursor.u32()?.cast_signed())
        };
        cursor.u32()?;
        if time >= 0 {
            return Some(time);
        }
    }
    Some(0)
}

/// The RFC 6381 string of the first sample entry.
fn codec(entries: &[u8]) -> Option<String> {
    if let Some(entry) = child(entries, *b"avc1") {
        let avcc = child(entry.get(78..)?, *b"avcC")?;
        return Some(format!("avc1.{}", hex::encode(avcc.get(1..4)?)));
    }
    let esds = child(child(entries, *b"mp4a")?.get(28..)?, *b"esds")?;
    Some(format!("mp4a.40.{}", audio_object_type(esds)?))
}

/// Walks ES descriptor, decoder configuration and decoder-specific information (ISO/IEC 14496-1) to the five bits that name the kind of
/// AAC (14496-3).
fn audio_object_type(esds: &[u8]) -> Option<u8> {
    let mut cursor = Cursor(esds.get(4..)?);
    cursor.descriptor(3)?;
    cursor.take(2)?;
    let flags = cursor.u8()?;
    // Stream dependence, an address, a clock reference: none of them in our own files.
    if flags & 0xE0 != 0 {
        return None;
    }
    cursor.descriptor(4)?;
    cursor.take(13)?;
    cursor.descriptor(5)?;
    Some(cursor.u8()? >> 3)
}

fn runs(moof: &[u8], tracks: &[Track]) -> Option<Vec<Run>> {
    boxes(moof, *b"traf").map(|traf| run(traf, tracks)).collect()
}

fn run(traf: &[u8], tracks: &[Track]) -> Option<Run> {
    let mut tfhd = Cursor(child(traf, *b"tfhd")?);
    let flags = tfhd.full()?.1;
    let id = tfhd.u32()?;
    let track = tracks.iter().find(|track| track.id == id)?;
    tfhd.take(optional(flags, 1, 8) + optional(flags, 2, 4))?;
    let default = if flags & 8 == 0 { track.default_duration } else { tfhd.u32()? };
    let mut tfdt = Cursor(child(traf, *b"tfdt")?);
    let decode_time = if tfdt.full()?.0 == 1 { tfdt.u64()? } else { u64::from(tfdt.u32()?) };
    let mut run = Run { track: id, decode_time, offset: 0, duration: 0, samples: 0 };
    for trun in boxes(traf, *b"trun") {
        add_samples(&mut run, trun, default)?;
    }
    Some(run)
}

fn add_samples(run: &mut Run, trun: &[u8], default: u32) -> Option<()> {
    let mut cursor = Cursor(trun);
    let flags = cursor.full()?.1;
    let count = cursor.u32()?;
    cursor.take(optional(flags, 1, 4) + optional(flags, 4, 4))?;
    let per_sample = [0x100, 0x200, 0x400, 0x800].iter().any(|bit| flags & bit != 0);
    if !per_sample {
        run.duration = run.duration.checked_add(u64::from(default).checked_mul(u64::from(count))?)?;
        run.samples = run.samples.checked_add(u64::from(count))?;
        return Some(());
    }
    // Every sample takes bytes, so a count that lies ends with the box.
    for _ in 0..count {
        let duration = if flags & 0x100 == 0 { default } else { cursor.u32()? };
        cursor.take(optional(flags, 0x200, 4) + optional(flags, 0x400, 4))?;
        let offset = if flags & 0x800 == 0 { 0 } else { i64::from(cursor.u32()?.cast_signed()) };
        if run.samples == 0 {
            run.offset = offset;
        }
        run.duration = run.duration.checked_add(u64::from(duration))?;
        run.samples += 1;
    }
    Some(())
}

/// Bytes of a field that is there when `bit` is set.
fn optional(flags: u32, bit: u32, bytes: usize) -> usize {
    if flags & bit == 0 { 0 } else { bytes }
}

/// The first child box of a kind.
fn child(bytes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    boxes(bytes, kind).next()
}

/// Payloads of the child boxes of a kind.
fn boxes(bytes: &[u8], kind: [u8; 4]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Cursor(bytes);
    std::iter::from_fn(move || {
        loop {
            let size = rest.u32()?.checked_sub(8)?;
            let found = rest.take(4)?;
            let payload = rest.take(size as usize)?;
            if found == kind.as_slice() {
                return Some(payload);
            }
        }
    })
}

/// Reads big-endian numbers from the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// Version and flags of a full box.
    fn full(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0x00FF_FFFF))
    }

    /// Tag and length of a descriptor; the length is up to four bytes of seven bits.
    fn descriptor(&mut self, tag: u8) -> Option<()> {
        if self.u8()? != tag {
            return None;
        }
        for _ in 0..4 {
            if self.u8()? & 0x80 == 0 {
                return Some(());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
