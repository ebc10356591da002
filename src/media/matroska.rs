//! Reads the blocks of a Matroska stream (RFC 9559) as ffmpeg's muxer writes it to a pipe: enough of EBML (RFC 8794) to take tracks
//! apart again, no more.

use std::io::{self, Read};

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const SIMPLE_BLOCK: u32 = 0xA3;

/// One frame of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Counted from 1, in the order of the muxer's tracks.
    pub(super) track: u64,
    /// Milliseconds: ffmpeg's unit of time stamps.
    pub(super) time_ms: i64,
    /// Its bytes.
    pub(super) data: Vec<u8>,
}

/// Blocks in the order of the stream.
pub(super) struct Blocks<R> {
    from: R,
    cluster_ms: i64,
    max_bytes: u64,
}

impl<R: Read> Blocks<R> {
    /// Reads from `from`; a block of more than `max_bytes` is an error.
    pub(super) fn new(from: R, max_bytes: u64) -> Self {
        // Track number, relative time and flags come before the frame.
        Self { from, cluster_ms: 0, max_bytes: max_bytes.saturating_add(16) }
    }

    /// The next block; none at the end.
    ///
    /// # Errors
    /// When the stream ends inside an element or makes no sense.
    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            let Some(id) = self.id()? else { return Ok(None) };
            let size = self.size()?;
            match (id, size) {
                (SEGMENT | CLUSTER | BLOCK_GROUP, _) => {}
                (TIMESTAMP, Some(size @ 1..=8)) => self.cluster_ms = self.number(size)?.cast_signed(),
                (BLOCK | SIMPLE_BLOCK, Some(size)) if size <= self.max_bytes => return self.block(size).map(Some),
                (BLOCK | SIMPLE_BLOCK, _) => return Err(senseless("a block is larger than expected")),
                (_, Some(size)) => self.skip(size)?,
                (_, None) => return Err(senseless("an element without a size")),
            }
        }
    }

    fn block(&mut self, size: u64) -> io::Result<Block> {
        let mut data = vec![0; size as usize];
        self.from.read_exact(&mut data)?;
        let first = data.first().copied().unwrap_or(0);
        // Fewer than 127 tracks: one byte. No lacing: ffmpeg writes none for raw media.
        if first & 0x80 == 0 || data.len() < 4 {
            return Err(senseless("a block without a track"));
        }
        let relative = match data.get(1..3) {
            Some(&[high, low]) => i64::from(i16::from_be_bytes([high, low])),
            _ => return Err(senseless("a block without a time")),
        };
        data.drain(..4);
        Ok(Block { track: u64::from(first & 0x7F), time_ms: self.cluster_ms.saturating_add(relative), data })
    }

    fn skip(&mut self, size: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.from).take(size), &mut io::sink())?;
        if skipped == size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// An element's id with its length marker; none at the end of the stream.
    fn id(&mut self) -> io::Result<Option<u32>> {
        let mut first = [0];
        if self.from.read(&mut first)? == 0 {
            return Ok(None);
        }
        let more = first[0].leading_zeros();
        if more > 3 {
            return Err(senseless("an element id of more than four bytes"));
        }
        let mut id = u32::from(first[0]);
        for _ in 0..more {
            id = id << 8 | u32::from(self.byte()?);
        }
        Ok(Some(id))
    }

    /// An element's size; none when it is unknown (all bits set).
    fn size(&mut self) -> io::Result<Option<u64>> {
        let first = self.byte()?;
        let more = first.leading_zeros();
        if more > 7 {
            return Err(senseless("an element size of more than eight bytes"));
        }
        let mut size = u64::from(first) & (0x7F >> more);
        for _ in 0..more {
            size = size << 8 | u64::from(self.byte()?);
        }
        let unknown = (1_u64 << (7 * (more + 1))) - 1;
        Ok((size != unknown).then_some(size))
    }

    fn number(&mut self, size: u64) -> io::Result<u64> {
        (0..size).try_fold(0_u64, |number, _| Ok(number << 8 | u64::from(self.byte()?)))
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

fn senseless(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segment and cluster of unknown size, a void element to skip, time 42, one block of track 2 at −2.
    const STREAM: &[u8] =
        b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\xec\x82--\x1f\x43\xb6\x75\xff\xe7\x81\x2a\xa3\x87\x82\xff\xfe\x80abc";

    #[test]
    fn finds_tracks_and_times() {
        let mut blocks = Blocks::new(STREAM, 3);
        assert_eq!(blocks.next().unwrap(), Some(Block { track: 2, time_ms: 40, data: b"abc".to_vec() }));
        assert_eq!(blocks.next().unwrap(), None);
    }

    #[test]
    fn a_stream_that_stops_or_lies_is_an_error() {
        for end in 1..STREAM.len() {
            let mut blocks = Blocks::new(&STREAM[..end], 3);
            // Between elements the stream may end; inside one it may not. Neither may panic or give a block.
            assert!(!matches!(blocks.next(), Ok(Some(_))), "cut at {end}");
        }
        let mut huge = STREAM.to_vec();
        huge.splice(STREAM.len() - 8..STREAM.len() - 7, [0x08, 0xff, 0xff, 0xff, 0xff]);
        assert!(Blocks::new(huge.as_slice(), 3).next().is_err());
    }
}
