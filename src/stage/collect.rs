//! `collect`: what crashes, lost attempts and abandoned uploads left behind goes, once it is old enough that nobody writes it now.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::sweep::sweep;
use super::{Stage, StageError, TaskCtx};
use crate::model::{Analysis, Fact, Key, Task, TaskKind, Video, VideoStatus};
use crate::store::VideoFilter;

/// Where weir writes.
const BUCKETS: [&str; 3] = ["vod-raw", "vod-variants", "manifests"];
/// Abandoned uploads that one task ends.
const UPLOADS_MAX: u32 = 200;
/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 12;

/// Collects what no row names.
#[derive(Debug, Clone)]
pub struct Collect {
    /// Objects and temporary files that are younger stay.
    pub after: Duration,
    /// An announced upload without bytes has failed after this.
    pub uploads_after: Duration,
}

#[async_trait]
impl Stage for Collect {
    fn kind(&self) -> TaskKind {
        TaskKind::Collect
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let min_age_ms = i64::try_from(self.after.as_millis()).unwrap_or(i64::MAX);
        let mut objects = 0;
        for (done, bucket) in BUCKETS.into_iter().enumerate() {
            ctx.progress(done as f32 / BUCKETS.len() as f32, bucket);
            objects += sweep(ctx, bucket, min_age_ms).await?;
        }
        let (root, after) = (ctx.blobs().root().to_owned(), self.after);
        let temporary = tokio::task::spawn_blocking(move || remove_temporary(&root, after, DEPTH_MAX)).await;
        let temporary = temporary.map_err(|error| StageError::Retry(format!("temporary files: {error}")))?;
        if objects + temporary > 0 {
            tracing::info!(objects, temporary, "collected what nothing names");
        }
        self.abandoned(ctx, task).await
    }
}

impl Collect {
    /// Announced uploads whose bytes never came.
    async fn abandoned(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let age_ms = i64::try_from(self.uploads_after.as_millis()).unwrap_or(i64::MAX);
        let until = task.started_at.unwrap_or_default().plus_ms(-age_ms);
        let (status, until) = (Some(VideoStatus::Created), Some(until));
        let filter = VideoFilter { status, until, limit: UPLOADS_MAX, ..VideoFilter::default() };
        let found = ctx.query().videos(&filter).await?;
        let waits = found.items.into_iter().filter(|video| !is_being_written(ctx.blobs().root(), video, self.uploads_after));
        let hours = self.uploads_after.as_secs() / 3600;
        let facts = waits.flat_map(|video| {
            let reason = format!("upload_abandoned: no bytes came in {hours} h");
            [
                Fact::AnalysisMoved { video: video.id.clone(), analysis: Analysis::Failed },
                Fact::VideoFailed { video: video.id, reason },
            ]
        });
        Ok(facts.collect())
    }
}

/// Whether bytes of the upload came lately: its temporary file lies beside where the object will be.
fn is_being_written(root: &Path, video: &Video, age: Duration) -> bool {
    let original = root.join(Key::original(&video.upload).as_str());
    let Some(folder) = original.parent() else { return false };
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| !is_older(&entry.path(), age))
}

/// Deletes the temporary files (`NAME#NUMBER`) of puts that never ended, and the folders that are empty without them; answers how
/// many files went.
fn remove_temporary(folder: &Path, after: Duration, depth: usize) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut gone = 0;
    for entry in entries.flatten() {
        // Links are not followed: the file type is the entry's own.
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            gone += remove_temporary(&path, after, depth - 1);
        } else if kind.is_file() && is_temporary(&path) && is_older(&path, after) {
            gone += u64::from(removed(&path, folder));
        }
    }
    gone
}

fn removed(file: &Path, folder: &Path) -> bool {
    if let Err(error) = std::fs::remove_file(file) {
        tracing::warn!(file = %file.display(), %error, "a temporary file stays behind");
        return false;
    }
    let others: Option<PathBuf> = std::fs::read_dir(folder).ok().and_then(|mut all| all.next()?.ok()).map(|entry| entry.path());
    if others.is_none() {
        // Somebody may begin to write into it just now; then it is not empty, and stays.
        let _not_empty = std::fs::remove_dir(folder);
    }
    true
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.rsplit_once('#')).map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_older(path: &Path, age: Duration) -> bool {
    let written = std::fs::metadata(path).and_then(|about| about.modified());
    written.is_ok_and(|written| SystemTime::now().duration_since(written).is_ok_and(|old| old >= age))
}
