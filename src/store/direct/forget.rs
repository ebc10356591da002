//! Old rows go, at most 1,000 of each kind at a time.

use super::super::sql::{Done, Tx, dialect};
use crate::model::{Cursor, Micros};

/// Rows of one kind in one call.
const ROWS_MAX: &str = "1000";

/// Answers how many rows went.
pub(super) async fn forget(tx: &mut Tx, events_before: Micros, tasks_before: Micros) -> Done<u64> {
    let now = tx.now().await?;
    let mut gone = events(tx, events_before).await?;
    gone += tx
        .execute_built(
            format!(
                "DELETE FROM announcements WHERE (topic, partition, position) IN
                     (SELECT topic, partition, position FROM announcements WHERE at < $1 ORDER BY at LIMIT {ROWS_MAX})"
            ),
            &[events_before.into()],
        )
        .await?;
    gone += tasks(tx, tasks_before).await?;
    for statement in [
        "sign_ins WHERE cookie_sha256 IN (SELECT cookie_sha256 FROM sign_ins",
        "play_sessions WHERE id IN (SELECT id FROM play_sessions",
    ] {
        let sql = format!("DELETE FROM {statement} WHERE expires_at <= $1 ORDER BY expires_at LIMIT {ROWS_MAX})");
        gone += tx.execute_built(sql, &[now.into()]).await?;
    }
    Ok(gone)
}

/// Events that are old, in their order, and never beyond where the slowest sink stands. What has gone is noted first: a reader of
/// an older cursor learns that it missed something.
async fn events(tx: &mut Tx, before: Micros) -> Done<u64> {
    let Some(last) = last_to_forget(tx, before).await? else { return Ok(0) };
    tx.execute(
        "UPDATE installation SET forgotten_epoch = $1, forgotten_xid = $2, forgotten_id = $3",
        &[last.epoch.into(), last.xid.into(), last.id.into()],
    )
    .await?;
    let sql = format!("DELETE FROM events WHERE NOT ({})", dialect::is_beyond(tx));
    tx.execute_built(sql, &dialect::cursor_values(last)).await
}

async fn last_to_forget(tx: &mut Tx, before: Micros) -> Done<Option<Cursor>> {
    let sql = format!(
        "SELECT epoch, CAST(CAST(xid AS TEXT) AS BIGINT), id, at FROM events WHERE {} ORDER BY epoch, xid, id LIMIT {ROWS_MAX}",
        dialect::events_after(tx)
    );
    let rows = tx.fetch_built(sql, &dialect::cursor_values(Cursor::default())).await?;
    let slowest = slowest_sink(tx).await?;
    let mut last = None;
    for mut row in rows {
        let cursor = Cursor { epoch: row.int()?, xid: row.int()?, id: row.int()? };
        if row.at()? >= before || slowest.is_some_and(|slowest| cursor > slowest) {
            break;
        }
        last = Some(cursor);
    }
    Ok(last)
}

/// Where the slowest sink stands; a sink that has not begun needs everything.
async fn slowest_sink(tx: &mut Tx) -> Done<Option<Cursor>> {
    let rows = tx.fetch("SELECT position FROM places WHERE name LIKE 'sink:%'", &[]).await?;
    let mut slowest = None;
    for mut row in rows {
        let at: Cursor = row.text()?.parse().unwrap_or_default();
        slowest = Some(slowest.map_or(at, |before: Cursor| before.min(at)));
    }
    Ok(slowest)
}

/// Ended tasks that nothing open waits for; their edges and attempts go with them.
async fn tasks(tx: &mut Tx, before: Micros) -> Done<u64> {
    let sql = format!(
        "DELETE FROM tasks WHERE id IN
             (SELECT t.id FROM tasks t WHERE t.ended_at IS NOT NULL AND t.ended_at < $1
                 AND NOT EXISTS (SELECT 1 FROM task_edges e WHERE e.after = t.id AND e.settled = 0)
               ORDER BY t.ended_at LIMIT {ROWS_MAX})"
    );
    tx.execute_built(sql, &[before.into()]).await
}
