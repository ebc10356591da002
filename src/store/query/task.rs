//! Tasks and their attempts.

use super::super::sql::{Done, Row, Tx};
use super::super::{Attempt, TaskFilter, task_row};
use super::{Conditions, page as page_rows_of, page_rows};
use crate::model::{Page, PageToken, Task, TaskId, TaskKind, TaskState, VideoId};

pub(super) async fn by_id(tx: &mut Tx, id: &TaskId) -> Done<Option<Task>> {
    let sql = format!("SELECT {} FROM tasks WHERE id = $1", task_row::COLUMNS);
    Ok(task_row::read_all(tx.fetch_built(sql, &[id.as_str().into()]).await?)?.pop())
}

pub(super) async fn page(tx: &mut Tx, filter: &TaskFilter) -> Done<Page<Task>> {
    let limit = page_rows(filter.limit);
    let conditions = Conditions::new("1 = 1")
        .with("state = ?", filter.state.map(TaskState::as_str))
        .with("kind = ?", filter.kind.map(TaskKind::as_str))
        .with("video = ?", filter.video.as_ref().map(VideoId::as_str))
        .beyond(filter.cursor.as_ref());
    let sql = format!(
        "SELECT {} FROM tasks WHERE {} ORDER BY created_at DESC, id DESC LIMIT {}",
        task_row::COLUMNS,
        conditions.sql(),
        limit + 1
    );
    let rows = task_row::read_all(tx.fetch_built(sql, &conditions.values).await?)?;
    Ok(page_rows_of(rows, limit, |task| PageToken { at: task.created_at.0, id: task.id.to_string() }))
}

pub(super) async fn attempts(tx: &mut Tx, id: &VideoId) -> Done<Vec<Attempt>> {
    let rows = tx
        .fetch(
            "SELECT a.task, a.attempt, a.worker, a.started_at, a.ended_at, a.outcome, a.error
               FROM attempts a JOIN tasks t ON t.id = a.task
              WHERE t.video = $1 ORDER BY a.started_at, a.task, a.token LIMIT 500",
            &[id.as_str().into()],
        )
        .await?;
    rows.into_iter().map(read_attempt).collect()
}

fn read_attempt(mut row: Row) -> Done<Attempt> {
    Ok(Attempt {
        task: row.parsed()?,
        attempt: row.small()?,
        worker: row.parsed()?,
        started_at: row.at()?,
        ended_at: row.opt_at()?,
        outcome: row.opt_text()?,
        error: row.opt_text()?,
    })
}
