//! Beats: the places, about a period apart, where the onset curve is high (Ellis, "Beat Tracking by Dynamic Programming", 2007).
//!
//! The sound is looked at in sections of a minute, so that music may change and a sound of any length needs bounded memory. A section
//! hears the end of the one before again, to fall into its step.

use serde::{Deserialize, Serialize};

use super::super::hearing::HOP;
use super::tempo::{self, MIN_VALUES, RATE, Tempo};
use super::timbre::WINDOW;

/// Onset values of a section: 60 s.
const SECTION: usize = 6000;
/// Of them, those that the next section hears again: 10 s.
const AGAIN: usize = 1000;
/// How much a beat that is early or late costs (`tightness` of librosa).
const TIGHTNESS: f32 = 100.0;
/// Tempi that differ by less than this share are one tempo.
const SAME_TEMPO: f32 = 0.04;
/// Where an event lies in the window in which it first shows, in samples: past its middle, where the window begins to weigh it.
const EVENT: usize = WINDOW - HOP / 2;

/// Beats of one section.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    pub(super) tempo: Tempo,
    /// In samples of the sound.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) beats: Vec<usize>,
}

/// What lasts from section to section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Beats {
    onsets: Vec<f32>,
    /// Number of the first of `onsets`.
    first: usize,
    /// Onsets up to which beats were told.
    told: usize,
    last_beat: Option<usize>,
    /// Tempo, strength and length of the sections with a beat.
    tempi: Vec<(f32, f32, usize)>,
    found: usize,
}

/// The tempo of a whole sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Whole {
    pub(super) bpm: f64,
    pub(super) strength: f32,
    /// Share of the sound that has this tempo.
    pub(super) share: f64,
    pub(super) beats: usize,
}

impl Beats {
    /// Takes the next value of the onset curve; answers a section when one is full and has a beat.
    pub(super) fn push(&mut self, onset: f32) -> Option<Section> {
        self.onsets.push(onset);
        if self.onsets.len() < SECTION {
            return None;
        }
        let section = self.section();
        self.onsets.drain(..SECTION - AGAIN);
        self.first += SECTION - AGAIN;
        section
    }

    /// The section that the sound ends with, when it has a beat.
    pub(super) fn finish(&mut self) -> Option<Section> {
        if self.first + self.onsets.len() <= self.told { None } else { self.section() }
    }

    fn section(&mut self) -> Option<Section> {
        let (from, to) = (self.told, self.first + self.onsets.len());
        self.told = to;
        if self.onsets.len() < MIN_VALUES {
            return None;
        }
        let curve = tempo::sharpen(&self.onsets);
        let tempo = tempo::estimate(&curve)?;
        let period = RATE * 60.0 / tempo.bpm;
        let after = self.last_beat.map_or(from, |last| from.max(last + (period / 2.0) as usize));
        let beats: Vec<usize> = track(&curve, period).into_iter().map(|at| at + self.first).filter(|at| *at >= after).collect();
        self.last_beat = beats.last().copied().or(self.last_beat);
        self.tempi.push((tempo.bpm, tempo.strength, to - from));
        self.found += beats.len();
        let beats = beats.into_iter().map(|at| at * HOP + EVENT).collect();
        Some(Section { tempo, from: from * HOP, to: to * HOP + WINDOW - HOP, beats })
    }

    /// The tempo that the most and the strongest sections share.
    pub(super) fn whole(&self) -> Option<Whole> {
        let near = |bpm: f32| self.tempi.iter().filter(move |(other, _, _)| (other / bpm - 1.0).abs() < SAME_TEMPO);
        let weight = |(_, strength, length): &(f32, f32, usize)| f64::from(*strength) * *length as f64;
        let support = |bpm: f32| near(bpm).map(weight).sum::<f64>();
        let (bpm, _, _) = self.tempi.iter().copied().reduce(|a, b| if support(b.0) > support(a.0) { b } else { a })?;
        let length: usize = near(bpm).map(|(_, _, length)| length).sum();
        Some(Whole {
            bpm: near(bpm).map(|section| f64::from(section.0) * weight(section)).sum::<f64>() / support(bpm),
            strength: (support(bpm) / length.max(1) as f64) as f32,
            share: length as f64 / self.told.max(1) as f64,
            beats: self.found,
        })
    }
}

/// The beats on a curve: those with the highest sum of the curve's values, less what uneven periods cost.
fn track(curve: &[f32], period: f32) -> Vec<usize> {
    let deviation = (curve.iter().map(|value| value * value).sum::<f32>() / curve.len().max(1) as f32).sqrt();
    let (near, far) = ((period / 2.0).round() as usize, (period * 2.0).round() as usize);
    let cost: Vec<f32> = (0..=far).map(|lag| TIGHTNESS * (lag.max(1) as f32 / period).ln().powi(2)).collect();
    let (mut scores, mut before): (Vec<f32>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (at, value) in curve.iter().enumerate() {
        let lags = near.max(1)..=far.min(at);
        let best = lags.map(|lag| (at - lag, scores[at - lag] - cost[lag])).reduce(|a, b| if b.1 > a.1 { b } else { a });
        // The first beat follows none.
        let best = best.filter(|best| best.1 > 0.0);
        scores.push(value / deviation.max(f32::MIN_POSITIVE) + best.map_or(0.0, |best| best.1));
        before.push(best.map(|best| best.0));
    }
    let from = scores.len().saturating_sub(period.ceil() as usize);
    let last = (from..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut beats: Vec<usize> = std::iter::successors(last, |at| before[*at]).collect();
    beats.reverse();
    beats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_fall_on_the_onsets_also_when_one_is_missing() {
        let mut curve = vec![-0.05; 1000];
        let places: Vec<usize> = (0..19).map(|n| 40 + n * 50).collect();
        places.iter().filter(|at| **at != 490).for_each(|at| curve[*at] = 1.0);
        let found = track(&curve, 50.0);
        assert!(found.iter().filter(|at| places.contains(at)).count() >= 18, "{found:?}");
        assert!(found.iter().any(|at| at.abs_diff(490) <= 3), "{found:?}");
        assert!(track(&[], 50.0).is_empty());
    }

    #[test]
    fn sections_join_without_a_beat_twice_and_a_change_of_tempo_shows() {
        let (mut beats, mut sections) = (Beats::default(), Vec::new());
        for at in 0..15_000_usize {
            let period = if at < 11_000 { 50 } else { 40 };
            sections.extend(beats.push(if at % period == 7 { 10.0 } else { 0.0 }));
        }
        sections.extend(beats.finish());
        let all: Vec<usize> = sections.iter().flat_map(|section| section.beats.clone()).collect();
        let steps: Vec<usize> = all.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().filter(|step| step.abs_diff(50 * HOP) <= 3 * HOP).count() > 200, "{steps:?}");
        assert!(steps.iter().all(|step| *step > 20 * HOP), "{steps:?}");
        assert!((sections[0].tempo.bpm - 120.0).abs() < 1.0 && (sections[2].tempo.bpm - 150.0).abs() < 1.0, "{sections:?}");
        let whole = beats.whole().unwrap();
        assert!((whole.bpm - 120.0).abs() < 1.0 && (0.6..0.9).contains(&whole.share), "{whole:?}");
        assert!(beats.onsets.len() < SECTION && beats.finish().is_none());
    }
}
