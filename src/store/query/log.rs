//! Log lines.

use super::super::LogLine;
use super::super::sql::{Done, Failure, Row, Tx, Value, placeholders};
use super::page_rows;

/// Levels, worst first.
const LEVELS: [&str; 3] = ["error", "warn", "info"];

/// Lines of `level` and worse, newest first.
pub(super) async fn newest(tx: &mut Tx, level: &str, before: Option<i64>, limit: u32) -> Done<Vec<LogLine>> {
    let count = LEVELS.iter().position(|known| *known == level).map(|at| at + 1);
    let Some(count) = count else { return Err(Failure::Row(format!("`{level}` is none of error, warn, info"))) };
    let mut values: Vec<Value> = LEVELS.iter().take(count).map(|level| (*level).into()).collect();
    values.push(before.unwrap_or(i64::MAX).into());
    let sql = format!(
        "SELECT id, timestamp, level, message, source FROM system_logs WHERE level IN ({}) AND id < ${} ORDER BY id DESC LIMIT {}",
        placeholders(1, count),
        values.len(),
        page_rows(limit)
    );
    tx.fetch_built(sql, &values).await?.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Done<LogLine> {
    Ok(LogLine { id: row.int()?, timestamp: row.text()?, level: row.text()?, message: row.text()?, source: row.text()? })
}
