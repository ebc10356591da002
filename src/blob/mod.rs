//! Bytes: typed keys over an object store. A `put` returns when the bytes are durable; a key is written once.
//!
//! The local backend is `object_store`'s with `fsync`: temporary file, fsync, rename, fsync of the folder.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};

use crate::model::Key;

/// Where blobs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobUrl {
    /// `file:PATH`: a folder on this machine.
    File(PathBuf),
}

impl FromStr for BlobUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            _ => Err(format!("blobs: cannot use `{text}`; it takes `file:PATH`")),
        }
    }
}

impl std::fmt::Display for BlobUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Why bytes could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No such object.
    #[error("no object `{0}`")]
    Missing(Key),
    /// More bytes than allowed came.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The reserve of free disk space would be touched.
    #[error("disk_reserve: less than {reserve_bytes} bytes would stay free")]
    DiskFull {
        /// The reserve.
        reserve_bytes: u64,
    },
    /// The source of the bytes failed; nothing was stored.
    #[error("source: {0}")]
    Source(String),
    /// The backend failed.
    #[error("blobs: {0}")]
    Backend(String),
}

/// What a `put` stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Number of bytes.
    pub size_bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// One object of a listing.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its key.
    pub key: Key,
    /// Its size.
    pub size_bytes: u64,
    /// Milliseconds since it was written.
    pub age_ms: i64,
}

/// Limits of one `put`.
#[derive(Debug, Clone, Copy)]
pub struct PutLimits {
    /// At most this many bytes.
    pub max_bytes: u64,
    /// Bytes of the disk that must stay free.
    pub reserve_bytes: u64,
}

/// Parts of this size are handed to the backend.
const PART_BYTES: usize = 5 << 20;
/// The disk reserve is looked at again after this many bytes.
const RESERVE_STEP_BYTES: u64 = 16 << 20;

/// The blobs of an installation. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    root: PathBuf,
}

impl Blobs {
    /// Opens the backend; makes the folder when it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made or used.
    pub fn open(url: &BlobUrl) -> Result<Self, BlobError> {
        let BlobUrl::File(folder) = url;
        std::fs::create_dir_all(folder).map_err(|error| BlobError::Backend(format!("`{}`: {error}", folder.display())))?;
        let root = folder.canonicalize().map_err(backend)?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(backend)?.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), root })
    }

    /// Stores a stream under `key` in bounded memory, counting and hashing as the bytes pass.
    ///
    /// # Errors
    /// `TooLarge`, `DiskFull`, `Source`, `Backend`; nothing is left under `key` then.
    pub async fn put_stream<S, E>(&self, key: &Key, mut bytes: S, limits: PutLimits) -> Result<Stored, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: std::fmt::Display,
    {
        self.check_reserve(0, limits.reserve_bytes)?;
        let upload = self.store.put_multipart(&path_of(key)).await.map_err(backend)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut hash = Sha256::new();
        let (mut size, mut checked) = (0_u64, 0_u64);
        let failure = loop {
            let part = match bytes.next().await {
                None => break None,
                Some(Err(error)) => break Some(BlobError::Source(error.to_string())),
                Some(Ok(part)) => part,
            };
            size += part.len() as u64;
            if size > limits.max_bytes {
                break Some(BlobError::TooLarge { limit: limits.max_bytes });
            }
            if size - checked >= RESERVE_STEP_BYTES {
                checked = size;
                if let Err(error) = self.check_reserve(0, limits.reserve_bytes) {
                    break Some(error);
                }
            }
            hash.update(&part);
            if let Err(error) = writer.wait_for_capacity(2).await {
                break Some(backend(error));
            }
            writer.put(part);
        };
        if let Some(failure) = failure {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%key, %error, "could not abort a put; its temporary file is collected later");
            }
            return Err(failure);
        }
        writer.finish().await.map_err(backend)?;
        Ok(Stored { size_bytes: size, sha256: hex::encode(hash.finalize()) })
    }

    /// Stores bytes that are in memory.
    ///
    /// # Errors
    /// `Backend`.
    pub async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), BlobError> {
        self.store.put(&path_of(key), bytes.into()).await.map_err(backend)?;
        Ok(())
    }

    /// Stores a local file.
    ///
    /// # Errors
    /// `Source` when the file cannot be read, `DiskFull`, `Backend`.
    pub async fn put_file(&self, key: &Key, file: &Path, reserve_bytes: u64) -> Result<Stored, BlobError> {
        let file = tokio::fs::File::open(file).await.map_err(|error| BlobError::Source(error.to_string()))?;
        let stream = tokio_util::io::ReaderStream::with_capacity(file, 1 << 20);
        self.put_stream(key, stream, PutLimits { max_bytes: u64::MAX, reserve_bytes }).await
    }

    /// Size of an object.
    ///
    /// # Errors
    /// `Missing`, `Backend`.
    pub async fn size(&self, key: &Key) -> Result<u64, BlobError> {
        Ok(self.store.head(&path_of(key)).await.map_err(|error| reading(key, error))?.size)
    }

    /// Reads a whole small object, at most `max_bytes`.
    ///
    /// # Errors
    /// `Missing`, `TooLarge`, `Backend`.
    pub async fn get(&self, key: &Key, max_bytes: u64) -> Result<Bytes, BlobError> {
        let found = self.store.get(&path_of(key)).await.map_err(|error| reading(key, error))?;
        if found.meta.size > max_bytes {
            return Err(BlobError::TooLarge { limit: max_bytes });
        }
        found.bytes().await.map_err(|error| reading(key, error))
    }

    /// Streams the bytes `range` (end exclusive; none: all).
    ///
    /// # Errors
    /// `Missing`, `Backend`; a range outside the object is `Backend`.
    pub async fn stream(
        &self,
        key: &Key,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&path_of(key), options).await.map_err(|error| reading(key, error))?;
        Ok(found.into_stream().map_err(backend).boxed())
    }

    /// A local, regular file with the object's bytes, for programs. On this backend it is the object itself: read only.
    ///
    /// # Errors
    /// `Missing`.
    pub fn local_path(&self, key: &Key) -> Result<PathBuf, BlobError> {
        let path = self.root.join(key.as_str());
        if path.is_file() { Ok(path) } else { Err(BlobError::Missing(key.clone())) }
    }

    /// Deletes one object; one that is not there is no error.
    ///
    /// # Errors
    /// `Backend`.
    pub async fn delete(&self, key: &Key) -> Result<(), BlobError> {
        match self.store.delete(&path_of(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(backend(error)),
        }
    }

    /// Deletes every object under `folder`; answers how many.
    ///
    /// # Errors
    /// `Backend`.
    pub async fn delete_folder(&self, folder: &Key) -> Result<u64, BlobError> {
        let mut listed = self.list(folder.as_str());
        let mut count = 0;
        while let Some(object) = listed.next().await {
            self.delete(&object?.key).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Every object whose key lies under the folder `prefix`, for example `vod-raw`. Temporary files of unfinished puts are not listed.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Listed, BlobError>> {
        let now = jiff::Timestamp::now().as_millisecond();
        self.store
            .list(Some(&ObjectPath::from(prefix)))
            .map_err(backend)
            .try_filter_map(move |meta| async move {
                let Ok(key) = meta.location.as_ref().parse::<Key>() else { return Ok(None) };
                let age_ms = now - meta.last_modified.timestamp_millis();
                Ok(Some(Listed { key, size_bytes: meta.size, age_ms }))
            })
            .boxed()
    }

    /// Refuses when `more` bytes would leave less than `reserve_bytes` free.
    ///
    /// # Errors
    /// `DiskFull`, `Backend`.
    pub fn check_reserve(&self, more: u64, reserve_bytes: u64) -> Result<(), BlobError> {
        if self.free_bytes()? < reserve_bytes.saturating_add(more) {
            return Err(BlobError::DiskFull { reserve_bytes });
        }
        Ok(())
    }

    /// Free bytes of the disk that holds the blobs.
    ///
    /// # Errors
    /// `Backend`.
    pub fn free_bytes(&self) -> Result<u64, BlobError> {
        let stat = rustix::fs::statvfs(&self.root).map_err(backend)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// The folder of the local backend, where stray temporary files are looked for.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn path_of(key: &Key) -> ObjectPath {
    ObjectPath::from(key.as_str())
}

fn backend(error: impl std::fmt::Display) -> BlobError {
    BlobError::Backend(error.to_string())
}

fn reading(key: &Key, error: object_store::Error) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::Missing(key.clone()),
        other => backend(other),
    }
}

#[cfg(test)]
mod tests;
