//! What the two databases do not have in common.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::{Done, Failure, Tx, Value};
use crate::model::{Cursor, Micros};

/// Advisory locks of PostgreSQL that keep events in order per key: class of the two-part lock.
const KEY_LOCKS: i32 = 0x7765;
/// Class of the lock that leases under limits take, one at a time.
const LEASE_LOCK: i32 = 0x7766;
/// Number of key locks.
const KEY_LOCK_COUNT: u32 = 1024;
/// What PostgreSQL's readers listen to.
pub(in crate::store) const CHANNEL: &str = "weir_changed";

/// The database's time. SQLite has no clock but the machine's.
pub(super) async fn now(tx: &mut Tx) -> Done<Micros> {
    if !tx.is_postgres() {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| Failure::Row(error.to_string()))?;
        return Ok(Micros(since.as_micros() as i64));
    }
    tx.fetch_one("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)", &[]).await?.at()
}

/// Locks everything that a record touches, in one order over all writers, so that per key the order of transaction ids is the
/// order of commits. SQLite has one writer.
pub(in crate::store) async fn lock_keys(tx: &mut Tx, keys: &[String]) -> Done<()> {
    if !tx.is_postgres() {
        return Ok(());
    }
    let mut locks: Vec<i32> = keys.iter().map(|key| lock_number(key)).collect();
    locks.sort_unstable();
    locks.dedup();
    for lock in locks {
        advisory_lock(tx, KEY_LOCKS, lock).await?;
    }
    Ok(())
}

/// Lets one lease at a time count what runs, so that limits hold at every instant.
pub(in crate::store) async fn lock_leases(tx: &mut Tx) -> Done<()> {
    if tx.is_postgres() {
        advisory_lock(tx, LEASE_LOCK, 0).await?;
    }
    Ok(())
}

async fn advisory_lock(tx: &mut Tx, class: i32, number: i32) -> Done<()> {
    tx.fetch("SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))", &[class.into(), number.into()]).await?;
    Ok(())
}

fn lock_number(key: &str) -> i32 {
    let digest = Sha256::digest(key.as_bytes());
    let head = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    (head % KEY_LOCK_COUNT) as i32
}

/// Row locks of a `SELECT` that a later statement of the transaction relies on.
pub(in crate::store) fn for_update(tx: &Tx) -> &'static str {
    if tx.is_postgres() { " FOR UPDATE" } else { "" }
}

/// Row locks that pass over what another transaction holds.
pub(in crate::store) fn skip_locked(tx: &Tx) -> &'static str {
    if tx.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" }
}

/// Whether an event is beyond a cursor, in three placeholders from `$1`; the values are [`cursor_values`].
pub(in crate::store) fn is_beyond(tx: &Tx) -> &'static str {
    if tx.is_postgres() {
        "(epoch, xid, id) > ($1, CAST($2 AS xid8), $3)"
    } else {
        "(epoch, xid, id) > ($1, CAST($2 AS BIGINT), $3)"
    }
}

/// Like [`is_beyond`], without what a transaction that is still open could precede.
pub(in crate::store) fn events_after(tx: &Tx) -> String {
    let horizon = if tx.is_postgres() {
        " AND (epoch < (SELECT epoch FROM installation) OR xid < pg_snapshot_xmin(pg_current_snapshot()))"
    } else {
        ""
    };
    format!("{}{horizon}", is_beyond(tx))
}

/// The values of [`events_after`].
pub(in crate::store) fn cursor_values(cursor: Cursor) -> [Value; 3] {
    [cursor.epoch.into(), cursor.xid.to_string().into(), cursor.id.into()]
}

/// Wakes the other processes when the transaction commits. SQLite has no other process.
pub(in crate::store) async fn notify(tx: &mut Tx) -> Done<()> {
    if tx.is_postgres() {
        tx.fetch("SELECT pg_notify($1, '')", &[CHANNEL.into()]).await?;
    }
    Ok(())
}
