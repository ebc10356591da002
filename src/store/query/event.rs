//! Events beyond a cursor.

use super::super::sql::{Done, Failure, Row, Tx, dialect};
use crate::model::{Cursor, Event};

/// Events of one answer.
const EVENTS_MAX: usize = 10_000;

/// In order; nothing that a transaction still open could precede. The default cursor stands before the oldest event that is kept
/// and never expires.
pub(super) async fn beyond(tx: &mut Tx, after: Cursor, max: usize) -> Done<Vec<Event>> {
    let sql = format!(
        "SELECT epoch, CAST(CAST(xid AS TEXT) AS BIGINT), id, at, topic, key, kind, data FROM events WHERE {}
         ORDER BY epoch, xid, id LIMIT {}",
        dialect::events_after(tx),
        max.clamp(1, EVENTS_MAX)
    );
    let rows = tx.fetch_built(sql, &dialect::cursor_values(after)).await?;
    // Read after the events: what was forgotten between the two would be missing from them.
    let oldest = forgotten(tx).await?;
    if after != Cursor::default() && after < oldest {
        return Err(Failure::Expired(oldest));
    }
    rows.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Done<Event> {
    Ok(Event {
        cursor: Cursor { epoch: row.int()?, xid: row.int()?, id: row.int()? },
        at: row.at()?,
        topic: row.opt_parsed()?,
        key: row.text()?,
        kind: row.text()?,
        data: row.json()?,
    })
}

/// Events up to and including this one are gone.
async fn forgotten(tx: &mut Tx) -> Done<Cursor> {
    let mut row = tx.fetch_one("SELECT forgotten_epoch, forgotten_xid, forgotten_id FROM installation", &[]).await?;
    Ok(Cursor { epoch: row.int()?, xid: row.int()?, id: row.int()? })
}

/// The newest event that a reader may see now; where events were forgotten and none came since, the last one forgotten.
pub(super) async fn newest(tx: &mut Tx) -> Done<Cursor> {
    let sql = format!(
        "SELECT epoch, CAST(CAST(xid AS TEXT) AS BIGINT), id FROM events WHERE {} ORDER BY epoch DESC, xid DESC, id DESC LIMIT 1",
        dialect::events_after(tx)
    );
    let rows = tx.fetch_built(sql, &dialect::cursor_values(Cursor::default())).await?;
    match rows.into_iter().next() {
        Some(mut row) => Ok(Cursor { epoch: row.int()?, xid: row.int()?, id: row.int()? }),
        None => forgotten(tx).await,
    }
}
