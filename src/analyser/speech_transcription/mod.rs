//! `speech_transcription`: silero VAD finds speech, Whisper base writes it down.
//!
//! Findings: `speech`, one per segment that Whisper ends; text, and `{language, language_confidence, words: [{word, start_ms, end_ms,
//! confidence}], avg_logprob, no_speech, low_confidence?}`. The confidence is the geometric mean of the tokens' probabilities.
//!
//! * Regions of speech are put together into windows of at most 30 s (a pause of 3 s ends a window), so that silence is never transcribed
//!   and the encoder, which costs the same for any window, runs rarely.
//! * The language of the first window that is at least half sure holds for the sound; a later window that is very sure of another one
//!   is written in that one.
//! * A window that repeats itself is decoded again with repetition barred. A window in which the decoder itself believes that there is no
//!   speech, and whose text is improbable, is dropped.

mod language;
mod mel;
mod rules;
mod transcript;
pub mod vad;
mod whisper;
mod words;

use std::ops::Range;
use std::sync::Arc;

use self::language::Language;
use self::vad::Vad;
use self::whisper::Whisper;
use super::{Analyser, Pass, Pcm, SAMPLE_RATE, Sampling, Spec, Summary};
use crate::infer::Models;
use crate::model::{AnalyserResult, AnalyserStatus, Finding, MediaInfo, Span};

const NAME: &str = "speech_transcription";
/// Samples per millisecond.
const MILLISECOND: usize = SAMPLE_RATE as usize / 1000;
/// What one window may hold.
const WINDOW_MAX: usize = 30_000 * MILLISECOND;
/// Sound around the speech that Whisper hears too: cut words cost it more than some silence.
const CONTEXT: usize = 200 * MILLISECOND;
/// A longer pause ends a window.
const PAUSE_MAX: usize = 3_000 * MILLISECOND;

/// Writes down speech.
pub struct SpeechTranscription;

impl Analyser for SpeechTranscription {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[vad::MODEL, whisper::MODEL],
            sampling: Sampling::Audio,
            limits: "Whisper base errs on names, noise, music, accents and small languages (Vietnamese among them), and may invent words; \
                     one speaker at a time, singing is mostly not heard. Times of words come from the decoder's attention: about ± 0.2 s.",
        }
    }

    fn begin(&self, _media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(Listening {
            vad: Vad::open(models)?,
            models: models.clone(),
            whisper: None,
            language: Language::default(),
            start_ms: None,
            sound: Vec::new(),
            sound_start: 0,
            regions: Vec::new(),
            segments: Vec::new(),
            written: 0,
        }))
    }
}

struct Listening {
    models: Arc<Models>,
    vad: Vad,
    /// Opened at the first speech.
    whisper: Option<Whisper>,
    language: Language,
    start_ms: Option<i64>,
    /// Samples that may still be transcribed, from sample `sound_start` on: at most about a minute.
    sound: Vec<f32>,
    sound_start: usize,
    /// Regions of speech that wait for their window, in samples.
    regions: Vec<Range<usize>>,
    segments: Vec<Finding>,
    /// The sample up to which everything is written.
    written: usize,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.start_ms.get_or_insert(pcm.time_ms);
        // Half-second steps bound what waits, whatever the size of the piece.
        for piece in pcm.samples.chunks(500 * MILLISECOND) {
            self.sound.extend(piece.iter().map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }));
            let heard = self.sound.len() - piece.len();
            self.vad.hear(&self.sound[heard..], &mut self.regions)?;
            while let Some(count) = self.full_window() {
                self.transcribe(count, out)?;
            }
            self.forget();
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.start_ms.is_none() {
            return Ok(Summary { status: AnalyserStatus::Skipped, reason: Some("no sound".to_owned()), spans: None });
        }
        self.vad.finish(&mut self.regions)?;
        while !self.regions.is_empty() {
            self.transcribe(fitting(&self.regions), out)?;
        }
        Ok(Summary { spans: Some(spans(&self.segments)), ..Summary::done() })
    }
}

impl Listening {
    /// How many of the waiting regions make a window, once no later speech can join it.
    fn full_window(&self) -> Option<usize> {
        let count = fitting(&self.regions);
        let (first, last) = (self.regions.first()?, self.regions.get(count.checked_sub(1)?)?);
        let next = self.vad.open_since().unwrap_or(self.vad.heard());
        let full = count < self.regions.len()
            || next > last.end + PAUSE_MAX
            || next.max(self.vad.heard()) > first.start + WINDOW_MAX - 2 * CONTEXT;
        full.then_some(count)
    }

    /// Writes down the first `count` regions as one window.
    fn transcribe(&mut self, count: usize, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let regions: Vec<Range<usize>> = self.regions.drain(..count.max(1)).collect();
        let (Some(first), Some(last)) = (regions.first(), regions.last()) else { return Ok(()) };
        let from = first.start.saturating_sub(CONTEXT).max(self.written).max(self.sound_start);
        let to = (last.end + CONTEXT).min(self.sound_start + self.sound.len());
        if self.whisper.is_none() {
            self.whisper = Some(Whisper::open(&self.models)?);
        }
        let Some(whisper) = &self.whisper else { return Ok(()) };
        let ms = |sample: usize| (sample / MILLISECOND) as i64;
        let samples = self.sound.get(from - self.sound_start..to - self.sound_start).unwrap_or_default();
        let speech: Vec<Range<i64>> =
            regions.iter().map(|region| ms(region.start) - ms(from)..ms(region.end) - ms(from)).collect();
        let written = transcript::write(whisper, &mut self.language, samples, &speech)?;
        let origin_ms = self.start_ms.unwrap_or_default() + ms(from);
        let segments: Vec<Finding> = written.segments.into_iter().map(|segment| segment.finding(origin_ms)).collect();
        out.extend(segments.iter().cloned());
        self.segments.extend(segments);
        self.written = last.end;
        if let Some(resume_ms) = written.resume_ms {
            // What the model left for a next window waits for it, with the speech that follows.
            let resume = from + (resume_ms as usize).max(1000) * MILLISECOND;
            self.written = resume;
            let left = regions.iter().filter(|region| region.end > resume).map(|region| region.start.max(resume)..region.end);
            self.regions.splice(..0, left.collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Drops sound that no window needs any more.
    fn forget(&mut self) {
        let needed = self.regions.first().map(|region| region.start).or(self.vad.open_since()).unwrap_or(self.vad.heard());
        let drop = needed.saturating_sub(2 * CONTEXT + 500 * MILLISECOND).saturating_sub(self.sound_start).min(self.sound.len());
        self.sound.drain(..drop);
        self.sound_start += drop;
    }
}

/// How many regions, from the first, fit into one window.
fn fitting(regions: &[Range<usize>]) -> usize {
    let Some(first) = regions.first() else { return 0 };
    let joins =
        |pair: &[Range<usize>]| pair[1].start <= pair[0].end + PAUSE_MAX && pair[1].end - first.start <= WINDOW_MAX - 2 * CONTEXT;
    1 + regions.windows(2).take_while(|pair| joins(pair)).count()
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

    fn seconds(spans: &[(usize, usize)]) -> Vec<Range<usize>> {
        spans.iter().map(|(from, to)| from * 1000 * MILLISECOND..to * 1000 * MILLISECOND).collect()
    }

    #[test]
    fn a_window_takes_regions_up_to_its_length_and_to_a_long_pause() {
        assert_eq!(fitting(&seconds(&[(0, 5), (6, 10), (12, 28), (29, 33)])), 3);
        assert_eq!(fitting(&seconds(&[(0, 5), (9, 10)])), 1);
        assert_eq!(fitting(&seconds(&[(0, 29)])), 1);
        assert_eq!(fitting(&[]), 0);
    }

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
