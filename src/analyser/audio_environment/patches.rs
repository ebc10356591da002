//! What the network of inaSpeechSegmenter looks at: patches of a log-mel spectrogram, and some measures of the same frames.
//!
//! Frames of 25 ms every 10 ms, pre-emphasis 0.97 within each, symmetric Hann window, 512 bins, 24 bands from 100 Hz to 8 kHz, natural
//! logarithm; a patch is 68 frames of the lower 21 bands, less its mean, over its deviation (inaSpeechSegmenter 0.6.8).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::super::hearing::frames::Frames;
use super::super::hearing::mel::Filters;
use super::super::hearing::spectrum::Spectrum;
use super::super::hearing::{HOP, decibels};

const WINDOW: usize = 400;
const SIZE: usize = 512;
const BANDS: usize = 24;
const PRE_EMPHASIS: f32 = 0.97;
/// Frames of a patch.
pub(super) const FRAMES: usize = 68;
/// Bands of a patch.
pub(super) const LOWER: usize = 21;
/// Frames from patch to patch: 100 ms. The package takes every second frame; the network is the dearest part by far.
pub(super) const STEP: usize = 10;
/// Frames in the middle of a patch whose loudest tells whether there is any sound.
const MIDDLE: std::ops::Range<usize> = 29..39;
/// Least power in a band: about what the rounding to 16 bits leaves in it. Digital silence beside speech is not to stand out more.
const LEAST: f32 = 1e-9;

/// The transform and the filters.
pub(super) struct Eyes {
    spectrum: Spectrum,
    filters: Filters,
}

impl Eyes {
    pub(super) fn new() -> Self {
        let hann = |i: usize| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / (WINDOW - 1) as f32).cos();
        Self {
            spectrum: Spectrum::new((0..WINDOW).map(hann).collect(), SIZE),
            filters: Filters::on_bins(BANDS, SIZE, 100.0, 8000.0),
        }
    }
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seen {
    bands: Vec<f32>,
    /// Level, dBFS.
    level: f64,
    /// Level after pre-emphasis, decibels.
    emphasised: f64,
    /// Geometric over arithmetic mean of the bands.
    flatness: f64,
}

/// One patch and what its frames have in common.
pub(super) struct Patch {
    /// `[FRAMES, LOWER]`, normalised.
    pub(super) values: Vec<f32>,
    /// The loudest frame of its middle, dBFS.
    pub(super) level: f64,
    /// Standard deviation of the level after pre-emphasis, decibels.
    pub(super) deviation: f64,
    /// Mean over the frames.
    pub(super) flatness: f64,
}

/// What lasts from frame to frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    frames: Frames,
    seen: VecDeque<Seen>,
    count: usize,
}

impl State {
    pub(super) fn new() -> Self {
        Self { frames: Frames::new(WINDOW, HOP), seen: VecDeque::new(), count: 0 }
    }

    /// Listens; `each` is given the patches in order.
    pub(super) fn hear(
        &mut self,
        eyes: &mut Eyes,
        samples: &[f32],
        mut each: impl FnMut(&Patch) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Self { frames, seen, count } = self;
        frames.cut(samples, |frame| {
            seen.push_back(see(eyes, frame)?);
            *count += 1;
            if seen.len() > FRAMES {
                seen.pop_front();
            }
            if *count >= FRAMES && (*count - FRAMES).is_multiple_of(STEP) { each(&patch(seen)) } else { Ok(()) }
        })
    }

    /// A sound that is too short for a patch: as the package does, its end is filled with the quietest value.
    pub(super) fn short(&self) -> Option<Patch> {
        if self.count == 0 || self.count >= FRAMES {
            return None;
        }
        let mut seen = self.seen.clone();
        let least = seen.iter().flat_map(|seen| &seen.bands).copied().fold(f32::INFINITY, f32::min);
        let filler = Seen { bands: vec![least; BANDS], level: -120.0, emphasised: -120.0, flatness: 0.0 };
        let middle = seen.iter().map(|seen| seen.level).fold(-120.0, f64::max);
        seen.resize(FRAMES, filler);
        Some(Patch { level: middle, ..patch(&seen) })
    }
}

fn see(eyes: &mut Eyes, frame: &[f32]) -> anyhow::Result<Seen> {
    let mut emphasised = Vec::with_capacity(WINDOW);
    let mut before = frame.first().copied().unwrap_or_default();
    for sample in frame {
        emphasised.push(sample - PRE_EMPHASIS * before);
        before = *sample;
    }
    let power = |samples: &[f32]| samples.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / WINDOW as f64;
    let (level, after) = (decibels(power(frame)), decibels(power(&emphasised)));
    let powers = eyes.spectrum.powers(&emphasised)?;
    let bands: Vec<f32> = eyes.filters.of(powers).map(|power| power.max(LEAST).ln()).collect();
    let geometric = (bands.iter().sum::<f32>() / BANDS as f32).exp();
    let arithmetic = bands.iter().map(|band| band.exp()).sum::<f32>() / BANDS as f32;
    Ok(Seen { bands, level, emphasised: after, flatness: f64::from(geometric / arithmetic) })
}

fn patch(seen: &VecDeque<Seen>) -> Patch {
    let mut values: Vec<f32> = seen.iter().flat_map(|seen| seen.bands.iter().take(LOWER)).copied().collect();
    normalise(&mut values);
    let count = seen.len() as f64;
    let mean = seen.iter().map(|seen| seen.emphasised).sum::<f64>() / count;
    let variance = seen.iter().map(|seen| (seen.emphasised - mean).powi(2)).sum::<f64>() / count;
    Patch {
        values,
        level: seen.range(MIDDLE).map(|seen| seen.level).fold(-120.0, f64::max),
        deviation: variance.sqrt(),
        flatness: seen.iter().map(|seen| seen.flatness).sum::<f64>() / count,
    }
}

/// Mean 0, deviation 1; all 0 where everything is equal.
fn normalise(values: &mut [f32]) {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count).sqrt();
    for value in values {
        *value = if deviation > 1e-6 { ((f64::from(*value) - mean) / deviation) as f32 } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    fn patches(sound: &[f32]) -> Vec<Patch> {
        let (mut state, mut eyes, mut found) = (State::new(), Eyes::new(), Vec::new());
        let keep = |patch: &Patch| {
            found.push(Patch { values: patch.values.clone(), ..*patch });
            Ok(())
        };
        state.hear(&mut eyes, sound, keep).unwrap();
        found.extend(state.short());
        found
    }

    #[test]
    fn a_patch_comes_every_100_ms_and_is_normalised() {
        let found = patches(&synth::pink(0.3, 2.0));
        assert_eq!(found.len(), (198 - FRAMES) / STEP + 1);
        for patch in &found {
            let mean = patch.values.iter().sum::<f32>() / patch.values.len() as f32;
            let square = patch.values.iter().map(|value| value * value).sum::<f32>() / patch.values.len() as f32;
            assert!(patch.values.len() == FRAMES * LOWER && mean.abs() < 1e-3 && (square - 1.0).abs() < 1e-3, "{mean} {square}");
            assert!(patch.deviation < 1.0 && patch.flatness > 0.4, "{} {}", patch.deviation, patch.flatness);
        }
    }

    #[test]
    fn silence_is_all_zero_and_a_short_sound_has_one_patch() {
        let found = patches(&vec![0.0; 16_000]);
        assert!(found[0].values.iter().all(|value| value.abs() < 1e-6) && found[0].level <= -119.0);
        let found = patches(&synth::tone(440.0, 0.1, 0.3));
        assert!(found.len() == 1 && (found[0].level + 23.0).abs() < 1.0, "{}", found[0].level);
        assert!(patches(&[0.1; 100]).is_empty());
    }
}
