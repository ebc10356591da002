//! Pitch by YIN (de Cheveigné and Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 111, 2002).

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::SECOND;

/// Lowest pitch, Hz.
const LOWEST: usize = 60;
/// Highest pitch, Hz.
const HIGHEST: usize = 500;
/// Samples that are compared with those a period later: 32 ms.
const COMPARED: usize = 512;
const LONGEST: usize = SECOND / LOWEST + 1;
const SHORTEST: usize = SECOND / HIGHEST;
/// Samples that [`Yin`] needs to see.
pub(in crate::analyser) const FRAME: usize = COMPARED + LONGEST + 1;
/// Not less than `FRAME`, so that the correlation does not wrap.
const SIZE: usize = 1024;
/// A period counts when the sound differs from itself a period later by less than this share (step 4 of the paper).
const THRESHOLD: f32 = 0.15;
/// Where no period is as good, the best counts up to this share: voices are never quite periodic. Noise stays above 0.6.
const THRESHOLD_BEST: f32 = 0.35;
/// Quieter frames (mean square, −60 dBFS) have no pitch.
const QUIET: f32 = 1e-6;

/// The pitch of frames; holds nothing between them.
pub(in crate::analyser) struct Yin {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
}

impl Yin {
    pub(in crate::analyser) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        Self { forward: planner.plan_fft_forward(SIZE), backward: planner.plan_fft_inverse(SIZE) }
    }

    /// The pitch of [`FRAME`] samples in Hz; none where there is no voice or other periodic sound.
    ///
    /// # Errors
    /// None in practice: the lengths always fit.
    pub(in crate::analyser) fn pitch(&self, frame: &[f32]) -> anyhow::Result<Option<f64>> {
        let Some(frame) = frame.get(..FRAME) else { return Ok(None) };
        let energy: f32 = frame.iter().map(|sample| sample * sample).sum();
        if energy / FRAME as f32 <= QUIET {
            return Ok(None);
        }
        let difference = self.difference(frame)?;
        Ok(period(&normalised(&difference)).map(|period| SECOND as f64 / f64::from(period)))
    }

    /// Step 2 of the paper, for every lag up to [`LONGEST`] + 1: Σ (x[i] − x[i + lag])², by way of the correlation.
    fn difference(&self, frame: &[f32]) -> anyhow::Result<Vec<f32>> {
        let spectrum = |samples: &[f32]| -> anyhow::Result<Vec<Complex32>> {
            let (mut input, mut bins) = (self.forward.make_input_vec(), self.forward.make_output_vec());
            input.iter_mut().zip(samples).for_each(|(input, sample)| *input = *sample);
            self.forward.process(&mut input, &mut bins)?;
            Ok(bins)
        };
        let (whole, mut product) = (spectrum(frame)?, spectrum(&frame[..COMPARED])?);
        product.iter_mut().zip(&whole).for_each(|(short, whole)| *short = short.conj() * whole);
        let mut correlation = self.backward.make_output_vec();
        self.backward.process(&mut product, &mut correlation)?;
        let mut energies = vec![0.0_f64];
        for sample in frame {
            energies.push(energies[energies.len() - 1] + f64::from(*sample) * f64::from(*sample));
        }
        let of = |lag: usize| {
            let products = f64::from(correlation[lag]) / SIZE as f64;
            (energies[COMPARED] + energies[lag + COMPARED] - energies[lag] - 2.0 * products).max(0.0) as f32
        };
        Ok((0..=LONGEST).map(of).collect())
    }
}

/// Step 3: each difference over the mean of those at shorter lags.
fn normalised(difference: &[f32]) -> Vec<f32> {
    let mut sum = 0.0;
    let mut over_mean = |(lag, value): (usize, &f32)| {
        if lag == 0 {
            return 1.0;
        }
        sum += value;
        if sum > 0.0 { value * lag as f32 / sum } else { 1.0 }
    };
    difference.iter().enumerate().map(&mut over_mean).collect()
}

/// Steps 4 and 5: the first dip below the threshold, else the lowest; at the top of a parabola through it and its neighbours.
fn period(normalised: &[f32]) -> Option<f32> {
    let below = (SHORTEST..LONGEST).find(|lag| normalised[*lag] < THRESHOLD);
    let first = below.and_then(|below| (below..LONGEST).find(|lag| normalised[lag + 1] >= normalised[*lag]));
    let lowest = || (SHORTEST..LONGEST).min_by(|a, b| normalised[*a].total_cmp(&normalised[*b]));
    let dip = first.or_else(lowest).filter(|lag| normalised[*lag] < THRESHOLD_BEST)?;
    let (left, middle, right) = (normalised[dip - 1], normalised[dip], normalised[dip + 1]);
    let curve = left - 2.0 * middle + right;
    let shift = if curve > 0.0 { (0.5 * (left - right) / curve).clamp(-0.5, 0.5) } else { 0.0 };
    Some(dip as f32 + shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    #[test]
    fn synthetic_voices_have_their_pitch_within_two_percent() {
        let yin = Yin::new();
        for hz in [65.0, 82.5, 110.0, 147.3, 196.0, 220.0, 261.6, 330.0, 415.3, 480.0] {
            let voice = synth::voice(hz, 0.3, 1.0);
            let found: Vec<f64> = voice.windows(FRAME).step_by(1600).filter_map(|frame| yin.pitch(frame).unwrap()).collect();
            assert!(found.len() >= 9, "{hz}: {found:?}");
            assert!(found.iter().all(|found| (found / hz - 1.0).abs() < 0.02), "{hz}: {found:?}");
        }
    }

    #[test]
    fn a_voice_in_some_noise_keeps_its_pitch() {
        let yin = Yin::new();
        let noise = synth::noise(0.02, 1.0);
        let voice: Vec<f32> = synth::voice(140.0, 0.3, 1.0).iter().zip(noise).map(|(voice, noise)| voice + noise).collect();
        let mut found: Vec<f64> = voice.windows(FRAME).step_by(800).filter_map(|frame| yin.pitch(frame).unwrap()).collect();
        let middle = super::super::median(&mut found).unwrap();
        assert!((middle / 140.0 - 1.0).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn noise_silence_and_what_is_too_short_have_none() {
        let yin = Yin::new();
        let noise = synth::noise(0.3, 1.0);
        let voiced = noise.windows(FRAME).step_by(400).filter(|frame| yin.pitch(frame).unwrap().is_some()).count();
        assert!(voiced <= 1, "{voiced} frames of noise");
        assert_eq!(yin.pitch(&[0.0; FRAME]).unwrap(), None);
        assert_eq!(yin.pitch(&[0.5; 3]).unwrap(), None);
    }
}
