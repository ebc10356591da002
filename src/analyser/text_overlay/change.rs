//! Whether a picture differs enough from the one that was looked at last to be looked at again: lines may have come anywhere.

use serde::{Deserialize, Serialize};

use super::super::Frame;
use super::super::resize::Stretcher;
use super::view::brightness;

/// Pictures are compared at this width and height, pixels.
const SIDE: usize = 192;
/// In squares of this side.
const SQUARE: usize = 6;
/// A picture changed when the brightness (0 to 255) of any square changed by more than this, as a mean over its pixels. Coding noise
/// stays below 3; a changed letter in a line 2 % as high as the picture is above 10.
const CHANGE_MIN: u32 = 6;

/// Remembers the picture that was read last.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Change {
    #[serde(skip)]
    stretcher: Stretcher,
    #[serde(with = "serde_bytes")]
    read: Vec<u8>,
}

impl Change {
    /// Whether the frame is to be read; it is then the one that later frames are compared with.
    ///
    /// # Errors
    /// When the frame's bytes are not its size.
    pub(super) fn is_new(&mut self, frame: &Frame) -> anyhow::Result<bool> {
        let rgb = self.stretcher.stretch(frame, SIDE as u32, SIDE as u32)?;
        let (pixels, _) = rgb.as_chunks::<3>();
        let now: Vec<u8> = pixels.iter().map(|pixel| brightness(*pixel)).collect();
        if self.read.len() == now.len() && !changed(&self.read, &now) {
            return Ok(false);
        }
        self.read = now;
        Ok(true)
    }
}

fn changed(before: &[u8], now: &[u8]) -> bool {
    let rows = SIDE * SQUARE;
    before.chunks(rows).zip(now.chunks(rows)).any(|(before, now)| {
        let mut sums = [0_u32; SIDE / SQUARE];
        for (at, (before, now)) in before.iter().zip(now).enumerate() {
            sums[at % SIDE / SQUARE] += u32::from(before.abs_diff(*now));
        }
        sums.iter().any(|sum| *sum > CHANGE_MIN * (SQUARE * SQUARE) as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(paint: impl Fn(u32, u32) -> u8) -> Frame {
        let rgb: Vec<u8> = (0..360).flat_map(|y| (0..640).map(move |x| (x, y))).flat_map(|(x, y)| [paint(x, y); 3]).collect();
        Frame::new(0, 0, 640, 360, rgb)
    }

    #[test]
    fn a_still_is_read_once_in_spite_of_noise() {
        let mut change = Change::default();
        assert!(change.is_new(&frame(|x, _| (x / 4) as u8)).unwrap());
        assert!(!change.is_new(&frame(|x, y| (x / 4) as u8 + ((x * 7 + y * 13) % 4) as u8)).unwrap());
    }

    #[test]
    fn a_small_caption_is_a_change_and_so_is_its_going() {
        let mut change = Change::default();
        assert!(change.is_new(&frame(|_, _| 60)).unwrap());
        let caption = frame(|x, y| if (300..340).contains(&x) && (320..336).contains(&y) && (x / 3) % 2 == 0 { 250 } else { 60 });
        assert!(change.is_new(&caption).unwrap());
        assert!(!change.is_new(&caption).unwrap());
        assert!(change.is_new(&frame(|_, _| 60)).unwrap());
    }

    #[test]
    fn slow_drift_is_seen_in_the_end() {
        let mut change = Change::default();
        let read = (0..40_u8).filter(|step| change.is_new(&frame(|_, _| 60 + step)).unwrap()).count();
        assert_eq!(read, 6, "every seventh step");
    }
}
