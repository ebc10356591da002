//! Key: how much each pitch class sounds (chroma), compared with how much it sounds in every major and minor key.
//!
//! The profiles are those of Krumhansl and Kessler (Krumhansl, "Cognitive Foundations of Musical Pitch", 1990, table 2.1); the key is that
//! whose profile correlates best (Krumhansl–Schmuckler).

use serde::{Deserialize, Serialize};

use super::super::hearing::frames::Frames;
use super::super::hearing::spectrum::Spectrum;

/// Samples per window: 256 ms, so that semitones from 130 Hz on are apart.
pub(super) const WINDOW: usize = 4096;
const STEP: usize = 2048;
/// Pitches that are heard, Hz.
const LOWEST: f64 = 100.0;
const HIGHEST: f64 = 2000.0;
/// Chroma is kept finely, so that the tuning can be found afterwards: 10 cents.
const FINE: usize = 120;
const FINE_PER_CLASS: usize = FINE / 12;
/// Peaks below this share of a window's highest do not count.
const PEAK_MIN: f32 = 0.03;
/// Magnitude of a tone at −60 dBFS.
const QUIET: f32 = WINDOW as f32 / 4.0 * 1e-3;
/// Windows whose peaks hold less than this share of their power are noise.
const TONAL: f32 = 0.5;
/// A tone stands still: its peak was there in the window before, within so many octaves (20 cents). Voices glide.
const STILL: f64 = 20.0 / 1200.0;
/// Windows of which less than this share of the peaks stands still are no music.
const STILL_MIN: f32 = 0.5;
/// Less than this much tonal sound has no key: 2 s.
const WINDOWS_MIN: u32 = 16;
/// Nor has a sound of which less than this share is tonal.
const TONAL_SHARE_MIN: f64 = 0.3;
/// A key is told from this correlation on.
const LIKENESS_MIN: f64 = 0.55;
/// Share of a pitch class that sounds at all.
const SOUNDING: f64 = 0.04;
/// Distance to the next key at which a key is certain.
const CLEAR: f64 = 0.15;

const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// What lasts from window to window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Chroma {
    frames: Frames,
    fine: Vec<f64>,
    /// The peaks of the last window, in octaves above 1 Hz.
    last: Vec<f64>,
    tonal: u32,
    loud: u32,
}

/// A key and how sure it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) tonic: &'static str,
    pub(super) mode: &'static str,
    /// Correlation with the key's profile.
    pub(super) likeness: f64,
    /// The key with the next best.
    pub(super) second: String,
    pub(super) confidence: f32,
    /// Share of each pitch class, from C.
    pub(super) chroma: [f64; 12],
    /// Of the sound's A from 440 Hz, cents.
    pub(super) tuning: i32,
}

impl Chroma {
    pub(super) fn new() -> Self {
        Self { frames: Frames::new(WINDOW, STEP), fine: vec![0.0; FINE], last: Vec::new(), tonal: 0, loud: 0 }
    }

    pub(super) fn hear(&mut self, spectrum: &mut Spectrum, samples: &[f32]) -> anyhow::Result<()> {
        let mut frames = std::mem::replace(&mut self.frames, Frames::new(STEP, STEP));
        let heard = frames.cut(samples, |frame| {
            let hz_per_bin = spectrum.hz(1);
            self.look(spectrum.magnitudes(frame)?, hz_per_bin);
            Ok(())
        });
        self.frames = frames;
        heard
    }

    /// Adds the tones of one window.
    fn look(&mut self, magnitudes: &[f32], hz_per_bin: f64) {
        let (first, last) = ((LOWEST / hz_per_bin) as usize, (HIGHEST / hz_per_bin) as usize);
        let heard = magnitudes.get(first - 1..last + 2).unwrap_or_default();
        let top = heard.iter().copied().fold(0.0, f32::max);
        if top < QUIET {
            self.last.clear();
            return;
        }
        self.loud += 1;
        let peaks = peaks(heard, top * PEAK_MIN);
        let octaves: Vec<f64> = peaks.iter().map(|peak| ((first as f64 - 1.0 + peak.place) * hz_per_bin).log2()).collect();
        let before = std::mem::replace(&mut self.last, octaves.clone());
        let total: f32 = heard.iter().map(|magnitude| magnitude * magnitude).sum();
        if peaks.iter().map(|peak| peak.power).sum::<f32>() < TONAL * total {
            return;
        }
        let stands = |octave: &f64| before.iter().any(|before| (before - octave).abs() <= STILL);
        let still: Vec<(&Peak, f64)> = peaks.iter().zip(octaves).filter(|(_, octave)| stands(octave)).collect();
        let sum = |peaks: &mut dyn Iterator<Item = &Peak>| peaks.map(|peak| peak.magnitude).sum::<f32>();
        let (of_still, of_all) = (sum(&mut still.iter().map(|(peak, _)| *peak)), sum(&mut peaks.iter()));
        if of_still < STILL_MIN * of_all {
            return;
        }
        self.tonal += 1;
        for (peak, octave) in still {
            let from_c = octave - 440_f64.log2() + 0.75;
            let place = (from_c.rem_euclid(1.0) * FINE as f64).round() as usize % FINE;
            self.fine[place] += f64::from(peak.magnitude / of_still);
        }
    }

    /// The key; none where too little is tonal, or where no key stands out.
    pub(super) fn key(&self) -> Option<Key> {
        let tonal = f64::from(self.tonal) / f64::from(self.loud.max(1));
        if self.tonal < WINDOWS_MIN || tonal < TONAL_SHARE_MIN {
            return None;
        }
        let tuning = self.tuning();
        let chroma = self.classes(tuning);
        if chroma.iter().filter(|share| **share >= SOUNDING).count() < 3 {
            return None;
        }
        let mut keys: Vec<(f64, usize, &'static str)> = Vec::new();
        for tonic in 0..12 {
            keys.push((likeness(&chroma, &MAJOR, tonic), tonic, "major"));
            keys.push((likeness(&chroma, &MINOR, tonic), tonic, "minor"));
        }
        keys.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ((best, tonic, mode), (next, other, other_mode)) = (*keys.first()?, *keys.get(1)?);
        let clear = ((best - next) / CLEAR).clamp(0.0, 1.0);
        (best >= LIKENESS_MIN).then(|| Key {
            tonic: NAMES[tonic],
            mode,
            likeness: best,
            second: format!("{} {other_mode}", NAMES[other]),
            confidence: (best * (0.5 + 0.5 * clear) * tonal).clamp(0.0, 1.0) as f32,
            chroma,
            tuning: tuning as i32 * 10,
        })
    }

    /// By how many tenths of a semitone the peaks lie above the nearest tone of a scale on 440 Hz, −5 to 4: their mean direction on a
    /// circle of one semitone.
    fn tuning(&self) -> isize {
        let (mut x, mut y) = (0.0, 0.0);
        for (place, weight) in self.fine.iter().enumerate() {
            let angle = std::f64::consts::TAU * place as f64 / FINE_PER_CLASS as f64;
            x += weight * angle.cos();
            y += weight * angle.sin();
        }
        (y.atan2(x) / std::f64::consts::TAU * FINE_PER_CLASS as f64).round() as isize
    }

    /// The share of each pitch class.
    fn classes(&self, tuning: isize) -> [f64; 12] {
        let mut chroma = [0.0; 12];
        let total: f64 = self.fine.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        for (place, weight) in self.fine.iter().enumerate() {
            let tuned = (place as isize - tuning + FINE_PER_CLASS as isize / 2).rem_euclid(FINE as isize) as usize;
            chroma[tuned / FINE_PER_CLASS] += weight / total;
        }
        chroma
    }
}

struct Peak {
    /// In bins.
    place: f64,
    magnitude: f32,
    power: f32,
}

/// Bins that are higher than their neighbours and `least`, at the top of a parabola through the three logarithms.
fn peaks(magnitudes: &[f32], least: f32) -> Vec<Peak> {
    let peak = |(at, three): (usize, &[f32])| {
        let (left, middle, right) = (three[0], three[1], three[2]);
        if middle < least || middle <= left || middle < right {
            return None;
        }
        let [l, m, r] = [left, middle, right].map(|magnitude| f64::from(magnitude.max(f32::MIN_POSITIVE).ln()));
        let curve = l - 2.0 * m + r;
        let shift = if curve < 0.0 { (0.5 * (l - r) / curve).clamp(-0.5, 0.5) } else { 0.0 };
        let power = left * left + middle * middle + right * right;
        Some(Peak { place: at as f64 + 1.0 + shift, magnitude: middle, power })
    };
    magnitudes.windows(3).enumerate().filter_map(peak).collect()
}

/// The correlation of a chroma with a profile that begins at `tonic`.
fn likeness(chroma: &[f64; 12], profile: &[f64; 12], tonic: usize) -> f64 {
    let mean = |values: &[f64; 12]| values.iter().sum::<f64>() / 12.0;
    let (of_chroma, of_profile) = (mean(chroma), mean(profile));
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
    for (class, share) in chroma.iter().enumerate() {
        let (a, b) = (share - of_chroma, profile[(class + 12 - tonic) % 12] - of_profile);
        both += a * b;
        one += a * a;
        other += b * b;
    }
    if one > 0.0 { both / (one * other).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    fn key_of(sound: &[f32]) -> Option<Key> {
        let mut chroma = Chroma::new();
        chroma.hear(&mut Spectrum::hann(WINDOW), sound).unwrap();
        chroma.key()
    }

    /// I IV V I in a major key, i iv V i in a minor one.
    fn cadence(tonic: i32, mode: &str, cents: f64) -> Vec<f32> {
        let third = if mode == "major" { 4 } else { 3 };
        let chords = [[0, third, 7], [5, 5 + third, 12], [7, 11, 14], [0, third, 12]];
        let stretched = |chord: [i32; 3]| {
            let sound = synth::chord(&chord.map(|note| note + tonic), 1.5);
            let rate = 2_f64.powf(cents / 1200.0);
            (0..(sound.len() as f64 / rate) as usize).map(|i| sound[(i as f64 * rate) as usize]).collect::<Vec<f32>>()
        };
        chords.into_iter().flat_map(stretched).collect()
    }

    #[test]
    fn cadences_have_their_key() {
        for (tonic, name) in NAMES.into_iter().enumerate() {
            let mode = ["major", "minor"][tonic % 2];
            let key = key_of(&cadence(57 + (tonic as i32 + 3) % 12, mode, 0.0)).unwrap();
            assert_eq!((key.tonic, key.mode), (name, mode), "{key:?}");
            assert!(key.confidence > 0.4 && key.tuning.abs() <= 10, "{key:?}");
        }
    }

    #[test]
    fn a_sound_out_of_tune_has_its_key_and_its_tuning() {
        let key = key_of(&cadence(62, "major", 30.0)).unwrap();
        assert_eq!((key.tonic, key.mode), ("D", "major"), "{key:?}");
        assert!((key.tuning - 30).abs() <= 10, "{key:?}");
    }

    #[test]
    fn noise_a_lone_tone_and_silence_have_none() {
        for sound in [synth::noise(0.3, 10.0), synth::pink(0.3, 10.0), synth::tone(440.0, 0.3, 10.0), vec![0.0; 160_000]] {
            assert_eq!(key_of(&sound), None);
        }
        assert_eq!(key_of(&synth::sweep(100.0, 2000.0, 10.0)).map(|key| key.confidence > 0.3), None);
    }
}
