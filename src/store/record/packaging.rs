//! Packaging: `uploaded → processing → transcoding → ready | failed`. Only forward moves take effect; a repeated one has no event.

use super::super::sql::{Done, Failure, Value};
use super::Recording;
use super::video::{Standing, unless_deleted};
use crate::model::{Fact, Key, MediaInfo, VideoId, VideoStatus};

/// How far a status is.
fn rank(status: VideoStatus) -> u8 {
    match status {
        VideoStatus::Created => 0,
        VideoStatus::Uploaded => 1,
        VideoStatus::Processing => 2,
        VideoStatus::Transcoding => 3,
        VideoStatus::Ready | VideoStatus::Failed => 4,
    }
}

fn goes_forward(standing: &Standing, status: VideoStatus) -> bool {
    standing.status != VideoStatus::Created && rank(status) > rank(standing.status)
}

/// `processing` and `transcoding`; the final states come with facts of their own.
pub(super) async fn status_moved(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, status: VideoStatus) -> Done<()> {
    let sql = match status {
        VideoStatus::Processing => "UPDATE videos SET status = 'processing', processing_started_at = $1 WHERE id = $2",
        VideoStatus::Transcoding => "UPDATE videos SET status = 'transcoding', transcoding_started_at = $1 WHERE id = $2",
        other => return Err(Failure::conflict(format!("status `{other}` is not moved to; `processing` or `transcoding` is"))),
    };
    let Some(standing) = unless_deleted(recording.tx, video).await? else { return Ok(()) };
    if !goes_forward(&standing, status) {
        return Ok(());
    }
    let now = recording.tx.now().await?;
    recording.tx.execute(sql, &[now.into(), video.as_str().into()]).await?;
    recording.tell(fact).await
}

/// Keeps the media's properties; the duration stands until packaging measures its own.
pub(super) async fn media_probed(recording: &mut Recording<'_>, video: &VideoId, media: &MediaInfo) -> Done<()> {
    if unless_deleted(recording.tx, video).await?.is_none() {
        return Ok(());
    }
    recording
        .tx
        .execute(
            "UPDATE videos SET media = $1, duration_ms = CASE WHEN status = 'ready' THEN duration_ms ELSE $2 END WHERE id = $3",
            &[Value::json(media)?, media.duration_ms.into(), video.as_str().into()],
        )
        .await?;
    Ok(())
}

/// Names the winning attempt. A second packaging of a `ready` video changes nothing: its folders stay without a name.
pub(super) async fn packaged(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId) -> Done<()> {
    let Fact::VideoPackaged { variants, manifests, poster, audio, renditions, duration_ms, .. } = fact else { return Ok(()) };
    let Some(standing) = unless_deleted(recording.tx, video).await? else { return Ok(()) };
    if !goes_forward(&standing, VideoStatus::Ready) {
        return Ok(());
    }
    let now = recording.tx.now().await?;
    recording
        .tx
        .execute(
            "UPDATE videos SET status = 'ready', reason = NULL, variants = $1, manifests = $2, poster = $3, audio = $4,
                               renditions = $5, duration_ms = $6, completed_at = $7
             WHERE id = $8",
            &[
                variants.as_str().into(),
                manifests.as_str().into(),
                poster.as_ref().map(Key::as_str).into(),
                audio.as_ref().map(Key::as_str).into(),
                Value::json(renditions)?,
                (*duration_ms).into(),
                now.into(),
                video.as_str().into(),
            ],
        )
        .await?;
    recording.tell(fact).await
}

/// The end of a video that cannot be packaged.
pub(super) async fn failed(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, reason: &str) -> Done<()> {
    let Some(standing) = unless_deleted(recording.tx, video).await? else { return Ok(()) };
    // An announced upload whose bytes never come fails as well.
    if standing.status.is_final() {
        return Ok(());
    }
    let now = recording.tx.now().await?;
    recording
        .tx
        .execute(
            "UPDATE videos SET status = 'failed', reason = $1, completed_at = $2 WHERE id = $3",
            &[reason.into(), now.into(), video.as_str().into()],
        )
        .await?;
    recording.tell(fact).await
}
