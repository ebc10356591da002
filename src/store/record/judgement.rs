//! Verdicts, and human labels beside them.

use super::super::sql::{Done, Value};
use super::Recording;
use super::video::{here, unless_deleted};
use crate::model::{Fact, HumanLabel, Verdict, VideoId};

/// The video's verdict; human labels are not touched.
pub(super) async fn verdict_given(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, verdict: &Verdict) -> Done<()> {
    if unless_deleted(recording.tx, video).await?.is_none() {
        return Ok(());
    }
    let now = recording.tx.now().await?;
    recording
        .tx
        .execute(
            "INSERT INTO verdicts (video, decision, text_score, video_score, avg_score, threshold, body, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (video) DO UPDATE SET
                 decision = excluded.decision, text_score = excluded.text_score, video_score = excluded.video_score,
                 avg_score = excluded.avg_score, threshold = excluded.threshold, body = excluded.body,
                 created_at = excluded.created_at",
            &[
                video.as_str().into(),
                verdict.decision.as_str().into(),
                verdict.text.into(),
                verdict.video.into(),
                verdict.avg_score.into(),
                verdict.threshold.into(),
                Value::json(verdict)?,
                now.into(),
            ],
        )
        .await?;
    recording
        .tx
        .execute(
            "UPDATE videos SET decision = $1, decided_at = $2 WHERE id = $3",
            &[verdict.decision.as_str().into(), now.into(), video.as_str().into()],
        )
        .await?;
    recording.tell(fact).await
}

/// One more label; the last one is the video's.
pub(super) async fn human_labelled(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, label: &HumanLabel) -> Done<()> {
    here(recording.tx, video).await?;
    recording
        .tx
        .execute(
            "INSERT INTO human_labels (video, label, account, at, note) VALUES ($1, $2, $3, $4, $5)",
            &[
                video.as_str().into(),
                label.label.as_str().into(),
                label.by.as_str().into(),
                label.at.into(),
                label.note.as_deref().into(),
            ],
        )
        .await?;
    recording
        .tx
        .execute("UPDATE videos SET human_label = $1 WHERE id = $2", &[Value::json(label)?, video.as_str().into()])
        .await?;
    recording.tell(fact).await
}
