//! Whether a region of the picture still looks as it did when a costly model last saw it.

use serde::{Deserialize, Serialize};

use super::Frame;
use super::region::Region;

/// Width and height, pixels.
const SIDE: u32 = 48;
/// Thumbnails are compared in squares of this side.
const SQUARE: usize = 4;
/// A region changed when the brightness (0 to 255) of any square changed by more than this, as a mean over its pixels. Coding noise stays below
/// 5; a look to the side, in a region 1.5 times as large as a face, is above 20.
const CHANGE_MIN: u32 = 8;

/// A small grey picture of a region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Thumbnail(Vec<u8>);

impl Thumbnail {
    /// Of a region.
    ///
    /// # Errors
    /// When the frame's bytes are not its size.
    pub(super) fn of(region: &Region, frame: &Frame) -> anyhow::Result<Self> {
        let rgb = region.sample(frame, (SIDE, SIDE), [0; 3])?;
        let (pixels, _) = rgb.as_chunks::<3>();
        Ok(Self(pixels.iter().map(|pixel| brightness(*pixel)).collect()))
    }

    /// Whether nothing of it changed.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let rows = SIDE as usize * SQUARE;
        self.0.len() == other.0.len()
            && self.0.chunks(rows).zip(other.0.chunks(rows)).all(|(one, other)| {
                let mut sums = [0_u32; SIDE as usize / SQUARE];
                for (at, (one, other)) in one.iter().zip(other).enumerate() {
                    sums[at % SIDE as usize / SQUARE] += u32::from(one.abs_diff(*other));
                }
                sums.iter().all(|sum| *sum <= CHANGE_MIN * (SQUARE * SQUARE) as u32)
            })
    }

    /// The mean difference in brightness, 0 to 255; 255 when one of them is empty.
    pub(super) fn difference(&self, other: &Self) -> f32 {
        if self.0.len() != other.0.len() || self.0.is_empty() {
            return 255.0;
        }
        let sum: u32 = self.0.iter().zip(&other.0).map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
        sum as f32 / self.0.len() as f32
    }
}

/// Rec. 601 luma.
fn brightness([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumbnail(paint: impl Fn(u32, u32) -> u8) -> Thumbnail {
        let rgb: Vec<u8> = (0..90).flat_map(|y| (0..160).map(move |x| (x, y))).flat_map(|(x, y)| [paint(x, y); 3]).collect();
        let frame = Frame::new(0, 0, 160, 90, rgb);
        Thumbnail::of(&Region::square([40.0, 0.0, 130.0, 90.0], 1.0), &frame).unwrap()
    }

    #[test]
    fn noise_is_no_change_and_a_small_mark_is() {
        let plain = thumbnail(|x, _| x as u8);
        assert!(plain.is_like(&thumbnail(|x, y| x as u8 + ((x * 7 + y * 13) % 5) as u8)));
        let marked = thumbnail(|x, y| if (80..90).contains(&x) && (40..46).contains(&y) { 255 } else { x as u8 });
        assert!(!plain.is_like(&marked) && !marked.is_like(&plain));
        assert!(!plain.is_like(&Thumbnail::default()));
    }

    #[test]
    fn the_difference_is_a_mean() {
        let dark = thumbnail(|_, _| 20);
        assert!((dark.difference(&thumbnail(|_, _| 120)) - 100.0).abs() < 1.0);
        assert!(dark.difference(&dark) < f32::EPSILON);
        assert!((dark.difference(&Thumbnail::default()) - 255.0).abs() < f32::EPSILON);
    }
}
