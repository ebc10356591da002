//! Lines of `system_logs`.

use super::super::LogLine;
use super::super::sql::{Done, Tx, insert_many};

/// Lines that are kept.
const KEPT: i64 = 100_000;
/// Lines of one statement.
const CHUNK: usize = 500;
/// Letters of a message.
const MESSAGE_MAX: usize = 8_000;

/// Appends; the ids that come with the lines are ignored.
pub(super) async fn add(tx: &mut Tx, lines: &[LogLine]) -> Done<()> {
    for chunk in lines.chunks(CHUNK) {
        let row = |line: &LogLine| {
            let message: String = line.message.chars().take(MESSAGE_MAX).collect();
            vec![line.timestamp.as_str().into(), line.level.as_str().into(), message.into(), line.source.as_str().into()]
        };
        insert_many(tx, "system_logs", "timestamp, level, message, source", chunk.iter().map(row).collect()).await?;
    }
    tx.execute("DELETE FROM system_logs WHERE id <= (SELECT MAX(id) FROM system_logs) - $1", &[KEPT.into()]).await?;
    Ok(())
}
