//! Short-time spectra, every 10 ms: what they look like per second, and the onset curve for tempo and beats.

use serde::{Deserialize, Serialize};

use super::super::hearing::HOP;
use super::super::hearing::frames::Frames;
use super::super::hearing::spectrum::Spectrum;

/// Samples per window: 32 ms.
pub(super) const WINDOW: usize = 512;
/// A window whose sum of magnitudes is below this is silence: a tone at about −66 dBFS reaches it.
const FLOOR: f32 = 0.1;
/// Compression of magnitudes before onsets are looked for (`ln(1 + GAIN × magnitude)`), so that soft beats count beside loud ones.
const GAIN: f32 = 10.0;
/// The rolloff is the frequency below which this share of the magnitudes lies.
const ROLLOFF: f32 = 0.85;
/// Least power in the flatness, so that its logarithm is a number (librosa's `amin`).
const LEAST_POWER: f32 = 1e-10;

/// Means over the windows of a second that are not silent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Timbre {
    /// Mean frequency, weighted with the magnitudes, Hz.
    pub(super) centroid: f64,
    /// Geometric over arithmetic mean of the powers: 0 for a tone, about 0.56 for white noise.
    pub(super) flatness: f64,
    /// Hz.
    pub(super) rolloff: f64,
    /// Distance from the window before; see [`flux`].
    pub(super) flux: f64,
}

/// What lasts from window to window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    frames: Frames,
    before: Vec<f32>,
    sums: [f64; 4],
    windows: u32,
    /// Windows whose predecessor was not silent either: those that have a flux.
    pairs: u32,
}

impl State {
    pub(super) fn new() -> Self {
        Self { frames: Frames::new(WINDOW, HOP), before: vec![0.0; WINDOW / 2 + 1], sums: [0.0; 4], windows: 0, pairs: 0 }
    }

    /// Listens; `onset` is told how much louder each window is than the one before, summed over the bins.
    pub(super) fn hear(&mut self, spectrum: &mut Spectrum, samples: &[f32], mut onset: impl FnMut(f32)) -> anyhow::Result<()> {
        let Self { frames, before, sums, windows, pairs } = self;
        frames.cut(samples, |frame| {
            let hz_per_bin = spectrum.hz(1);
            let now = spectrum.magnitudes(frame)?;
            onset(rise(now, before));
            let total: f32 = now.iter().sum();
            if total >= FLOOR {
                *windows += 1;
                sums[0] += centroid(now, total) * hz_per_bin;
                sums[1] += flatness(now);
                sums[2] += rolloff(now, total) as f64 * hz_per_bin;
                if before.iter().sum::<f32>() >= FLOOR {
                    *pairs += 1;
                    sums[3] += flux(now, before);
                }
            }
            before.copy_from_slice(now);
            Ok(())
        })
    }

    /// The means since the last call; none in silence.
    pub(super) fn take(&mut self) -> Option<Timbre> {
        let ([centroid, flatness, rolloff, flux], windows, pairs) = (self.sums, self.windows, self.pairs);
        (self.sums, self.windows, self.pairs) = ([0.0; 4], 0, 0);
        let count = f64::from(windows);
        (windows > 0).then(|| Timbre {
            centroid: centroid / count,
            flatness: flatness / count,
            rolloff: rolloff / count,
            flux: flux / f64::from(pairs.max(1)),
        })
    }
}

fn rise(now: &[f32], before: &[f32]) -> f32 {
    let louder = |(now, before): (&f32, &f32)| if now > before { (1.0 + GAIN * now) / (1.0 + GAIN * before) } else { 1.0 };
    // A window of full scale gives less than 2^20.
    sum_of_logarithms::<6>(now.iter().zip(before).map(louder))
}

/// Σ ln, by one logarithm for every `N` values: their product must stay within the range of the type.
fn sum_of_logarithms<const N: usize>(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut product) = (0.0, 1.0);
    for (at, value) in values.enumerate() {
        product *= value;
        if at % N == N - 1 {
            sum += product.ln();
            product = 1.0;
        }
    }
    sum + product.ln()
}

/// In bins.
fn centroid(now: &[f32], total: f32) -> f64 {
    now.iter().enumerate().map(|(bin, magnitude)| bin as f64 * f64::from(*magnitude)).sum::<f64>() / f64::from(total)
}

fn flatness(now: &[f32]) -> f64 {
    let powers = || now.iter().map(|magnitude| (magnitude * magnitude).max(LEAST_POWER));
    let count = now.len() as f64;
    // Powers are within 1e-10 and 1e12.
    let geometric = (f64::from(sum_of_logarithms::<3>(powers())) / count).exp();
    geometric / (powers().map(f64::from).sum::<f64>() / count)
}

/// The bin up to which [`ROLLOFF`] of the magnitudes lie.
fn rolloff(now: &[f32], total: f32) -> usize {
    let mut sum = 0.0;
    let reached = |magnitude: &f32| {
        sum += magnitude;
        sum >= ROLLOFF * total
    };
    now.iter().position(reached).unwrap_or(0)
}

/// Distance between two magnitude spectra, each scaled to length 1: 0 for a steady tone, √2 for spectra that share no bin.
fn flux(now: &[f32], before: &[f32]) -> f64 {
    let length = |spectrum: &[f32]| spectrum.iter().map(|bin| bin * bin).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    let (a, b) = (length(now), length(before));
    f64::from(now.iter().zip(before).map(|(now, before)| (now / a - before / b).powi(2)).sum::<f32>().sqrt())
}
