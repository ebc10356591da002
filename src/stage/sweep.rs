//! Removing objects that no row names: what `purge` and `collect` share.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::{StageError, TaskCtx};
use crate::blob::Listed;
use crate::model::Key;

/// Folders that the store is asked about at a time.
const FOLDERS: usize = 500;
/// Objects that are remembered at a time.
const OBJECTS: usize = 10_000;

/// Deletes the objects under `prefix` that are at least `min_age_ms` old and that neither a row nor a running attempt names;
/// answers how many went.
///
/// # Errors
/// `Retry` when the database or the blobs do not answer, `Cancelled`.
pub(super) async fn sweep(ctx: &dyn TaskCtx, prefix: &str, min_age_ms: i64) -> Result<u64, StageError> {
    let mut listed = ctx.blobs().list(prefix);
    let mut batch = Batch::default();
    let mut gone = 0;
    while let Some(object) = listed.next().await {
        let Listed { key, age_ms, .. } = object?;
        if age_ms >= min_age_ms {
            batch.add(key)?;
        }
        if batch.is_full() {
            gone += batch.delete(ctx).await?;
        }
    }
    Ok(gone + batch.delete(ctx).await?)
}

/// Objects by the folder (or object) whose name decides over them.
#[derive(Default)]
struct Batch {
    folders: BTreeMap<Key, Vec<Key>>,
    objects: usize,
}

impl Batch {
    fn add(&mut self, key: Key) -> Result<(), StageError> {
        self.folders.entry(asked_for(&key)?).or_default().push(key);
        self.objects += 1;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.folders.len() >= FOLDERS || self.objects >= OBJECTS
    }

    async fn delete(&mut self, ctx: &dyn TaskCtx) -> Result<u64, StageError> {
        if ctx.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        let mut folders = std::mem::take(&mut self.folders);
        self.objects = 0;
        let asked: Vec<Key> = folders.keys().cloned().collect();
        let unnamed = ctx.query().unnamed(&asked).await?;
        let objects: Vec<Key> = unnamed.iter().filter_map(|folder| folders.remove(folder)).flatten().collect();
        for object in &objects {
            ctx.blobs().delete(object).await?;
        }
        Ok(objects.len() as u64)
    }
}

/// What a row names: the folder of an original or of an attempt; in an attempt's `findings`, the object itself, since each belongs to
/// a result that may live longer than the attempt's video.
fn asked_for(key: &Key) -> Result<Key, StageError> {
    let elements: Vec<&str> = key.as_str().split('/').collect();
    let depth = match elements.as_slice() {
        [_, _, _, "findings", ..] => elements.len(),
        ["vod-raw", _, _, ..] => 2,
        [_, _, _, _, ..] => 3,
        _ => elements.len(),
    };
    let folder = elements.get(..depth).unwrap_or(&elements).join("/");
    folder.parse().map_err(|error| StageError::Fail(format!("bad_key: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_what_rows_name() {
        for (object, asked) in [
            ("vod-raw/up-1/source", "vod-raw/up-1"),
            ("vod-variants/vod-1/task-1-2/720p/0.m4s", "vod-variants/vod-1/task-1-2"),
            ("vod-variants/vod-1/task-1-2/poster.jpg", "vod-variants/vod-1/task-1-2"),
            ("vod-variants/vod-1/task-1-2/findings/a.jsonl", "vod-variants/vod-1/task-1-2/findings/a.jsonl"),
            ("manifests/vod-1/task-1-2/master.m3u8", "manifests/vod-1/task-1-2"),
            ("manifests/stray", "manifests/stray"),
        ] {
            assert_eq!(asked_for(&object.parse().unwrap()).unwrap().as_str(), asked);
        }
    }
}
