//! The key frames that a vision endpoint is shown: spread evenly over the medium, kept as small JPEG files.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use serde::{Deserialize, Serialize};

use crate::analyser::{Frame, small};

/// The long side of a kept picture, pixels: vision models look at tiles of 224 to 448.
const SIDE: u32 = 512;
/// JPEG quality, and that of pictures which are too large with it.
const QUALITIES: [u8; 2] = [80, 40];
/// Bytes of a kept picture; one of noise only, at the lower quality, has fewer.
pub(super) const JPEG_BYTES: usize = 192 << 10;

/// How a medium is cut: into segments of equal length, and these into slots of equal length, one picture each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) segments: usize,
    frames: usize,
    duration_ms: i64,
}

impl Cut {
    /// Of a medium: segments of at most `segment_ms`, longer ones where there would be more than `most`.
    pub(super) fn of(duration_ms: i64, segment_ms: i64, frames: usize, most: usize) -> Self {
        let duration_ms = duration_ms.max(1);
        let wanted = duration_ms.div_euclid(segment_ms.max(1)) + i64::from(duration_ms.rem_euclid(segment_ms.max(1)) > 0);
        let segments = usize::try_from(wanted).unwrap_or(most).clamp(1, most.max(1));
        Self { segments, frames: frames.max(1), duration_ms }
    }

    /// The slot of a time; what comes after the end that was foretold is in the last.
    fn slot(&self, time_ms: i64) -> usize {
        let slots = (self.segments * self.frames) as i128;
        let at = i128::from(time_ms.max(0)) * slots / i128::from(self.duration_ms);
        at.min(slots - 1) as usize
    }

    /// The segment of a picture.
    fn segment(&self, key: &KeyFrame) -> usize {
        key.slot / self.frames
    }

    /// Begin and end of a segment, milliseconds.
    pub(super) fn bounds(&self, segment: usize) -> (i64, i64) {
        let at = |segment: usize| (i128::from(self.duration_ms) * segment as i128 / self.segments as i128) as i64;
        (at(segment), at(segment + 1))
    }
}

/// A kept picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeyFrame {
    slot: usize,
    pub(super) time_ms: i64,
    #[serde(with = "serde_bytes")]
    pub(super) jpeg: Vec<u8>,
}

/// The kept pictures, in order: one a slot at most, each at most [`JPEG_BYTES`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct KeyFrames(Vec<KeyFrame>);

impl KeyFrames {
    /// Keeps the frame if it is the first of its slot. Frames come in time order.
    ///
    /// # Errors
    /// When the frame's bytes are not its size.
    pub(super) fn take(&mut self, cut: &Cut, frame: &Frame) -> anyhow::Result<()> {
        let slot = cut.slot(frame.time_ms);
        if self.0.last().is_some_and(|last| last.slot >= slot) {
            return Ok(());
        }
        if let Some(jpeg) = jpeg_of(frame)? {
            self.0.push(KeyFrame { slot, time_ms: frame.time_ms, jpeg });
        }
        Ok(())
    }

    /// Those of a segment.
    pub(super) fn of(&self, cut: &Cut, segment: usize) -> &[KeyFrame] {
        let from = self.0.partition_point(|key| cut.segment(key) < segment);
        let to = self.0.partition_point(|key| cut.segment(key) <= segment);
        self.0.get(from..to).unwrap_or_default()
    }

    /// Forgets those of the segments before this one.
    pub(super) fn forget_before(&mut self, cut: &Cut, segment: usize) {
        let to = self.0.partition_point(|key| cut.segment(key) < segment);
        self.0.drain(..to);
    }
}

/// The frame as a JPEG file, its long side at most [`SIDE`]; none when it does not get small enough.
fn jpeg_of(frame: &Frame) -> anyhow::Result<Option<Vec<u8>>> {
    let long = u64::from(frame.width.max(frame.height).max(1));
    let side = |side: u32| ((u64::from(side) * u64::from(SIDE) + long / 2) / long).clamp(1, u64::from(SIDE)) as u32;
    let shrinks = long > u64::from(SIDE);
    let (width, height) = if shrinks { (side(frame.width), side(frame.height)) } else { (frame.width, frame.height) };
    let rgb = small::shrink(frame, width, height)?;
    for quality in QUALITIES {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, quality).encode(&rgb, width, height, ExtendedColorType::Rgb8)?;
        if file.len() <= JPEG_BYTES {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(time_ms: i64) -> Frame {
        Frame::new(0, time_ms, 4, 2, vec![9; 24])
    }

    #[test]
    fn a_full_segment_has_its_frames_spread_evenly() {
        let cut = Cut::of(120_000, 60_000, 16, 30);
        let mut keys = KeyFrames::default();
        (0..240).for_each(|at| keys.take(&cut, &frame(at * 500)).unwrap());
        assert_eq!((cut.segments, cut.bounds(0), cut.bounds(1)), (2, (0, 60_000), (60_000, 120_000)));
        for segment in 0..2 {
            let times: Vec<i64> = keys.of(&cut, segment).iter().map(|key| key.time_ms).collect();
            assert_eq!(times.len(), 16);
            assert!(times.windows(2).all(|pair| (3500..=4000).contains(&(pair[1] - pair[0]))), "{times:?}");
        }
        assert!(keys.of(&cut, 2).is_empty());
        keys.forget_before(&cut, 1);
        assert_eq!((keys.of(&cut, 0).len(), keys.of(&cut, 1).len()), (0, 16));
    }

    #[test]
    fn a_long_medium_has_longer_segments_and_no_more_of_them() {
        let cut = Cut::of(12 * 3_600_000, 60_000, 16, 30);
        assert_eq!((cut.segments, cut.bounds(29)), (30, (29 * 1_440_000, 30 * 1_440_000)));
        assert_eq!(Cut::of(0, 60_000, 16, 30).segments, 1);
        assert_eq!(Cut::of(61_000, 60_000, 16, 30).bounds(0), (0, 30_500));
    }

    #[test]
    fn a_kept_picture_is_a_small_jpeg() {
        let noise: Vec<u8> = (0..1280_u32 * 720 * 3).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let jpeg = jpeg_of(&Frame::new(0, 0, 1280, 720, noise)).unwrap().unwrap();
        assert!(jpeg.len() <= JPEG_BYTES, "{}", jpeg.len());
        let picture = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).unwrap();
        assert_eq!((picture.width(), picture.height()), (512, 288));
        let small = jpeg_of(&frame(0)).unwrap().unwrap();
        let picture = image::load_from_memory_with_format(&small, image::ImageFormat::Jpeg).unwrap();
        assert_eq!((picture.width(), picture.height()), (4, 2), "never enlarged");
        assert!(jpeg_of(&Frame::new(0, 0, 4, 2, vec![1])).is_err());
    }

    #[test]
    fn the_worst_picture_fits() {
        // Every pixel another colour than its neighbours, at the largest shape.
        let worst: Vec<u8> = (0..512_u32 * 512 * 3).map(|at| (at.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        assert!(jpeg_of(&Frame::new(0, 0, 512, 512, worst)).unwrap().is_some());
    }

    proptest! {
        #[test]
        fn segments_have_no_gaps_and_no_more_frames_than_slots(
            duration in 0_i64..10_000_000, segment_ms in 1_i64..100_000, frames in 1_usize..20, most in 1_usize..40,
            mut times in prop::collection::vec(-5_i64..10_100_000, 0..200),
        ) {
            times.sort_unstable();
            let cut = Cut::of(duration, segment_ms, frames, most);
            prop_assert!((1..=most).contains(&cut.segments));
            prop_assert!((1..cut.segments).all(|at| cut.bounds(at - 1).1 == cut.bounds(at).0));
            prop_assert_eq!((cut.bounds(0).0, cut.bounds(cut.segments - 1).1), (0, duration.max(1)));
            let mut keys = KeyFrames::default();
            for time in times {
                keys.take(&cut, &frame(time)).unwrap();
            }
            let all: usize = (0..cut.segments).map(|at| keys.of(&cut, at).len()).sum();
            prop_assert_eq!(all, keys.0.len());
            prop_assert!((0..cut.segments).all(|at| keys.of(&cut, at).len() <= frames));
        }
    }
}
