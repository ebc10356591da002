//! Short-time spectrum: centroid and flux per second, and the onset curve for the tempo.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use super::{HOP, SECOND};

/// Samples per window: 32 ms.
const WINDOW: usize = 512;
const BINS: usize = WINDOW / 2 + 1;
const HZ_PER_BIN: f64 = SECOND as f64 / WINDOW as f64;
/// A window whose sum of magnitudes is below this is silence: a tone at about −66 dBFS reaches it.
const FLOOR: f32 = 0.1;
/// Onset values that are kept: 10 minutes.
const ONSETS_MAX: usize = 10 * 60 * 100;
/// Compression of magnitudes before onsets are looked for (`ln(1 + GAIN × magnitude)`), so that soft beats count beside loud ones.
const GAIN: f32 = 10.0;

/// Windows of a Hann shape every 10 ms.
pub(super) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    pending: Vec<f32>,
    before: Vec<f32>,
    centroid: Mean,
    flux: Mean,
    onsets: Vec<f32>,
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn take(&mut self) -> Option<f64> {
        let mean = (self.count > 0).then(|| self.sum / f64::from(self.count));
        *self = Self::default();
        mean
    }
}

impl Spectrum {
    pub(super) fn new() -> Self {
        let hann = (0..WINDOW).map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / WINDOW as f32).cos()).collect();
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(WINDOW),
            hann,
            pending: Vec::with_capacity(2 * SECOND),
            before: vec![0.0; BINS],
            centroid: Mean::default(),
            flux: Mean::default(),
            onsets: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, samples: &[f32]) {
        self.pending.extend_from_slice(samples);
        let mut start = 0;
        let mut transformed = vec![Complex32::default(); BINS];
        while start + WINDOW <= self.pending.len() {
            let mut window: Vec<f32> =
                self.pending[start..start + WINDOW].iter().zip(&self.hann).map(|(sample, weight)| sample * weight).collect();
            if self.fft.process(&mut window, &mut transformed).is_ok() {
                let magnitudes: Vec<f32> = transformed.iter().map(|bin| bin.norm()).collect();
                self.measure(&magnitudes);
                self.before = magnitudes;
            }
            start += HOP;
        }
        self.pending.drain(..start);
    }

    fn measure(&mut self, now: &[f32]) {
        if self.onsets.len() < ONSETS_MAX {
            let rise = |(now, before): (&f32, &f32)| ((GAIN * now).ln_1p() - (GAIN * before).ln_1p()).max(0.0);
            self.onsets.push(now.iter().zip(&self.before).map(rise).sum());
        }
        let sum: f32 = now.iter().sum();
        if sum < FLOOR {
            return;
        }
        let weighted: f64 = now.iter().enumerate().map(|(bin, magnitude)| bin as f64 * HZ_PER_BIN * f64::from(*magnitude)).sum();
        self.centroid.add(weighted / f64::from(sum));
        if self.before.iter().sum::<f32>() >= FLOOR {
            self.flux.add(flux(now, &self.before));
        }
    }

    /// Mean centroid in Hz and mean flux since the last call; none in silence.
    pub(super) fn take_means(&mut self) -> (Option<f64>, Option<f64>) {
        (self.centroid.take(), self.flux.take())
    }

    /// Onset strength every 10 ms, at most the first 10 minutes.
    pub(super) fn onsets(&self) -> &[f32] {
        &self.onsets
    }
}

/// Distance between two magnitude spectra, each scaled to length 1: 0 for a steady tone, √2 for spectra that share no bin.
fn flux(now: &[f32], before: &[f32]) -> f64 {
    let length = |spectrum: &[f32]| spectrum.iter().map(|bin| bin * bin).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    let (a, b) = (length(now), length(before));
    f64::from(now.iter().zip(before).map(|(now, before)| (now / a - before / b).powi(2)).sum::<f32>().sqrt())
}
