//! From one window of sound to segments of text.

use std::ops::Range;

use serde_json::json;

use super::language::Language;
use super::rules::Repetition;
use super::whisper::{Decoded, Token, Whisper, Window};
use super::words::{self, Word};
use crate::model::Finding;

/// Text more compressible than this repeats itself (openai/whisper `compression_ratio_threshold`).
const COMPRESSION_MAX: f32 = 2.4;
/// Text less probable than this is doubtful (`logprob_threshold`).
const LOGPROB_MIN: f32 = -1.0;
/// With doubtful text, a higher probability of no speech means that there is none (`no_speech_threshold`).
const NO_SPEECH_MAX: f32 = 0.6;
/// Below this a segment, or the choice of its language, is marked as of low confidence.
const CONFIDENCE_MIN: f32 = 0.5;
/// Less than this left over is not looked at again.
const REST_MIN_MS: i64 = 1000;

/// What was written of a window.
#[derive(Default)]
pub(super) struct Written {
    pub(super) segments: Vec<Segment>,
    /// Where the model stopped before the window's end, when it did.
    pub(super) resume_ms: Option<i64>,
}

/// One segment, in milliseconds from the window's begin.
pub(super) struct Segment {
    words: Vec<Word>,
    text: String,
    language: String,
    language_confidence: f32,
    avg_logprob: f32,
    no_speech: f32,
    repeats: bool,
}

/// Writes down at most 30 s of sound, in which speech is in the regions `speech` (milliseconds).
pub(super) fn write(
    whisper: &Whisper,
    language: &mut Language,
    samples: &[f32],
    speech: &[Range<i64>],
) -> anyhow::Result<Written> {
    let window = whisper.encode(samples)?;
    let Some((place, language_confidence)) = language.of_window(&window.languages) else { return Ok(Written::default()) };
    let Some((code, language_id)) = whisper.tokenizer.languages.get(place) else { return Ok(Written::default()) };
    let decoded = decode(whisper, &window, *language_id)?;
    if window.no_speech > NO_SPEECH_MAX && decoded.avg_logprob < LOGPROB_MIN {
        return Ok(Written::default());
    }
    let end_ms = (samples.len() / super::MILLISECOND) as i64;
    let parts = parts(whisper, &decoded, end_ms);
    let text: Vec<Token> = parts.segments.iter().flatten().copied().collect();
    if text.is_empty() {
        return Ok(Written { segments: Vec::new(), resume_ms: parts.resume_ms });
    }
    let ids: Vec<u32> = text.iter().map(|token| token.id).collect();
    let attention = whisper.attention(&window, *language_id, &ids)?;
    let mut words = words::words(&whisper.tokenizer, code, &text, attention, speech).into_iter().peekable();
    let mut end = 0;
    let segment = |tokens: &Vec<Token>| {
        end += tokens.len();
        let own: Vec<Word> = std::iter::from_fn(|| words.next_if(|word| word.tokens.start < end)).collect();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        Segment {
            words: own,
            text: whisper.tokenizer.decode(&ids).trim().to_owned(),
            language: code.clone(),
            language_confidence,
            avg_logprob: tokens.iter().map(|token| token.logprob).sum::<f32>() / tokens.len() as f32,
            no_speech: window.no_speech,
            repeats: decoded.compression > COMPRESSION_MAX,
        }
    };
    let segments = parts.segments.iter().map(segment).filter(|segment| !segment.words.is_empty()).collect();
    Ok(Written { segments, resume_ms: parts.resume_ms })
}

fn decode(whisper: &Whisper, window: &Window, language: u32) -> anyhow::Result<Decoded> {
    let free = whisper.decode(window, language, Repetition::Free)?;
    if free.compression <= COMPRESSION_MAX {
        return Ok(free);
    }
    whisper.decode(window, language, Repetition::Barred)
}

/// The text tokens of each segment, and where to go on.
struct Parts {
    segments: Vec<Vec<Token>>,
    resume_ms: Option<i64>,
}

/// Cuts at the timestamp tokens.
fn parts(whisper: &Whisper, decoded: &Decoded, end_ms: i64) -> Parts {
    let (mut segments, mut open, mut last_ms) = (Vec::new(), Vec::new(), None);
    for token in &decoded.tokens {
        let Some(time_ms) = whisper.tokenizer.timestamp_ms(token.id) else {
            open.push(*token);
            continue;
        };
        if !open.is_empty() {
            segments.push(std::mem::take(&mut open));
        }
        last_ms = Some(i64::from(time_ms));
    }
    let is_time = |token: &Token| whisper.tokenizer.timestamp_ms(token.id).is_some();
    // Two times at the end open a segment that the model left to the next window.
    let left_over = decoded.tokens.len() > 2 && decoded.tokens.iter().rev().take(2).all(is_time);
    let cut_short = !decoded.ended && !segments.is_empty();
    if !open.is_empty() && !cut_short {
        segments.push(open);
    }
    let resume_ms = last_ms.filter(|ms| (left_over || cut_short) && *ms > 0 && end_ms - ms > REST_MIN_MS);
    Parts { segments, resume_ms }
}

impl Segment {
    /// As a finding of a sound in which the window begins at `origin_ms`.
    pub(super) fn finding(self, origin_ms: i64) -> Finding {
        let confidence = self.avg_logprob.exp().clamp(0.0, 1.0);
        let low = self.repeats || self.avg_logprob < LOGPROB_MIN || confidence.min(self.language_confidence) < CONFIDENCE_MIN;
        let word = |word: &Word| {
            json!({
                "word": word.text,
                "start_ms": origin_ms + word.start_ms,
                "end_ms": origin_ms + word.end_ms,
                "confidence": rounded(word.confidence),
            })
        };
        let mut value = json!({
            "language": self.language,
            "language_confidence": rounded(self.language_confidence),
            "words": self.words.iter().map(word).collect::<Vec<_>>(),
            "avg_logprob": rounded(self.avg_logprob),
            "no_speech": rounded(self.no_speech),
        });
        if low {
            value["low_confidence"] = json!(true);
        }
        Finding {
            start_ms: origin_ms + self.words.first().map_or(0, |word| word.start_ms),
            end_ms: origin_ms + self.words.last().map_or(0, |word| word.end_ms),
            label: "speech".to_owned(),
            confidence,
            text: Some(self.text),
            value: Some(value),
            ..Finding::default()
        }
    }
}

/// Three digits, and no binary noise in the JSON.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}
