//! Speech put together: what the regions of speech hold, without the pauses between them, up to one window. A place in it stands for a
//! place in the sound.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::super::hearing::packed;
use super::{MILLISECOND, WINDOW_MAX};

/// A region of speech with some sound around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// The sample of the sound that it begins with.
    pub(super) from: usize,
    #[serde(with = "packed")]
    pub(super) samples: Vec<i16>,
    /// The speech in it, in samples of the sound.
    pub(super) speech: Range<usize>,
}

impl Piece {
    fn end(&self) -> usize {
        self.from + self.samples.len()
    }
}

/// Pieces in a row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pack {
    pieces: Vec<Piece>,
}

impl Pack {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn length(&self) -> usize {
        self.pieces.iter().map(|piece| piece.samples.len()).sum()
    }

    /// Whether a piece of so many samples still goes in. Into an empty pack any does.
    pub(super) fn fits(&self, samples: usize) -> bool {
        self.is_empty() || self.length() + samples <= WINDOW_MAX
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    /// Where the oldest piece begins, in samples of the sound.
    pub(super) fn since(&self) -> Option<usize> {
        self.pieces.first().map(|piece| piece.from)
    }

    /// Everything, one piece after the other.
    pub(super) fn sound(&self) -> Vec<f32> {
        self.pieces.iter().flat_map(|piece| &piece.samples).map(|sample| packed::unpack(*sample)).collect()
    }

    /// The speech, in milliseconds of the pack.
    pub(super) fn speech(&self) -> Vec<Range<i64>> {
        let within = |(offset, piece): (usize, &Piece)| {
            let at = |sample: usize| ((offset + sample.clamp(piece.from, piece.end()) - piece.from) / MILLISECOND) as i64;
            at(piece.speech.start)..at(piece.speech.end)
        };
        self.offsets().map(within).collect()
    }

    fn offsets(&self) -> impl Iterator<Item = (usize, &Piece)> {
        self.pieces.iter().scan(0, |offset, piece| {
            let own = *offset;
            *offset += piece.samples.len();
            Some((own, piece))
        })
    }

    /// The place in the sound, in samples, of what lasts from `start_ms` to `end_ms` of the pack: all of it in the piece in which its middle
    /// lies.
    pub(super) fn place(&self, start_ms: i64, end_ms: i64) -> Range<usize> {
        let sample = |ms: i64| ms.max(0) as usize * MILLISECOND;
        let middle = sample(i64::midpoint(start_ms, end_ms));
        let holding = self.offsets().take_while(|(offset, _)| *offset <= middle).last();
        let Some((offset, piece)) = holding else { return 0..0 };
        let place = |ms: i64| (piece.from + sample(ms).saturating_sub(offset)).min(piece.end());
        place(start_ms)..place(end_ms)
    }

    /// Drops what lies before `ms` of the pack, and pieces in which no speech is left.
    pub(super) fn drop_before(&mut self, ms: i64) {
        let mut left = ms.max(0) as usize * MILLISECOND;
        for piece in &mut self.pieces {
            let drop = left.min(piece.samples.len());
            piece.samples.drain(..drop);
            piece.from += drop;
            left -= drop;
        }
        self.pieces.retain(|piece| piece.speech.end > piece.from && !piece.samples.is_empty());
        for piece in &mut self.pieces {
            piece.speech.start = piece.speech.start.max(piece.from);
        }
    }

    pub(super) fn clear(&mut self) {
        self.pieces.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = 1000 * MILLISECOND;

    /// Two seconds of speech at 10 s and three at 60 s, with 0.2 s around each.
    fn pack() -> Pack {
        let around = SECOND / 5;
        let piece = |from: usize, to: usize| Piece {
            from: from * SECOND - around,
            samples: vec![100; (to - from) * SECOND + 2 * around],
            speech: from * SECOND..to * SECOND,
        };
        Pack { pieces: vec![piece(10, 12), piece(60, 63)] }
    }

    #[test]
    fn places_in_the_pack_are_places_in_the_sound() {
        let pack = pack();
        assert_eq!(pack.speech(), [200..2200, 2600..5600]);
        assert_eq!(pack.sound().len(), 5 * SECOND + 4 * SECOND / 5);
        assert_eq!(pack.place(700, 1200), 10 * SECOND + SECOND / 2..11 * SECOND);
        assert_eq!(pack.place(2600, 3600), 60 * SECOND..61 * SECOND);
        let over_the_join = pack.place(2300, 2600);
        assert!(over_the_join.start >= 59 * SECOND && over_the_join.end <= 60 * SECOND, "{over_the_join:?}");
        assert_eq!(pack.place(9000, 9999).end, pack.pieces[1].end());
        assert_eq!(Pack::default().place(0, 10), 0..0);
    }

    #[test]
    fn a_window_is_never_longer_than_whisper_hears() {
        let mut pack = pack();
        assert!(pack.fits(24 * SECOND) && !pack.fits(25 * SECOND));
        pack.clear();
        assert!(pack.is_empty() && pack.fits(100 * SECOND));
    }

    #[test]
    fn what_was_written_is_dropped_and_the_rest_waits() {
        let mut rest = pack();
        rest.drop_before(1200);
        assert_eq!((rest.since(), rest.speech()), (Some(11 * SECOND), vec![0..1000, 1400..4400]));
        rest.drop_before(1100);
        assert_eq!((rest.since(), rest.speech().len()), (Some(60 * SECOND - SECOND / 5), 1), "the first has no speech left");
        assert_eq!(rest.speech()[0], 200..3200);
    }
}
