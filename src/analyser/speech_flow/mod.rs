//! `speech_flow`: how is spoken: rate, pauses, fillers; who speaks when.
//!
//! Findings:
//! * `flow`, from the first word to the last: `{words, words_per_minute, articulation_rate, pauses, mean_pause_ms, fillers, speakers, turns}`;
//!   `articulation_rate` counts the time of the words only; `speakers` is null without speaker vectors.
//! * `rate`, one per 10 s in which enough is said: `{words, words_per_minute, articulation_rate}`.
//! * `pause`, a gap of 0.5 to 10 s between words.
//! * `filler`, with what was said as text.
//! * `turn`: `{speaker, words, words_per_minute}`; speakers are numbered from 1 in the order in which they first speak; without a transcript
//!   the last two are null.
//! * `overlap`: `{speakers: [a, b], method: "heuristic"}`: a stretch of speech as like one voice as another.
//!
//! Words come from the transcript; speakers from Resemblyzer's vectors of stretches of sound, grouped by likeness.

mod turns;
mod voices;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::turns::{Heard, Turn};
use self::voices::Ears;
use self::words::{Rate, Word};
use super::hearing::{Clock, clean, round};
use super::{Analyser, Pass, Pcm, Sampling, Spec, Summary, span, state};
use crate::infer::{Models, Session};
use crate::model::{AnalyserStatus, Finding, MediaInfo};

const NAME: &str = "speech_flow";
const TRANSCRIPT: &str = "speech_transcription";
const MODEL: &str = "resemblyzer";
/// Words that are kept of one sound: about two days of speech.
const WORDS_MAX: usize = 400_000;

/// The analyser.
pub struct SpeechFlow;

impl Analyser for SpeechFlow {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[MODEL],
            sampling: Sampling::Audio,
            after: &[TRANSCRIPT],
            limits: "As good as the transcript, from which Whisper leaves many fillers out. Speakers are told apart by a small model: alike \
                     voices may be one, a voice that changes two; turns under about a second are missed. Speaker numbers hold within one sound \
                     and name nobody. Overlap is a heuristic.",
        }
    }

    fn begin(&self, _media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let model = if models.has(MODEL) { Some(models.session(MODEL, "resemblyzer.onnx")?) } else { None };
        let state = State { clock: Clock::default(), voices: voices::State::new(), words: Vec::new() };
        Ok(Box::new(Listening { model, ears: Ears::new(), state }))
    }
}

struct Listening {
    model: Option<Arc<Session>>,
    ears: Ears,
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    clock: Clock,
    voices: voices::State,
    words: Vec<Word>,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.state.clock.hear(pcm);
        match &self.model {
            Some(model) => self.state.voices.hear(&mut self.ears, model, &clean(pcm)),
            None => Ok(()),
        }
    }

    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        if analyser == TRANSCRIPT {
            self.state.words.extend(findings.iter().flat_map(words::of_segment));
            self.state.words.truncate(WORDS_MAX);
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
        let Self { model, mut state, .. } = *self;
        if state.clock.heard() == 0 {
            return Ok(Summary::skipped("no sound"));
        }
        state.words.sort_by_key(|word| (word.start_ms, word.end_ms));
        let heard = match &model {
            Some(model) => state.heard(model)?,
            None => Vec::new(),
        };
        let turns = if model.is_some() { turns::turns(&state.words, &heard) } else { Vec::new() };
        let mut found: Vec<Finding> = state.flow(&turns, model.as_ref().map(|_| speakers(&turns))).into_iter().collect();
        found.extend(turns.iter().map(turn_finding));
        found.extend(heard.iter().filter_map(overlap_finding));
        found.extend(
            words::fillers(&state.words)
                .into_iter()
                .map(|(text, start_ms, end_ms)| Finding { text: Some(text), ..finding("filler", start_ms, end_ms, 1.0) }),
        );
        let spans = span::strongest(found.iter().map(|finding| span::begin(NAME, finding)).collect());
        // Rates and pauses are too many and too small for rows.
        out.append(&mut found);
        out.extend(words::pauses(&state.words).into_iter().map(|(start_ms, end_ms)| finding("pause", start_ms, end_ms, 1.0)));
        let origin_ms = state.clock.ms(0);
        out.extend(
            words::rates(&state.words, origin_ms)
                .into_iter()
                .map(|rate| Finding { value: Some(rate_value(rate)), ..finding("rate", rate.start_ms, rate.end_ms, 1.0) }),
        );
        if model.is_none() {
            let reason = Some("the model resemblyzer is not here: no speakers, no turns".to_owned());
            return Ok(Summary { status: AnalyserStatus::Degraded, reason, spans: Some(spans) });
        }
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl State {
    /// The stretches of speech; where there is a transcript, only those in which words were said.
    fn heard(&mut self, model: &Session) -> anyhow::Result<Vec<Heard>> {
        let clock = self.clock;
        let heard = self.voices.finish(model)?.into_iter();
        let mut heard: Vec<Heard> =
            heard.map(|stretch| Heard { start_ms: clock.ms(stretch.from), end_ms: clock.ms(stretch.to), stretch }).collect();
        if !self.words.is_empty() {
            let mut said = self.words.iter().peekable();
            heard.retain(|own| {
                while said.next_if(|word| word.end_ms <= own.start_ms).is_some() {}
                said.peek().is_some_and(|word| word.start_ms < own.end_ms)
            });
            renumber(&mut heard);
        }
        Ok(heard)
    }

    fn flow(&self, turns: &[Turn], speakers: Option<usize>) -> Option<Finding> {
        let rate = words::rate(&self.words)?;
        let pauses = words::pauses(&self.words);
        let together: i64 = pauses.iter().map(|(start, end)| end - start).sum();
        let mut value = rate_value(rate);
        value["pauses"] = json!(pauses.len());
        value["mean_pause_ms"] = json!(together / (pauses.len() as i64).max(1));
        value["fillers"] = json!(words::fillers(&self.words).len());
        value["speakers"] = json!(speakers);
        value["turns"] = json!(speakers.map(|_| turns.len()));
        Some(Finding { value: Some(value), ..finding("flow", rate.start_ms, rate.end_ms, 1.0) })
    }
}

/// Of a stretch in which two may be speaking.
fn overlap_finding(own: &Heard) -> Option<Finding> {
    let speakers = [own.stretch.voice + 1, own.stretch.other? + 1];
    let value = Some(json!({ "speakers": speakers, "method": "heuristic" }));
    Some(Finding { value, ..finding("overlap", own.start_ms, own.end_ms, 0.3) })
}

/// Numbers the voices that are left in the order in which they speak.
fn renumber(heard: &mut [Heard]) {
    let mut order: Vec<usize> = Vec::new();
    for own in heard.iter() {
        if !order.contains(&own.stretch.voice) {
            order.push(own.stretch.voice);
        }
    }
    let number = |voice: usize| order.iter().position(|known| *known == voice);
    for own in heard {
        own.stretch.voice = number(own.stretch.voice).unwrap_or_default();
        own.stretch.other = own.stretch.other.and_then(number);
    }
}

fn speakers(turns: &[Turn]) -> usize {
    let mut speakers: Vec<usize> = turns.iter().map(|turn| turn.speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    speakers.len()
}

fn finding(label: &str, start_ms: i64, end_ms: i64, confidence: f32) -> Finding {
    Finding { start_ms, end_ms, label: label.to_owned(), confidence, ..Finding::default() }
}

fn rate_value(rate: Rate) -> Value {
    json!({
        "words": rate.words,
        "words_per_minute": round(rate.words_per_minute, 1),
        "articulation_rate": round(rate.articulation, 1),
    })
}

fn turn_finding(turn: &Turn) -> Finding {
    let minutes = (turn.end_ms - turn.start_ms).max(1) as f64 / 60_000.0;
    let value = json!({
        "speaker": turn.speaker + 1,
        "words": turn.words,
        "words_per_minute": turn.words.map(|words| round(words as f64 / minutes, 1)),
    });
    Finding { value: Some(value), ..finding("turn", turn.start_ms, turn.end_ms, turn.likeness.clamp(0.0, 1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::hearing::synth::{self, Saving, labelled, number};

    fn segment(start_ms: i64, words: i64) -> Finding {
        let word = |n: i64| json!({ "word": if n == 3 { "um," } else { "word" }, "start_ms": start_ms + n * 400, "end_ms": start_ms + n * 400 + 300 });
        let value = json!({ "language": "en", "words": (0..words).map(word).collect::<Vec<_>>() });
        Finding { value: Some(value), ..finding("speech", start_ms, start_ms + words * 400, 0.9) }
    }

    #[test]
    fn without_vectors_the_words_still_have_their_flow() {
        let mut pass = SpeechFlow.begin(&MediaInfo::default(), &synth::no_models()).unwrap();
        let mut out = Vec::new();
        pass.audio(&Pcm { time_ms: 0, samples: vec![0.0; 16_000].into() }, &mut out).unwrap();
        pass.findings(TRANSCRIPT, &[segment(1000, 20)], &mut out).unwrap();
        let saved = pass.save().unwrap();
        let mut pass = SpeechFlow.resume(&MediaInfo::default(), &synth::no_models(), &saved).unwrap();
        pass.findings(TRANSCRIPT, &[segment(11_000, 20)], &mut out).unwrap();
        let summary = pass.finish(&mut out).unwrap();
        assert_eq!(summary.status, AnalyserStatus::Degraded);
        let flow = labelled(&out, "flow")[0];
        assert!(
            (number(flow, "words_per_minute") - 133.0).abs() < 3.0 && (number(flow, "articulation_rate") - 200.0).abs() < 1.0,
            "{flow:?}"
        );
        assert_eq!((number(flow, "pauses") as u32, number(flow, "fillers") as u32), (1, 2), "{flow:?}");
        assert!(flow.value.as_ref().unwrap()["speakers"].is_null());
        assert_eq!(
            labelled(&out, "pause").iter().map(|pause| (pause.start_ms, pause.end_ms)).collect::<Vec<_>>(),
            [(8900, 11_000)]
        );
        assert_eq!((labelled(&out, "rate").len(), labelled(&out, "filler").len(), labelled(&out, "turn").len()), (2, 2, 0));
        assert_eq!(labelled(&out, "filler")[0].text.as_deref(), Some("um"));
        assert_eq!(summary.spans.unwrap().len(), 3, "the flow and the fillers");
    }

    #[test]
    fn no_words_have_no_flow() {
        let (found, _) = synth::listen(&SpeechFlow, &vec![0.0; 8000], 900, Saving::AfterEveryPiece);
        assert!(found.is_empty());
        let (_, summary) = synth::listen(&SpeechFlow, &[], 900, Saving::Never);
        assert_eq!(summary.status, AnalyserStatus::Skipped);
    }
}
