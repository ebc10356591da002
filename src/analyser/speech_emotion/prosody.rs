//! Pitch, level and syllables of a voice, in cells of 200 ms.

use serde::{Deserialize, Serialize};

use super::super::hearing::frames::Frames;
use super::super::hearing::pitch::{FRAME, Yin};
use super::super::hearing::{HOP, decibels, median};

/// Frames of 10 ms in a cell.
const PER_CELL: usize = 20;
/// Samples of a cell.
pub(super) const CELL: usize = PER_CELL * HOP;
/// Levels that are averaged before syllables are looked for: 50 ms.
const SMOOTH: usize = 5;
/// A syllable is a voiced peak this much above the dips on both sides, decibels (de Jong and Wempe, "Praat script to detect syllable
/// nuclei", Behavior Research Methods 41, 2009).
const DIP: f64 = 2.0;
/// Softer peaks are no syllables, dBFS.
const LEVEL_MIN: f64 = -50.0;

/// A fifth of a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// Median pitch of the voiced frames, Hz; 0 where there is none.
    pub(super) pitch: f32,
    /// dBFS.
    pub(super) level: f32,
    /// Voiced frames, of 20.
    pub(super) voiced: u8,
    pub(super) syllables: u8,
}

impl Cell {
    /// Whether a good part of it is voice.
    pub(super) fn is_voiced(self) -> bool {
        usize::from(self.voiced) * 5 >= PER_CELL * 2
    }
}

/// What lasts from frame to frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    frames: Frames,
    pitches: Vec<f64>,
    power: f64,
    syllables: u8,
    filled: usize,
    envelope: Envelope,
    pub(super) cells: Vec<Cell>,
}

/// Follows the level to its peaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Envelope {
    last: Vec<f64>,
    dip: f64,
    /// The highest level since the dip, and whether it was voiced.
    peak: Option<(f64, bool)>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            frames: Frames::new(FRAME, HOP),
            pitches: Vec::new(),
            power: 0.0,
            syllables: 0,
            filled: 0,
            envelope: Envelope { last: Vec::new(), dip: 0.0, peak: None },
            cells: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, yin: &Yin, samples: &[f32]) -> anyhow::Result<()> {
        let Self { frames, pitches, power, syllables, filled, envelope, cells } = self;
        frames.cut(samples, |frame| {
            // The frame's middle: what both halves of the pitch's comparison share.
            let middle = &frame[FRAME / 2 - HOP..FRAME / 2 + HOP];
            let own = middle.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / middle.len() as f64;
            let pitch = yin.pitch(frame)?;
            *power += own;
            *syllables += u8::from(envelope.push(decibels(own), pitch.is_some()));
            pitches.extend(pitch);
            *filled += 1;
            if *filled == PER_CELL {
                let voiced = pitches.len() as u8;
                let pitch = median(pitches).unwrap_or(0.0) as f32;
                let level = decibels(*power / PER_CELL as f64) as f32;
                cells.push(Cell { pitch, level, voiced, syllables: *syllables });
                pitches.clear();
                (*power, *syllables, *filled) = (0.0, 0, 0);
            }
            Ok(())
        })
    }
}

impl Envelope {
    /// Takes the next level; answers whether a syllable just ended.
    fn push(&mut self, level: f64, voiced: bool) -> bool {
        self.last.push(level);
        if self.last.len() > SMOOTH {
            self.last.remove(0);
        }
        let level = self.last.iter().sum::<f64>() / self.last.len() as f64;
        let Some((peak, _)) = self.peak else {
            self.dip = self.dip.min(level);
            if level >= self.dip + DIP && level >= LEVEL_MIN {
                self.peak = Some((level, voiced));
            }
            return false;
        };
        if level > peak {
            self.peak = Some((level, voiced));
            return false;
        }
        if level > peak - DIP {
            return false;
        }
        self.dip = level;
        self.peak.take().is_some_and(|(_, voiced)| voiced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth;

    fn cells(sound: &[f32]) -> Vec<Cell> {
        let mut state = State::new();
        state.hear(&Yin::new(), sound).unwrap();
        state.cells
    }

    #[test]
    fn a_voice_has_its_pitch_and_its_syllables() {
        // Four syllables a second, each 150 ms of voice.
        let syllable = [synth::voice(180.0, 0.3, 0.15), vec![0.0; 1600]].concat();
        let cells = cells(&syllable.repeat(16));
        assert!((18..=20).contains(&cells.len()), "{}", cells.len());
        let mut pitches: Vec<f64> = cells.iter().filter(|cell| cell.is_voiced()).map(|cell| f64::from(cell.pitch)).collect();
        let syllables: u8 = cells.iter().map(|cell| cell.syllables).sum();
        assert!((median(&mut pitches).unwrap() / 180.0 - 1.0).abs() < 0.02, "{cells:?}");
        assert!((14..=16).contains(&syllables), "{syllables}");
    }

    #[test]
    fn noise_has_no_voice() {
        let cells = cells(&synth::noise(0.1, 3.0));
        assert!(cells.iter().all(|cell| !cell.is_voiced()), "{cells:?}");
        assert!((f64::from(cells[5].level) + 24.8).abs() < 1.0, "{:?}", cells[5]);
    }
}
