//! Analysis: its state, and one result per key that every video of the same content shares.

use super::super::sql::{Done, Failure, Tx, Value, insert_many};
use super::video::{here, unless_deleted};
use super::{Recording, task};
use crate::model::{AnalyserResult, AnalyserStatus, Analysis, Fact, Key, NewTask, Span, VideoId, VideoStatus};

/// The state as given; a repeated one has no event.
pub(super) async fn moved(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, analysis: Analysis) -> Done<()> {
    if unless_deleted(recording.tx, video).await?.is_none() {
        return Ok(());
    }
    let now = recording.tx.now().await?;
    let ended_at = analysis.is_final().then_some(now);
    let changed = recording
        .tx
        .execute(
            "UPDATE videos SET analysis = $1, analysed_at = $2 WHERE id = $3 AND analysis <> $1",
            &[analysis.as_str().into(), ended_at.into(), video.as_str().into()],
        )
        .await?;
    if changed == 0 {
        return Ok(());
    }
    recording.tell(fact).await
}

/// Back to `queued` and `pending`; a conflict while the analysis before is still open. The old verdict and all human labels stay
/// to be read.
pub(super) async fn asked(recording: &mut Recording<'_>, fact: &Fact, video: &VideoId, tasks: &[NewTask]) -> Done<()> {
    let standing = here(recording.tx, video).await?;
    if standing.status == VideoStatus::Created {
        return Err(Failure::conflict(format!("video `{video}` has no bytes to analyse yet")));
    }
    let open = recording
        .tx
        .fetch(
            "SELECT 1 FROM tasks WHERE video = $1 AND kind IN ('analyse', 'judge') AND ended_at IS NULL LIMIT 1",
            &[video.as_str().into()],
        )
        .await?;
    if !open.is_empty() {
        return Err(Failure::conflict(format!("video `{video}` is being analysed already")));
    }
    recording
        .tx
        .execute(
            "UPDATE videos SET analysis = 'queued', decision = 'pending', analysed_at = NULL, decided_at = NULL WHERE id = $1",
            &[video.as_str().into()],
        )
        .await?;
    task::create(recording.tx, tasks).await?;
    recording.tell(fact).await
}

/// Stores the result unless one with its key is there, and makes it the video's current one of this analyser.
pub(super) async fn analyser_finished(
    recording: &mut Recording<'_>,
    fact: &Fact,
    video: &VideoId,
    result: &AnalyserResult,
) -> Done<()> {
    if !result.findings.is_empty() {
        return Err(Failure::conflict(format!("findings of `{}` belong into a blob", result.analyser)));
    }
    if unless_deleted(recording.tx, video).await?.is_none() {
        return Ok(());
    }
    let now = recording.tx.now().await?;
    if put_result(recording.tx, result, now.0).await? {
        put_spans(recording.tx, result).await?;
    }
    recording
        .tx
        .execute(
            "INSERT INTO video_results (video, analyser, result) VALUES ($1, $2, $3)
             ON CONFLICT (video, analyser) DO UPDATE SET result = excluded.result",
            &[video.as_str().into(), result.analyser.as_str().into(), result.key.0.as_str().into()],
        )
        .await?;
    recording.tell(fact).await
}

/// Whether the row was written. A result that gave findings is final; `failed` and `skipped` make way for a later try, and
/// `degraded` for `done`.
async fn put_result(tx: &mut Tx, result: &AnalyserResult, now: i64) -> Done<bool> {
    let recovery = serde_json::to_string(&result.recovery).map_err(|error| Failure::Row(error.to_string()))?;
    let written = tx
        .execute(
            "INSERT INTO analyser_results AS old
                 (key, analyser, version, model, status, reason, ms, samples, findings_key, created_at, recovery)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (key) DO UPDATE SET
                 model = excluded.model, status = excluded.status, reason = excluded.reason, ms = excluded.ms,
                 samples = excluded.samples, findings_key = excluded.findings_key, created_at = excluded.created_at,
                 recovery = excluded.recovery
             WHERE old.status IN ('failed', 'skipped') OR (old.status = 'degraded' AND excluded.status = 'done')",
            &[
                result.key.0.as_str().into(),
                result.analyser.as_str().into(),
                result.version.into(),
                result.model.as_str().into(),
                status_word(result.status).into(),
                result.reason.as_deref().into(),
                result.ms.into(),
                (result.samples as i64).into(),
                result.findings_key.as_ref().map(Key::as_str).into(),
                now.into(),
                recovery.as_str().into(),
            ],
        )
        .await?;
    Ok(written > 0)
}

async fn put_spans(tx: &mut Tx, result: &AnalyserResult) -> Done<()> {
    tx.execute("DELETE FROM spans WHERE result = $1", &[result.key.0.as_str().into()]).await?;
    let rows: Done<Vec<_>> =
        result.spans.iter().enumerate().map(|(number, span)| span_row(&result.key.0, number, span)).collect();
    insert_many(tx, "spans", "result, number, start_ms, end_ms, frame, label, confidence, bounds, text, value, count", rows?)
        .await
}

fn span_row(key: &str, number: usize, span: &Span) -> Done<Vec<Value>> {
    let finding = &span.finding;
    Ok(vec![
        key.into(),
        (number as i64).into(),
        finding.start_ms.into(),
        finding.end_ms.into(),
        finding.frame.map(|frame| frame as i64).into(),
        finding.label.as_str().into(),
        finding.confidence.into(),
        optional_json(finding.bounds.as_ref())?,
        finding.text.as_deref().into(),
        optional_json(finding.value.as_ref())?,
        span.count.into(),
    ])
}

fn optional_json<T: serde::Serialize>(value: Option<&T>) -> Done<Value> {
    value.map_or(Ok(Value::Text(None)), Value::json)
}

fn status_word(status: AnalyserStatus) -> &'static str {
    match status {
        AnalyserStatus::Done => "done",
        AnalyserStatus::Degraded => "degraded",
        AnalyserStatus::Skipped => "skipped",
        AnalyserStatus::Failed => "failed",
    }
}
