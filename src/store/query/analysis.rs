//! Results of analysers and their spans.

use super::super::sql::{Done, Failure, Row, Tx};
use crate::model::{AnalyserResult, AnalyserStatus, Finding, ResultKey, Span, VideoId};

/// Spans of all analysers in one answer.
const SPANS_MAX: u32 = 5_000;

/// Which spans.
pub(super) struct Wanted<'a> {
    pub(super) analyser: Option<&'a str>,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) limit: u32,
}

/// The columns of [`read_result`], in its order.
const RESULT: &str = "r.key, r.analyser, r.version, r.model, r.status, r.reason, r.ms, r.samples, r.findings_key, r.recovery";

fn read_result(row: &mut Row) -> Done<AnalyserResult> {
    Ok(AnalyserResult {
        key: ResultKey(row.text()?),
        analyser: row.text()?,
        version: row.small()?,
        model: row.text()?,
        status: status(&row.text()?)?,
        reason: row.opt_text()?,
        ms: row.int()?,
        samples: row.small()?,
        findings: Vec::new(),
        spans: Vec::new(),
        findings_key: row.opt_parsed()?,
        recovery: serde_json::from_str(&row.text()?).map_err(|error| Failure::Row(format!("`recovery`: {error}")))?,
    })
}

fn status(word: &str) -> Done<AnalyserStatus> {
    match word {
        "done" => Ok(AnalyserStatus::Done),
        "degraded" => Ok(AnalyserStatus::Degraded),
        "skipped" => Ok(AnalyserStatus::Skipped),
        "failed" => Ok(AnalyserStatus::Failed),
        other => Err(Failure::Row(format!("`{other}` is not the status of a result"))),
    }
}

pub(super) async fn result(tx: &mut Tx, key: &ResultKey) -> Done<Option<AnalyserResult>> {
    let sql = format!("SELECT {RESULT} FROM analyser_results r WHERE r.key = $1");
    let rows = tx.fetch_built(sql, &[key.0.as_str().into()]).await?;
    rows.into_iter().next().map(|mut row| read_result(&mut row)).transpose()
}

pub(super) async fn results(tx: &mut Tx, id: &VideoId) -> Done<Vec<AnalyserResult>> {
    let sql = format!(
        "SELECT {RESULT} FROM video_results l JOIN analyser_results r ON r.key = l.result JOIN videos v ON v.id = l.video
         WHERE l.video = $1 AND v.deleted_at IS NULL ORDER BY l.analyser"
    );
    let rows = tx.fetch_built(sql, &[id.as_str().into()]).await?;
    let mut results: Vec<AnalyserResult> = rows.into_iter().map(|mut row| read_result(&mut row)).collect::<Done<_>>()?;
    let all = Wanted { analyser: None, from_ms: i64::MIN, to_ms: i64::MAX, limit: SPANS_MAX };
    for span in spans(tx, id, &all).await? {
        if let Some(result) = results.iter_mut().find(|result| result.analyser == span.analyser) {
            result.spans.push(span);
        }
    }
    Ok(results)
}

pub(super) async fn spans(tx: &mut Tx, id: &VideoId, wanted: &Wanted<'_>) -> Done<Vec<Span>> {
    let rows = tx
        .fetch(
            "SELECT l.analyser, s.start_ms, s.end_ms, s.frame, s.label, s.confidence, s.bounds, s.text, s.value, s.count
               FROM video_results l JOIN spans s ON s.result = l.result JOIN videos v ON v.id = l.video
              WHERE l.video = $1 AND v.deleted_at IS NULL AND ($2 = '' OR l.analyser = $2) AND s.start_ms <= $3 AND s.end_ms >= $4
              ORDER BY s.start_ms, l.analyser, s.number LIMIT $5",
            &[
                id.as_str().into(),
                wanted.analyser.unwrap_or_default().into(),
                wanted.to_ms.into(),
                wanted.from_ms.into(),
                wanted.limit.clamp(1, SPANS_MAX).into(),
            ],
        )
        .await?;
    rows.into_iter().map(read_span).collect()
}

fn read_span(mut row: Row) -> Done<Span> {
    let analyser = row.text()?;
    let finding = Finding {
        start_ms: row.int()?,
        end_ms: row.int()?,
        frame: row.opt_int()?.map(|frame| frame as u64),
        label: row.text()?,
        confidence: row.real()? as f32,
        bounds: row.opt_json()?,
        text: row.opt_text()?,
        value: row.opt_json()?,
    };
    Ok(Span { analyser, finding, count: row.small()? })
}
