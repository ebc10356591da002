//! Sounds with known answers, for tests.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::SECOND;
use crate::analyser::{Analyser, Pcm, Summary};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

fn count(seconds: f64) -> usize {
    (seconds * SECOND as f64).round() as usize
}

/// A sine.
pub(in crate::analyser) fn tone(hz: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    (0..count(seconds)).map(|i| (amplitude * (TAU * hz * i as f64 / SECOND as f64).sin()) as f32).collect()
}

/// A sine whose frequency rises evenly.
pub(in crate::analyser) fn sweep(from: f64, to: f64, seconds: f64) -> Vec<f32> {
    let rate = (to - from) / seconds;
    let at = |i: usize| i as f64 / SECOND as f64;
    (0..count(seconds)).map(|i| (0.5 * (TAU * (from + rate * at(i) / 2.0) * at(i)).sin()) as f32).collect()
}

/// White noise, uniform in ± amplitude, from a fixed linear congruential generator.
pub(in crate::analyser) fn noise(amplitude: f32, seconds: f64) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count(seconds)).map(|_| amplitude * next()).collect()
}

/// Pink noise: white noise through the three poles of Paul Kellet's economy filter.
pub(in crate::analyser) fn pink(amplitude: f32, seconds: f64) -> Vec<f32> {
    let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
    let filter = |white: f32| {
        a = 0.99765 * a + white * 0.099_046;
        b = 0.96300 * b + white * 0.296_516_4;
        c = 0.57000 * c + white * 1.052_691_3;
        (a + b + c + white * 0.1848) * 0.2
    };
    noise(amplitude, seconds).into_iter().map(filter).collect()
}

/// Short bursts of 1 kHz at this tempo, the first after a quarter of a second.
pub(in crate::analyser) fn clicks(bpm: f64, seconds: f64) -> Vec<f32> {
    let mut sound = vec![0.0; count(seconds)];
    let burst = tone(1000.0, 0.8, 0.01);
    let mut at = 0.25;
    while count(at) + burst.len() < sound.len() {
        let start = count(at);
        sound[start..start + burst.len()].copy_from_slice(&burst);
        at += 60.0 / bpm;
    }
    sound
}

/// Pulses of a glottis with this pitch through three formants: an `a`.
pub(in crate::analyser) fn voice(hz: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    let formant = |f: f64| {
        let near = |centre: f64, width: f64| 1.0 / (1.0 + ((f - centre) / width).powi(2));
        near(700.0, 110.0) + 0.5 * near(1220.0, 120.0) + 0.25 * near(2600.0, 160.0) + 0.01
    };
    let partials: Vec<(f64, f64)> =
        (1..=100).map(|n| f64::from(n) * hz).filter(|f| *f < 5000.0).map(|f| (f, formant(f) * hz / f)).collect();
    let loudest: f64 = partials.iter().map(|partial| partial.1).sum();
    let at = |i: usize| {
        let time = i as f64 / SECOND as f64;
        partials.iter().map(|(f, weight)| weight * (TAU * f * time).sin()).sum::<f64>() / loudest
    };
    (0..count(seconds)).map(|i| (amplitude * at(i)) as f32).collect()
}

/// Notes (numbers of MIDI) with four harmonics, struck together and dying away.
pub(in crate::analyser) fn chord(notes: &[i32], seconds: f64) -> Vec<f32> {
    let hz: Vec<f64> = notes.iter().map(|note| 440.0 * 2_f64.powf(f64::from(note - 69) / 12.0)).collect();
    let at = |i: usize| {
        let time = i as f64 / SECOND as f64;
        let harmonic = |hz: f64, n: i32| 0.6_f64.powi(n - 1) * (TAU * hz * f64::from(n) * time).sin();
        let note = |hz: &f64| (1..=4).map(|n| harmonic(*hz, n)).sum::<f64>();
        (0.08 * hz.iter().map(note).sum::<f64>() * (-1.5 * time).exp()) as f32
    };
    (0..count(seconds)).map(at).collect()
}

/// One sound upon the other; as long as the longer.
pub(in crate::analyser) fn mix(one: &[f32], other: &[f32]) -> Vec<f32> {
    let at = |sound: &[f32], i: usize| sound.get(i).copied().unwrap_or(0.0);
    (0..one.len().max(other.len())).map(|i| at(one, i) + at(other, i)).collect()
}

/// Models where there are none.
pub(in crate::analyser) fn no_models() -> Arc<Models> {
    Arc::new(Models::open("no-models-here", 1))
}

/// What an analyser without models finds in a sound given in pieces of `size`; after every piece but the last the pass is saved and taken
/// up by another when `saving` is.
pub(in crate::analyser) fn listen(
    analyser: &dyn Analyser,
    sound: &[f32],
    size: usize,
    saving: Saving,
) -> (Vec<Finding>, Summary) {
    let (media, models, mut out) = (MediaInfo::default(), no_models(), Vec::new());
    let mut pass = analyser.begin(&media, &models).unwrap();
    for (i, piece) in sound.chunks(size).enumerate() {
        let time_ms = (i * size * 1000 / SECOND) as i64;
        pass.audio(&Pcm { time_ms, samples: piece.into() }, &mut out).unwrap();
        if saving == Saving::AfterEveryPiece {
            pass = analyser.resume(&media, &models, &pass.save().unwrap()).unwrap();
        }
    }
    let summary = pass.finish(&mut out).unwrap();
    (out, summary)
}

/// Whether a pass is saved and resumed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analyser) enum Saving {
    Never,
    AfterEveryPiece,
}

/// Asserts that the findings do not depend on the pieces, nor on saving.
pub(in crate::analyser) fn assert_cut_does_not_matter(analyser: &dyn Analyser, sound: &[f32]) {
    let sorted = |(mut found, summary): (Vec<Finding>, Summary)| {
        found.sort_by(|a, b| (a.start_ms, a.end_ms, &a.label).cmp(&(b.start_ms, b.end_ms, &b.label)));
        (found, summary)
    };
    let whole = sorted(listen(analyser, sound, sound.len().max(1), Saving::Never));
    for (size, saving) in
        [(997, Saving::Never), (16_000, Saving::AfterEveryPiece), (4001, Saving::AfterEveryPiece), (160_000, Saving::Never)]
    {
        let other = sorted(listen(analyser, sound, size, saving));
        assert_eq!(other.1, whole.1, "pieces of {size}, {saving:?}");
        assert_eq!(other.0, whole.0, "pieces of {size}, {saving:?}");
    }
}

/// The findings with a label.
pub(in crate::analyser) fn labelled<'a>(found: &'a [Finding], label: &str) -> Vec<&'a Finding> {
    found.iter().filter(|finding| finding.label == label).collect()
}

/// A number in a finding's value.
pub(in crate::analyser) fn number(finding: &Finding, name: &str) -> f64 {
    let value = finding.value.as_ref().and_then(|value| value[name].as_f64());
    value.unwrap_or_else(|| panic!("`{name}` in {finding:?}"))
}
