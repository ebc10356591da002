//! Whisper's tokenizer: ids to bytes and text, and the ids with a meaning.

use std::collections::HashMap;
use std::sync::OnceLock;

use tokenizers::Tokenizer;

use super::{ModelError, ModelFiles};

const FILE: &str = "tokenizer.json";

/// One timestamp token stands for this much sound.
pub const TIMESTAMP_STEP_MS: u32 = 20;

/// The end of text in GPT-2's vocabulary, which Whisper's English models have. The multilingual vocabulary has one token more before it.
const END_OF_TEXT_ENGLISH: u32 = 50_256;

/// The tokenizer of a Whisper model.
#[derive(Debug)]
pub struct WhisperTokenizer {
    tokenizer: Tokenizer,
    /// `<|startoftranscript|>`.
    pub start_of_transcript: u32,
    /// `<|endoftext|>`.
    pub end_of_text: u32,
    /// `<|transcribe|>`.
    pub transcribe: u32,
    /// `<|nospeech|>` or `<|nocaptions|>`.
    pub no_speech: u32,
    /// `<|notimestamps|>`.
    pub no_timestamps: u32,
    /// `<|0.00|>`: every id from here on is a time.
    pub first_timestamp: u32,
    /// ISO 639 code and id of each language, in the order of the ids; empty for a model that knows English only.
    pub languages: Vec<(String, u32)>,
}

impl WhisperTokenizer {
    /// Opens the tokenizer of the model `name`.
    ///
    /// # Errors
    /// As [`ModelFiles::file`], and as [`WhisperTokenizer::parse`].
    pub fn open(files: &ModelFiles, name: &str) -> Result<Self, ModelError> {
        Self::parse(name, &files.read(name, FILE)?)
    }

    /// Reads the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`ModelError::Load`] when it is not the tokenizer of a Whisper model.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let fail = |reason: String| ModelError::Load { name: name.to_owned(), reason };
        let tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| fail(error.to_string()))?;
        let id = |token: &str| tokenizer.token_to_id(token);
        let needed = |token: &str| id(token).ok_or_else(|| fail(format!("`{FILE}` has no token `{token}`")));
        let start_of_transcript = needed("<|startoftranscript|>")?;
        let (end_of_text, no_timestamps) = (needed("<|endoftext|>")?, needed("<|notimestamps|>")?);
        let languages = match end_of_text {
            END_OF_TEXT_ENGLISH => Vec::new(),
            _ => languages(&tokenizer, start_of_transcript, needed("<|translate|>")?),
        };
        let no_speech = id("<|nospeech|>").map_or_else(|| needed("<|nocaptions|>"), Ok)?;
        Ok(Self {
            start_of_transcript,
            end_of_text,
            transcribe: needed("<|transcribe|>")?,
            no_speech,
            no_timestamps,
            first_timestamp: no_timestamps + 1,
            languages,
            tokenizer,
        })
    }

    /// Whether the model knows more than English.
    pub fn is_multilingual(&self) -> bool {
        !self.languages.is_empty()
    }

    /// The id of a language by its ISO 639 code.
    pub fn language(&self, code: &str) -> Option<u32> {
        self.languages.iter().find(|(own, _)| own == code).map(|(_, id)| *id)
    }

    /// The time that a timestamp token stands for, from the window's start; `None` for any other token.
    pub fn timestamp_ms(&self, id: u32) -> Option<u32> {
        id.checked_sub(self.first_timestamp).and_then(|steps| steps.checked_mul(TIMESTAMP_STEP_MS))
    }

    /// The bytes of one text token; none for tokens with a meaning and for ids that do not exist. A token may end within a character.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        if id >= self.end_of_text {
            return Vec::new();
        }
        let Some(token) = self.tokenizer.id_to_token(id) else { return Vec::new() };
        token.chars().filter_map(|character| byte_of().get(&character).copied()).collect()
    }

    /// The text of `ids`, without the tokens that have a meaning. Bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| self.bytes(*id)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The languages lie between `<|startoftranscript|>` and `<|translate|>`, one token each: `<|en|>`.
fn languages(tokenizer: &Tokenizer, start: u32, end: u32) -> Vec<(String, u32)> {
    let code = |id: u32| {
        let token = tokenizer.id_to_token(id)?;
        Some((token.strip_prefix("<|")?.strip_suffix("|>")?.to_owned(), id))
    };
    (start + 1..end).filter_map(code).collect()
}

/// GPT-2's way of writing bytes as printable characters (`bytes_to_unicode` in its encoder.py), reversed: printable Latin-1 bytes stand
/// for themselves, the others, in order, for U+0100 on.
fn byte_of() -> &'static HashMap<char, u8> {
    static TABLE: OnceLock<HashMap<char, u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut next = 0x100;
        let mut table = HashMap::with_capacity(256);
        for byte in 0..=u8::MAX {
            let printable = matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
            let character = if printable {
                char::from(byte)
            } else {
                next += 1;
                char::from_u32(next - 1).unwrap_or(char::REPLACEMENT_CHARACTER)
            };
            table.insert(character, byte);
        }
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character() {
        assert_eq!(byte_of().len(), 256);
        assert_eq!(byte_of()[&'Ġ'], b' ');
        assert_eq!(byte_of()[&'Ċ'], b'\n');
        assert_eq!(byte_of()[&'a'], b'a');
        assert_eq!(byte_of()[&'Ń'], 0xAD);
    }
}
