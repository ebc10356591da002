//! Which Whisper: one of the registry, or a folder of the user's.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Deserialize;

use super::vad;
use crate::infer::{GivenFile, Models, Session, WhisperTokenizer};

/// `tokenizer.json` of the multilingual models has 2.2 MB.
const TOKENIZER_BYTES_MAX: u64 = 64 << 20;
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Languages in which Whisper base errs in less than about three words of ten, by the table for FLEURS in its paper (Radford et al., 2022):
/// what it writes in any other is marked as of low confidence.
const STRONG_OF_BASE: [&str; 12] = ["ca", "de", "en", "es", "fr", "id", "it", "ja", "ko", "nl", "pt", "ru"];

/// `[analyser.speech_transcription]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Options {
    model: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { model: "whisper_base".to_owned() }
    }
}

/// The chosen model.
#[derive(Debug, Clone)]
pub(super) enum Choice {
    /// 99 languages.
    Base,
    /// English, in half of the time.
    TinyEnglish,
    /// Whatever the folder holds.
    Folder(Arc<Folder>),
}

/// Files of the same form as those of the registry.
#[derive(Debug)]
pub(super) struct Folder {
    name: String,
    encoder: GivenFile,
    decoder: GivenFile,
    tokenizer: GivenFile,
    config: GivenFile,
}

/// A model that is opened.
pub(super) struct Opened {
    pub(super) encoder: Arc<Session>,
    pub(super) decoder: Arc<Session>,
    pub(super) tokenizer: WhisperTokenizer,
    /// Tokens that are no speech, such as brackets and notes.
    pub(super) suppressed: Vec<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    suppress_ids: Vec<u32>,
}

impl Choice {
    /// # Errors
    /// When the option names no model.
    pub(super) fn of(options: &Options) -> anyhow::Result<Self> {
        match options.model.as_str() {
            "whisper_base" => Ok(Self::Base),
            "whisper_tiny_en" => Ok(Self::TinyEnglish),
            path if Path::new(path).is_absolute() => Ok(Self::Folder(Arc::new(Folder::new(path)))),
            other => anyhow::bail!(
                "`model` is `{other}`; `whisper_base`, `whisper_tiny_en` or the absolute path of a folder with encoder.onnx, decoder.onnx \
                 and tokenizer.json is accepted"
            ),
        }
    }

    /// What the registry must have.
    pub(super) fn models(&self) -> &'static [&'static str] {
        match self {
            Self::Base => &[vad::MODEL, "whisper_base"],
            Self::TinyEnglish => &[vad::MODEL, "whisper_tiny_en"],
            Self::Folder(_) => &[vad::MODEL],
        }
    }

    /// Everything that results depend on and [`Choice::models`] does not say.
    pub(super) fn parameters(&self) -> String {
        let Self::Folder(folder) = self else { return String::new() };
        let digest = |file: &GivenFile| file.digest().unwrap_or_default();
        [&folder.encoder, &folder.decoder, &folder.tokenizer, &folder.config].map(digest).join(" ")
    }

    /// Whether results in this language must not be trusted.
    pub(super) fn is_weak_in(&self, language: &str) -> bool {
        matches!(self, Self::Base) && !STRONG_OF_BASE.contains(&language)
    }

    /// # Errors
    /// When a file is not here, is not what it should be, or does not load.
    pub(super) fn open(&self, models: &Models) -> anyhow::Result<Opened> {
        let name = match self {
            Self::Base => "whisper_base",
            Self::TinyEnglish => "whisper_tiny_en",
            Self::Folder(folder) => return folder.open(models),
        };
        let config: Config = serde_json::from_slice(&models.files().read(name, "config.json")?)?;
        Ok(Opened {
            encoder: models.session(name, "encoder.onnx")?,
            decoder: models.session(name, "decoder.onnx")?,
            tokenizer: WhisperTokenizer::open(models.files(), name)?,
            suppressed: config.suppress_ids,
        })
    }
}

impl Folder {
    fn new(path: &str) -> Self {
        let file = |name: &str| GivenFile::new(Path::new(path).join(name));
        Self {
            name: path.to_owned(),
            encoder: file("encoder.onnx"),
            decoder: file("decoder.onnx"),
            tokenizer: file("tokenizer.json"),
            config: file("config.json"),
        }
    }

    fn open(&self, models: &Models) -> anyhow::Result<Opened> {
        let tokenizer = self.tokenizer.text(TOKENIZER_BYTES_MAX)?;
        // Without it nothing is suppressed.
        let config = if self.config.path().exists() { self.config.text(CONFIG_BYTES_MAX)? } else { "{}".to_owned() };
        let config: Config = serde_json::from_str(&config).with_context(|| format!("config.json of `{}`", self.name))?;
        Ok(Opened {
            encoder: models.given(&self.encoder)?,
            decoder: models.given(&self.decoder)?,
            tokenizer: WhisperTokenizer::parse(&self.name, tokenizer.as_bytes())?,
            suppressed: config.suppress_ids,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(model: &str) -> anyhow::Result<Choice> {
        Choice::of(&Options { model: model.to_owned() })
    }

    #[test]
    fn a_model_is_one_of_the_registry_or_a_folder() {
        assert_eq!(Choice::of(&Options::default()).unwrap().models(), ["silero_vad", "whisper_base"]);
        assert_eq!(choice("whisper_tiny_en").unwrap().models(), ["silero_vad", "whisper_tiny_en"]);
        let error = choice("whisper_huge").unwrap_err().to_string();
        assert!(error.contains("`whisper_huge`") && error.contains("whisper_tiny_en"), "{error}");
    }

    #[test]
    fn a_folder_is_known_by_what_its_files_hold() {
        let folder = tempfile::tempdir().unwrap();
        let own = choice(folder.path().to_str().unwrap()).unwrap();
        let empty = own.parameters();
        std::fs::write(folder.path().join("encoder.onnx"), "one").unwrap();
        let one = own.parameters();
        std::fs::write(folder.path().join("encoder.onnx"), "other").unwrap();
        assert!(empty != one && one != own.parameters());
        let Err(error) = own.open(&Models::open("no-models-here", 1)) else { panic!("a folder without a tokenizer opened") };
        assert!(error.to_string().contains("tokenizer.json"), "{error}");
    }

    #[test]
    fn small_languages_are_weak_in_base_only() {
        assert!(Choice::Base.is_weak_in("vi") && !Choice::Base.is_weak_in("en") && !Choice::TinyEnglish.is_weak_in("en"));
    }
}
