//! Reverberation: how fast the sound dies away after what made it stopped. A room lets nothing die faster than itself, so the faster
//! decays of a sound tell of the room (after Ratnam et al., "Blind estimation of reverberation time", JASA 114, 2003). A heuristic.

use serde::{Deserialize, Serialize};

use super::super::hearing::frames::Frames;
use super::super::hearing::{HOP, decibels};

/// Levels that are averaged: 30 ms.
const SMOOTH: usize = 3;
/// A decay may rise by this much from one level to the next, decibels.
const RISE: f64 = 1.5;
/// The part of a decay that is measured, decibels below its begin.
const UPPER: f64 = 5.0;
const LOWER: f64 = 25.0;
/// The longest decay: 6 s.
const LONGEST: usize = 600;
/// How straight a decay must be: the correlation's square.
const STRAIGHT: f64 = 0.9;
/// Shortest time that is told apart, seconds, and steps of the histogram per doubling.
const SHORTEST: f64 = 0.05;
const PER_DOUBLING: f64 = 10.0;
const BINS: usize = 80;
/// Fewer decays say nothing.
const DECAYS_MIN: u32 = 5;
/// The share of decays that are faster than the room's: what is measured wrongly.
const FASTER: f64 = 0.2;

/// What lasts from level to level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    blocks: Frames,
    /// The last levels, before smoothing.
    last: Vec<f64>,
    /// Levels since the last rise.
    decay: Vec<f64>,
    /// Decays by their time.
    times: Vec<u32>,
}

/// What is known of a room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Room {
    /// Seconds in which the sound falls by 60 dB.
    pub(super) rt60: f64,
    pub(super) decays: u32,
}

impl Room {
    /// In a word.
    pub(super) fn word(self) -> &'static str {
        match self.rt60 {
            ..0.4 => "dry",
            0.4..1.0 => "room",
            _ => "hall",
        }
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self { blocks: Frames::new(HOP, HOP), last: Vec::new(), decay: Vec::new(), times: vec![0; BINS] }
    }

    pub(super) fn hear(&mut self, samples: &[f32]) -> anyhow::Result<()> {
        let Self { blocks, last, decay, times } = self;
        blocks.cut(samples, |block| {
            let power = block.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / HOP as f64;
            last.push(decibels(power));
            if last.len() > SMOOTH {
                last.remove(0);
            }
            let level = last.iter().sum::<f64>() / last.len() as f64;
            if decay.last().is_some_and(|before| level > before + RISE) || decay.len() >= LONGEST {
                count(decay, times);
                decay.clear();
            }
            if decay.first().is_some_and(|first| level > *first) {
                decay.clear();
            }
            decay.push(level);
            Ok(())
        })
    }

    /// The room, where enough decays tell of it.
    pub(super) fn room(&self) -> Option<Room> {
        let mut times = self.times.clone();
        count(&self.decay, &mut times);
        let decays: u32 = times.iter().sum();
        if decays < DECAYS_MIN {
            return None;
        }
        let place = (f64::from(decays) * FASTER) as u32;
        let mut before = 0;
        let bin = times.iter().position(|count| {
            before += count;
            before > place
        })?;
        Some(Room { rt60: SHORTEST * 2_f64.powf((bin as f64 + 0.5) / PER_DOUBLING), decays })
    }
}

/// Measures a decay: a straight line through its levels from [`UPPER`] to [`LOWER`] decibels below its begin.
fn count(decay: &[f64], times: &mut [u32]) {
    let Some(first) = decay.first() else { return };
    let within: Vec<f64> =
        decay.iter().copied().skip_while(|level| *level > first - UPPER).take_while(|level| *level > first - LOWER).collect();
    let reaches_down = decay.iter().any(|level| *level <= first - LOWER);
    if !reaches_down || within.len() < 3 {
        return;
    }
    let count = within.len() as f64;
    let (mean_x, mean_y) = ((count - 1.0) / 2.0, within.iter().sum::<f64>() / count);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (at, level) in within.iter().enumerate() {
        let (x, y) = (at as f64 - mean_x, level - mean_y);
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
    }
    let slope = xy / xx * 100.0;
    if slope >= 0.0 || xy * xy / (xx * yy).max(f64::MIN_POSITIVE) < STRAIGHT {
        return;
    }
    let bin = ((-60.0 / slope / SHORTEST).log2() * PER_DOUBLING).max(0.0) as usize;
    if let Some(time) = times.get_mut(bin) {
        *time += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    /// Bursts of noise in a room.
    fn bursts(rt60: f64) -> Vec<f32> {
        let tail = 0.3 + rt60;
        let noise = synth::noise(0.5, (0.2 + tail) * 12.0);
        let burst = ((0.2 + tail) * 16_000.0) as usize;
        let level = |at: usize| {
            let after = (at % burst) as f64 / 16_000.0 - 0.2;
            10_f64.powf(-3.0 * after.max(0.0) / rt60) as f32
        };
        noise.iter().enumerate().map(|(at, sample)| sample * level(at)).collect()
    }

    #[test]
    fn the_time_of_a_room_is_found_within_a_quarter() {
        for (rt60, word) in [(0.25, "dry"), (0.6, "room"), (1.5, "hall"), (3.0, "hall")] {
            let mut state = State::new();
            state.hear(&bursts(rt60)).unwrap();
            let room = state.room().unwrap();
            assert!((room.rt60 / rt60 - 1.0).abs() < 0.25 && room.decays >= 8, "{rt60}: {room:?}");
            assert_eq!(room.word(), word);
        }
    }

    #[test]
    fn what_never_dies_away_tells_of_no_room() {
        for sound in [synth::noise(0.3, 10.0), synth::tone(440.0, 0.3, 10.0), vec![0.0; 160_000]] {
            let mut state = State::new();
            state.hear(&sound).unwrap();
            assert_eq!(state.room(), None);
        }
    }
}
