//! Loudness after ITU-R BS.1770-5 (K-weighting, gating) and EBU Tech 3341 (momentary, short-term) and 3342 (range).
//!
//! One channel of weight 1, which is what both documents give to a mono signal.

use std::collections::{BTreeMap, VecDeque};
use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::super::hearing::SECOND;

/// The step of every measurement: 100 ms, so that gating blocks of 400 ms overlap by 75 % (BS.1770-5, annex 1).
pub(super) const STEP: usize = SECOND / 10;
/// Steps in a momentary loudness, and in a gating block: 400 ms.
const MOMENTARY: usize = 4;
/// Steps in a short-term loudness: 3 s.
const SHORT_TERM: usize = 30;
/// Quieter blocks are never counted, LUFS.
const GATE: f64 = -70.0;
/// Blocks this much below the loudness of the rest are not counted either: BS.1770-5.
const RELATIVE_GATE: f64 = -10.0;
/// The same for the loudness range: EBU Tech 3342.
const RANGE_GATE: f64 = -20.0;
/// Histograms have bins of 0.01 LU: a sound of any length fits, for 0.005 LU of exactness.
const BINS_PER_LU: f64 = 100.0;

/// A second-order filter in the transposed direct form II.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    z: [f64; 2],
}

impl Biquad {
    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.z[0];
        self.z[0] = self.b[1] * x - self.a[0] * y + self.z[1];
        self.z[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Numbers so small that they make arithmetic slow, and mean nothing.
    fn settle(&mut self) {
        for z in &mut self.z {
            if z.abs() < 1e-30 {
                *z = 0.0;
            }
        }
    }
}

/// The first stage of K-weighting: the head as a high shelf. BS.1770-5 gives coefficients for 48 kHz only; these are of the analogue
/// filter that they come from, for any rate (De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement", AES 145,
/// 2018).
fn shelf(rate: f64) -> Biquad {
    let (k, q, gain) = ((PI * 1_681.974_450_955_533 / rate).tan(), 0.707_175_236_955_419_6, 3.999_843_853_973_347);
    let high = 10_f64.powf(gain / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / q + k * k;
    Biquad {
        b: [(high + band * k / q + k * k) / a0, 2.0 * (k * k - high) / a0, (high - band * k / q + k * k) / a0],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        z: [0.0; 2],
    }
}

/// The second stage: a high pass.
fn high_pass(rate: f64) -> Biquad {
    let (k, q) = ((PI * 38.135_470_876_024_44 / rate).tan(), 0.500_327_037_323_877_3);
    let a0 = 1.0 + k / q + k * k;
    Biquad { b: [1.0, -2.0, 1.0], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0], z: [0.0; 2] }
}

/// Loudness of a mean square after K-weighting.
fn lufs(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

fn power(lufs: f64) -> f64 {
    10_f64.powf((lufs + 0.691) / 10.0)
}

/// The louder of two, where there are two.
pub(super) fn louder(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// Counts of loudnesses above the absolute gate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Histogram(BTreeMap<u16, u32>);

impl Histogram {
    fn add(&mut self, lufs: f64) {
        if lufs >= GATE {
            let bin = ((lufs - GATE) * BINS_PER_LU) as u16;
            *self.0.entry(bin).or_default() += 1;
        }
    }

    /// The middle of each bin from `gate` on, and its count.
    fn above(&self, gate: f64) -> impl Iterator<Item = (f64, u32)> {
        let middle = |(bin, count): (&u16, &u32)| (GATE + (f64::from(*bin) + 0.5) / BINS_PER_LU, *count);
        self.0.iter().map(middle).filter(move |(lufs, _)| *lufs >= gate)
    }

    /// The loudness of all blocks from `gate` on.
    fn loudness(&self, gate: f64) -> Option<f64> {
        let (mut sum, mut blocks) = (0.0, 0.0);
        for (lufs, count) in self.above(gate) {
            sum += power(lufs) * f64::from(count);
            blocks += f64::from(count);
        }
        (blocks > 0.0).then(|| lufs(sum / blocks))
    }
}

/// Listens and measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Meter {
    shelf: Biquad,
    high_pass: Biquad,
    sum: f64,
    filled: usize,
    /// Mean squares of the last steps, the latest at the end.
    steps: VecDeque<f64>,
    blocks: Histogram,
    short_terms: Histogram,
    max_momentary: Option<f64>,
    max_short_term: Option<f64>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            shelf: shelf(SECOND as f64),
            high_pass: high_pass(SECOND as f64),
            sum: 0.0,
            filled: 0,
            steps: VecDeque::new(),
            blocks: Histogram::default(),
            short_terms: Histogram::default(),
            max_momentary: None,
            max_short_term: None,
        }
    }

    /// Listens; `each` hears the momentary loudness after every step (100 ms), none in the first 400 ms and in digital silence.
    pub(super) fn hear(&mut self, samples: &[f32], mut each: impl FnMut(Option<f64>)) {
        for sample in samples {
            let weighted = self.high_pass.step(self.shelf.step(f64::from(*sample)));
            self.sum += weighted * weighted;
            self.filled += 1;
            if self.filled == STEP {
                self.end_step();
                each(self.momentary());
            }
        }
    }

    fn end_step(&mut self) {
        if self.steps.len() == SHORT_TERM {
            self.steps.pop_front();
        }
        self.steps.push_back(self.sum / STEP as f64);
        (self.sum, self.filled) = (0.0, 0);
        self.shelf.settle();
        self.high_pass.settle();
        if let Some(momentary) = self.momentary() {
            self.blocks.add(momentary);
            self.max_momentary = louder(self.max_momentary, Some(momentary).filter(|lufs| *lufs >= GATE));
        }
        if let Some(short_term) = self.short_term() {
            self.short_terms.add(short_term);
            self.max_short_term = louder(self.max_short_term, Some(short_term).filter(|lufs| *lufs >= GATE));
        }
    }

    fn of_last(&self, steps: usize) -> Option<f64> {
        let from = self.steps.len().checked_sub(steps)?;
        let mean = self.steps.range(from..).sum::<f64>() / steps as f64;
        // Below −120 LUFS is what is left in the filters.
        (mean > 1e-12).then(|| lufs(mean))
    }

    /// Of the last 400 ms (Tech 3341).
    pub(super) fn momentary(&self) -> Option<f64> {
        self.of_last(MOMENTARY)
    }

    /// Of the last 3 s (Tech 3341).
    pub(super) fn short_term(&self) -> Option<f64> {
        self.of_last(SHORT_TERM)
    }

    /// The highest momentary loudness so far.
    pub(super) fn max_momentary(&self) -> Option<f64> {
        self.max_momentary
    }

    /// The highest short-term loudness so far.
    pub(super) fn max_short_term(&self) -> Option<f64> {
        self.max_short_term
    }

    /// Of everything so far: blocks of 400 ms, gated at −70 LUFS and at 10 LU below what is left (BS.1770-5, annex 1).
    pub(super) fn integrated(&self) -> Option<f64> {
        self.blocks.loudness(self.blocks.loudness(GATE)? + RELATIVE_GATE)
    }

    /// Loudness range (Tech 3342): from the 10th to the 95th percentile of the short-term loudness, gated at −70 LUFS and at 20 LU below
    /// what is left.
    pub(super) fn range(&self) -> Option<f64> {
        let gate = self.short_terms.loudness(GATE)? + RANGE_GATE;
        let count: u32 = self.short_terms.above(gate).map(|(_, count)| count).sum();
        let percentile = |share: f64| {
            let place = (f64::from(count.saturating_sub(1)) * share).round() as u32;
            let mut before = 0;
            self.short_terms.above(gate).find_map(|(lufs, count)| {
                before += count;
                (before > place).then_some(lufs)
            })
        };
        Some(percentile(0.95)? - percentile(0.10)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    #[test]
    fn at_48_khz_the_filters_are_those_of_bs_1770() {
        let (shelf, high_pass) = (shelf(48_000.0), high_pass(48_000.0));
        let near = |own: f64, known: f64| assert!((own - known).abs() < 1e-9, "{own} {known}");
        let known = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85];
        shelf.b.iter().zip(known).for_each(|(own, known)| near(*own, known));
        shelf.a.iter().zip([-1.690_659_293_182_41, 0.732_480_774_215_85]).for_each(|(own, known)| near(*own, known));
        high_pass.a.iter().zip([-1.990_047_454_833_98, 0.990_072_250_366_21]).for_each(|(own, known)| near(*own, known));
    }

    fn measured(parts: &[(f64, f64)]) -> Meter {
        let mut meter = Meter::new();
        for (dbfs, seconds) in parts {
            meter.hear(&synth::tone(1000.0, 10_f64.powf(dbfs / 20.0), *seconds), |_| ());
        }
        meter
    }

    #[test]
    fn tech_3341_levels_and_gates() {
        // Of one channel a tone of −23 dBFS has −26 LUFS; the documents' stereo has −23.
        let meter = measured(&[(-23.0, 20.0)]);
        for lufs in [meter.integrated(), meter.momentary(), meter.short_term(), meter.max_momentary(), meter.max_short_term()] {
            assert!((lufs.unwrap() + 26.0).abs() <= 0.1, "{lufs:?}");
        }
        // Test case 3: what is more than 10 LU below does not count. Test case 4: nor what is below −70 LUFS.
        let meter = measured(&[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)]);
        assert!((meter.integrated().unwrap() + 26.0).abs() <= 0.1, "{:?}", meter.integrated());
        let meter = measured(&[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)]);
        assert!((meter.integrated().unwrap() + 26.0).abs() <= 0.1, "{:?}", meter.integrated());
    }

    #[test]
    fn tech_3342_ranges() {
        // Test cases 1 to 4, which allow ± 1 LU.
        for (parts, range) in [
            (&[(-20.0, 20.0), (-30.0, 20.0)][..], 10.0),
            (&[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
            (&[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
            (&[(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
        ] {
            let found = measured(parts).range().unwrap();
            assert!((found - range).abs() <= 0.3, "{parts:?}: {found}");
        }
    }

    #[test]
    fn silence_and_too_little_sound_have_no_loudness() {
        let mut meter = Meter::new();
        meter.hear(&vec![0.0; 5 * SECOND], |momentary| assert_eq!(momentary, None));
        assert_eq!((meter.integrated(), meter.range(), meter.max_momentary()), (None, None, None));
        assert_eq!(measured(&[(-20.0, 0.3)]).integrated(), None);
    }
}
