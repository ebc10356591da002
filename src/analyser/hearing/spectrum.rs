//! Spectra of frames.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use super::SECOND;

/// A transform with its window; holds nothing between frames.
pub(in crate::analyser) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    weights: Vec<f32>,
    input: Vec<f32>,
    bins: Vec<Complex32>,
    values: Vec<f32>,
}

impl Spectrum {
    /// Of `size` samples, with a periodic Hann window.
    pub(in crate::analyser) fn hann(size: usize) -> Self {
        Self::new((0..size).map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / size as f32).cos()).collect(), size)
    }

    /// Of frames as long as `weights`, with silence after them up to `size`.
    pub(in crate::analyser) fn new(weights: Vec<f32>, size: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(size.max(weights.len()));
        let (input, bins) = (fft.make_input_vec(), fft.make_output_vec());
        Self { fft, weights, values: vec![0.0; bins.len()], input, bins }
    }

    /// Frequency of a bin, for sound of 16 kHz.
    pub(in crate::analyser) fn hz(&self, bin: usize) -> f64 {
        bin as f64 * SECOND as f64 / self.input.len() as f64
    }

    /// The magnitude of every bin.
    ///
    /// # Errors
    /// None in practice: the lengths always fit.
    pub(in crate::analyser) fn magnitudes(&mut self, frame: &[f32]) -> anyhow::Result<&[f32]> {
        self.transform(frame)?;
        self.values.iter_mut().zip(&self.bins).for_each(|(value, bin)| *value = bin.norm_sqr().sqrt());
        Ok(&self.values)
    }

    /// The power (squared magnitude) of every bin.
    ///
    /// # Errors
    /// As for the magnitudes.
    pub(in crate::analyser) fn powers(&mut self, frame: &[f32]) -> anyhow::Result<&[f32]> {
        self.transform(frame)?;
        self.values.iter_mut().zip(&self.bins).for_each(|(value, bin)| *value = bin.norm_sqr());
        Ok(&self.values)
    }

    fn transform(&mut self, frame: &[f32]) -> anyhow::Result<()> {
        self.input.fill(0.0);
        let weighted = frame.iter().zip(&self.weights).map(|(sample, weight)| sample * weight);
        self.input.iter_mut().zip(weighted).for_each(|(input, sample)| *input = sample);
        Ok(self.fft.process(&mut self.input, &mut self.bins)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    #[test]
    fn a_tone_stands_in_its_bin() {
        let mut spectrum = Spectrum::hann(512);
        let tone = synth::tone(1000.0, 1.0, 0.032);
        let magnitudes = spectrum.magnitudes(&tone).unwrap().to_vec();
        let loudest = (0..magnitudes.len()).max_by(|a, b| magnitudes[*a].total_cmp(&magnitudes[*b])).unwrap();
        assert!((spectrum.hz(loudest) - 1000.0).abs() < 1.0 && magnitudes.len() == 257);
        // A sine of amplitude 1 gives size / 2, and the Hann window halves it.
        assert!((magnitudes[loudest] - 128.0).abs() < 0.5, "{}", magnitudes[loudest]);
        assert!((spectrum.powers(&tone).unwrap()[loudest] - 128.0 * 128.0).abs() < 128.0);
    }
}
