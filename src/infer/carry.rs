//! Model files in one archive, for machines without Python or npm.
//!
//! The archive is a plain tar: `weir-models.json`, which lists what follows (format, then model, file, SHA-256 and size of each), and
//! `MODEL/FILE` for each file. Whoever takes an archive in believes none of it: names, sizes and digests are those of the registry that
//! is compiled in, and everything else is refused.

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, Entry, EntryType, Header};
use tempfile::NamedTempFile;

use super::registry::{FileSpec, ModelSpec};
use super::{FileState, ModelError, ModelFiles};

const INDEX: &str = "weir-models.json";
const FORMAT: &str = "weir.models.v1";
/// The archive's name when only a folder is given.
pub const DEFAULT_NAME: &str = "weir-models.tar";
const BLOCK_BYTES: usize = 1 << 20;
/// An index of ten thousand files would still be smaller.
const INDEX_MAX_BYTES: u64 = 4 << 20;
const MODE: u32 = 0o644;

/// How far it is: bytes of the files' content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// `MODEL/FILE` that is being copied.
    pub file: String,
    /// Bytes that are done, of all files.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// What was carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The archive.
    pub archive: PathBuf,
    /// The models of which files were carried, in order.
    pub models: Vec<String>,
    /// The size of their files.
    pub bytes: u64,
}

/// Why nothing, or not everything, was carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// A model is unknown, not here, or not as the registry says.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// There is no model file to export.
    #[error("no model file is here; run weir models pull")]
    Nothing,
    /// The archive holds what this program does not take.
    #[error("`{archive}`: entry `{entry}` is refused: {reason}")]
    Refused {
        /// The archive.
        archive: String,
        /// The entry's path as it stands there.
        entry: String,
        /// What is wrong, and what would be accepted.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

#[derive(Serialize)]
struct Index<'a> {
    format: &'a str,
    files: Vec<IndexEntry<'a>>,
}

#[derive(Serialize)]
struct IndexEntry<'a> {
    model: &'a str,
    file: &'a str,
    sha256: &'a str,
    bytes: u64,
}

/// Writes the files of `names` (of all models that are here, when empty) into the archive `target`, or `target/weir-models.tar` when that is a
/// folder. Every digest is compared before; the archive appears whole or not at all.
///
/// # Errors
/// [`CarryError`]; with names, also when one of them is not here.
pub fn export(
    files: &ModelFiles,
    names: &[String],
    target: &Path,
    mut progress: impl FnMut(&Progress),
) -> Result<Carried, CarryError> {
    let archive = if target.is_dir() { target.join(DEFAULT_NAME) } else { target.to_owned() };
    let models = chosen(files, names)?;
    let total = models.iter().map(ModelSpec::bytes).sum();
    let parent = archive.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = temporary_in(parent)?;
    let mut builder = Builder::new(BufWriter::with_capacity(BLOCK_BYTES, temporary));
    let failed = |source: io::Error| io_error(&archive, source);
    let index = index_of(&models).map_err(|error| failed(error.into()))?;
    let mut header = header(index.len() as u64);
    builder.append_data(&mut header, INDEX, index.as_slice()).map_err(failed)?;
    let mut done = 0;
    for (model, file) in pairs(&models) {
        let path = files.file(&model.name, &file.name)?;
        progress(&Progress { file: format!("{}/{}", model.name, file.name), done, total });
        let source = File::open(&path).map_err(|error| io_error(&path, error))?;
        let mut header = self::header(file.bytes);
        builder.append_data(&mut header, format!("{}/{}", model.name, file.name), source.take(file.bytes)).map_err(failed)?;
        done += file.bytes;
    }
    let temporary =
        builder.into_inner().and_then(|buffer| buffer.into_inner().map_err(io::IntoInnerError::into_error)).map_err(failed)?;
    publish(temporary, &archive)?;
    Ok(Carried { archive, models: models.into_iter().map(|model| model.name).collect(), bytes: total })
}

/// Takes the files of `archive` into the model directory, each written beside its place, compared with the registry's digest, and moved into place
/// in one step. The names, kinds and sizes of all entries are looked at before the first is written.
///
/// # Errors
/// [`CarryError`]. Files that were in place by then stay: each is right by itself.
pub fn import(files: &ModelFiles, archive: &Path, mut progress: impl FnMut(&Progress)) -> Result<Carried, CarryError> {
    let wanted = survey(files, archive)?;
    let total = wanted.iter().map(|(_, file)| file.bytes).sum();
    let source = open(archive)?;
    let mut tar = Archive::new(source);
    let mut done = 0;
    let mut models: Vec<String> = Vec::new();
    let failed = |source: io::Error| io_error(archive, source);
    for entry in tar.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some((model, file)) = accepted(files, archive, &entry)? else { continue };
        progress(&Progress { file: format!("{}/{}", model.name, file.name), done, total });
        place(files, archive, entry, model, file)?;
        done += file.bytes;
        if models.last() != Some(&model.name) {
            models.push(model.name.clone());
        }
    }
    Ok(Carried { archive: archive.to_owned(), models, bytes: done })
}

/// The models to export: those named, or all of which every file is here.
fn chosen(files: &ModelFiles, names: &[String]) -> Result<Vec<ModelSpec>, CarryError> {
    for name in names {
        files.registry().find(name)?;
        if !files.has(name) {
            return Err(ModelError::Missing { name: name.clone() }.into());
        }
    }
    let here = files.list().into_iter().filter(|model| model.state == FileState::Here).map(|model| model.spec);
    let models: Vec<ModelSpec> = here.filter(|model| names.is_empty() || names.contains(&model.name)).collect();
    if models.is_empty() { Err(CarryError::Nothing) } else { Ok(models) }
}

fn pairs(models: &[ModelSpec]) -> impl Iterator<Item = (&ModelSpec, &FileSpec)> {
    models.iter().flat_map(|model| model.files.iter().map(move |file| (model, file)))
}

fn index_of(models: &[ModelSpec]) -> serde_json::Result<Vec<u8>> {
    let files = pairs(models).map(|(model, file)| IndexEntry {
        model: &model.name,
        file: &file.name,
        sha256: &file.sha256,
        bytes: file.bytes,
    });
    serde_json::to_vec_pretty(&Index { format: FORMAT, files: files.collect() })
}

/// The same files give the same archive: no time, no owner.
fn header(bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(MODE);
    header.set_size(bytes);
    header
}

fn temporary_in(folder: &Path) -> Result<NamedTempFile, CarryError> {
    let permissions = Permissions::from_mode(MODE);
    tempfile::Builder::new()
        .prefix(".weir-")
        .permissions(permissions)
        .tempfile_in(folder)
        .map_err(|error| io_error(folder, error))
}

fn publish(temporary: NamedTempFile, place: &Path) -> Result<(), CarryError> {
    temporary.as_file().sync_all().map_err(|error| io_error(place, error))?;
    temporary.persist(place).map_err(|error| io_error(place, error.error))?;
    Ok(())
}

fn open(archive: &Path) -> Result<BufReader<File>, CarryError> {
    let file = File::open(archive).map_err(|error| io_error(archive, error))?;
    Ok(BufReader::with_capacity(BLOCK_BYTES, file))
}

/// Looks at every entry without reading its content, and returns the files that the archive brings.
fn survey(files: &ModelFiles, archive: &Path) -> Result<Vec<(String, FileSpec)>, CarryError> {
    let failed = |source: io::Error| io_error(archive, source);
    let length = fs::metadata(archive).map_err(failed)?.len();
    let mut tar = Archive::new(open(archive)?);
    let mut found = Vec::new();
    let mut names = HashSet::new();
    for entry in tar.entries_with_seek().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some((model, file)) = accepted(files, archive, &entry)? else { continue };
        if !names.insert((&model.name, &file.name)) {
            return Err(refused(archive, &entry, "it stands twice".to_owned()));
        }
        if entry.raw_file_position().saturating_add(file.bytes) > length {
            return Err(refused(archive, &entry, "the archive ends within it".to_owned()));
        }
        found.push((model.name.clone(), file.clone()));
    }
    Ok(found)
}

/// The file of the registry that an entry claims to be; none for the index.
fn accepted<'a, R: Read>(
    files: &'a ModelFiles,
    archive: &Path,
    entry: &Entry<'_, R>,
) -> Result<Option<(&'a ModelSpec, &'a FileSpec)>, CarryError> {
    let refuse = |reason: String| refused(archive, entry, reason);
    let kind = entry.header().entry_type();
    if kind != EntryType::Regular {
        return Err(refuse(format!("it is not a plain file (kind {kind:?}); links and folders are not taken")));
    }
    let bytes = entry.path_bytes();
    let path = std::str::from_utf8(&bytes).map_err(|_| refuse("its name is not UTF-8".to_owned()))?;
    if path == INDEX {
        let fits = entry.size() <= INDEX_MAX_BYTES;
        return if fits { Ok(None) } else { Err(refuse(format!("an index has at most {INDEX_MAX_BYTES} bytes"))) };
    }
    // Two names of the registry and nothing else: `..`, absolute paths and deeper folders are not among them.
    let (name, file) = path.split_once('/').ok_or_else(|| refuse("`MODEL/FILE` is expected".to_owned()))?;
    let model = files.registry().find(name).map_err(|error| refuse(error.to_string()))?;
    let file = model.file(file).map_err(|error| refuse(error.to_string()))?;
    if entry.size() != file.bytes {
        return Err(refuse(format!("it has {} bytes, the registry says {}", entry.size(), file.bytes)));
    }
    Ok(Some((model, file)))
}

/// Writes one entry beside its place, compares its digest, and moves it there.
fn place<R: Read>(
    files: &ModelFiles,
    archive: &Path,
    mut entry: Entry<'_, R>,
    model: &ModelSpec,
    file: &FileSpec,
) -> Result<(), CarryError> {
    let folder = files.directory().join(&model.name);
    fs::create_dir_all(&folder).map_err(|error| io_error(&folder, error))?;
    let mut temporary = temporary_in(&folder)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let count = entry.read(&mut block).map_err(|error| io_error(archive, error))?;
        let read = block.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hasher.update(read);
        temporary.write_all(read).map_err(|error| io_error(&folder, error))?;
    }
    let found = hex::encode(hasher.finalize());
    if found != file.sha256 {
        let reason = format!("it has SHA-256 {found}, the registry says {}", file.sha256);
        return Err(refused(archive, &entry, reason));
    }
    publish(temporary, &folder.join(&file.name))
}

fn refused<R: Read>(archive: &Path, entry: &Entry<'_, R>, reason: String) -> CarryError {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    CarryError::Refused { archive: archive.display().to_string(), entry: name, reason }
}

fn io_error(path: &Path, source: io::Error) -> CarryError {
    CarryError::Io { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
