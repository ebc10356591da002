//! From one window of speech to findings.

use serde_json::json;

use super::choice::Choice;
use super::language::Language;
use super::pack::Pack;
use super::rules::Repetition;
use super::whisper::{Decoded, Token, Whisper, Window};
use super::words::{self, Word};
use super::{MILLISECOND, PAUSE_MAX};
use crate::analyser::hearing::{Clock, round};
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
/// Nobody says more words in a second.
const WORDS_PER_SECOND_MAX: f32 = 8.0;

/// What was written of a window.
#[derive(Default)]
pub(super) struct Written {
    pub(super) findings: Vec<Finding>,
    /// Where the model stopped before the window's end, when it did; in milliseconds of the window.
    pub(super) resume_ms: Option<i64>,
}

/// The language of a window.
struct Spoken {
    code: String,
    /// Its token; none in a model that knows English only.
    id: Option<u32>,
    confidence: Option<f32>,
    weak: bool,
}

/// What holds for all that is written of a window.
struct Context<'a> {
    spoken: Spoken,
    repeats: bool,
    no_speech: f32,
    pack: &'a Pack,
    clock: Clock,
}

/// Writes down a window of speech.
pub(super) fn write(
    whisper: &Whisper,
    choice: &Choice,
    language: &mut Language,
    pack: &Pack,
    clock: Clock,
) -> anyhow::Result<Written> {
    let sound = pack.sound();
    let window = whisper.encode(&sound)?;
    let Some(spoken) = spoken(whisper, choice, language, &window) else { return Ok(Written::default()) };
    let decoded = decode(whisper, &window, spoken.id)?;
    if window.no_speech > NO_SPEECH_MAX && decoded.avg_logprob < LOGPROB_MIN {
        return Ok(Written::default());
    }
    let parts = parts(whisper, &decoded, (sound.len() / MILLISECOND) as i64);
    let text: Vec<Token> = parts.segments.iter().flatten().copied().collect();
    if text.is_empty() {
        return Ok(Written { findings: Vec::new(), resume_ms: parts.resume_ms });
    }
    let ids: Vec<u32> = text.iter().map(|token| token.id).collect();
    let attention = whisper.attention(&window, spoken.id, &ids)?;
    let words = words::words(&whisper.tokenizer, &spoken.code, &text, attention, &pack.speech());
    let repeats = decoded.compression > COMPRESSION_MAX;
    let context = Context { spoken, repeats, no_speech: window.no_speech, pack, clock };
    let mut findings = Vec::new();
    for group in context.groups(&parts.segments, &words) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let tokens = text.get(first.tokens.start..last.tokens.end).unwrap_or_default();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        findings.push(context.finding(group, tokens, whisper.tokenizer.decode(&ids).trim()));
    }
    Ok(Written { findings, resume_ms: parts.resume_ms })
}

fn spoken(whisper: &Whisper, choice: &Choice, language: &mut Language, window: &Window) -> Option<Spoken> {
    if !whisper.tokenizer.is_multilingual() {
        return Some(Spoken { code: "en".to_owned(), id: None, confidence: None, weak: false });
    }
    let (place, confidence) = language.of_window(&window.languages)?;
    let (code, id) = whisper.tokenizer.languages.get(place)?;
    Some(Spoken { weak: choice.is_weak_in(code), code: code.clone(), id: Some(*id), confidence: Some(confidence) })
}

fn decode(whisper: &Whisper, window: &Window, language: Option<u32>) -> anyhow::Result<Decoded> {
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

impl Context<'_> {
    /// The words of each segment; a segment is parted where the sound has a long pause, which the window does not show.
    fn groups<'w>(&self, segments: &[Vec<Token>], words: &'w [Word]) -> Vec<&'w [Word]> {
        let (mut groups, mut rest, mut end) = (Vec::new(), words, 0);
        for segment in segments {
            end += segment.len();
            let count = rest.iter().take_while(|word| word.tokens.start < end).count();
            let (own, later) = rest.split_at(count);
            rest = later;
            groups.extend(own.chunk_by(|one, next| {
                let (one, next) = (self.pack.place(one.start_ms, one.end_ms), self.pack.place(next.start_ms, next.end_ms));
                next.start <= one.end + PAUSE_MAX
            }));
        }
        groups
    }

    fn finding(&self, words: &[Word], tokens: &[Token], text: &str) -> Finding {
        let avg_logprob = tokens.iter().map(|token| token.logprob).sum::<f32>() / tokens.len().max(1) as f32;
        let confidence = avg_logprob.exp().clamp(0.0, 1.0);
        let times: Vec<(i64, i64)> = words
            .iter()
            .map(|word| self.pack.place(word.start_ms, word.end_ms))
            .map(|place| (self.clock.ms(place.start), self.clock.ms(place.end)))
            .collect();
        let (start_ms, end_ms) = (times.first().map_or(0, |time| time.0), times.last().map_or(0, |time| time.1));
        let crowded = words.len() as f32 > 3.0 + WORDS_PER_SECOND_MAX * (end_ms - start_ms) as f32 / 1000.0;
        let unsure = confidence.min(self.spoken.confidence.unwrap_or(1.0)) < CONFIDENCE_MIN;
        let word = |(word, (start_ms, end_ms)): (&Word, &(i64, i64))| json!({ "word": word.text, "start_ms": start_ms, "end_ms": end_ms, "confidence": rounded(word.confidence) });
        let mut value = json!({
            "language": self.spoken.code,
            "language_confidence": self.spoken.confidence.map(rounded),
            "words": words.iter().zip(&times).map(word).collect::<Vec<_>>(),
            "avg_logprob": rounded(avg_logprob),
            "no_speech": rounded(self.no_speech),
        });
        if self.repeats || crowded || unsure || avg_logprob < LOGPROB_MIN || self.spoken.weak {
            value["low_confidence"] = json!(true);
        }
        Finding {
            start_ms,
            end_ms,
            label: "speech".to_owned(),
            confidence,
            text: Some(text.to_owned()),
            value: Some(value),
            ..Finding::default()
        }
    }
}

/// Three digits, and no binary noise in the JSON.
fn rounded(value: f32) -> f64 {
    round(f64::from(value), 3)
}
