//! What the analysers that listen share: the time of a sample, frames of sound, spectra, mel bands and pitch.
//!
//! Sound comes in pieces of any length. Everything here gives the same whatever the pieces were, and what it keeps between them can be
//! saved.

pub(super) mod frames;
pub(super) mod mel;
pub(super) mod packed;
pub(super) mod pitch;
pub(super) mod spectrum;
#[cfg(test)]
pub(super) mod synth;

use serde::{Deserialize, Serialize};

use super::{Pcm, SAMPLE_RATE};

/// Samples per second.
pub(super) const SECOND: usize = SAMPLE_RATE as usize;
/// Samples per millisecond.
pub(super) const MILLISECOND: usize = SECOND / 1000;
/// The usual step of short-time analysis: 10 ms.
pub(super) const HOP: usize = SECOND / 100;

/// How much was heard, and when it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Clock {
    start_ms: Option<i64>,
    heard: usize,
}

impl Clock {
    /// Takes note of a piece; call it once for each.
    pub(super) fn hear(&mut self, pcm: &Pcm) {
        self.start_ms.get_or_insert(pcm.time_ms);
        self.heard += pcm.samples.len();
    }

    /// Samples so far.
    pub(super) fn heard(&self) -> usize {
        self.heard
    }

    /// The time of a sample, milliseconds from time 0.
    pub(super) fn ms(&self, sample: usize) -> i64 {
        self.start_ms.unwrap_or_default() + (sample / MILLISECOND) as i64
    }

    /// The time up to which sound was heard.
    pub(super) fn now_ms(&self) -> i64 {
        self.ms(self.heard)
    }
}

/// The samples of a piece without what would poison running sums: a hostile file may decode to NaN, or to anything beyond ± 8.
pub(super) fn clean(pcm: &Pcm) -> Vec<f32> {
    pcm.samples.iter().map(|sample| if sample.is_finite() { sample.clamp(-8.0, 8.0) } else { 0.0 }).collect()
}

/// Mean square as decibels; a full-scale square wave is 0 dBFS. Silence is −120.
pub(super) fn decibels(mean_square: f64) -> f64 {
    10.0 * mean_square.max(1e-12).log10()
}

/// For JSON: so many digits behind the point, and no binary noise.
pub(super) fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// The middle value; of an even number the upper one. None of nothing.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_begins_with_the_first_piece() {
        let mut clock = Clock::default();
        clock.hear(&Pcm { time_ms: 40, samples: vec![0.0; 24_000].into() });
        clock.hear(&Pcm { time_ms: 9999, samples: vec![0.0; 8].into() });
        assert_eq!((clock.heard(), clock.ms(16_000), clock.now_ms()), (24_008, 1040, 1540));
    }

    #[test]
    fn broken_samples_are_silence_and_loud_ones_are_bounded() {
        let piece = Pcm { time_ms: 0, samples: vec![f32::NAN, f32::INFINITY, 1e30, -0.5].into() };
        assert_eq!(clean(&piece), [0.0, 0.0, 8.0, -0.5]);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
    }
}
