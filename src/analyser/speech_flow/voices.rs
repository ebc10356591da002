//! Whose voice: stretches of speech as vectors (Resemblyzer), grouped as they come.
//!
//! Mel powers, not logarithms: 40 bands of librosa's default filters, windows of 25 ms every 10 ms, at most 160 of them, quiet speech
//! raised to −30 dBFS (Resemblyzer 0.1.4, `audio.py` and `hparams.py`).

use serde::{Deserialize, Serialize};

use super::super::hearing::frames::Frames;
use super::super::hearing::mel::Filters;
use super::super::hearing::spectrum::Spectrum;
use super::super::hearing::{HOP, decibels};
use crate::infer::{Session, Tensor};

const WINDOW: usize = 400;
const BANDS: usize = 40;
/// Numbers of a vector.
const SIZE: usize = 256;
/// Frames of a whole stretch: what the network was trained on.
const WHOLE: usize = 160;
/// Fewer frames say too little of a voice.
const FRAMES_MIN: usize = 60;
/// Quieter speech is raised to this level, dBFS.
const RAISED_TO: f64 = -30.0;

/// A frame is speech when it is so much louder than the background, and loud enough at all.
const ABOVE_FLOOR: f64 = 9.0;
const LEVEL_MIN: f64 = -55.0;
/// How fast the background may rise, decibels per frame: 3 dB a second.
const FLOOR_RISE: f64 = 0.03;
const FLOOR_BEGIN: f64 = -70.0;
/// Frames of background that end a stretch: 150 ms.
const HANGOVER: usize = 15;

/// A stretch that is less like every known voice than this is a new voice. Stretches of one speaker have a likeness of about 0.8 to their
/// mean, of two speakers 0.3 to 0.65.
const SAME_VOICE: f32 = 0.66;
/// Voices whose means are more alike than this are one.
const SAME_MEANS: f32 = 0.82;
/// Voices that are told apart in one sound.
const VOICES_MAX: usize = 32;
/// A voice heard for less time than this is taken for the nearest other: 2 s.
const VOICE_FRAMES_MIN: usize = 200;
/// Stretches of each of two voices before a third sound can be taken for both at once.
const KNOWN_STRETCHES: u32 = 2;
/// Likeness to two voices at once that tells of both speaking, and how far the two may differ.
const BOTH_MIN: f32 = 0.5;
const BOTH_APART: f32 = 0.08;

/// The transform and the filters.
pub(super) struct Ears {
    spectrum: Spectrum,
    filters: Filters,
}

impl Ears {
    pub(super) fn new() -> Self {
        Self { spectrum: Spectrum::hann(WINDOW), filters: Filters::slaney(BANDS, WINDOW) }
    }
}

/// One stretch of speech by one voice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Stretch {
    /// Samples of the sound.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) voice: usize,
    /// To the voice's mean.
    pub(super) likeness: f32,
    /// Another voice that it is as like: both may be speaking.
    pub(super) other: Option<usize>,
}

/// The mean of a voice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Voice {
    sum: Vec<f32>,
    frames: usize,
    stretches: u32,
}

/// What lasts from frame to frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    frames: Frames,
    count: usize,
    floor: f64,
    /// Mel powers of the stretch so far, and the sum of its powers.
    mels: Vec<f32>,
    power: f64,
    /// Frames of background at its end.
    quiet: usize,
    voices: Vec<Voice>,
    stretches: Vec<Stretch>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            frames: Frames::centred(WINDOW, HOP),
            count: 0,
            floor: FLOOR_BEGIN,
            mels: Vec::new(),
            power: 0.0,
            quiet: 0,
            voices: Vec::new(),
            stretches: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, ears: &mut Ears, model: &Session, samples: &[f32]) -> anyhow::Result<()> {
        let mut frames = std::mem::replace(&mut self.frames, Frames::new(1, 1));
        let heard = frames.cut(samples, |frame| self.take(ears, model, frame));
        self.frames = frames;
        heard
    }

    fn take(&mut self, ears: &mut Ears, model: &Session, frame: &[f32]) -> anyhow::Result<()> {
        let power = frame.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / WINDOW as f64;
        let level = decibels(power);
        self.floor = level.min(self.floor + FLOOR_RISE);
        self.count += 1;
        let speech = level >= LEVEL_MIN && level >= self.floor + ABOVE_FLOOR;
        if !speech && self.mels.is_empty() {
            return Ok(());
        }
        self.quiet = if speech { 0 } else { self.quiet + 1 };
        self.power += power;
        let powers = ears.spectrum.powers(frame)?;
        self.mels.extend(ears.filters.of(powers));
        if self.quiet >= HANGOVER || self.mels.len() >= WHOLE * BANDS {
            self.end(model)?;
        }
        Ok(())
    }

    /// The stretch ended.
    fn end(&mut self, model: &Session) -> anyhow::Result<()> {
        let frames = self.mels.len() / BANDS;
        let mut mels = std::mem::take(&mut self.mels);
        let level = decibels(std::mem::take(&mut self.power) / frames.max(1) as f64);
        let quiet = std::mem::take(&mut self.quiet);
        if frames < FRAMES_MIN + quiet {
            return Ok(());
        }
        let raise = 10_f64.powf((RAISED_TO - level).max(0.0) / 10.0) as f32;
        for mel in &mut mels {
            *mel *= raise;
        }
        let outputs = model.run(&[("mels", &Tensor::f32(&[1, frames, BANDS], mels)?)])?;
        let vector = vector_of(outputs.first()?)?;
        let (from, to) = (self.count - frames, self.count - quiet);
        let stretch = self.assign(&vector, frames - quiet);
        self.stretches.push(Stretch { from: from * HOP, to: to * HOP, ..stretch });
        Ok(())
    }

    /// The voice that a vector is of; its mean follows.
    fn assign(&mut self, vector: &[f32], frames: usize) -> Stretch {
        let mut near: Vec<(f32, usize)> =
            self.voices.iter().enumerate().map(|(at, voice)| (likeness(&voice.sum, vector), at)).collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let known = |at: usize| self.voices.get(at).is_some_and(|voice| voice.stretches >= KNOWN_STRETCHES);
        let other = match near.as_slice() {
            [(best, one), (next, other), ..]
                if *next >= BOTH_MIN
                    && best - next <= BOTH_APART
                    && *best < SAME_VOICE + BOTH_APART
                    && known(*one)
                    && known(*other) =>
            {
                Some(*other)
            }
            _ => None,
        };
        let stretch = |voice: usize, likeness: f32| Stretch { from: 0, to: 0, voice, likeness, other };
        match near.first() {
            // A mixture would spoil the mean of either.
            Some((best, voice)) if other.is_some() => stretch(*voice, *best),
            Some((best, voice)) if *best >= SAME_VOICE || self.voices.len() >= VOICES_MAX => {
                if let Some(own) = self.voices.get_mut(*voice) {
                    own.sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
                    own.frames += frames;
                    own.stretches += 1;
                }
                stretch(*voice, *best)
            }
            _ => {
                self.voices.push(Voice { sum: vector.to_vec(), frames, stretches: 1 });
                stretch(self.voices.len() - 1, 1.0)
            }
        }
    }

    /// The sound ended: all stretches, with voices numbered from 0 in the order in which they first speak.
    pub(super) fn finish(&mut self, model: &Session) -> anyhow::Result<Vec<Stretch>> {
        if !self.mels.is_empty() {
            self.end(model)?;
        }
        let names = joined(&self.voices);
        let mut order: Vec<usize> = Vec::new();
        let mut number = |voice: usize| {
            let name = names.get(voice).copied().unwrap_or(voice);
            order.iter().position(|known| *known == name).unwrap_or_else(|| {
                order.push(name);
                order.len() - 1
            })
        };
        let mut stretches = std::mem::take(&mut self.stretches);
        for stretch in &mut stretches {
            stretch.voice = number(stretch.voice);
        }
        for stretch in &mut stretches {
            stretch.other = stretch.other.map(&mut number).filter(|other| *other != stretch.voice);
        }
        Ok(stretches)
    }
}

/// The network's output as a vector.
///
/// # Errors
/// When it is of another shape, or not of numbers.
fn vector_of(output: &Tensor) -> anyhow::Result<Vec<f32>> {
    anyhow::ensure!(output.shape() == [1, SIZE], "`resemblyzer` gives an output of shape {:?}", output.shape());
    let vector = output.as_f32()?;
    anyhow::ensure!(vector.iter().all(|value| value.is_finite()), "`resemblyzer` gives what is no number");
    Ok(vector.to_vec())
}

/// The cosine between two vectors.
fn likeness(one: &[f32], other: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    if lengths > 0.0 { dot(one, other) / lengths } else { 0.0 }
}

/// For each voice the one that it is part of: the most alike are joined first; then those that were heard too shortly go to the nearest.
fn joined(voices: &[Voice]) -> Vec<usize> {
    let mut names: Vec<usize> = (0..voices.len()).collect();
    let mut left: Vec<(usize, Voice)> = voices.iter().cloned().enumerate().collect();
    loop {
        let pairs = (0..left.len()).flat_map(|one| (one + 1..left.len()).map(move |other| (one, other)));
        let short = |at: usize| left[at].1.frames < VOICE_FRAMES_MIN;
        let closest = |pairs: &mut dyn Iterator<Item = (usize, usize)>| {
            pairs
                .map(|(one, other)| (likeness(&left[one].1.sum, &left[other].1.sum), one, other))
                .max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let alike = closest(&mut pairs.clone()).filter(|pair| pair.0 >= SAME_MEANS);
        let Some((_, one, other)) = alike.or_else(|| closest(&mut pairs.filter(|(one, other)| short(*one) || short(*other))))
        else {
            return names;
        };
        let (name, gone) = left.remove(other);
        if let Some((into, kept)) = left.get_mut(one) {
            kept.sum.iter_mut().zip(&gone.sum).for_each(|(sum, value)| *sum += value);
            kept.frames += gone.frames;
            names.iter_mut().filter(|own| **own == name).for_each(|own| *own = *into);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(direction: usize, aside: f32) -> Vec<f32> {
        (0..SIZE)
            .map(|at| {
                if at == direction {
                    1.0
                } else if at == SIZE - 1 {
                    aside
                } else {
                    0.0
                }
            })
            .collect()
    }

    #[test]
    fn vectors_of_one_direction_are_one_voice() {
        let mut state = State::new();
        let voices: Vec<usize> = [(0, 0.1), (1, 0.0), (0, -0.2), (1, 0.3), (2, 0.0)]
            .into_iter()
            .map(|(direction, aside)| state.assign(&vector(direction, aside), 100).voice)
            .collect();
        assert_eq!(voices, [0, 1, 0, 1, 2]);
        let both: Vec<f32> = vector(0, 0.0).iter().zip(vector(1, 0.0)).map(|(a, b)| 0.8 * a + 0.75 * b).collect();
        assert_eq!(state.assign(&both, 100).other, Some(1));
    }

    #[test]
    fn alike_and_short_voices_are_joined() {
        let voice = |vector: Vec<f32>, frames: usize| Voice { sum: vector, frames, stretches: 2 };
        let names = joined(&[
            voice(vector(0, 0.0), 300),
            voice(vector(1, 0.0), 300),
            voice(vector(0, 0.3), 300),
            voice(vector(1, 0.9), 50),
        ]);
        assert_eq!(names, [0, 1, 0, 1]);
        assert!(joined(&[]).is_empty());
    }

    #[test]
    fn voices_are_bounded() {
        let mut state = State::new();
        for direction in 0..200 {
            state.assign(&vector(direction, 0.0), 100);
        }
        assert_eq!(state.voices.len(), VOICES_MAX);
    }

    proptest! {
        #[test]
        fn no_output_of_the_network_makes_a_panic(
            shape in prop::collection::vec(prop_oneof![0_usize..5, Just(SIZE)], 0..4),
            value in prop_oneof![Just(f32::NAN), Just(f32::INFINITY), any::<f32>()],
        ) {
            prop_assume!(shape.iter().product::<usize>() < 100_000);
            let output = Tensor::f32(&shape, vec![value; shape.iter().product()]).unwrap();
            prop_assert_eq!(vector_of(&output).is_ok(), shape == [1, SIZE] && value.is_finite());
        }
    }
}
