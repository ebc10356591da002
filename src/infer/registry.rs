//! `models/registry.toml`: the files that weir loads but does not ship.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::ModelError;

/// The text of the registry, compiled in.
pub(super) const TEXT: &str = include_str!("../../models/registry.toml");

const VERSION: u32 = 1;

/// Every model that weir knows, in the order of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    version: u32,
    #[serde(rename = "model")]
    models: Vec<ModelSpec>,
}

/// One entry: packages, a conversion, and the files that come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The name by which analysers ask for it; also its folder in the model directory.
    pub name: String,
    /// What it is.
    pub kind: ModelKind,
    /// Whether it is only pulled when it is asked for by name.
    #[serde(default)]
    pub optional: bool,
    /// `none`, or the name of a converter in `scripts/models/convert`.
    pub conversion: String,
    /// One sentence on what it does.
    pub summary: String,
    /// SPDX identifier of the file's licence.
    pub licence: String,
    /// Where the licence was read.
    pub licence_read: String,
    /// What a user must know before trusting a result.
    pub limits: String,
    /// Inputs, outputs and what is done before and after.
    #[serde(default)]
    pub preprocessing: String,
    /// What was measured here of how right it is; none: nothing yet.
    pub accuracy: Option<Accuracy>,
    /// Where it comes from.
    #[serde(rename = "package")]
    pub packages: Vec<PackageSpec>,
    /// What weir loads.
    #[serde(rename = "file")]
    pub files: Vec<FileSpec>,
}

/// How right a model is, as far as it was measured here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// What was found.
    pub value: String,
    /// The command that finds it again.
    pub command: String,
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// The library that runs models.
    Runtime,
    /// Weights.
    Model,
    /// A word list.
    List,
    /// A sample video.
    Sample,
}

/// A package of a public package registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSpec {
    /// Which client fetches it.
    pub source: PackageSource,
    /// Its name there.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// SHA-256 of the package, in hex.
    pub sha256: String,
    /// Size of the package.
    pub bytes: u64,
    /// Python version of a wheel that is built for one.
    pub python: Option<String>,
    /// Platform tag of a wheel that is built for one.
    pub platform: Option<String>,
    /// The files wanted from it.
    pub members: Vec<String>,
}

/// The package registries that the puller can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageSource {
    /// Python packages, by pip.
    Pypi,
    /// JavaScript packages, by npm.
    Npm,
}

/// A file that weir loads: `NAME/FILE` in the model directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl Registry {
    /// The registry that is compiled in.
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Registry>> = OnceLock::new();
        BUILTIN.get_or_init(|| Arc::new(Self::parse(TEXT).expect("a test parses the compiled-in registry"))).clone()
    }

    /// Reads a registry.
    ///
    /// # Errors
    /// What is wrong with the text, with its line.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let registry: Self = toml::from_str(text)?;
        if registry.version != VERSION {
            return Err(RegistryError::Version { found: registry.version });
        }
        Ok(registry)
    }

    /// Every entry, in the order of the file.
    pub fn models(&self) -> &[ModelSpec] {
        &self.models
    }

    /// The entry called `name`.
    ///
    /// # Errors
    /// [`ModelError::Unknown`], which lists the names that exist.
    pub fn find(&self, name: &str) -> Result<&ModelSpec, ModelError> {
        self.models.iter().find(|model| model.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.models.iter().map(|model| model.name.as_str()).collect();
            ModelError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

impl ModelSpec {
    /// The file called `file`.
    ///
    /// # Errors
    /// [`ModelError::Unknown`], which lists the files that exist.
    pub fn file(&self, file: &str) -> Result<&FileSpec, ModelError> {
        self.files.iter().find(|spec| spec.name == file).ok_or_else(|| {
            let known: Vec<&str> = self.files.iter().map(|spec| spec.name.as_str()).collect();
            ModelError::Unknown { name: format!("{}/{file}", self.name), known: known.join(", ") }
        })
    }

    /// One digest for the whole model, in hex: SHA-256 over the names and digests of its files. Part of an analysis' result key.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for file in &self.files {
            hasher.update(format!("{} {}\n", file.name, file.sha256));
        }
        hex::encode(hasher.finalize())
    }

    /// The size of its files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Why a registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It is not TOML of the expected form.
    #[error("the model registry is not readable: {0}")]
    Form(#[from] toml::de::Error),
    /// It is of a form that this program does not know.
    #[error("the model registry has version {found}; this program reads version {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn builtin_registry_is_complete() {
        let registry = Registry::parse(TEXT).unwrap();
        let mut names = HashSet::new();
        for model in registry.models() {
            assert!(names.insert(&model.name), "`{}` stands twice", model.name);
            assert!(!model.limits.is_empty() && !model.licence_read.is_empty(), "`{}`", model.name);
            assert!(!model.files.is_empty() && model.bytes() > 0, "`{}`", model.name);
            for digest in model.files.iter().map(|f| &f.sha256).chain(model.packages.iter().map(|p| &p.sha256)) {
                assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
            }
            for name in model.files.iter().map(|file| &file.name).chain([&model.name]) {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._".contains(c);
                assert!(name.chars().all(plain) && !name.starts_with('.'), "`{name}` is not a plain file name");
            }
            if model.conversion == "none" {
                let members: usize = model.packages.iter().map(|package| package.members.len()).sum();
                assert_eq!(members, model.files.len(), "`{}`: without a conversion a member is a file", model.name);
            }
        }
    }

    #[test]
    fn licences_allow_use() {
        const ALLOWED: [&str; 5] = ["MIT", "Apache-2.0", "BSD-2-Clause", "WTFPL", "CC-BY-3.0"];
        for model in Registry::builtin().models() {
            assert!(ALLOWED.contains(&model.licence.as_str()), "`{}` has licence `{}`", model.name, model.licence);
        }
    }

    #[test]
    fn third_party_page_names_every_model_and_its_licence() {
        let page = include_str!("../../THIRD_PARTY.md");
        for model in Registry::builtin().models() {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", model.name)));
            let row = row.unwrap_or_else(|| panic!("`{}` is not in THIRD_PARTY.md", model.name));
            assert!(row.contains(&format!("| {} |", model.licence)), "`{}`: {row}", model.name);
        }
    }

    #[test]
    fn digest_depends_on_every_file() {
        let whisper = Registry::builtin().find("whisper_base").unwrap().clone();
        let mut other = whisper.clone();
        other.files[2].sha256 = "0".repeat(64);
        assert_ne!(whisper.digest(), other.digest());
        assert_eq!(whisper.digest().len(), 64);
    }

    #[test]
    fn wrong_forms_are_refused() {
        assert!(matches!(Registry::parse("version = 2\nmodel = []"), Err(RegistryError::Version { found: 2 })));
        let unknown = Registry::parse("version = 1\nmodel = []\nextra = 1").unwrap_err();
        assert!(unknown.to_string().contains("extra"), "{unknown}");
        let error = Registry::builtin().find("yolo").unwrap_err();
        assert!(error.to_string().starts_with("model `yolo` is not in the registry; known: onnxruntime, nanodet"), "{error}");
    }
}
