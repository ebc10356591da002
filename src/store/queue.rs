//! Leases. A lease is a row's `worker`, `token` and `lease_until`; times are the database's.

use std::time::Duration;

use async_trait::async_trait;

use super::backend::{Lane, SqlStore};
use super::record::task;
use super::sql::{Done, Row, Tx, Value, dialect, placeholders};
use super::{Backoff, Limits, Queue, Renewed, StoreError, Want, task_row};
use crate::model::{Lease, Micros, Task, TaskId, TaskKind, TaskState, WorkerId};

/// Leases that ran out and are looked at in one call.
const EXPIRED_MAX: i64 = 100;
/// What a task dies of whose worker went away.
const LOST: &str = "lost: the worker went away, and no attempts are left";

impl Backoff {
    /// How long attempt `attempt` (from 1) waits; `random` is in [0, 1).
    pub fn delay(&self, attempt: i32, random: f64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(30);
        let whole = self.base.saturating_mul(1 << doublings).min(self.max);
        whole.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[async_trait]
impl Queue for SqlStore {
    async fn lease(&self, worker: &WorkerId, want: &Want, max: usize) -> Result<Vec<Task>, StoreError> {
        if want.kinds.is_empty() || max == 0 {
            return Ok(Vec::new());
        }
        let asked = (worker.clone(), want.clone(), max);
        let leased = self.write(Lane::Rest, asked, |tx, (worker, want, max)| Box::pin(lease(tx, worker, want, *max)));
        Ok(leased.await?)
    }

    async fn renew(&self, held: &[Lease], lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let mut held = held.to_vec();
        // One order over all workers, so that row locks on PostgreSQL cannot cross.
        held.sort_unstable_by(|a, b| a.task.cmp(&b.task));
        let renewed = self.write(Lane::Ends, (held, lease), |tx, (held, lease)| Box::pin(renew(tx, held, *lease)));
        Ok(renewed.await?)
    }

    async fn progress(&self, lease: &Lease, progress: f32, step: &str) -> Result<(), StoreError> {
        let shown = (lease.clone(), progress.clamp(0.0, 1.0), step.to_owned());
        let written = self.write(Lane::Rest, shown, |tx, (lease, progress, step)| {
            let values = [(*progress).into(), step.as_str().into(), lease.task.as_str().into(), lease.token.into()];
            Box::pin(async move {
                tx.execute(
                    "UPDATE tasks SET progress = $1, step = $2 WHERE id = $3 AND token = $4 AND state = 'running'",
                    &values,
                )
                .await
            })
        });
        written.await?;
        Ok(())
    }

    async fn next_due(&self, kinds: &[TaskKind]) -> Result<(Option<Micros>, Micros), StoreError> {
        Ok(next_due(&mut self.read().await?, kinds).await?)
    }
}

async fn next_due(tx: &mut Tx, kinds: &[TaskKind]) -> Done<(Option<Micros>, Micros)> {
    let mut due: Option<Micros> = None;
    for kind in kinds {
        let mut row = tx
            .fetch_one(
                "SELECT (SELECT MIN(run_at) FROM tasks WHERE state = 'ready' AND kind = $1),
                        (SELECT MIN(lease_until) FROM tasks WHERE state = 'running' AND kind = $1)",
                &[kind.as_str().into()],
            )
            .await?;
        due = [due, row.opt_at()?, row.opt_at()?].into_iter().flatten().min();
    }
    Ok((due, tx.now().await?))
}

async fn lease(tx: &mut Tx, worker: &WorkerId, want: &Want, max: usize) -> Done<Vec<Task>> {
    if !want.limits.per_kind.is_empty() || want.limits.per_owner.is_some() {
        dialect::lock_leases(tx).await?;
    }
    end_expired(tx, &want.kinds).await?;
    let mut leased = Vec::new();
    while leased.len() < max {
        let Some(id) = claim(tx, want).await? else { break };
        let Some(task) = take(tx, &id, worker, want.lease).await? else { break };
        leased.push(task);
    }
    Ok(leased)
}

/// Tasks whose leases ran out: `ready` again, or final when somebody asked for their stop or no attempts are left.
async fn end_expired(tx: &mut Tx, kinds: &[TaskKind]) -> Done<()> {
    let now = tx.now().await?;
    let mut values: Vec<Value> = kinds.iter().map(|kind| kind.as_str().into()).collect();
    let condition = format!(
        "state = 'running' AND kind IN ({}) AND lease_until <= ${} ORDER BY id LIMIT {EXPIRED_MAX}",
        placeholders(1, kinds.len()),
        kinds.len() + 1
    );
    values.push(now.into());
    let rows = tx.fetch_built(format!("SELECT COALESCE(video, id) FROM tasks WHERE {condition}"), &values).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = rows.into_iter().map(|mut row| row.text()).collect::<Done<_>>()?;
    dialect::lock_keys(tx, &keys).await?;
    let (columns, lock) = (task_row::COLUMNS, dialect::skip_locked(tx));
    let expired =
        task_row::read_all(tx.fetch_built(format!("SELECT {columns} FROM tasks WHERE {condition}{lock}"), &values).await?)?;
    // Only those whose key is locked may get an event; another that ran out just now waits for the next call.
    let is_locked =
        |task: &Task| keys.iter().any(|key| *key == task.video.as_ref().map_or(task.id.as_str(), |video| video.as_str()));
    for task in expired.iter().filter(|task| is_locked(task)) {
        end_one_expired(tx, task, now).await?;
    }
    Ok(())
}

async fn end_one_expired(tx: &mut Tx, task: &Task, now: Micros) -> Done<()> {
    task::end_attempt(tx, &task.lease(), "lost", None).await?;
    if task.cancel_requested {
        return task::conclude(tx, task, "cancelled", TaskState::Cancelled, None).await;
    }
    if task.attempt >= task.max_attempts {
        return task::conclude(tx, task, "lost", TaskState::Dead, Some(LOST)).await;
    }
    task::release(tx, task, now, task.attempt, None).await
}

/// Locks the ready task that goes first among all kinds that may still run. Looking does not lock: a row that is only looked at
/// would be passed over by other workers.
async fn claim(tx: &mut Tx, want: &Want) -> Done<Option<TaskId>> {
    let mut candidates = Vec::new();
    for kind in &want.kinds {
        if has_room(tx, *kind, &want.limits).await? {
            let first = first_of(tx, *kind, want.limits.per_owner, "").await?;
            candidates.extend(first.map(|first| (first, *kind)));
        }
    }
    candidates.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let lock = dialect::skip_locked(tx);
    for (_, kind) in candidates {
        if let Some((_, _, id)) = first_of(tx, kind, want.limits.per_owner, lock).await? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn has_room(tx: &mut Tx, kind: TaskKind, limits: &Limits) -> Done<bool> {
    let Some((_, limit)) = limits.per_kind.iter().find(|(limited, _)| *limited == kind) else { return Ok(true) };
    let running =
        tx.fetch_one("SELECT COUNT(*) FROM tasks WHERE state = 'running' AND kind = $1", &[kind.as_str().into()]).await?.int()?;
    Ok(running < i64::from(*limit))
}

/// The first ready task of a kind, with what it is ordered by; owners that are at their limit are passed over.
async fn first_of(
    tx: &mut Tx,
    kind: TaskKind,
    per_owner: Option<u32>,
    lock: &'static str,
) -> Done<Option<(i64, Micros, TaskId)>> {
    let now = tx.now().await?;
    let limit = per_owner.map_or(i64::MAX, i64::from);
    let sql = format!(
        "SELECT priority, run_at, id FROM tasks WHERE state = 'ready' AND kind = $1 AND run_at <= $2
            AND owner NOT IN (SELECT owner FROM tasks WHERE state = 'running' AND kind = $1 GROUP BY owner HAVING COUNT(*) >= $3)
         ORDER BY priority DESC, run_at, id LIMIT 1{lock}"
    );
    let rows = tx.fetch_built(sql, &[kind.as_str().into(), now.into(), limit.into()]).await?;
    let read = |mut row: Row| Ok((-row.int()?, row.at()?, row.parsed()?));
    rows.into_iter().next().map(read).transpose()
}

/// Hands the task out under a new token, and opens the row of its attempt.
async fn take(tx: &mut Tx, id: &TaskId, worker: &WorkerId, lease: Duration) -> Done<Option<Task>> {
    let now = tx.now().await?;
    let sql = format!(
        "UPDATE tasks SET state = 'running', worker = $1, token = token + 1, attempt = attempt + 1, lease_until = $2,
                          started_at = $3, progress = 0, step = NULL
         WHERE id = $4 AND state = 'ready' RETURNING {}",
        task_row::COLUMNS
    );
    let values = [worker.as_str().into(), until(now, lease).into(), now.into(), id.as_str().into()];
    let Some(task) = task_row::read_all(tx.fetch_built(sql, &values).await?)?.pop() else { return Ok(None) };
    tx.execute(
        "INSERT INTO attempts (task, token, attempt, worker, started_at) VALUES ($1, $2, $3, $4, $5)",
        &[id.as_str().into(), task.token.into(), task.attempt.into(), worker.as_str().into(), now.into()],
    )
    .await?;
    Ok(Some(task))
}

fn until(now: Micros, lease: Duration) -> Micros {
    Micros(now.0.saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)))
}

async fn renew(tx: &mut Tx, held: &[Lease], lease: Duration) -> Done<Vec<Renewed>> {
    let now = tx.now().await?;
    let mut renewed = Vec::with_capacity(held.len());
    for lease_held in held {
        let row = tx
            .fetch_optional(
                "UPDATE tasks SET lease_until = $1 WHERE id = $2 AND token = $3 AND state = 'running' RETURNING cancel_requested",
                &[until(now, lease).into(), lease_held.task.as_str().into(), lease_held.token.into()],
            )
            .await?;
        if let Some(mut row) = row {
            renewed.push(Renewed { lease: lease_held.clone(), cancel: row.flag()? });
        }
    }
    Ok(renewed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_maximum_within_its_jitter() {
        let backoff = Backoff { base: Duration::from_secs(2), max: Duration::from_secs(10) };
        let whole_ms = [2_000, 4_000, 8_000, 10_000, 10_000];
        for (attempt, whole_ms) in (1..).zip(whole_ms) {
            assert_eq!(backoff.delay(attempt, 0.0).as_millis(), whole_ms / 2, "the least of attempt {attempt}");
            assert_eq!(backoff.delay(attempt, 0.5).as_millis(), whole_ms * 3 / 4);
            assert!(backoff.delay(attempt, 0.999_999).as_millis() < whole_ms, "the most of attempt {attempt}");
        }
        assert!(backoff.delay(i32::MAX, 0.9) < backoff.max);
        assert_eq!(backoff.delay(i32::MIN, 0.0).as_millis(), 1_000, "hostile numbers do not overflow");
    }
}
