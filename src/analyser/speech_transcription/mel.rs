//! The log-mel spectrogram that Whisper was trained on (`log_mel_spectrogram` of openai/whisper `audio.py`).

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::analyser::SAMPLE_RATE;

/// Mel bands.
pub(super) const BANDS: usize = 80;
/// Samples per frame: 10 ms.
pub(super) const HOP: usize = 160;
const WINDOW: usize = 400;
const BINS: usize = WINDOW / 2 + 1;

/// The transform and the filters.
pub(super) struct Mel {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    /// Per band: its first bin and the weights from there.
    filters: Vec<(usize, Vec<f32>)>,
}

impl Mel {
    pub(super) fn new() -> Self {
        let hann = (0..WINDOW).map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / WINDOW as f32).cos()).collect();
        Self { fft: RealFftPlanner::new().plan_fft_forward(WINDOW), hann, filters: filters() }
    }

    /// `[BANDS, frames]` of the samples, with silence after them until there are `frames`.
    pub(super) fn spectrogram(&self, samples: &[f32], frames: usize) -> anyhow::Result<Vec<f32>> {
        let samples = &samples[..samples.len().min(frames * HOP)];
        let mut padded = reflected(samples, frames * HOP);
        let mut bins = vec![Complex32::default(); BINS];
        let mut mel = vec![0.0; BANDS * frames];
        for frame in 0..frames {
            let window = &mut padded[frame * HOP..frame * HOP + WINDOW];
            let mut window: Vec<f32> = window.iter().zip(&self.hann).map(|(sample, weight)| sample * weight).collect();
            self.fft.process(&mut window, &mut bins)?;
            for (band, (first, weights)) in self.filters.iter().enumerate() {
                let power: f32 = bins[*first..].iter().zip(weights).map(|(bin, weight)| bin.norm_sqr() * weight).sum();
                mel[band * frames + frame] = power.max(1e-10).log10();
            }
        }
        let floor = mel.iter().copied().fold(f32::MIN, f32::max) - 8.0;
        Ok(mel.into_iter().map(|value| (value.max(floor) + 4.0) / 4.0).collect())
    }
}

/// The samples, silence up to `length`, and half a window mirrored at both ends.
fn reflected(samples: &[f32], length: usize) -> Vec<f32> {
    let half = WINDOW / 2;
    let at = |index: usize| samples.get(index).copied().unwrap_or(0.0);
    let mut padded: Vec<f32> = (1..=half).rev().map(at).collect();
    padded.extend((0..length).map(at));
    padded.extend((1..=half).map(|back| at(length.saturating_sub(1 + back))));
    padded
}

/// Triangles of equal area on the mel scale of Slaney's Auditory Toolbox (linear below 1 kHz), 0 to 8 kHz.
fn filters() -> Vec<(usize, Vec<f32>)> {
    let to_hz = |mel: f64| if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * (6.4_f64.ln() / 27.0 * (mel - 15.0)).exp() };
    let top_mel = 15.0 + 8.0_f64.ln() * 27.0 / 6.4_f64.ln();
    let edges: Vec<f64> = (0..BANDS + 2).map(|i| to_hz(top_mel * i as f64 / (BANDS + 1) as f64)).collect();
    let hz = |bin: usize| bin as f64 * f64::from(SAMPLE_RATE) / WINDOW as f64;
    let triangle = |edge: &[f64]| {
        let (low, middle, high) = (edge[0], edge[1], edge[2]);
        let weight =
            |bin: usize| ((hz(bin) - low) / (middle - low)).min((high - hz(bin)) / (high - middle)).max(0.0) * 2.0 / (high - low);
        let first = (0..BINS).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
        (first, (first..BINS).map(|bin| weight(bin) as f32).take_while(|weight| *weight > 0.0).collect())
    };
    edges.windows(3).map(triangle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_librosa() {
        // librosa.filters.mel(sr=16000, n_fft=400, n_mels=80), as openai/whisper ships it in mel_filters.npz.
        let filters = filters();
        let known: [(usize, usize, &[f32]); 2] = [(0, 1, &[0.024_862_59]), (40, 42, &[0.005_411_11, 0.014_735_57, 0.006_518_19])];
        for (band, first, weights) in known {
            assert_eq!((filters[band].0, filters[band].1.len()), (first, weights.len()));
            assert!(filters[band].1.iter().zip(weights).all(|(own, known)| (own - known).abs() < 1e-7), "{:?}", filters[band]);
        }
        assert_eq!((filters.len(), filters[79].0, filters[79].1.len()), (BANDS, 186, 14));
    }

    #[test]
    fn silence_is_flat_and_a_tone_is_in_one_place() {
        let mel = Mel::new();
        let silence = mel.spectrogram(&[], 10).unwrap();
        assert!(silence.iter().all(|value| (value + 1.5).abs() < 1e-6), "log10(1e-10) → (−10 + 4) / 4");
        let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 1000.0 * i as f32 / 16_000.0).sin()).collect();
        let spectrogram = mel.spectrogram(&tone, 100).unwrap();
        let at = |band: usize| spectrogram[band * 100 + 50];
        let loudest = (0..BANDS).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap();
        // 1 kHz is mel 15 of 45.2: band 15 / (45.2 / 81) − 1.
        assert!((25..=27).contains(&loudest), "{loudest}");
    }
}
