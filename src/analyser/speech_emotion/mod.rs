//! `speech_emotion`: how aroused a voice sounds, by its prosody. No model, and no emotion in the proper sense: whether arousal is joy or
//! anger prosody does not tell.
//!
//! Findings: `arousal_low`, `arousal_medium`, `arousal_high`, one per utterance: `{arousal, pitch_hz, pitch_range_semitones, level_dbfs,
//! syllables_per_second, voiced, method: "heuristic"}`; `arousal` is 0 to 1, `voiced` the share of the utterance that is voice. The
//! confidence says how much voice there was, and is never above 0.5.
//!
//! Utterances are the segments of the transcript; without one, stretches of voice. Pitch, level and rate are compared with the middle of
//! all utterances of the sound, since a high voice is not an excited one; the range of the pitch counts as it is.

mod prosody;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::prosody::{CELL, Cell};
use super::hearing::pitch::Yin;
use super::hearing::{Clock, MILLISECOND, clean, median, round};
use super::{Analyser, Pass, Pcm, Sampling, Spec, Summary, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "speech_emotion";
const TRANSCRIPT: &str = "speech_transcription";
/// Milliseconds of a cell.
const CELL_MS: i64 = (CELL / MILLISECOND) as i64;
/// Shorter utterances are not judged: 1 s.
const CELLS_MIN: usize = 5;
/// Voiced cells without which an utterance is not judged.
const VOICED_MIN: usize = 3;
/// Where there is no transcript: unvoiced cells that end an utterance, and its longest length.
const PAUSE_CELLS: usize = 4;
const CELLS_MAX: usize = 50;
/// Utterances that are kept of one sound.
const UTTERANCES_MAX: usize = 20_000;

/// The analyser.
pub struct SpeechEmotion;

impl Analyser for SpeechEmotion {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[],
            sampling: Sampling::Audio,
            after: &[TRANSCRIPT],
            limits: "A heuristic from pitch, level and rate: it tells how aroused a voice sounds beside the rest of the same sound, not which \
                     emotion it has. Music and several voices at once mislead it. Sensitive and unreliable: it never decides anything.",
        }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let state = State { clock: Clock::default(), prosody: prosody::State::new(), spoken: Vec::new() };
        Ok(Box::new(Listening { yin: Yin::new(), state }))
    }
}

struct Listening {
    yin: Yin,
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    clock: Clock,
    prosody: prosody::State,
    /// The segments of the transcript, in milliseconds.
    spoken: Vec<(i64, i64)>,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.state.clock.hear(pcm);
        self.state.prosody.hear(&self.yin, &clean(pcm))
    }

    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        if analyser == TRANSCRIPT {
            let left = UTTERANCES_MAX - self.state.spoken.len().min(UTTERANCES_MAX);
            let segments = findings.iter().filter(|finding| finding.label == "speech").take(left);
            self.state.spoken.extend(segments.map(|segment| (segment.start_ms, segment.end_ms)));
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        let state = self.state;
        if state.clock.heard() == 0 {
            return Ok(Summary::skipped("no sound"));
        }
        let cells = &state.prosody.cells;
        let places = if state.spoken.is_empty() { voiced(cells) } else { state.places() };
        let utterances: Vec<Utterance> = places.into_iter().filter_map(|place| Utterance::of(cells, place)).collect();
        let usual = Usual::of(&utterances);
        out.extend(utterances.iter().map(|utterance| state.finding(utterance, &usual)));
        Ok(Summary::done())
    }
}

/// Cells that belong together, between pauses.
fn voiced(cells: &[Cell]) -> Vec<Range<usize>> {
    let (mut found, mut open): (Vec<Range<usize>>, Option<Range<usize>>) = (Vec::new(), None);
    for (at, _) in cells.iter().enumerate().filter(|(_, cell)| cell.is_voiced()) {
        match &mut open {
            Some(range) if at - range.end < PAUSE_CELLS && at - range.start < CELLS_MAX => range.end = at + 1,
            _ => found.extend(open.replace(at..at + 1)),
        }
    }
    found.extend(open);
    found.truncate(UTTERANCES_MAX);
    found
}

/// What an utterance sounds like.
#[derive(Debug, Clone, PartialEq)]
struct Utterance {
    cells: Range<usize>,
    /// Middle pitch as semitones above 1 Hz.
    pitch: f64,
    /// Deviation of the pitch, semitones.
    range: f64,
    level: f64,
    /// Syllables per second.
    rate: f64,
    voiced: usize,
}

impl Utterance {
    fn of(cells: &[Cell], place: Range<usize>) -> Option<Self> {
        let own = cells.get(place.start..place.end.min(cells.len()))?;
        let voiced: Vec<Cell> = own.iter().copied().filter(|cell| cell.is_voiced()).collect();
        if own.len() < CELLS_MIN || voiced.len() < VOICED_MIN {
            return None;
        }
        let semitones: Vec<f64> = voiced.iter().map(|cell| 12.0 * f64::from(cell.pitch.max(1.0)).log2()).collect();
        let pitch = median(&mut semitones.clone())?;
        // Without what is an octave off: YIN's usual error.
        let near: Vec<f64> = semitones.into_iter().filter(|own| (own - pitch).abs() < 10.0).collect();
        let mean = near.iter().sum::<f64>() / near.len().max(1) as f64;
        let variance = near.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / near.len().max(1) as f64;
        let level = voiced.iter().map(|cell| f64::from(cell.level)).sum::<f64>() / voiced.len() as f64;
        let syllables: u32 = own.iter().map(|cell| u32::from(cell.syllables)).sum();
        let rate = f64::from(syllables) * 1000.0 / (own.len() as i64 * CELL_MS) as f64;
        let cells = place.start..place.start + own.len();
        Some(Self { cells, pitch, range: variance.sqrt(), level, rate, voiced: voiced.len() })
    }
}

/// The middle of all utterances.
struct Usual {
    pitch: f64,
    level: f64,
    rate: f64,
}

impl Usual {
    fn of(utterances: &[Utterance]) -> Self {
        let middle = |of: fn(&Utterance) -> f64| median(&mut utterances.iter().map(of).collect::<Vec<f64>>()).unwrap_or(0.0);
        Self { pitch: middle(|own| own.pitch), level: middle(|own| own.level), rate: middle(|own| own.rate) }
    }

    /// 0 to 1; 0.5 for an utterance that is as all others, with a pitch range of 2.5 semitones.
    fn arousal(&self, own: &Utterance) -> f64 {
        let pitch = (own.pitch - self.pitch) / 3.0;
        let level = (own.level - self.level) / 5.0;
        let rate = (own.rate - self.rate) / 1.5;
        let range = (own.range - 2.5) / 2.0;
        let sum = 0.35 * pitch + 0.3 * level + 0.15 * rate + 0.2 * range;
        1.0 / (1.0 + (-2.0 * sum).exp())
    }
}

impl State {
    /// The transcript's segments as cells.
    fn places(&self) -> Vec<Range<usize>> {
        let cell = |ms: i64| ((ms - self.clock.ms(0)).max(0) / CELL_MS) as usize;
        self.spoken.iter().map(|(start, end)| cell(*start)..cell(*end + CELL_MS - 1)).collect()
    }

    fn finding(&self, own: &Utterance, usual: &Usual) -> Finding {
        let arousal = usual.arousal(own);
        let label = match arousal {
            ..0.35 => "arousal_low",
            0.35..0.65 => "arousal_medium",
            _ => "arousal_high",
        };
        let value = json!({
            "arousal": round(arousal, 2),
            "pitch_hz": round(2_f64.powf(own.pitch / 12.0), 1),
            "pitch_range_semitones": round(own.range, 1),
            "level_dbfs": round(own.level, 1),
            "syllables_per_second": round(own.rate, 1),
            "voiced": round(own.voiced as f64 / own.cells.len() as f64, 2),
            "method": "heuristic",
        });
        Finding {
            start_ms: self.clock.ms(own.cells.start * CELL),
            end_ms: self.clock.ms(own.cells.end * CELL).min(self.clock.now_ms()),
            label: label.to_owned(),
            confidence: (own.voiced as f32 / 20.0).min(0.5),
            value: Some(value),
            ..Finding::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth::{self, Saving, number};
    use crate::model::AnalyserStatus;

    /// Two seconds of syllables.
    fn speech(hz: f64, amplitude: f64) -> Vec<f32> {
        let syllable = |n: u32| {
            let melody = 1.0 + 0.03 * f64::from(n % 3);
            [synth::voice(hz * melody, amplitude, 0.2), synth::tone(hz, 0.0, 0.05)].concat()
        };
        (0..8).flat_map(syllable).collect()
    }

    fn sound() -> Vec<f32> {
        let pause = vec![0.0; 24_000];
        [speech(120.0, 0.1), pause.clone(), speech(125.0, 0.1), pause.clone(), speech(210.0, 0.4), pause, speech(118.0, 0.09)]
            .concat()
    }

    #[test]
    fn a_raised_voice_is_more_aroused_than_the_rest() {
        let (found, summary) = synth::listen(&SpeechEmotion, &sound(), 7777, Saving::Never);
        assert_eq!(summary.status, AnalyserStatus::Done);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[2].label, "arousal_high", "{found:?}");
        assert!((number(&found[2], "pitch_hz") / 216.0 - 1.0).abs() < 0.04, "{found:?}");
        assert!(
            [0, 1, 3].iter().all(|at| found[*at].label != "arousal_high" && number(&found[*at], "arousal") < 0.55),
            "{found:?}"
        );
        assert!(
            found.iter().all(|finding| finding.confidence <= 0.5 && finding.value.as_ref().unwrap()["method"] == "heuristic")
        );
        assert!((found[2].start_ms - 7000).abs() <= 400 && (found[2].end_ms - 9000).abs() <= 400, "{found:?}");
    }

    #[test]
    fn the_transcript_says_what_an_utterance_is() {
        let mut pass = SpeechEmotion.begin(&MediaInfo::default(), &synth::no_models()).unwrap();
        let mut out = Vec::new();
        pass.audio(&Pcm { time_ms: 500, samples: sound().into() }, &mut out).unwrap();
        let segment = |start_ms: i64, end_ms: i64| Finding { start_ms, end_ms, label: "speech".into(), ..Finding::default() };
        pass.findings(TRANSCRIPT, &[segment(500, 2500), segment(2600, 2700), segment(7500, 9500)], &mut out).unwrap();
        pass.findings("audio_analysis", &[segment(0, 9000)], &mut out).unwrap();
        pass.finish(&mut out).unwrap();
        let times: Vec<(i64, i64)> = out.iter().map(|finding| (finding.start_ms, finding.end_ms)).collect();
        assert_eq!(times, [(500, 2500), (7500, 9500)], "what is shorter than a second is not judged");
    }

    #[test]
    fn neither_the_pieces_nor_saving_matter() {
        synth::assert_cut_does_not_matter(&SpeechEmotion, &sound()[..90_001]);
    }

    #[test]
    fn silence_and_noise_say_nothing() {
        for sound in [vec![0.0; 48_000], synth::noise(0.2, 3.0)] {
            let (found, _) = synth::listen(&SpeechEmotion, &sound, 7777, Saving::Never);
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
