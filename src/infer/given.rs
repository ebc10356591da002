//! Files that the configuration names: a user's own model, its list of labels. They are in no registry; what identifies them is their
//! digest, which is part of every result that was made with them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::ModelError;
use super::files::{self, Stamp};

/// One such file. It may change while the program runs: it is then another file.
#[derive(Debug)]
pub struct GivenFile {
    path: PathBuf,
    /// Its digest, with the size and time that it had then: it is read again only when these changed.
    known: Mutex<Option<(Stamp, String)>>,
}

impl GivenFile {
    /// The file at `path`, which is not touched yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), known: Mutex::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its SHA-256, in hex.
    ///
    /// # Errors
    /// [`ModelError::Load`] when it cannot be read.
    pub fn digest(&self) -> Result<String, ModelError> {
        let metadata = fs::metadata(&self.path).map_err(|error| self.error(&error))?;
        let stamp = Stamp::of(&metadata);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, digest)) = known.as_ref().filter(|(then, _)| *then == stamp) {
            return Ok(digest.clone());
        }
        let digest = files::sha256(&self.path).map_err(|error| self.error(&error))?;
        *known = Some((stamp, digest.clone()));
        Ok(digest)
    }

    /// Its text.
    ///
    /// # Errors
    /// [`ModelError::Load`] when it cannot be read, is no UTF-8, or is longer than `max_bytes`.
    pub fn text(&self, max_bytes: u64) -> Result<String, ModelError> {
        let mut text = String::new();
        let read = File::open(&self.path).and_then(|file| file.take(max_bytes.saturating_add(1)).read_to_string(&mut text));
        match read {
            Ok(bytes) if bytes as u64 > max_bytes => {
                Err(self.error(&io::Error::other(format!("it is longer than {max_bytes} bytes"))))
            }
            Ok(_) => Ok(text),
            Err(error) => Err(self.error(&error)),
        }
    }

    fn error(&self, error: &io::Error) -> ModelError {
        ModelError::Load { name: self.path.display().to_string(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = GivenFile::new(folder.path().join("labels.txt"));
        let error = file.digest().unwrap_err().to_string();
        assert!(error.contains("labels.txt") && error.contains("does not load"), "{error}");
        fs::write(file.path(), "abc").unwrap();
        let first = file.digest().unwrap();
        assert_eq!(first, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(file.text(3).unwrap(), "abc");
        assert!(file.text(2).unwrap_err().to_string().contains("longer than 2 bytes"));
        fs::write(file.path(), "abcd").unwrap();
        assert_ne!(file.digest().unwrap(), first);
    }
}
