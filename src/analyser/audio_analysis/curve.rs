//! The loudness of a sound of any length as a curve of a bounded number of points.

use serde::{Deserialize, Serialize};

use super::loudness::louder;

/// Points at most; one more, and every two become one.
const POINTS_MAX: usize = 1200;
/// Milliseconds of the finest curve: the meter's step.
const FINEST_MS: u64 = 100;

/// The loudest momentary loudness of each part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Curve {
    /// Steps of the meter per point.
    per_point: u64,
    points: Vec<Option<f64>>,
    /// Steps in the last point.
    filled: u64,
}

impl Curve {
    pub(super) fn new() -> Self {
        Self { per_point: 1, points: Vec::new(), filled: 0 }
    }

    pub(super) fn add(&mut self, lufs: Option<f64>) {
        match self.points.last_mut() {
            Some(last) if self.filled < self.per_point => {
                *last = louder(*last, lufs);
                self.filled += 1;
                return;
            }
            _ => {}
        }
        if self.points.len() == POINTS_MAX {
            self.points = self.points.chunks(2).map(|pair| pair.iter().copied().fold(None, louder)).collect();
            self.per_point *= 2;
        }
        self.points.push(lufs);
        self.filled = 1;
    }

    /// Milliseconds from one point to the next.
    pub(super) fn step_ms(&self) -> u64 {
        self.per_point * FINEST_MS
    }

    pub(super) fn points(&self) -> &[Option<f64>] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sound_has_a_coarser_curve_and_keeps_its_peaks() {
        let mut curve = Curve::new();
        for step in 0..1200_u32 {
            curve.add((step != 0).then_some(-f64::from(step)));
        }
        assert_eq!((curve.step_ms(), curve.points().len(), curve.points()[0]), (100, 1200, None));
        for _ in 0..2 {
            curve.add(Some(-5000.0));
        }
        assert_eq!((curve.step_ms(), curve.points().len()), (200, 601));
        assert_eq!((curve.points()[0], curve.points()[599], curve.points()[600]), (Some(-1.0), Some(-1198.0), Some(-5000.0)));
        (0..100_000).for_each(|_| curve.add(None));
        assert!(curve.points().len() <= POINTS_MAX);
        assert!(curve.points()[0].is_some());
    }
}
