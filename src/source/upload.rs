//! Uploads: bytes into a blob while they are counted and hashed, then one record that makes the video and its tasks.
//!
//! What a client calls its file is a title and nothing else: keys are made of ids. Whatever goes wrong before the record, nothing is
//! left; what a crash leaves between blob and record is collected, because no row names it.

use bytes::Bytes;
use futures::{Stream, StreamExt};

use super::{Random, pipeline_tasks};
use crate::blob::{BlobError, Blobs, PutLimits, Stored};
use crate::model::{Fact, Guard, Key, Personal, UploadId, VideoId, VideoStatus};
use crate::store::{RecordError, Recorded, SharedStore, StoreError};

/// Titles are cut to this many characters.
pub const TITLE_CHARS: usize = 500;
/// Labels may be this long as JSON.
pub const LABELS_BYTES: usize = 4096;
/// Owners may be this long.
pub const OWNER_CHARS: usize = 100;
/// The owner's own ids may be this long.
pub const EXTERNAL_ID_CHARS: usize = 200;
/// Whose a video is unless somebody says.
pub const DEFAULT_OWNER: &str = "default";

/// Why nothing was uploaded.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There are no bytes.
    #[error("the upload has no bytes")]
    Empty,
    /// There are too many.
    #[error("an upload has at most {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The disk is too full.
    #[error("less than {reserve_bytes} bytes would stay free on the disk")]
    DiskReserve {
        /// The reserve.
        reserve_bytes: u64,
    },
    /// The owner has a video with this external id, or the upload is not waiting for bytes.
    #[error("{0}")]
    Conflict(String),
    /// No such upload.
    #[error("no upload `{0}` is waiting for bytes")]
    Unknown(UploadId),
    /// What is said of the video cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The bytes stopped coming.
    #[error("the bytes stopped: {0}")]
    Broken(String),
    /// Store or blobs do not answer.
    #[error("{0}")]
    Down(String),
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Down(error.to_string())
    }
}

impl From<BlobError> for UploadError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooLarge { limit } => Self::TooLarge { limit },
            BlobError::DiskFull { reserve_bytes } => Self::DiskReserve { reserve_bytes },
            BlobError::Source(why) => Self::Broken(why),
            BlobError::Missing(_) | BlobError::Backend(_) => Self::Down(error.to_string()),
        }
    }
}

impl From<RecordError> for UploadError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Conflict(why) => Self::Conflict(why),
            RecordError::Stale | RecordError::TooLarge(_) | RecordError::Down(_) => Self::Down(error.to_string()),
        }
    }
}

/// What is said of a video before its bytes are here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// Free text. Empty: the last part of `filename`.
    pub title: String,
    /// What the client calls the file; a path in it is cut off.
    pub filename: String,
    /// Whose it is; empty: [`DEFAULT_OWNER`].
    pub owner: String,
    /// The owner's own id.
    pub external_id: Option<String>,
    /// JSON object; null: none.
    pub labels: serde_json::Value,
}

impl About {
    /// The same, with every part in the form that is stored.
    ///
    /// # Errors
    /// `Invalid`, naming the part and what it takes.
    pub fn checked(self) -> Result<Self, UploadError> {
        let filename = self.filename.rsplit(['/', '\\']).next().unwrap_or_default();
        let title = clean(if self.title.trim().is_empty() { filename } else { &self.title });
        let owner = if self.owner.is_empty() { DEFAULT_OWNER.to_owned() } else { self.owner };
        short("owner", &owner, OWNER_CHARS)?;
        let external_id = self.external_id.filter(|id| !id.is_empty());
        if let Some(id) = &external_id {
            short("external_id", id, EXTERNAL_ID_CHARS)?;
        }
        let labels = if self.labels.is_null() { serde_json::json!({}) } else { self.labels };
        if !labels.is_object() || labels.to_string().len() > LABELS_BYTES {
            return Err(UploadError::Invalid(format!("`labels` is a JSON object of at most {LABELS_BYTES} bytes")));
        }
        Ok(Self { title, filename: filename.to_owned(), owner, external_id, labels })
    }
}

/// Free text as it is stored: without control characters and marks that turn the reading direction, cut to [`TITLE_CHARS`].
fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept: String = text.chars().filter(|&c| !c.is_control() && !turns(c)).take(TITLE_CHARS).collect();
    kept.trim().to_owned()
}

fn short(name: &str, text: &str, limit: usize) -> Result<(), UploadError> {
    if text.chars().count() > limit || text.chars().any(char::is_control) {
        return Err(UploadError::Invalid(format!("`{name}` is a text of at most {limit} characters without control characters")));
    }
    Ok(())
}

/// Takes uploads. Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    /// Where videos are recorded.
    pub store: SharedStore,
    /// Where the bytes go.
    pub blobs: Blobs,
    /// Size limit and disk reserve.
    pub limits: PutLimits,
    /// Attempts of each task before it is dead.
    pub max_attempts: i32,
    /// For ids.
    pub random: Random,
}

impl Uploads {
    /// Announces a video whose bytes come later, with [`Uploads::fill`].
    ///
    /// # Errors
    /// `Invalid`, `Conflict`, `Down`.
    pub async fn announce(&self, about: About) -> Result<(VideoId, UploadId), UploadError> {
        let about = about.checked()?;
        self.check_external_id(&about).await?;
        let (video, upload) = (self.random.video(), self.random.upload());
        self.store.record(&[created(&video, &upload, about)], Guard::None).await?;
        Ok((video, upload))
    }

    /// Takes a video with its bytes. `declared_bytes` is what the client says of their number.
    ///
    /// # Errors
    /// Every kind but `Unknown`; nothing is left then.
    pub async fn store_stream<S, E>(&self, about: About, declared_bytes: Option<u64>, bytes: S) -> Result<VideoId, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: std::fmt::Display + Send,
    {
        let about = about.checked()?;
        self.check_external_id(&about).await?;
        let (video, upload) = (self.random.video(), self.random.upload());
        let key = Key::original(&upload);
        let stored = self.put(&key, declared_bytes, bytes).await?;
        let owner = about.owner.clone();
        let facts = [created(&video, &upload, about), self.uploaded(&video, &owner, &key, stored)];
        self.finish(&facts, Guard::None, &key).await?;
        Ok(video)
    }

    /// Takes the bytes of an announced video. They are stored under an id of their own, so that two clients that send for the
    /// same upload never write the same key: the first to end wins, the other conflicts.
    ///
    /// # Errors
    /// Every kind; the upload still waits for bytes then, unless it was a `Conflict`.
    pub async fn fill<S, E>(&self, upload: &UploadId, declared_bytes: Option<u64>, bytes: S) -> Result<VideoId, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: std::fmt::Display + Send,
    {
        let waiting = self.store.video_of_upload(upload).await?.ok_or_else(|| UploadError::Unknown(upload.clone()))?;
        if waiting.status != VideoStatus::Created {
            return Err(UploadError::Conflict(format!("upload `{upload}` has its bytes")));
        }
        let key = Key::original(&self.random.upload());
        let stored = self.put(&key, declared_bytes, bytes).await?;
        let fact = self.uploaded(&waiting.id, &waiting.owner, &key, stored);
        self.finish(&[fact], Guard::Video(waiting.id.clone()), &key).await?;
        Ok(waiting.id)
    }

    async fn check_external_id(&self, about: &About) -> Result<(), UploadError> {
        let Some(id) = &about.external_id else { return Ok(()) };
        match self.store.video_by_external_id(&about.owner, id).await? {
            Some(video) => {
                Err(UploadError::Conflict(format!("`{}` has a video with external_id `{id}`: `{}`", about.owner, video.id)))
            }
            None => Ok(()),
        }
    }

    /// Stores the bytes. What was declared is checked before the first byte is read, and again at the end: a connection that breaks
    /// can look like the end of a body.
    async fn put<S, E>(&self, key: &Key, declared_bytes: Option<u64>, mut bytes: S) -> Result<Stored, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: std::fmt::Display + Send,
    {
        match declared_bytes {
            Some(0) => return Err(UploadError::Empty),
            Some(size) if size > self.limits.max_bytes => return Err(UploadError::TooLarge { limit: self.limits.max_bytes }),
            size => self.blobs.check_reserve(size.unwrap_or(0), self.limits.reserve_bytes)?,
        }
        let first = loop {
            match bytes.next().await {
                None => return Err(UploadError::Empty),
                Some(Err(error)) => return Err(UploadError::Broken(error.to_string())),
                Some(Ok(part)) if part.is_empty() => {}
                Some(Ok(part)) => break part,
            }
        };
        let all = futures::stream::iter([Ok(first)]).chain(bytes);
        let stored = self.blobs.put_stream(key, all, self.limits).await?;
        if let Some(size) = declared_bytes.filter(|&size| size != stored.size_bytes) {
            self.discard(key).await;
            return Err(UploadError::Broken(format!("{} of {size} bytes came", stored.size_bytes)));
        }
        Ok(stored)
    }

    fn uploaded(&self, video: &VideoId, owner: &str, key: &Key, stored: Stored) -> Fact {
        Fact::VideoUploaded {
            video: video.clone(),
            key: key.clone(),
            size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
            sha256: stored.sha256,
            tasks: pipeline_tasks(video, owner, self.max_attempts, &self.random),
        }
    }

    /// Records, and deletes what is not needed: the bytes when they were refused, or when equal ones were there before. Bytes of a
    /// record that got no answer stay, because the database may have it.
    async fn finish(&self, facts: &[Fact], guard: Guard, key: &Key) -> Result<(), UploadError> {
        match self.store.record(facts, guard).await {
            Ok(Recorded { unreferenced, .. }) => {
                for key in &unreferenced {
                    self.discard(key).await;
                }
                Ok(())
            }
            Err(error) => {
                if !matches!(error, RecordError::Down(_)) {
                    self.discard(key).await;
                }
                Err(error.into())
            }
        }
    }

    async fn discard(&self, key: &Key) {
        if let Err(error) = self.blobs.delete(key).await {
            tracing::warn!(%key, %error, "could not delete an original that nothing names; it is collected later");
        }
    }
}

fn created(video: &VideoId, upload: &UploadId, about: About) -> Fact {
    Fact::VideoCreated {
        video: video.clone(),
        upload: upload.clone(),
        owner: about.owner,
        external_id: about.external_id,
        labels: about.labels,
        title: Personal(about.title),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_name_is_a_title_only() {
        let about = |filename: &str| About { filename: filename.to_owned(), ..About::default() }.checked().unwrap();
        assert_eq!(about("../../etc/passwd").title, "passwd");
        assert_eq!(about("C:\\films\\a\u{202e}4pm.\r\nmp4").title, "a4pm.mp4");
        assert_eq!(about(&"é".repeat(900)).title.chars().count(), TITLE_CHARS);
        assert_eq!(about("").title, "");
        assert_eq!(about("a.mp4").owner, DEFAULT_OWNER);
    }

    #[test]
    fn refuses_labels_that_are_no_object_or_too_long() {
        let labels = |labels| About { labels, ..About::default() }.checked();
        assert_eq!(labels(serde_json::Value::Null).unwrap().labels, serde_json::json!({}));
        assert!(matches!(labels(serde_json::json!([1])), Err(UploadError::Invalid(_))));
        assert!(matches!(labels(serde_json::json!({ "a": "x".repeat(LABELS_BYTES) })), Err(UploadError::Invalid(_))));
    }
}
