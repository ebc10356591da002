//! The log-mel spectrogram that Whisper was trained on (`log_mel_spectrogram` of openai/whisper `audio.py`).

use crate::analyser::hearing::HOP;
use crate::analyser::hearing::mel::Filters;
use crate::analyser::hearing::spectrum::Spectrum;

const WINDOW: usize = 400;
/// Least power in a band: 80 dB below what a full-scale tone has.
const LEAST: f32 = 1e-10;

/// The transform and the filters.
pub(super) struct Mel {
    bands: usize,
    filters: Filters,
}

impl Mel {
    /// `bands` is 80, or 128 for Whisper large v3.
    pub(super) fn new(bands: usize) -> Self {
        Self { bands, filters: Filters::slaney(bands, WINDOW) }
    }

    pub(super) fn bands(&self) -> usize {
        self.bands
    }

    /// `[bands, frames]` of the samples, with silence after them until there are `frames`.
    pub(super) fn spectrogram(&self, samples: &[f32], frames: usize) -> anyhow::Result<Vec<f32>> {
        let samples = &samples[..samples.len().min(frames * HOP)];
        let padded = reflected(samples, frames * HOP);
        let mut spectrum = Spectrum::hann(WINDOW);
        let mut mel = vec![LEAST.log10(); self.bands * frames];
        // The frames after the sound are silent; but the last ones may see it mirrored.
        let silent = samples.len().div_ceil(HOP) + 2..frames.saturating_sub(2);
        for frame in (0..frames).filter(|frame| !silent.contains(frame)) {
            let powers = spectrum.powers(&padded[frame * HOP..frame * HOP + WINDOW])?;
            for (band, power) in self.filters.of(powers).enumerate() {
                mel[band * frames + frame] = power.max(LEAST).log10();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    #[test]
    fn silence_is_flat_and_a_tone_is_in_one_place() {
        let mel = Mel::new(80);
        let silence = mel.spectrogram(&[], 10).unwrap();
        assert!(silence.iter().all(|value| (value + 1.5).abs() < 1e-6), "log10(1e-10) → (−10 + 4) / 4");
        let spectrogram = mel.spectrogram(&synth::tone(1000.0, 1.0, 1.0), 100).unwrap();
        let at = |band: usize| spectrogram[band * 100 + 50];
        let loudest = (0..80).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap();
        // 1 kHz is mel 15 of 45.2: band 15 / (45.2 / 81) − 1.
        assert!((25..=27).contains(&loudest), "{loudest}");
    }

    #[test]
    fn leaving_silent_frames_out_changes_nothing() {
        let mel = Mel::new(80);
        let sound = synth::tone(700.0, 0.5, 0.333);
        let short = mel.spectrogram(&sound, 60).unwrap();
        let whole = mel.spectrogram(&[sound, vec![0.0; 60 * HOP]].concat(), 60).unwrap();
        assert!(short.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
