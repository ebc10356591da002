//! Whisper: encode a window once, then decode it token by token with a key-value cache.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::Deserialize;

use super::mel::{BANDS, HOP, Mel};
use super::rules::{Repetition, choose, log_sum_exp};
use crate::infer::{Models, Outputs, Session, Tensor, WhisperTokenizer};

pub(super) const MODEL: &str = "whisper_base";
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

#[derive(Deserialize)]
struct Config {
    suppress_ids: Vec<u32>,
}

/// An encoded window and what the first decoder step says of it.
pub(super) struct Window {
    cross: Vec<(String, Tensor)>,
    opening: Cache,
    /// Encoder positions (20 ms) that hold sound and not padding.
    pub(super) positions: usize,
    /// Probability of each language, in the tokenizer's order.
    pub(super) languages: Vec<f32>,
    /// Probability that there is no speech.
    pub(super) no_speech: f32,
}

/// Keys and values of the tokens so far.
#[derive(Clone)]
struct Cache {
    tensors: Vec<(String, Tensor)>,
    length: usize,
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

impl Whisper {
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        let config: Config = serde_json::from_slice(&models.files().read(MODEL, "config.json")?)?;
        Ok(Self {
            encoder: models.session(MODEL, "encoder.onnx")?,
            decoder: models.session(MODEL, "decoder.onnx")?,
            tokenizer: WhisperTokenizer::open(models.files(), MODEL)?,
            suppressed: config.suppress_ids,
            mel: Mel::new(),
        })
    }

    /// Encodes at most 30 s of samples and takes the first decoder step.
    pub(super) fn encode(&self, samples: &[f32]) -> anyhow::Result<Window> {
        let mel = Tensor::f32(&[1, BANDS, FRAMES], self.mel.spectrogram(samples, FRAMES)?)?;
        let cross: Vec<(String, Tensor)> = self.encoder.run(&[("mel", &mel)])?.into_iter().collect();
        let mut opening = Cache::empty(&cross)?;
        let logits = logits(&self.step(&cross, &mut opening, &[self.tokenizer.start_of_transcript])?)?;
        let of_languages: Vec<f32> = self
            .tokenizer
            .languages
            .iter()
            .map(|(_, id)| logits.get(*id as usize).copied().unwrap_or(f32::NEG_INFINITY))
            .collect();
        let total = log_sum_exp(&of_languages);
        let no_speech = logits.get(self.tokenizer.no_speech as usize).map_or(0.0, |logit| (logit - log_sum_exp(&logits)).exp());
        Ok(Window {
            cross,
            opening,
            positions: (samples.len().min(FRAMES * HOP) / HOP / 2).max(1),
            languages: of_languages.iter().map(|logit| (logit - total).exp()).collect(),
            no_speech,
        })
    }

    /// Decodes greedily, with timestamps.
    pub(super) fn decode(&self, window: &Window, language: u32, repetition: Repetition) -> anyhow::Result<Decoded> {
        let mut cache = window.opening.clone();
        let mut next = vec![language, self.tokenizer.transcribe];
        let (mut ids, mut tokens, mut sum, mut ended) = (Vec::new(), Vec::new(), 0.0_f64, false);
        while tokens.len() < TOKENS_MAX {
            let mut logits = logits(&self.step(&window.cross, &mut cache, &next)?)?;
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
    pub(super) fn attention(&self, window: &Window, language: u32, text: &[u32]) -> anyhow::Result<Attention> {
        let own = &self.tokenizer;
        let before = [own.start_of_transcript, language, own.transcribe, own.no_timestamps];
        let tokens = [&before, text].concat();
        let outputs = self.step(&window.cross, &mut Cache::empty(&window.cross)?, &tokens)?;
        let scores = outputs.get("alignment")?;
        let [_, heads, rows, columns] = scores.dims::<4>()?;
        let values = scores.as_f32()?;
        anyhow::ensure!(
            rows == tokens.len() && columns >= window.positions,
            "`{MODEL}` gives an alignment of shape {:?}",
            scores.shape()
        );
        let used = (before.len() - 1)..rows;
        let row = |head: usize, row: usize| {
            let start = (head * rows + row) * columns;
            values[start..start + window.positions].to_vec()
        };
        Ok((0..heads).map(|head| used.clone().map(|index| row(head, index)).collect()).collect())
    }

    fn step(&self, cross: &[(String, Tensor)], cache: &mut Cache, tokens: &[u32]) -> anyhow::Result<Outputs> {
        let ids = Tensor::i64(&[1, tokens.len()], tokens.iter().map(|id| i64::from(*id)).collect())?;
        let offset = Tensor::i64(&[1], vec![cache.length as i64])?;
        let mut inputs = vec![("tokens", &ids), ("offset", &offset)];
        inputs.extend(cross.iter().chain(&cache.tensors).map(|(name, tensor)| (name.as_str(), tensor)));
        let mut outputs = self.decoder.run(&inputs)?;
        for (name, tensor) in &mut cache.tensors {
            *tensor = outputs.take(&name.replacen("past", "present", 1))?;
        }
        cache.length += tokens.len();
        Ok(outputs)
    }
}

/// Per alignment head, per predicted token, the encoder positions.
pub(super) type Attention = Vec<Vec<Vec<f32>>>;

impl Cache {
    fn empty(cross: &[(String, Tensor)]) -> anyhow::Result<Self> {
        // The keys of the sound are stored transposed, its values as the cache is.
        let values = cross.iter().find(|(name, _)| name.starts_with("cross_v"));
        let (_, values) = values.ok_or_else(|| anyhow::anyhow!("the encoder of `{MODEL}` gives no `cross_v`"))?;
        let [_, heads, _, width] = values.dims::<4>()?;
        let tensors = cross.iter().map(|(name, _)| (name.replacen("cross", "past", 1), Tensor::zeros(&[1, heads, 0, width])));
        Ok(Self { tensors: tensors.collect(), length: 0 })
    }
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
