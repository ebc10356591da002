//! What must hold for a record, and which keys it touches.

use super::super::sql::{Done, Failure, Tx, Value, dialect, placeholders};
use crate::model::{Fact, Guard, Lease, TaskId, Topic};

/// Every key that may get an event from these facts: locked first, in one order, so that events of one key are in commit order.
pub(super) async fn keys(tx: &mut Tx, facts: &[Fact], guard: &Guard) -> Done<Vec<String>> {
    let mut keys = Vec::new();
    let mut tasks: Vec<&TaskId> = Vec::new();
    for fact in facts {
        match fact {
            Fact::TaskEnded { lease, .. } => tasks.push(&lease.task),
            Fact::CancelAsked { task } | Fact::TaskReplayed { task } => tasks.push(task),
            Fact::Announced { topic, partition, .. } => keys.push(format!("{topic}-{partition}")),
            Fact::TasksCreated { tasks } => {
                keys.extend(tasks.iter().filter_map(|task| task.video.as_ref()).map(ToString::to_string));
            }
            Fact::VideoCreated { video, .. }
            | Fact::VideoUploaded { video, .. }
            | Fact::StatusMoved { video, .. }
            | Fact::MediaProbed { video, .. }
            | Fact::VideoPackaged { video, .. }
            | Fact::VideoFailed { video, .. }
            | Fact::AnalysisMoved { video, .. }
            | Fact::AnalyserFinished { video, .. }
            | Fact::VerdictGiven { video, .. }
            | Fact::HumanLabelled { video, .. }
            | Fact::AnalysisAsked { video, .. }
            | Fact::VideoDeleted { video, .. }
            | Fact::VideoPurged { video } => keys.push(video.to_string()),
        }
    }
    match guard {
        Guard::Video(video) => keys.push(video.to_string()),
        Guard::Feed { topic, partition, .. } => keys.push(format!("{topic}-{partition}")),
        Guard::Lease(_) | Guard::None => {}
    }
    keys.extend(task_keys(tx, &tasks).await?);
    Ok(keys)
}

/// The event keys of tasks: their video, which never changes, or themselves.
pub(in crate::store) async fn task_keys(tx: &mut Tx, tasks: &[&TaskId]) -> Done<Vec<String>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = tasks.iter().map(|task| task.as_str().into()).collect();
    let sql = format!("SELECT COALESCE(video, id) FROM tasks WHERE id IN ({})", placeholders(1, tasks.len()));
    tx.fetch_built(sql, &values).await?.iter_mut().map(super::super::sql::Row::text).collect()
}

/// Checks the guard under a lock that lasts until the commit.
pub(super) async fn check(tx: &mut Tx, guard: &Guard) -> Done<()> {
    match guard {
        Guard::None => Ok(()),
        Guard::Lease(lease) => check_lease(tx, lease).await,
        Guard::Video(video) => {
            super::video::here(tx, video).await?;
            Ok(())
        }
        Guard::Feed { topic, partition, fence, after } => check_feed(tx, *topic, *partition, *fence, *after).await,
    }
}

async fn check_lease(tx: &mut Tx, lease: &Lease) -> Done<()> {
    let sql = format!("SELECT 1 FROM tasks WHERE id = $1 AND token = $2 AND state = 'running'{}", dialect::for_update(tx));
    let rows = tx.fetch_built(sql, &[lease.task.as_str().into(), lease.token.into()]).await?;
    if rows.is_empty() { Err(Failure::stale()) } else { Ok(()) }
}

async fn check_feed(tx: &mut Tx, topic: Topic, partition: i32, fence: i64, after: i64) -> Done<()> {
    let sql = format!("SELECT position FROM places WHERE name = $1 AND fence = $2{}", dialect::for_update(tx));
    let mut rows = tx.fetch_built(sql, &[place(topic, partition).into(), fence.into()]).await?;
    let Some(row) = rows.first_mut() else { return Err(Failure::stale()) };
    if stands_at(&row.text()?) == after { Ok(()) } else { Err(Failure::stale()) }
}

/// The offset that a position names; -1 before the first.
fn stands_at(position: &str) -> i64 {
    position.parse().unwrap_or(-1)
}

/// The place that holds the position of a partition of the feed.
pub(super) fn place(topic: Topic, partition: i32) -> String {
    format!("feed:{topic}:{partition}")
}
