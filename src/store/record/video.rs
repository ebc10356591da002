//! A recording's row from announcement to tombstone.

use super::super::sql::{Done, Failure, Tx, Value, dialect, insert_many};
use super::{Recording, task};
use crate::model::{EventForm, Fact, Key, NewTask, Personal, VideoId, VideoStatus};

/// What a record must know of a video; its row stays locked until the commit.
pub(super) struct Standing {
    pub(super) status: VideoStatus,
    pub(super) is_deleted: bool,
    pub(super) is_purged: bool,
}

/// A conflict when there is no such video.
pub(super) async fn standing(tx: &mut Tx, video: &VideoId) -> Done<Standing> {
    let sql = format!("SELECT status, deleted_at, purged_at FROM videos WHERE id = $1{}", dialect::for_update(tx));
    let mut rows = tx.fetch_built(sql, &[video.as_str().into()]).await?;
    let Some(row) = rows.first_mut() else { return Err(gone(video)) };
    Ok(Standing { status: row.parsed()?, is_deleted: row.opt_int()?.is_some(), is_purged: row.opt_int()?.is_some() })
}

/// A conflict when there is no such video, or it is deleted.
pub(super) async fn here(tx: &mut Tx, video: &VideoId) -> Done<Standing> {
    let standing = standing(tx, video).await?;
    if standing.is_deleted { Err(gone(video)) } else { Ok(standing) }
}

/// None when the video is deleted: what a stage found out of it has no effect.
pub(super) async fn unless_deleted(tx: &mut Tx, video: &VideoId) -> Done<Option<Standing>> {
    let standing = standing(tx, video).await?;
    Ok((!standing.is_deleted).then_some(standing))
}

fn gone(video: &VideoId) -> Failure {
    Failure::conflict(format!("there is no video `{video}`"))
}

/// A row with status `created`, and its labels for search.
pub(super) async fn created(recording: &mut Recording<'_>, fact: &Fact) -> Done<()> {
    let Fact::VideoCreated { video, upload, owner, external_id, labels, title: Personal(title) } = fact else { return Ok(()) };
    let now = recording.tx.now().await?;
    let added = recording
        .tx
        .execute(
            "INSERT INTO videos (id, upload, owner, external_id, labels, title, title_folded, status, analysis, decision,
                                 size_bytes, sha256, renditions, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'created', 'queued', 'pending', 0, '', '[]', $8)
             ON CONFLICT DO NOTHING",
            &[
                video.as_str().into(),
                upload.as_str().into(),
                owner.as_str().into(),
                external_id.as_deref().into(),
                Value::json(labels)?,
                title.as_str().into(),
                title.to_lowercase().into(),
                now.into(),
            ],
        )
        .await?;
    if added == 0 {
        let what = external_id.as_ref().map_or_else(|| format!("video `{video}`"), |id| format!("external_id `{id}`"));
        return Err(Failure::conflict(format!("{what} is there already")));
    }
    let rows = labels.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let text = value.as_str()?;
        Some(vec![video.as_str().into(), name.as_str().into(), text.into()])
    });
    insert_many(recording.tx, "video_labels", "video, name, value", rows.collect()).await?;
    recording.tell(fact).await
}

/// `created` → `uploaded`, one more reference to the content, and the tasks.
pub(super) async fn uploaded(recording: &mut Recording<'_>, fact: &Fact) -> Done<()> {
    let Fact::VideoUploaded { video, key, size_bytes, sha256, tasks } = fact else { return Ok(()) };
    let standing = here(recording.tx, video).await?;
    if standing.status != VideoStatus::Created {
        return Err(Failure::conflict(format!("video `{video}` does not wait for bytes; it is `{}`", standing.status)));
    }
    let original: Key = recording
        .tx
        .fetch_one(
            "INSERT INTO contents (sha256, key, size_bytes, refs) VALUES ($1, $2, $3, 1)
             ON CONFLICT (sha256) DO UPDATE SET refs = contents.refs + 1 RETURNING key",
            &[sha256.as_str().into(), key.as_str().into(), (*size_bytes).into()],
        )
        .await?
        .parsed()?;
    let now = recording.tx.now().await?;
    recording
        .tx
        .execute(
            "UPDATE videos SET status = 'uploaded', size_bytes = $1, sha256 = $2, original = $3, uploaded_at = $4 WHERE id = $5",
            &[(*size_bytes).into(), sha256.as_str().into(), original.as_str().into(), now.into(), video.as_str().into()],
        )
        .await?;
    task::create(recording.tx, tasks).await?;
    let mut form = EventForm::uploaded(video, &original, *size_bytes, sha256, &recording.batch.origin, now);
    if recording.is_from_feed() {
        form.topic = None;
    }
    if original != *key {
        recording.unreferenced.push(key.clone());
    }
    recording.tell_form(&form).await
}

/// Tombstone: open tasks are asked to stop, and the purge waits for those that run.
pub(super) async fn deleted(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, purge: &NewTask) -> Done<()> {
    here(recording.tx, video).await?;
    let now = recording.tx.now().await?;
    recording.tx.execute("UPDATE videos SET deleted_at = $1 WHERE id = $2", &[now.into(), video.as_str().into()]).await?;
    let running = task::stop_all(recording, video).await?;
    let mut purge = purge.clone();
    purge.after.extend(running);
    task::create(recording.tx, std::slice::from_ref(&purge)).await?;
    recording.tell(fact).await
}

/// What is left of a purged video is its id, its owner, its digest and its times.
pub(super) async fn purged(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId) -> Done<()> {
    let standing = standing(recording.tx, video).await?;
    if !standing.is_deleted {
        return Err(Failure::conflict(format!("video `{video}` is not deleted")));
    }
    if standing.is_purged {
        return Ok(());
    }
    drop_content(recording, video).await?;
    drop_findings(recording.tx, video).await?;
    let id = [Value::from(video.as_str())];
    recording.tx.execute("DELETE FROM video_labels WHERE video = $1", &id).await?;
    recording.tx.execute("DELETE FROM human_labels WHERE video = $1", &id).await?;
    recording.tx.execute("DELETE FROM verdicts WHERE video = $1", &id).await?;
    let now = recording.tx.now().await?;
    recording
        .tx
        .execute(
            "UPDATE videos SET title = '', title_folded = '', external_id = NULL, labels = '{}', reason = NULL, media = NULL,
                               original = NULL, variants = NULL, manifests = NULL, poster = NULL, audio = NULL, renditions = '[]',
                               human_label = NULL, purged_at = $1
             WHERE id = $2",
            &[now.into(), video.as_str().into()],
        )
        .await?;
    recording.tell(fact).await
}

/// One reference less; the last one takes the row with it and leaves the original to the caller.
async fn drop_content(recording: &mut Recording<'_>, video: &VideoId) -> Done<()> {
    let left = recording
        .tx
        .fetch_optional(
            "UPDATE contents SET refs = refs - 1
             WHERE sha256 = (SELECT sha256 FROM videos WHERE id = $1 AND original IS NOT NULL) RETURNING sha256, key, refs",
            &[video.as_str().into()],
        )
        .await?;
    let Some(mut row) = left else { return Ok(()) };
    let (sha256, key, refs): (String, Key, i64) = (row.text()?, row.parsed()?, row.int()?);
    if refs > 0 {
        return Ok(());
    }
    recording.tx.execute("DELETE FROM contents WHERE sha256 = $1", &[sha256.into()]).await?;
    recording.unreferenced.push(key);
    Ok(())
}

/// The video's links to results; a result goes with its last link, and its spans with it.
async fn drop_findings(tx: &mut Tx, video: &VideoId) -> Done<()> {
    let links = tx.fetch("DELETE FROM video_results WHERE video = $1 RETURNING result", &[video.as_str().into()]).await?;
    for mut link in links {
        let result = link.text()?;
        tx.execute(
            "DELETE FROM analyser_results WHERE key = $1 AND NOT EXISTS (SELECT 1 FROM video_results WHERE result = $1)",
            &[result.into()],
        )
        .await?;
    }
    Ok(())
}
