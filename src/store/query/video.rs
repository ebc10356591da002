//! Videos, their verdicts and labels. A deleted video is not there.

use super::super::VideoFilter;
use super::super::sql::{Done, Row, Tx};
use super::{Conditions, page, page_rows};
use crate::model::{Decision, HumanLabel, Page, PageToken, UploadId, Verdict, Video, VideoId, VideoStatus};

/// The columns of [`read`], in its order.
const COLUMNS: &str = "id, upload, owner, external_id, labels, title, status, analysis, decision, reason, size_bytes, sha256, \
                       original, media, variants, manifests, poster, audio, renditions, duration_ms, human_label, created_at, \
                       uploaded_at, processing_started_at, transcoding_started_at, completed_at, analysed_at, decided_at";
/// Labels of one answer.
const LABELS_MAX: &str = "200";

fn read(mut row: Row) -> Done<Video> {
    let row = &mut row;
    Ok(Video {
        id: row.parsed()?,
        upload: row.parsed()?,
        owner: row.text()?,
        external_id: row.opt_text()?,
        labels: row.json()?,
        title: row.text()?,
        status: row.parsed()?,
        analysis: row.parsed()?,
        decision: row.parsed()?,
        reason: row.opt_text()?,
        size_bytes: row.int()?,
        sha256: row.text()?,
        original: row.opt_parsed()?,
        media: row.opt_json()?,
        variants: row.opt_parsed()?,
        manifests: row.opt_parsed()?,
        poster: row.opt_parsed()?,
        audio: row.opt_parsed()?,
        renditions: row.json()?,
        duration_ms: row.opt_int()?,
        human_label: row.opt_json()?,
        created_at: row.at()?,
        uploaded_at: row.opt_at()?,
        processing_started_at: row.opt_at()?,
        transcoding_started_at: row.opt_at()?,
        completed_at: row.opt_at()?,
        analysed_at: row.opt_at()?,
        decided_at: row.opt_at()?,
    })
}

async fn where_is(tx: &mut Tx, condition: &'static str, values: &[&str]) -> Done<Option<Video>> {
    let sql = format!("SELECT {COLUMNS} FROM videos WHERE deleted_at IS NULL AND {condition}");
    let values: Vec<_> = values.iter().map(|value| (*value).into()).collect();
    tx.fetch_built(sql, &values).await?.into_iter().next().map(read).transpose()
}

pub(super) async fn by_id(tx: &mut Tx, id: &VideoId) -> Done<Option<Video>> {
    where_is(tx, "id = $1", &[id.as_str()]).await
}

pub(super) async fn by_open_upload(tx: &mut Tx, upload: &UploadId) -> Done<Option<Video>> {
    where_is(tx, "upload = $1 AND status = 'created'", &[upload.as_str()]).await
}

pub(super) async fn by_external_id(tx: &mut Tx, owner: &str, external_id: &str) -> Done<Option<Video>> {
    where_is(tx, "owner = $1 AND external_id = $2", &[owner, external_id]).await
}

pub(super) async fn page_of(tx: &mut Tx, conditions: &Conditions, order: &'static str, limit: i64) -> Done<Vec<Video>> {
    let sql = format!("SELECT {COLUMNS} FROM videos WHERE {} ORDER BY {order} LIMIT {limit}", conditions.sql());
    tx.fetch_built(sql, &conditions.values).await?.into_iter().map(read).collect()
}

pub(super) async fn page_with(tx: &mut Tx, filter: &VideoFilter) -> Done<Page<Video>> {
    let limit = page_rows(filter.limit);
    let (name, value) = match filter.label.as_deref().map(|label| label.split_once('=').ok_or(label)) {
        None => (None, None),
        Some(Ok((name, value))) => (None, Some((name, value))),
        Some(Err(name)) => (Some(name), None),
    };
    let mut conditions = Conditions::new("deleted_at IS NULL")
        .with("status = ?", filter.status.map(VideoStatus::as_str))
        .with("decision = ?", filter.decision.map(Decision::as_str))
        .with("owner = ?", filter.owner.as_deref())
        .with("id = ?", filter.video.as_ref().map(VideoId::as_str))
        .with("id IN (SELECT video FROM video_labels WHERE name = ?)", name)
        .with("title_folded LIKE ? ESCAPE '\\'", filter.title.as_deref().map(contains))
        .with("created_at >= ?", filter.since)
        .with("created_at < ?", filter.until);
    if let Some((name, value)) = value {
        conditions = conditions.with_pair("id IN (SELECT video FROM video_labels WHERE name = ? AND value = ?)", name, value);
    }
    let conditions = conditions.beyond(filter.cursor.as_ref());
    let rows = page_of(tx, &conditions, "created_at DESC, id DESC", limit + 1).await?;
    Ok(page(rows, limit, |video| PageToken { at: video.created_at.0, id: video.id.to_string() }))
}

/// A pattern for `LIKE` that finds the text anywhere, in lower case as the column is.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

pub(super) async fn verdict(tx: &mut Tx, id: &VideoId) -> Done<Option<Verdict>> {
    let row = tx
        .fetch_optional(
            "SELECT d.body FROM verdicts d JOIN videos v ON v.id = d.video WHERE v.id = $1 AND v.deleted_at IS NULL",
            &[id.as_str().into()],
        )
        .await?;
    row.map(|mut row| row.json()).transpose()
}

pub(super) async fn human_labels(tx: &mut Tx, id: &VideoId) -> Done<Vec<HumanLabel>> {
    let sql = format!(
        "SELECT l.label, l.account, l.at, l.note FROM human_labels l JOIN videos v ON v.id = l.video
         WHERE v.id = $1 AND v.deleted_at IS NULL ORDER BY l.id DESC LIMIT {LABELS_MAX}"
    );
    let read = |mut row: Row| Ok(HumanLabel { label: row.parsed()?, by: row.parsed()?, at: row.at()?, note: row.opt_text()? });
    tx.fetch_built(sql, &[id.as_str().into()]).await?.into_iter().map(read).collect()
}
