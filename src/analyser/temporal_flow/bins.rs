//! The film in steps of half a second: how much moved, and what it looked like in 64 bits.

use serde::{Deserialize, Serialize};

use super::super::small::{self, THUMB_WIDTH, Thumb};

/// Steps at most: when there are more, two become one.
const BINS_MAX: usize = 14_400;
/// The finest step.
const STEP_MS: i64 = 500;
/// Columns and rows of the grid that a hash compares.
const COLUMNS: usize = 9;
const ROWS: usize = 8;
/// A picture whose grid deviates less than this from its mean (levels of 255) looks like nothing.
const BLANK: f32 = 4.0;

/// One step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bin {
    /// Sum of the changes from frame to frame, levels of 255, and their number.
    motion: f64,
    count: u32,
    /// Of the first picture in it; none where there was none, or nothing in it.
    pub(super) hash: Option<u64>,
}

impl Bin {
    /// The mean change from frame to frame.
    pub(super) fn motion(&self) -> f32 {
        (self.motion / f64::from(self.count.max(1))) as f32
    }
}

/// The steps so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bins {
    step_ms: i64,
    all: Vec<Bin>,
    #[serde(with = "serde_bytes")]
    before: Vec<u8>,
}

impl Default for Bins {
    fn default() -> Self {
        Self { step_ms: STEP_MS, all: Vec::new(), before: Vec::new() }
    }
}

impl Bins {
    /// Takes the next picture.
    pub(super) fn push(&mut self, time_ms: i64, thumb: &Thumb) {
        let place = |step_ms: i64| usize::try_from(time_ms.max(0) / step_ms).unwrap_or(usize::MAX);
        while place(self.step_ms) >= BINS_MAX {
            self.step_ms = self.step_ms.saturating_mul(2);
            self.all = self.all.chunks(2).map(joined).collect();
        }
        let at = place(self.step_ms);
        let first = self.all.len() <= at;
        if first {
            self.all.resize(at + 1, Bin::default());
        }
        let luma: Vec<u8> = thumb.pixels().iter().map(|pixel| small::luma(*pixel)).collect();
        if let Some(bin) = self.all.get_mut(at) {
            if self.before.len() == luma.len() {
                let sum: u64 = self.before.iter().zip(&luma).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
                bin.motion += sum as f64 / luma.len().max(1) as f64;
                bin.count += 1;
            }
            if first {
                bin.hash = hash(&luma, thumb.height);
            }
        }
        self.before = luma;
    }

    /// Milliseconds of a step.
    pub(super) fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// The steps, in order.
    pub(super) fn all(&self) -> &[Bin] {
        &self.all
    }

    /// The step at a time.
    pub(super) fn at(&self, time_ms: i64) -> Option<&Bin> {
        self.all.get(usize::try_from(time_ms.max(0) / self.step_ms).ok()?)
    }
}

fn joined(bins: &[Bin]) -> Bin {
    let mut all = Bin { hash: bins.first().and_then(|bin| bin.hash), ..Bin::default() };
    for bin in bins {
        all.motion += bin.motion;
        all.count += bin.count;
    }
    all
}

/// A difference hash: one bit for each of 8 × 8 neighbours in a row of a grid of means, whether the right one is brighter. None for a
/// picture without drawing.
fn hash(luma: &[u8], height: usize) -> Option<u64> {
    let width = THUMB_WIDTH as usize;
    let mut grid = [[0.0_f32; COLUMNS]; ROWS];
    for (row, cells) in grid.iter_mut().enumerate() {
        let rows = row * height / ROWS..((row + 1) * height / ROWS).max(row * height / ROWS + 1);
        for (column, cell) in cells.iter_mut().enumerate() {
            let columns = column * width / COLUMNS..(column + 1) * width / COLUMNS;
            let part = rows.clone().filter_map(|row| luma.get(row * width + columns.start..row * width + columns.end));
            let (sum, count) = part.flatten().fold((0_u32, 0_u32), |(sum, count), value| (sum + u32::from(*value), count + 1));
            *cell = sum as f32 / count.max(1) as f32;
        }
    }
    let cells = || grid.iter().flatten();
    let mean = cells().sum::<f32>() / (COLUMNS * ROWS) as f32;
    let deviation = (cells().map(|cell| (cell - mean).powi(2)).sum::<f32>() / (COLUMNS * ROWS) as f32).sqrt();
    let bits = grid
        .iter()
        .flat_map(|cells| cells.array_windows::<2>())
        .fold(0, |bits, [left, right]| bits << 1 | u64::from(right > left));
    (deviation >= BLANK).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumb(paint: impl Fn(usize, usize) -> u8) -> Thumb {
        Thumb {
            height: 36,
            rgb: (0..36).flat_map(|y| (0..64).map(move |x| (x, y))).flat_map(|(x, y)| [paint(x, y); 3]).collect(),
        }
    }

    #[test]
    fn motion_is_the_mean_change_and_hashes_stand_noise() {
        let mut bins = Bins::default();
        for at in 0..50_i64 {
            bins.push(at * 40, &thumb(|x, y| (x * 3 + if at >= 25 { (y * 5 + at as usize % 2 * 20) % 60 } else { 0 }) as u8));
        }
        assert_eq!((bins.step_ms(), bins.all().len()), (500, 4));
        assert!(bins.all()[0].motion() < 0.01 && bins.all()[3].motion() > 5.0, "{:?}", bins.all());
        let plain = hash(&thumb(|x, y| (x * 3 + y) as u8).rgb.iter().step_by(3).copied().collect::<Vec<_>>(), 36).unwrap();
        let noisy =
            hash(&thumb(|x, y| (x * 3 + y + x * y % 3) as u8).rgb.iter().step_by(3).copied().collect::<Vec<_>>(), 36).unwrap();
        assert!((plain ^ noisy).count_ones() <= 4);
        assert_eq!(hash(&[90; 64 * 36], 36), None);
        assert_eq!(hash(&[], 0), None);
    }

    #[test]
    fn a_very_long_film_has_no_more_steps() {
        let mut bins = Bins::default();
        let picture = thumb(|x, _| x as u8);
        for at in 0..40_000_i64 {
            bins.push(at * 1000, &picture);
        }
        assert!(bins.all().len() <= BINS_MAX && bins.step_ms() == 4000, "{}", bins.step_ms());
        assert!(bins.at(39_999_000).is_some() && bins.at(i64::MAX).is_none());
    }
}
