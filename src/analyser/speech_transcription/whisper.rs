//! Whisper: encode a window once, then decode it token by token with a key-value cache.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::choice::{Choice, Opened};
use super::mel::Mel;
use super::rules::{Repetition, choose, log_sum_exp};
use crate::analyser::hearing::HOP;
use crate::infer::{Kept, Models, Outputs, Session, Tensor, WhisperTokenizer};

/// Frames that the model was trained on: 30 s. Shorter inputs are padded with silence. The encoder also takes fewer frames (an 11 s window with
/// 2 s of padding in a quarter of the time), but the text suffers: of the 119 words of `two_cities.wav` 3 are wrong with 2 s of padding, 4 with
/// none, at most 1 with all frames; and with none the sentence of `jfk.flac` comes twice.
const FRAMES: usize = 3000;
/// Tokens per window, as in the reference: half of the decoder's positions.
const TOKENS_MAX: usize = 224;

/// The opened model.
pub(super) struct Whisper {
    encoder: Arc<Session>,
    decoder: Arc<Session>,
    pub(super) tokenizer: WhisperTokenizer,
    suppressed: Vec<u32>,
    mel: Mel,
}

/// An encoded window and what the first decoder step says of it.
pub(super) struct Window {
    cross: Vec<Kept>,
    /// Keys and values of the first token, and what may follow it.
    opening: Vec<Kept>,
    first: Vec<f32>,
    /// Encoder positions (20 ms) that hold sound and not padding.
    pub(super) positions: usize,
    /// Probability of each language, in the tokenizer's order; none of a model that knows English only.
    pub(super) languages: Vec<f32>,
    /// Probability that there is no speech.
    pub(super) no_speech: f32,
}

/// One sampled token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token {
    pub(super) id: u32,
    pub(super) logprob: f32,
}

/// What was decoded.
pub(super) struct Decoded {
    /// Without the end token.
    pub(super) tokens: Vec<Token>,
    /// Whether the model came to an end by itself.
    pub(super) ended: bool,
    /// Mean log-probability of the tokens, the end included.
    pub(super) avg_logprob: f32,
    /// Length of the text over its length compressed with zlib: repetition shows as a high value.
    pub(super) compression: f32,
}

/// Per alignment head, per predicted token, the encoder positions.
pub(super) type Attention = Vec<Vec<Vec<f32>>>;

impl Whisper {
    /// # Errors
    /// When a file of the model is not here, or is not what it should be.
    pub(super) fn open(choice: &Choice, models: &Models) -> anyhow::Result<Self> {
        let Opened { encoder, decoder, tokenizer, suppressed } = choice.open(models)?;
        let inputs = encoder.inputs();
        let shape = inputs.iter().find(|(name, _)| name == "mel").map(|(_, shape)| shape.as_slice());
        let bands = match shape {
            Some([_, bands @ (80 | 128), _]) => *bands as usize,
            other => anyhow::bail!("the encoder takes no `mel` of 80 or 128 bands: {other:?}"),
        };
        Ok(Self { encoder, decoder, tokenizer, suppressed, mel: Mel::new(bands) })
    }

    /// Encodes at most 30 s of samples and takes the first decoder step.
    pub(super) fn encode(&self, samples: &[f32]) -> anyhow::Result<Window> {
        let mel = Tensor::f32(&[1, self.mel.bands(), FRAMES], self.mel.spectrogram(samples, FRAMES)?)?;
        let keep = |name: &str| name.starts_with("cross").then(|| name.to_owned());
        let (_, cross) = self.encoder.run_on(&[("mel", &mel)], &[], keep)?;
        let (outputs, opening) = self.step(&cross, &empty(&cross)?, 0, &[self.tokenizer.start_of_transcript])?;
        let first = logits(&outputs)?;
        let of = |id: u32| first.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let of_languages: Vec<f32> = self.tokenizer.languages.iter().map(|(_, id)| of(*id)).collect();
        let total = log_sum_exp(&of_languages);
        Ok(Window {
            positions: (samples.len().min(FRAMES * HOP) / HOP / 2).max(1),
            languages: of_languages.iter().map(|logit| (logit - total).exp()).collect(),
            no_speech: (of(self.tokenizer.no_speech) - log_sum_exp(&first)).exp(),
            cross,
            opening,
            first,
        })
    }

    /// What follows the first token before any text: which language, and that it is to be written and not translated. Nothing in a model
    /// that knows English only.
    fn prompt(&self, language: Option<u32>) -> Vec<u32> {
        language.map(|language| vec![language, self.tokenizer.transcribe]).unwrap_or_default()
    }

    /// Decodes greedily, with timestamps.
    pub(super) fn decode(&self, window: &Window, language: Option<u32>, repetition: Repetition) -> anyhow::Result<Decoded> {
        let (mut next, mut length) = (self.prompt(language), 1);
        let mut cache: Option<Vec<Kept>> = None;
        let (mut ids, mut tokens, mut sum, mut ended) = (Vec::new(), Vec::new(), 0.0_f64, false);
        while tokens.len() < TOKENS_MAX {
            let mut logits = if next.is_empty() {
                window.first.clone()
            } else {
                let before = cache.as_deref().unwrap_or(&window.opening);
                let (outputs, present) = self.step(&window.cross, before, length, &next)?;
                length += next.len();
                cache = Some(present);
                logits(&outputs)?
            };
            let (id, logprob) = choose(&mut logits, &ids, &self.tokenizer, &self.suppressed, repetition);
            sum += f64::from(logprob);
            if id == self.tokenizer.end_of_text {
                ended = true;
                break;
            }
            ids.push(id);
            tokens.push(Token { id, logprob });
            next = vec![id];
        }
        let avg_logprob = (sum / (tokens.len() + 1) as f64) as f32;
        Ok(Decoded { avg_logprob, ended, compression: compression(&self.tokenizer.decode(&ids))?, tokens })
    }

    /// What the alignment heads look at while they predict each of `text` and then the end: `[heads, text + 1, positions]`, before softmax.
    /// None of a decoder that does not tell.
    pub(super) fn attention(&self, window: &Window, language: Option<u32>, text: &[u32]) -> anyhow::Result<Option<Attention>> {
        let own = &self.tokenizer;
        let before = [vec![own.start_of_transcript], self.prompt(language), vec![own.no_timestamps]].concat();
        let tokens = [&before, text].concat();
        let (outputs, _) = self.step(&window.cross, &empty(&window.cross)?, 0, &tokens)?;
        let Ok(scores) = outputs.get("alignment") else { return Ok(None) };
        let [_, heads, rows, columns] = scores.dims::<4>()?;
        let values = scores.as_f32()?;
        anyhow::ensure!(
            rows == tokens.len() && columns >= window.positions,
            "the decoder gives an alignment of shape {:?}",
            scores.shape()
        );
        let used = (before.len() - 1)..rows;
        let row = |head: usize, row: usize| {
            let start = (head * rows + row) * columns;
            values[start..start + window.positions].to_vec()
        };
        Ok(Some((0..heads).map(|head| used.clone().map(|index| row(head, index)).collect()).collect()))
    }

    /// One run of the decoder over `tokens`, which follow `length` tokens in the cache; answers the cache after them.
    fn step(&self, cross: &[Kept], cache: &[Kept], length: usize, tokens: &[u32]) -> anyhow::Result<(Outputs, Vec<Kept>)> {
        let ids = Tensor::i64(&[1, tokens.len()], tokens.iter().map(|id| i64::from(*id)).collect())?;
        let offset = Tensor::i64(&[1], vec![length as i64])?;
        let keep = |name: &str| name.strip_prefix("present").map(|rest| format!("past{rest}"));
        Ok(self.decoder.run_on(&[("tokens", &ids), ("offset", &offset)], &[cross, cache], keep)?)
    }
}

/// The cache before the first token.
fn empty(cross: &[Kept]) -> anyhow::Result<Vec<Kept>> {
    // The keys of the sound are stored transposed, its values as the cache is.
    let values = cross.iter().find(|kept| kept.name().starts_with("cross_v")).map(Kept::shape);
    let Some([_, heads, _, width]) = values.as_deref() else { anyhow::bail!("the encoder gives no `cross_v`") };
    let zeros = |kept: &Kept| Kept::zeros(&kept.name().replacen("cross", "past", 1), [1, *heads, 0, *width]);
    Ok(cross.iter().map(zeros).collect::<Result<_, _>>()?)
}

fn logits(outputs: &Outputs) -> anyhow::Result<Vec<f32>> {
    Ok(outputs.get("logits")?.as_f32()?.to_vec())
}

fn compression(text: &str) -> std::io::Result<f32> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(text.len() as f32 / encoder.finish()?.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_shows_as_compression() {
        assert!(compression("ask not what your country can do for you").unwrap() < 1.5);
        assert!(compression(&"thank you. ".repeat(20)).unwrap() > 2.4);
        assert!(compression("").unwrap() < 0.1);
    }
}
