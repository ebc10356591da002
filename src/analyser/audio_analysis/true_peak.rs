//! True peak: the highest value between the samples, by fourfold oversampling (ITU-R BS.1770-5, annex 2).

use serde::{Deserialize, Serialize};

/// Taps of one phase.
const TAPS: usize = 12;
/// The filter of annex 2, first and second phase; the third and the fourth are these backwards.
const PHASES: [[f32; TAPS]; 2] = [
    [
        0.001_708_984_4,
        0.010_986_328,
        -0.019_653_32,
        0.033_203_125,
        -0.059_448_242,
        0.137_329_1,
        0.972_167_97,
        -0.102_294_92,
        0.047_607_422,
        -0.026_611_328,
        0.014_892_578,
        -0.008_300_781,
    ],
    [
        -0.029_174_805,
        0.029_296_875,
        -0.051_757_813,
        0.089_111_33,
        -0.166_503_9,
        0.465_087_9,
        0.779_785_16,
        -0.200_317_38,
        0.101_562_5,
        -0.058_227_54,
        0.033_081_055,
        -0.018_920_898,
    ],
];

/// Sum of the magnitudes of any phase, rounded up: nothing between samples is higher than this times the highest of them.
const GAIN_MAX: f32 = 2.1;
/// Samples that are passed over together where they are too low.
const BLOCK: usize = 64;

/// Listens to one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TruePeak {
    /// The last samples of what was heard.
    before: Vec<f32>,
    peak: f32,
}

impl TruePeak {
    pub(super) fn new() -> Self {
        Self { before: vec![0.0; TAPS - 1], peak: 0.0 }
    }

    pub(super) fn hear(&mut self, samples: &[f32]) {
        self.before.extend_from_slice(samples);
        let mut from = 0;
        while from + TAPS <= self.before.len() {
            let to = (from + BLOCK + TAPS - 1).min(self.before.len());
            let block = &self.before[from..to];
            let highest = block.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
            if highest * GAIN_MAX > self.peak {
                self.peak = self.peak.max(between(block));
            }
            from += BLOCK;
        }
        // The samples themselves: the filter takes a hair off a short click.
        self.peak = samples.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
        let used = self.before.len() - (TAPS - 1);
        self.before.drain(..used);
    }

    /// In decibels relative to full scale; none in silence.
    pub(super) fn dbtp(&self) -> Option<f64> {
        (self.peak > 0.0).then(|| 20.0 * f64::from(self.peak).log10())
    }
}

/// The highest value between the samples of a block.
fn between(block: &[f32]) -> f32 {
    let mut peak = 0.0_f32;
    for window in block.windows(TAPS) {
        for phase in &PHASES {
            let (mut ahead, mut back) = (0.0, 0.0);
            for ((sample, mirrored), weight) in window.iter().zip(window.iter().rev()).zip(phase) {
                ahead += sample * weight;
                back += mirrored * weight;
            }
            peak = peak.max(ahead.abs()).max(back.abs());
        }
    }
    peak
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    #[test]
    fn a_peak_between_samples_is_found() {
        // A quarter of the rate, an eighth of a period off: every sample has 0.707 of the amplitude (Tech 3341, test cases 15 to 19).
        let sound: Vec<f32> =
            (0..16_000).map(|i| (0.5 * (std::f64::consts::TAU * (f64::from(i) / 4.0 + 0.125)).sin()) as f32).collect();
        let loudest = sound.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        assert!((loudest - 0.3536).abs() < 1e-3);
        let mut peak = TruePeak::new();
        peak.hear(&sound);
        let found = peak.dbtp().unwrap();
        assert!((-0.4..=0.2).contains(&(found + 6.02)), "{found}");
    }

    #[test]
    fn passing_over_what_is_low_changes_nothing() {
        let gain = |phase: &[f32; TAPS]| phase.iter().map(|weight| weight.abs()).sum::<f32>();
        assert!(PHASES.iter().all(|phase| gain(phase) <= GAIN_MAX), "{:?}", PHASES.map(|phase| gain(&phase)));
        let sound = synth::mix(&synth::noise(0.1, 1.0), &synth::sweep(100.0, 7900.0, 1.0));
        let mut peak = TruePeak::new();
        sound.chunks(777).for_each(|piece| peak.hear(piece));
        let whole = [vec![0.0; TAPS - 1], sound.clone()].concat();
        let samples = sound.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        assert!((peak.peak - between(&whole).max(samples)).abs() < 1e-6);
    }

    #[test]
    fn slow_tones_and_clicks_keep_their_level_and_silence_has_none() {
        let mut peak = TruePeak::new();
        assert_eq!(peak.dbtp(), None);
        peak.hear(&synth::tone(100.0, 0.25, 1.0));
        assert!((peak.dbtp().unwrap() + 12.04).abs() < 0.1, "{:?}", peak.dbtp());
        peak.hear(&[0.0, 1.0, 0.0]);
        assert!(peak.dbtp().unwrap() >= 0.0);
    }
}
