//! The film as a strip of colours, at most so many whatever its length.

use serde::{Deserialize, Serialize};

use super::palette::{hex, rgb_of};

/// Cells at most: when there are more, two become one.
const CELLS_MAX: usize = 480;
/// The finest step.
const STEP_MS: i64 = 500;

/// Sums of OKLab colours by time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Strip {
    step_ms: i64,
    /// The sums of the colours and their number.
    cells: Vec<([f64; 3], u32)>,
}

impl Default for Strip {
    fn default() -> Self {
        Self { step_ms: STEP_MS, cells: Vec::new() }
    }
}

impl Strip {
    /// Takes the colour of a moment.
    pub(super) fn push(&mut self, time_ms: i64, lab: [f32; 3]) {
        let place = |step_ms: i64| usize::try_from(time_ms.max(0) / step_ms).unwrap_or(usize::MAX);
        while place(self.step_ms) >= CELLS_MAX {
            self.step_ms = self.step_ms.saturating_mul(2);
            self.cells = self.cells.chunks(2).map(joined).collect();
        }
        let at = place(self.step_ms);
        if self.cells.len() <= at {
            self.cells.resize(at + 1, ([0.0; 3], 0));
        }
        if let Some((sums, count)) = self.cells.get_mut(at) {
            sums.iter_mut().zip(lab).for_each(|(sum, part)| *sum += f64::from(part));
            *count += 1;
        }
    }

    /// Milliseconds of a cell.
    pub(super) fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// One colour per cell, as the web writes them; a cell without a picture has the colour of the one before it.
    pub(super) fn colors(&self) -> Vec<String> {
        let mut last = [0; 3];
        let color = |(sums, count): &([f64; 3], u32)| {
            if *count > 0 {
                last = rgb_of(sums.map(|sum| (sum / f64::from(*count)) as f32));
            }
            hex(last)
        };
        self.cells.iter().map(color).collect()
    }
}

fn joined(cells: &[([f64; 3], u32)]) -> ([f64; 3], u32) {
    let mut all = ([0.0; 3], 0);
    for (sums, count) in cells {
        all.0.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
        all.1 += count;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::palette::lab_of;
    use super::*;

    #[test]
    fn a_short_film_has_a_cell_each_half_second() {
        let mut strip = Strip::default();
        strip.push(0, lab_of([255, 0, 0]));
        strip.push(1600, lab_of([0, 0, 255]));
        assert_eq!(
            (strip.step_ms(), strip.colors()),
            (500, ["#ff0000", "#ff0000", "#ff0000", "#0000ff"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_long_film_has_no_more_cells() {
        let mut strip = Strip::default();
        for at in 0..20_000_i64 {
            strip.push(at * 500, lab_of([if at < 10_000 { 0 } else { 255 }; 3]));
        }
        let colors = strip.colors();
        assert!((CELLS_MAX / 2..=CELLS_MAX).contains(&colors.len()), "{}", colors.len());
        assert_eq!((colors.first().unwrap().as_str(), colors.last().unwrap().as_str()), ("#000000", "#ffffff"));
        assert!(strip.step_ms() * colors.len() as i64 >= 10_000_000);
        strip.push(i64::MAX, lab_of([9; 3]));
        strip.push(i64::MIN, lab_of([9; 3]));
        assert!(strip.colors().len() <= CELLS_MAX);
    }
}
