//! Mains hum: lines at 50 or 60 Hz and their multiples that stand still above what is beside them. A heuristic.

use serde::{Deserialize, Serialize};

use super::super::hearing::frames::Frames;
use super::super::hearing::median;
use super::super::hearing::spectrum::Spectrum;

/// Samples per value of the slow signal: it has 1 kHz.
const SLOWER: usize = 16;
/// Values per spectrum: bins of 1 Hz.
pub(super) const WINDOW: usize = 1000;
/// Half a second from one spectrum to the next.
const STEP: usize = 500;
const MAINS: [f64; 2] = [50.0, 60.0];
/// Multiples that are looked at.
const MULTIPLES: usize = 4;
/// How far a line may lie from its place, Hz per multiple: mains keep within 0.2 Hz, a bass note does not.
const OFF_MAX: f64 = 0.35;
/// How far a line must stand out of what is beside it, decibels.
const ABOVE: f64 = 14.0;
/// Softer lines are not heard, dBFS.
const LEVEL_MIN: f64 = -75.0;
/// Spectra in a row that make a hum: 5 s.
const ROW: usize = 9;

/// What lasts from spectrum to spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    slow: Frames,
    frames: Frames,
    /// Spectra so far.
    count: usize,
    /// Where the hum began, its mains, and what its strength adds up to.
    open: Option<(usize, usize, f64)>,
}

/// A hum, in samples of the sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hum {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) mains_hz: f64,
    /// How far the strongest line stands out, decibels; the mean over the hum.
    pub(super) above_db: f64,
}

impl State {
    pub(super) fn new() -> Self {
        Self { slow: Frames::new(2 * SLOWER, SLOWER), frames: Frames::new(WINDOW, STEP), count: 0, open: None }
    }

    /// Listens; hums that ended are appended to `found`. `spectrum` is of [`WINDOW`].
    pub(super) fn hear(&mut self, spectrum: &mut Spectrum, samples: &[f32], found: &mut Vec<Hum>) -> anyhow::Result<()> {
        let mut slow = Vec::new();
        self.slow.cut(samples, |frame| {
            slow.push(slower(frame));
            Ok(())
        })?;
        let Self { frames, count, open, .. } = self;
        frames.cut(&slow, |frame| {
            let heard = strongest(spectrum.magnitudes(frame)?);
            let goes_on = open.zip(heard).is_some_and(|(open, heard)| open.1 == heard.0);
            if let Some(ended) = open.take_if(|_| !goes_on) {
                found.extend(hum(ended, *count));
            }
            if let Some((mains, above)) = heard {
                let (from, _, sum) = open.unwrap_or((*count, mains, 0.0));
                *open = Some((from, mains, sum + above));
            }
            *count += 1;
            Ok(())
        })
    }

    /// The hum that the sound ends with.
    pub(super) fn finish(&mut self) -> Option<Hum> {
        hum(self.open.take()?, self.count)
    }
}

fn hum((from, mains, sum): (usize, usize, f64), to: usize) -> Option<Hum> {
    let spectra = to - from;
    let sample = |spectrum: usize| spectrum * STEP * SLOWER;
    (spectra >= ROW).then(|| Hum {
        from: sample(from),
        to: sample(to - 1) + WINDOW * SLOWER,
        mains_hz: MAINS[mains],
        above_db: sum / spectra as f64,
    })
}

/// One value for sixteen samples: the mean under a triangle, which has its zeros at the multiples of 1 kHz.
fn slower(frame: &[f32]) -> f32 {
    let weight = |at: usize| (at + 1).min(2 * SLOWER - at) as f32;
    let sum: f32 = frame.iter().enumerate().map(|(at, sample)| sample * weight(at)).sum();
    sum / (SLOWER * (SLOWER + 1)) as f32
}

/// The mains whose lines stand out most, and by how many decibels the strongest does. One of the first two multiples must: rectifiers hum
/// at the second.
fn strongest(magnitudes: &[f32]) -> Option<(usize, f64)> {
    let of = |mains: usize| {
        let lines: Vec<f64> = (1..=MULTIPLES).map(|n| line(magnitudes, MAINS[mains], n).unwrap_or(0.0)).collect();
        let hums = lines.iter().take(2).any(|above| *above > 0.0);
        let most = lines.iter().copied().fold(0.0, f64::max);
        hums.then_some((mains, most, lines.iter().sum::<f64>()))
    };
    let found = (0..MAINS.len()).filter_map(of).max_by(|a, b| a.2.total_cmp(&b.2));
    found.map(|(mains, most, _)| (mains, most))
}

/// By how much the line at a multiple stands out, where it does and lies at its place.
fn line(magnitudes: &[f32], mains: f64, multiple: usize) -> Option<f64> {
    let place = (mains * multiple as f64) as usize;
    let at = |bin: usize| f64::from(magnitudes.get(bin).copied().unwrap_or_default()).max(1e-9).ln();
    let top = (place - 1..=place + 1).max_by(|a, b| at(*a).total_cmp(&at(*b)))?;
    let curve = at(top - 1) - 2.0 * at(top) + at(top + 1);
    let shift = if curve < 0.0 { 0.5 * (at(top - 1) - at(top + 1)) / curve } else { 0.0 };
    let off = (top as f64 + shift - place as f64).abs();
    let mut beside: Vec<f64> = (place - 12..=place - 4).chain(place + 4..=place + 12).map(at).collect();
    let decibels = 20.0 / std::f64::consts::LN_10;
    // A sine of amplitude 1 gives a quarter of the window under Hann.
    let level = decibels * (at(top) - (WINDOW as f64 / 4.0).ln());
    let above = decibels * (at(top) - median(&mut beside)?);
    (off <= OFF_MAX * multiple as f64 && above >= ABOVE && level >= LEVEL_MIN).then_some(above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    fn hums(sound: &[f32]) -> Vec<Hum> {
        let (mut state, mut spectrum, mut found) = (State::new(), Spectrum::hann(WINDOW), Vec::new());
        for piece in sound.chunks(3001) {
            state.hear(&mut spectrum, piece, &mut found).unwrap();
        }
        found.extend(state.finish());
        found
    }

    #[test]
    fn hum_of_both_mains_under_other_sound_is_found_where_it_is() {
        for (mains, exact) in [(50.0, 49.93), (60.0, 60.05)] {
            let lines = [(1.0, 0.03), (2.0, 0.012), (3.0, 0.018)];
            let hum =
                lines.iter().fold(Vec::new(), |sum, (n, amplitude)| synth::mix(&sum, &synth::tone(exact * n, *amplitude, 10.0)));
            let sound = [synth::pink(0.05, 5.0), synth::mix(&hum, &synth::pink(0.05, 10.0)), synth::pink(0.05, 5.0)].concat();
            let found = hums(&sound);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!((found[0].mains_hz - mains).abs() < 0.1 && found[0].above_db > ABOVE, "{found:?}");
            let seconds = |sample: usize| sample as f64 / 16_000.0;
            assert!((seconds(found[0].from) - 5.0).abs() <= 1.0 && (seconds(found[0].to) - 15.0).abs() <= 1.0, "{found:?}");
        }
    }

    #[test]
    fn bass_notes_noise_and_short_hums_are_none() {
        // G1 and B1, the notes beside 50 and 60 Hz.
        for sound in
            [synth::tone(48.999, 0.2, 10.0), synth::tone(61.735, 0.2, 10.0), synth::pink(0.3, 10.0), synth::tone(50.0, 0.1, 3.0)]
        {
            assert_eq!(hums(&sound), []);
        }
    }
}
