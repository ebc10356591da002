//! `speech_transcription`: silero VAD finds speech, Whisper writes it down.
//!
//! Findings: `speech`, one per segment that Whisper ends; text, and `{language, language_confidence, words: [{word, start_ms, end_ms,
//! confidence}], avg_logprob, no_speech, low_confidence?}`. The confidence is the geometric mean of the tokens' probabilities;
//! `language_confidence` is null of a model that knows English only.
//!
//! * Regions of speech are put together, without the pauses between them, into windows of at most 30 s, so that silence is never
//!   transcribed and the encoder, which costs the same for any window, runs rarely. What was said waits at most a minute.
//! * The language of the first window that is at least half sure holds for the sound; a later window that is very sure of another one
//!   is written in that one.
//! * A window that repeats itself is decoded again with repetition barred. A window in which the decoder itself believes that there is no
//!   speech, and whose text is improbable, is dropped. Text that is improbable, repeats itself, has more words than can be said, is in a
//!   language of which the model is not sure, or in one in which it errs much, is marked `low_confidence`.

mod choice;
mod language;
mod mel;
mod pack;
mod rules;
mod transcript;
pub mod vad;
mod whisper;
mod words;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::choice::Choice;
use self::language::Language;
use self::pack::{Pack, Piece};
use self::vad::Vad;
use self::whisper::Whisper;
use super::hearing::frames::Frames;
use super::hearing::{Clock, MILLISECOND, clean, packed};
use super::{Analyser, Options, Pass, Pcm, Sampling, Spec, Summary, state};
use crate::infer::Models;
use crate::model::{AnalyserResult, Finding, MediaInfo, Span};

const NAME: &str = "speech_transcription";
/// What one window may hold.
const WINDOW_MAX: usize = 30_000 * MILLISECOND;
/// Sound around the speech that Whisper hears too: cut words cost it more than some silence.
const CONTEXT: usize = 200 * MILLISECOND;
/// A longer pause in the sound ends a finding.
const PAUSE_MAX: usize = 3_000 * MILLISECOND;
/// What was said waits at most so long for its window to fill.
const WAIT_MAX: usize = 60_000 * MILLISECOND;
/// Sound is looked at in steps of half a second, counted from its beginning, so that the pieces in which it comes do not matter.
const STEP: usize = 500 * MILLISECOND;

/// Writes down speech.
pub struct SpeechTranscription {
    choice: Choice,
}

impl SpeechTranscription {
    /// With its options.
    ///
    /// # Errors
    /// When an option is unknown, or names no model.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        Ok(Self { choice: Choice::of(&options.of(NAME)?)? })
    }
}

impl Analyser for SpeechTranscription {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 2,
            models: self.choice.models(),
            optional: &[],
            sampling: Sampling::Audio,
            after: &[],
            limits: "The smaller Whispers err on names, noise, music, accents and small languages (Vietnamese among them), and may invent \
                     words; one speaker at a time, singing is mostly not heard. Times of words come from the decoder's attention: about ± 0.2 s.",
        }
    }

    fn parameters(&self) -> String {
        self.choice.parameters()
    }

    fn begin(&self, _media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(Listening {
            vad: Vad::open(models)?,
            models: models.clone(),
            choice: self.choice.clone(),
            whisper: None,
            state: State {
                clock: Clock::default(),
                steps: Frames::new(STEP, STEP),
                sound: Vec::new(),
                sound_start: 0,
                regions: Vec::new(),
                packed_to: 0,
                pack: Pack::default(),
                language: Language::default(),
                segments: Vec::new(),
            },
        }))
    }
}

struct Listening {
    models: Arc<Models>,
    choice: Choice,
    vad: Vad,
    /// Opened at the first speech.
    whisper: Option<Whisper>,
    state: State,
}

/// What lasts from piece to piece, beside the detector's state.
#[derive(Serialize, Deserialize)]
struct State {
    clock: Clock,
    steps: Frames,
    /// Samples that may still be packed, from sample `sound_start` on: at most about half a minute.
    #[serde(with = "packed")]
    sound: Vec<i16>,
    sound_start: usize,
    /// Regions of speech whose end was not heard with its context yet.
    regions: Vec<Range<usize>>,
    /// The sample up to which sound was packed.
    packed_to: usize,
    pack: Pack,
    language: Language,
    /// Everything that was written: what becomes spans.
    segments: Vec<Finding>,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.state.clock.hear(pcm);
        let mut steps = Vec::new();
        self.state.steps.cut(&clean(pcm), |step| {
            steps.push(step.to_vec());
            Ok(())
        })?;
        for step in steps {
            self.hear(&step, out)?;
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.vad.state(), &self.state))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let (vad, state) = state::restore(saved)?;
        self.vad.set_state(vad);
        self.state = state;
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.state.clock.heard() == 0 {
            return Ok(Summary::skipped("no sound"));
        }
        let rest = self.state.steps.rest().to_vec();
        self.hear(&rest, out)?;
        self.vad.finish(&mut self.state.regions)?;
        while !self.state.regions.is_empty() {
            self.pack(out)?;
        }
        while !self.state.pack.is_empty() {
            self.transcribe(out)?;
        }
        Ok(Summary { spans: Some(spans(&self.state.segments)), ..Summary::done() })
    }
}

impl Listening {
    fn hear(&mut self, samples: &[f32], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.state.sound.extend(samples.iter().map(|sample| packed::pack(*sample)));
        self.vad.hear(samples, &mut self.state.regions)?;
        let heard = self.state.sound_start + self.state.sound.len();
        while self.state.regions.first().is_some_and(|region| region.end + CONTEXT <= heard) {
            self.pack(out)?;
        }
        while self.state.pack.since().is_some_and(|since| since + WAIT_MAX <= heard) {
            self.transcribe(out)?;
        }
        self.state.forget(&self.vad);
        Ok(())
    }

    /// Puts the first region, with its context, to what waits to be written; writes first what it would not fit to.
    fn pack(&mut self, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let state = &mut self.state;
        let speech = state.regions.remove(0);
        let from = speech.start.saturating_sub(CONTEXT).max(state.packed_to).max(state.sound_start);
        let to = (speech.end + CONTEXT).min(state.sound_start + state.sound.len()).max(from);
        let samples = state.sound.get(from - state.sound_start..to - state.sound_start).unwrap_or_default().to_vec();
        state.packed_to = to;
        while !self.state.pack.fits(samples.len()) {
            self.transcribe(out)?;
        }
        self.state.pack.push(Piece { from, samples, speech });
        Ok(())
    }

    /// Writes down what waits. What the model leaves for a next window waits for it, with the speech that follows.
    fn transcribe(&mut self, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        if self.whisper.is_none() {
            self.whisper = Some(Whisper::open(&self.choice, &self.models)?);
        }
        let Some(whisper) = &self.whisper else { return Ok(()) };
        let state = &mut self.state;
        let written = transcript::write(whisper, &self.choice, &mut state.language, &state.pack, state.clock)?;
        match written.resume_ms {
            Some(resume_ms) => state.pack.drop_before(resume_ms.max(1000)),
            None => state.pack.clear(),
        }
        out.extend(written.findings.iter().cloned());
        state.segments.extend(written.findings);
        Ok(())
    }
}

impl State {
    /// Drops sound that no region needs any more.
    fn forget(&mut self, vad: &Vad) {
        let needed = self.regions.first().map(|region| region.start).or(vad.open_since()).unwrap_or(vad.heard());
        let drop = needed.saturating_sub(2 * CONTEXT + STEP).saturating_sub(self.sound_start).min(self.sound.len());
        self.sound.drain(..drop);
        self.sound_start += drop;
    }
}

/// At most [`AnalyserResult::SPANS_MAX`] spans: of a long sound, neighbouring segments share one.
fn spans(segments: &[Finding]) -> Vec<Span> {
    let share = segments.len().div_ceil(AnalyserResult::SPANS_MAX).max(1);
    let joined = |group: &[Finding]| {
        let texts: Vec<&str> = group.iter().filter_map(|segment| segment.text.as_deref()).collect();
        let confidence = group.iter().map(|segment| segment.confidence).fold(0.0, f32::max);
        let end_ms = group.last()?.end_ms;
        let finding = Finding { end_ms, confidence, text: Some(texts.join(" ")), ..group.first()?.clone() };
        Some(Span { analyser: NAME.to_owned(), finding, count: group.len() as u32 })
    };
    segments.chunks(share).filter_map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_segments_share_spans_and_lose_no_text() {
        let segment =
            |i: i64| Finding { start_ms: i, end_ms: i + 1, text: Some(i.to_string()), confidence: 0.5, ..Finding::default() };
        let spans = spans(&(0..1200).map(segment).collect::<Vec<_>>());
        assert_eq!(spans.len(), 400);
        assert_eq!((spans[0].finding.text.as_deref(), spans[0].count), (Some("0 1 2"), 3));
        assert_eq!(spans[399].finding.end_ms, 1200);
    }
}
