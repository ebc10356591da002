//! Announcements from the broker: a row each, and the position of the partition.

use super::super::sql::{Done, Failure};
use super::Recording;
use super::guard::place;
use crate::model::{Fact, Guard};

/// What the feed passes over because weir wrote it itself.
const OWN: &str = "own";

/// Keeps the outcome and moves the partition's position behind it. Needs the guard of the same partition. Repeated offsets do
/// not happen under that guard; weir's own messages are counted by their rows and told to nobody.
pub(super) async fn announced(recording: &mut Recording<'_>, fact: &Fact) -> Done<()> {
    let Fact::Announced { topic, partition, offset, stream, outcome } = fact else { return Ok(()) };
    let held = matches!(&recording.batch.guard, Guard::Feed { topic: t, partition: p, .. } if t == topic && p == partition);
    if !held {
        return Err(Failure::conflict(format!("an announcement of `{topic}` {partition} needs the guard of that partition")));
    }
    let at = recording.tx.now().await?;
    let added = recording
        .tx
        .execute(
            "INSERT INTO announcements (topic, partition, position, stream, outcome, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
            &[
                topic.as_str().into(),
                (*partition).into(),
                (*offset).into(),
                stream.as_deref().into(),
                outcome.as_str().into(),
                at.into(),
            ],
        )
        .await?;
    recording
        .tx
        .execute(
            "UPDATE places SET position = $1 WHERE name = $2",
            &[offset.to_string().into(), place(*topic, *partition).into()],
        )
        .await?;
    if added > 0 && outcome != OWN {
        recording.tell(fact).await?;
    }
    Ok(())
}
