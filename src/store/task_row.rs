//! A task as its row.

use super::sql::{Done, Row, Tx, Value, dialect};
use crate::model::{Task, TaskId};

/// The columns of [`read`], in its order.
pub(super) const COLUMNS: &str = "id, kind, video, owner, state, priority, run_at, waiting, input, attempt, max_attempts, worker, \
                                  token, lease_until, cancel_requested, progress, step, error, created_at, started_at, ended_at";

/// A task of the columns of [`COLUMNS`].
pub(super) fn read(row: &mut Row) -> Done<Task> {
    Ok(Task {
        id: row.parsed()?,
        kind: row.parsed()?,
        video: row.opt_parsed()?,
        owner: row.text()?,
        state: row.parsed()?,
        priority: row.small()?,
        run_at: row.at()?,
        waiting: row.small()?,
        input: row.json()?,
        attempt: row.small()?,
        max_attempts: row.small()?,
        worker: row.opt_parsed()?,
        token: row.int()?,
        lease_until: row.opt_at()?,
        cancel_requested: row.flag()?,
        progress: row.real()? as f32,
        step: row.opt_text()?,
        error: row.opt_text()?,
        created_at: row.at()?,
        started_at: row.opt_at()?,
        ended_at: row.opt_at()?,
    })
}

/// All rows as tasks.
pub(super) fn read_all(rows: Vec<Row>) -> Done<Vec<Task>> {
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// A task, its row locked until the commit.
pub(super) async fn locked(tx: &mut Tx, id: &TaskId) -> Done<Option<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = $1{}", dialect::for_update(tx));
    let values = [Value::from(id.as_str())];
    Ok(read_all(tx.fetch_built(sql, &values).await?)?.pop())
}
