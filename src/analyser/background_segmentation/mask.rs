//! A mask of the picture, small enough to be kept for every sample.

use anyhow::ensure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::analyser::Frame;
use crate::analyser::resize::Shown;
use crate::analyser::round::round;
use crate::model::Finding;

/// Cells along the longer side of the picture.
const CELLS: usize = 32;
/// A pixel belongs to the mask when its probability is above this.
const IN: f32 = 0.5;

/// What is kept of a mask. Places are shares of the picture, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mask {
    share: f32,
    confidence: f32,
    centroid: Option<[f32; 2]>,
    /// Left, top, right, bottom.
    corners: Option<[f32; 4]>,
    cells: (usize, usize),
    /// Base64 of the cells' bits.
    bits: String,
}

impl Mask {
    /// Of probabilities in `side` rows of `side`, stretched from a picture of `picture` (width, height) pixels.
    ///
    /// # Errors
    /// When there are not as many, or one is no probability.
    pub(super) fn of(probabilities: &[f32], side: usize, picture: (u32, u32)) -> anyhow::Result<Self> {
        ensure!(
            side > 0 && probabilities.len() == side * side,
            "a mask of {} pixels; {side} × {side} are needed",
            probabilities.len()
        );
        ensure!(probabilities.iter().all(|value| (-0.01..=1.01).contains(value)), "a mask holds what is no probability");
        let (columns, rows) = grid(picture);
        let mut inside = vec![0_u32; columns * rows];
        let mut all = vec![0_u32; columns * rows];
        let (mut count, mut sum, mut along, mut down) = (0_u64, 0.0_f64, 0_u64, 0_u64);
        for (y, row) in probabilities.chunks_exact(side).enumerate() {
            for (x, probability) in row.iter().enumerate() {
                let cell = (y * rows / side) * columns + x * columns / side;
                if let Some(all) = all.get_mut(cell) {
                    *all += 1;
                }
                if *probability > IN {
                    if let Some(inside) = inside.get_mut(cell) {
                        *inside += 1;
                    }
                    (count, sum, along, down) = (count + 1, sum + f64::from(*probability), along + x as u64, down + y as u64);
                }
            }
        }
        let cells: Vec<bool> = inside.iter().zip(&all).map(|(inside, all)| *inside > 0 && inside * 2 >= *all).collect();
        let place = |total: u64| ((total as f64 / count.max(1) as f64 + 0.5) / side as f64) as f32;
        Ok(Self {
            share: count as f32 / probabilities.len() as f32,
            confidence: (sum / count.max(1) as f64).min(1.0) as f32,
            centroid: (count > 0).then(|| [place(along), place(down)]),
            corners: extent(&cells, columns, rows),
            cells: (columns, rows),
            bits: packed(&cells),
        })
    }

    /// The part of the picture, 0 to 1.
    pub(super) fn share(&self) -> f32 {
        self.share
    }

    /// A finding of it. Its box covers the cells that are mostly inside.
    pub(super) fn finding(&self, label: &str, frame: &Frame, shown: Shown) -> Finding {
        let (width, height) = (frame.width as f32, frame.height as f32);
        let pixels = |[left, top, right, bottom]: [f32; 4]| [left * width, top * height, right * width, bottom * height];
        Finding {
            start_ms: frame.time_ms,
            end_ms: frame.time_ms,
            frame: Some(frame.index),
            label: label.to_owned(),
            confidence: self.confidence,
            bounds: self.corners.map(|corners| shown.bounds(frame, (frame.width, frame.height), pixels(corners))),
            value: Some(self.value(frame, shown)),
            ..Finding::default()
        }
    }

    /// `{share, centroid, mask}`, where `mask` is `{width, height, bits}`: a grid over the picture whose longer side has 32 cells, row by row from
    /// the upper left, one bit for each (1: at least half of it is inside), the first in the highest bit of the first byte, in Base64.
    fn value(&self, frame: &Frame, shown: Shown) -> Value {
        let place = |[x, y]: [f32; 2]| shown.point(frame, [x * frame.width as f32, y * frame.height as f32]);
        json!({
            "share": round(self.share, 3),
            "centroid": self.centroid.map(place),
            "mask": { "width": self.cells.0, "height": self.cells.1, "bits": self.bits },
        })
    }
}

/// Columns and rows of nearly square cells.
fn grid((width, height): (u32, u32)) -> (usize, usize) {
    let (width, height) = (width.max(1) as usize, height.max(1) as usize);
    let shorter = |long: usize, short: usize| ((CELLS * short + long / 2) / long).clamp(1, CELLS);
    if width >= height { (CELLS, shorter(width, height)) } else { (shorter(height, width), CELLS) }
}

fn extent(cells: &[bool], columns: usize, rows: usize) -> Option<[f32; 4]> {
    let places = || cells.iter().enumerate().filter(|(_, inside)| **inside).map(|(at, _)| (at % columns, at / columns));
    let (left, right) = (places().map(|(x, _)| x).min()?, places().map(|(x, _)| x).max()?);
    let (top, bottom) = (places().map(|(_, y)| y).min()?, places().map(|(_, y)| y).max()?);
    let (columns, rows) = (columns as f32, rows as f32);
    Some([left as f32 / columns, top as f32 / rows, (right + 1) as f32 / columns, (bottom + 1) as f32 / rows])
}

fn packed(cells: &[bool]) -> String {
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0_u8, |byte, (at, inside)| byte | (u8::from(*inside) << (7 - at)));
    STANDARD.encode(cells.chunks(8).map(byte).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MediaInfo, VideoTrack};

    /// The left half of a picture of 64 × 64.
    fn half() -> Vec<f32> {
        (0..64 * 64).map(|at| if at % 64 < 32 { 0.9 } else { 0.2 }).collect()
    }

    #[test]
    fn half_a_picture_is_half_a_mask() {
        let mask = Mask::of(&half(), 64, (1280, 720)).unwrap();
        let frame = Frame::new(3, 1000, 1280, 720, vec![]);
        let video = VideoTrack { width: 1920, height: 1080, ..VideoTrack::default() };
        let shown = Shown::of(&MediaInfo { video: Some(video), ..MediaInfo::default() });
        let finding = mask.finding("foreground", &frame, shown);
        assert_eq!(finding.bounds, Some([0.0, 0.0, 960.0, 1080.0]));
        assert!((finding.confidence - 0.9).abs() < 1e-5);
        let value = finding.value.unwrap();
        assert_eq!((&value["share"], &value["centroid"]), (&json!(0.5), &json!([480.0, 540.0])));
        assert_eq!((&value["mask"]["width"], &value["mask"]["height"]), (&json!(32), &json!(18)));
        let bits = STANDARD.decode(value["mask"]["bits"].as_str().unwrap()).unwrap();
        assert_eq!(bits, [0xFF, 0xFF, 0, 0].repeat(18));
    }

    #[test]
    fn an_empty_mask_has_no_place() {
        let mask = Mask::of(&[0.1; 16], 4, (10, 1000)).unwrap();
        assert_eq!((mask.share, mask.centroid, mask.corners, mask.cells), (0.0, None, None, (1, 32)));
        assert!(mask.confidence < f32::EPSILON);
    }

    #[test]
    fn what_is_no_probability_is_an_error() {
        for bad in [f32::NAN, f32::INFINITY, 2.0, -1.0] {
            assert!(Mask::of(&[bad; 16], 4, (16, 9)).is_err());
        }
        assert!(Mask::of(&[0.5; 15], 4, (16, 9)).is_err());
        assert!(Mask::of(&[], 0, (16, 9)).is_err());
    }

    #[test]
    fn the_first_cell_is_the_highest_bit() {
        assert_eq!(STANDARD.decode(packed(&[true, false, false, false, false, false, false, true, true])).unwrap(), [0x81, 0x80]);
    }
}
