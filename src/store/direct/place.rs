//! Places with a single holder, and the probe of the database.

use std::time::Duration;

use super::super::Held;
use super::super::sql::{Done, Tx};
use crate::model::{Micros, WorkerId};

/// A new holder gets a new fence; the same one keeps its fence, also when its lease ran out and nobody came.
pub(super) async fn hold(tx: &mut Tx, name: &str, holder: &WorkerId, lease: Duration) -> Done<Option<Held>> {
    let now = tx.now().await?;
    let until = Micros(now.0.saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)));
    let row = tx
        .fetch_optional(
            "INSERT INTO places AS old (name, holder, fence, lease_until, position) VALUES ($1, $2, 1, $3, '')
             ON CONFLICT (name) DO UPDATE SET
                 fence = CASE WHEN old.holder = excluded.holder THEN old.fence ELSE old.fence + 1 END,
                 holder = excluded.holder, lease_until = excluded.lease_until
             WHERE old.holder = excluded.holder OR old.lease_until <= $4
             RETURNING position, fence",
            &[name.into(), holder.as_str().into(), until.into(), now.into()],
        )
        .await?;
    row.map(|mut row| Ok(Held { position: row.text()?, fence: row.int()? })).transpose()
}

pub(super) async fn advance(tx: &mut Tx, name: &str, fence: i64, position: &str) -> Done<bool> {
    let moved = tx
        .execute("UPDATE places SET position = $1 WHERE name = $2 AND fence = $3", &[position.into(), name.into(), fence.into()])
        .await?;
    Ok(moved > 0)
}

/// Goes through the writer, so that a writer that hangs is seen.
pub(super) async fn ping(tx: &mut Tx) -> Done<()> {
    tx.execute("UPDATE installation SET one = 1 WHERE one = 1", &[]).await?;
    Ok(())
}
