//! Where the model files are, and whether they are the right ones.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::ModelError;
use super::registry::{FileSpec, ModelSpec, Registry};

const BLOCK_BYTES: usize = 1 << 20;

/// The model directory: `DIR/NAME/FILE`.
#[derive(Debug)]
pub struct ModelFiles {
    directory: PathBuf,
    registry: Arc<Registry>,
    /// Files whose digest was right, with the size and time they had then. One read of a file per process is enough.
    checked: Mutex<HashMap<PathBuf, Stamp>>,
}

/// Size and time of a file: while they stay it is taken for the same file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// A model and what the directory has of it.
#[derive(Debug, Clone)]
pub struct ModelState {
    /// Its entry in the registry.
    pub spec: ModelSpec,
    /// Its state: the worst of its files'.
    pub state: FileState,
}

/// What the directory has of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileState {
    /// It is there.
    Here,
    /// It is not there.
    Missing,
    /// It is there with another size or another digest.
    Wrong,
}

impl ModelFiles {
    /// The files of the compiled-in registry below `directory`, which need not exist.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::with_registry(directory, Registry::builtin())
    }

    /// The files of `registry` below `directory`.
    pub fn with_registry(directory: impl Into<PathBuf>, registry: Arc<Registry>) -> Self {
        Self { directory: directory.into(), registry, checked: Mutex::default() }
    }

    /// The model directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The path of a model's first file, after its digest was compared.
    ///
    /// # Errors
    /// As [`ModelFiles::file`].
    pub fn path(&self, name: &str) -> Result<PathBuf, ModelError> {
        let spec = self.registry.find(name)?;
        let first = spec.files.first().ok_or_else(|| ModelError::Missing { name: name.to_owned() })?;
        self.checked_path(spec, first)
    }

    /// The path of one file of a model, after its digest was compared.
    ///
    /// # Errors
    /// [`ModelError::Unknown`], [`ModelError::Missing`], [`ModelError::Digest`], or [`ModelError::Load`] when it cannot be read.
    pub fn file(&self, name: &str, file: &str) -> Result<PathBuf, ModelError> {
        let spec = self.registry.find(name)?;
        self.checked_path(spec, spec.file(file)?)
    }

    /// The bytes of one file of a model; never more than the registry says.
    ///
    /// # Errors
    /// As [`ModelFiles::file`].
    pub fn read(&self, name: &str, file: &str) -> Result<Vec<u8>, ModelError> {
        let path = self.file(name, file)?;
        let limit = self.registry.find(name)?.file(file)?.bytes;
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|source| source.take(limit).read_to_end(&mut bytes));
        read.map_err(|error| load_error(name, &error))?;
        Ok(bytes)
    }

    /// Whether every file of the model is there with the right size. The digest is compared when the model is loaded.
    pub fn has(&self, name: &str) -> bool {
        self.registry.find(name).is_ok_and(|spec| self.state(spec) == FileState::Here)
    }

    /// One digest for the whole model, in hex, from the registry: part of an analysis' result key.
    ///
    /// # Errors
    /// [`ModelError::Unknown`].
    pub fn digest(&self, name: &str) -> Result<String, ModelError> {
        Ok(self.registry.find(name)?.digest())
    }

    /// Every model of the registry and whether it is there, by presence and size only.
    pub fn list(&self) -> Vec<ModelState> {
        self.registry.models().iter().map(|spec| ModelState { spec: spec.clone(), state: self.state(spec) }).collect()
    }

    /// Reads every file and compares its digest; `progress` hears the model's name before each.
    pub fn verify(&self, mut progress: impl FnMut(&str)) -> Vec<ModelState> {
        let check = |spec: &ModelSpec| {
            progress(&spec.name);
            let worst = spec.files.iter().map(|file| self.verified_state(spec, file)).max();
            ModelState { spec: spec.clone(), state: worst.unwrap_or(FileState::Missing) }
        };
        self.registry.models().iter().map(check).collect()
    }

    fn verified_state(&self, spec: &ModelSpec, file: &FileSpec) -> FileState {
        match sha256(&self.place(spec, file)) {
            Ok(found) if found == file.sha256 => FileState::Here,
            Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
            _ => FileState::Wrong,
        }
    }

    fn state(&self, spec: &ModelSpec) -> FileState {
        let state = |file: &FileSpec| match fs::metadata(self.place(spec, file)) {
            Ok(metadata) if metadata.is_file() && metadata.len() == file.bytes => FileState::Here,
            Ok(_) => FileState::Wrong,
            Err(_) => FileState::Missing,
        };
        spec.files.iter().map(state).max().unwrap_or(FileState::Missing)
    }

    fn place(&self, spec: &ModelSpec, file: &FileSpec) -> PathBuf {
        self.directory.join(&spec.name).join(&file.name)
    }

    fn checked_path(&self, spec: &ModelSpec, file: &FileSpec) -> Result<PathBuf, ModelError> {
        let path = self.place(spec, file);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ModelError::Missing { name: spec.name.clone() });
            }
            Err(error) => return Err(load_error(&spec.name, &error)),
        };
        let stamp = Stamp::of(&metadata);
        if self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&path) == Some(&stamp) {
            return Ok(path);
        }
        let found = sha256(&path).map_err(|error| load_error(&spec.name, &error))?;
        if found != file.sha256 {
            return Err(ModelError::Digest {
                name: spec.name.clone(),
                file: file.name.clone(),
                expected: file.sha256.clone(),
                found,
            });
        }
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), stamp);
        Ok(path)
    }
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

fn load_error(name: &str, error: &io::Error) -> ModelError {
    ModelError::Load { name: name.to_owned(), reason: error.to_string() }
}

pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(block.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn files(directory: &Path) -> ModelFiles {
        let text = format!(
            "version = 1\n[[model]]\nname = 'small'\nkind = 'model'\nconversion = 'none'\nsummary = 's'\nlicence = 'MIT'\n\
             licence_read = 'r'\nlimits = 'l'\npackage = []\n[[model.file]]\nname = 'a.onnx'\nsha256 = '{ABC}'\nbytes = 3\n"
        );
        ModelFiles::with_registry(directory, Arc::new(Registry::parse(&text).unwrap()))
    }

    fn write(directory: &Path, content: &str) {
        fs::create_dir_all(directory.join("small")).unwrap();
        fs::write(directory.join("small/a.onnx"), content).unwrap();
    }

    #[test]
    fn missing_model_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert_eq!(files.path("small").unwrap_err().to_string(), "model small is not here; run weir models pull");
        assert!(!files.has("small"));
        assert_eq!(files.list()[0].state, FileState::Missing);
        assert_eq!(files.verify(|_| ())[0].state, FileState::Missing);
    }

    #[test]
    fn right_file_is_given_and_a_changed_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        write(folder.path(), "abc");
        assert!(files.has("small"));
        assert_eq!(files.path("small").unwrap(), folder.path().join("small/a.onnx"));
        assert_eq!(files.read("small", "a.onnx").unwrap(), b"abc");
        write(folder.path(), "abd and longer");
        assert!(matches!(files.path("small").unwrap_err(), ModelError::Digest { expected, .. } if expected == ABC));
        assert_eq!(files.list()[0].state, FileState::Wrong);
    }

    #[test]
    fn same_size_with_other_bytes_is_found_by_verify() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        write(folder.path(), "abd");
        assert_eq!(files.list()[0].state, FileState::Here, "list looks at sizes only");
        let mut heard = Vec::new();
        assert_eq!(files.verify(|name| heard.push(name.to_owned()))[0].state, FileState::Wrong);
        assert_eq!(heard, ["small"]);
    }

    #[test]
    fn unknown_names_are_refused_before_a_path_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert!(matches!(files.path("../small").unwrap_err(), ModelError::Unknown { .. }));
        assert!(matches!(files.file("small", "../../etc/passwd").unwrap_err(), ModelError::Unknown { .. }));
        assert!(!files.has("other"));
    }
}
