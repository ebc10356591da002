//! Tasks: created with the facts that call for them, ended under their lease, cancelled, replayed.
//!
//! An edge of `task_edges` is settled once, when the task that is waited for becomes final in any way (done, dead, cancelled): its
//! dependant then counts down, and is ready at 0. So `judge` also runs after a dead `analyse`, and a replay counts nothing twice.

use super::super::sql::{Done, Failure, Tx, Value, append_event, dialect, insert_many, placeholders};
use super::super::task_row;
use super::{Recording, video};
use crate::model::{EventForm, Guard, Lease, Micros, NewTask, Task, TaskEnd, TaskId, TaskKind, TaskState, VideoId};

/// Creates tasks in their order; each may wait for those before it and for any that are there.
pub(super) async fn create(tx: &mut Tx, tasks: &[NewTask]) -> Done<()> {
    for task in tasks {
        create_one(tx, task).await?;
    }
    if !tasks.is_empty() {
        tx.wake();
    }
    Ok(())
}

async fn create_one(tx: &mut Tx, task: &NewTask) -> Done<()> {
    let now = tx.now().await?;
    let edges = edges(tx, task).await?;
    let waiting = edges.iter().filter(|(_, is_final)| !is_final).count() as i64;
    let state = if waiting > 0 { TaskState::Waiting } else { TaskState::Ready };
    let added = tx
        .execute(
            "INSERT INTO tasks (id, kind, video, owner, state, priority, run_at, waiting, input, attempt, max_attempts, token,
                                cancel_requested, progress, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, 0, 0, 0, $11) ON CONFLICT DO NOTHING",
            &[
                task.id.as_str().into(),
                task.kind.as_str().into(),
                task.video.as_ref().map(VideoId::as_str).into(),
                task.owner.as_str().into(),
                state.as_str().into(),
                task.priority.into(),
                task.run_at.unwrap_or(now).into(),
                waiting.into(),
                Value::json(&task.input)?,
                task.max_attempts.max(1).into(),
                now.into(),
            ],
        )
        .await?;
    if added == 0 {
        return Err(Failure::conflict(format!("task `{}` is there already", task.id)));
    }
    let rows = edges.iter().map(|(after, is_final)| vec![task.id.as_str().into(), after.as_str().into(), Value::flag(*is_final)]);
    insert_many(tx, "task_edges", "task, after, settled", rows.collect()).await
}

/// What the task waits for, and whether that is final already; locked, so that none becomes final unseen.
async fn edges(tx: &mut Tx, task: &NewTask) -> Done<Vec<(TaskId, bool)>> {
    let mut after: Vec<&TaskId> = task.after.iter().collect();
    after.sort_unstable();
    after.dedup();
    if after.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = after.iter().map(|id| id.as_str().into()).collect();
    let names = placeholders(1, after.len());
    let sql = format!("SELECT id, state FROM tasks WHERE id IN ({names}) ORDER BY id{}", dialect::for_update(tx));
    let mut edges = Vec::with_capacity(after.len());
    for mut row in tx.fetch_built(sql, &values).await? {
        edges.push((row.parsed()?, row.parsed::<TaskState>()?.is_final()));
    }
    if edges.len() < after.len() {
        return Err(Failure::conflict(format!("task `{}` waits for a task that is not there", task.id)));
    }
    Ok(edges)
}

/// The end of an attempt.
pub(super) async fn ended(recording: &mut Recording<'_>, lease: &Lease, end: &TaskEnd) -> Done<()> {
    if !matches!(&recording.batch.guard, Guard::Lease(held) if held == lease) {
        return Err(Failure::conflict(format!("the end of task `{}` needs the guard of its lease", lease.task)));
    }
    let task = task_row::locked(recording.tx, &lease.task).await?;
    let task = task.filter(|task| task.token == lease.token && task.state == TaskState::Running).ok_or_else(Failure::stale)?;
    let (outcome, error) = words(end);
    let state = match end {
        TaskEnd::Done => TaskState::Done,
        TaskEnd::Fail { .. } => TaskState::Dead,
        TaskEnd::Cancelled => TaskState::Cancelled,
        TaskEnd::Retry { .. } | TaskEnd::HandedBack if task.cancel_requested => TaskState::Cancelled,
        TaskEnd::Retry { .. } if task.attempt >= task.max_attempts => TaskState::Dead,
        TaskEnd::Retry { .. } | TaskEnd::HandedBack => TaskState::Ready,
    };
    end_attempt(recording.tx, lease, outcome, error).await?;
    if state.is_final() {
        return conclude(recording.tx, &task, outcome, state, error).await;
    }
    let now = recording.tx.now().await?;
    let (run_at, attempt) = match end {
        TaskEnd::HandedBack => (now, task.attempt - 1),
        _ => (retry_at(recording, now, task.attempt), task.attempt),
    };
    release(recording.tx, &task, run_at, attempt, error).await?;
    append_event(recording.tx, &EventForm::task_ended(&task, outcome, state)).await
}

fn retry_at(recording: &Recording<'_>, now: Micros, attempt: i32) -> Micros {
    let delay = recording.batch.backoff.delay(attempt, recording.batch.random);
    Micros(now.0.saturating_add(delay.as_micros() as i64))
}

fn words(end: &TaskEnd) -> (&'static str, Option<&str>) {
    match end {
        TaskEnd::Done => ("done", None),
        TaskEnd::Retry { error } => ("retry", Some(error)),
        TaskEnd::Fail { error } => ("fail", Some(error)),
        TaskEnd::Cancelled => ("cancelled", None),
        TaskEnd::HandedBack => ("handed_back", None),
    }
}

/// Closes the row of an attempt.
pub(in crate::store) async fn end_attempt(tx: &mut Tx, lease: &Lease, outcome: &str, error: Option<&str>) -> Done<()> {
    let now = tx.now().await?;
    tx.execute(
        "UPDATE attempts SET ended_at = $1, outcome = $2, error = $3 WHERE task = $4 AND token = $5",
        &[now.into(), outcome.into(), error.into(), lease.task.as_str().into(), lease.token.into()],
    )
    .await?;
    Ok(())
}

/// Back to `ready`, to run from `run_at` on.
pub(in crate::store) async fn release(tx: &mut Tx, task: &Task, run_at: Micros, attempt: i32, error: Option<&str>) -> Done<()> {
    tx.execute(
        "UPDATE tasks SET state = 'ready', run_at = $1, attempt = $2, error = COALESCE($3, error), lease_until = NULL, progress = 0,
                          step = NULL
         WHERE id = $4",
        &[run_at.into(), attempt.into(), error.into(), task.id.as_str().into()],
    )
    .await?;
    tx.wake();
    Ok(())
}

/// Makes a task final, counts its dependants down and tells it. The caller has locked the row and the event's key.
pub(in crate::store) async fn conclude(
    tx: &mut Tx,
    task: &Task,
    outcome: &str,
    state: TaskState,
    error: Option<&str>,
) -> Done<()> {
    let now = tx.now().await?;
    tx.execute(
        "UPDATE tasks SET state = $1, error = COALESCE($2, error), ended_at = $3, lease_until = NULL, step = NULL,
                          progress = CASE WHEN $1 = 'done' THEN 1 ELSE progress END
         WHERE id = $4",
        &[state.as_str().into(), error.into(), now.into(), task.id.as_str().into()],
    )
    .await?;
    settle(tx, &task.id).await?;
    append_event(tx, &EventForm::task_ended(task, outcome, state)).await
}

/// Counts down what waits for the task: every edge once, dependants in the order of their ids.
async fn settle(tx: &mut Tx, after: &TaskId) -> Done<()> {
    let rows = tx
        .fetch("UPDATE task_edges SET settled = 1 WHERE after = $1 AND settled = 0 RETURNING task", &[after.as_str().into()])
        .await?;
    let mut dependants: Vec<String> = rows.into_iter().map(|mut row| row.text()).collect::<Done<_>>()?;
    dependants.sort_unstable();
    for dependant in dependants {
        tx.execute(
            "UPDATE tasks SET waiting = waiting - 1,
                              state = CASE WHEN state = 'waiting' AND waiting = 1 THEN 'ready' ELSE state END
             WHERE id = $1",
            &[dependant.into()],
        )
        .await?;
    }
    Ok(())
}

/// A waiting or ready task is cancelled at once, a running one is asked to stop.
pub(super) async fn cancel_asked(recording: &mut Recording<'_>, id: &TaskId) -> Done<()> {
    let task = task_row::locked(recording.tx, id).await?.ok_or_else(|| missing(id))?;
    if task.state.is_final() {
        return Err(Failure::conflict(format!("task `{id}` has ended; it is `{}`", task.state)));
    }
    stop(recording.tx, &task).await
}

async fn stop(tx: &mut Tx, task: &Task) -> Done<()> {
    tx.execute("UPDATE tasks SET cancel_requested = 1 WHERE id = $1", &[task.id.as_str().into()]).await?;
    if task.state == TaskState::Running {
        tx.wake();
        return Ok(());
    }
    conclude(tx, task, "cancelled", TaskState::Cancelled, None).await
}

/// Stops every open task of a video; answers those that still run.
pub(super) async fn stop_all(recording: &mut Recording<'_>, video: &VideoId) -> Done<Vec<TaskId>> {
    let tx = &mut *recording.tx;
    let columns = task_row::COLUMNS;
    let lock = dialect::for_update(tx);
    let sql = format!("SELECT {columns} FROM tasks WHERE video = $1 AND ended_at IS NULL ORDER BY id{lock}");
    let open = task_row::read_all(tx.fetch_built(sql, &[video.as_str().into()]).await?)?;
    let mut running = Vec::new();
    for task in open {
        stop(tx, &task).await?;
        if task.state == TaskState::Running {
            running.push(task.id);
        }
    }
    Ok(running)
}

/// A dead or cancelled task from the beginning; the state of its video goes back to where the task left it.
pub(super) async fn replayed(recording: &mut Recording<'_>, id: &TaskId) -> Done<()> {
    let task = task_row::locked(recording.tx, id).await?.ok_or_else(|| missing(id))?;
    if !matches!(task.state, TaskState::Dead | TaskState::Cancelled) {
        return Err(Failure::conflict(format!("task `{id}` is `{}`; a `dead` or `cancelled` one can be replayed", task.state)));
    }
    reopen_video(recording.tx, &task).await?;
    let now = recording.tx.now().await?;
    recording
        .tx
        .execute(
            "UPDATE tasks SET state = CASE WHEN waiting > 0 THEN 'waiting' ELSE 'ready' END, attempt = 0, run_at = $1,
                              cancel_requested = 0, progress = 0, step = NULL, ended_at = NULL
             WHERE id = $2",
            &[now.into(), id.as_str().into()],
        )
        .await?;
    recording.tx.wake();
    Ok(())
}

/// Only a purge may run for a deleted video.
async fn reopen_video(tx: &mut Tx, task: &Task) -> Done<()> {
    let Some(video) = &task.video else { return Ok(()) };
    let sql = match task.kind {
        TaskKind::Purge | TaskKind::Collect => return Ok(()),
        TaskKind::Probe | TaskKind::Package => {
            "UPDATE videos SET status = 'uploaded', reason = NULL, completed_at = NULL WHERE id = $1 AND status = 'failed'"
        }
        TaskKind::Analyse => "UPDATE videos SET analysis = 'queued', analysed_at = NULL WHERE id = $1",
        TaskKind::Judge => "UPDATE videos SET decision = 'pending', decided_at = NULL WHERE id = $1",
    };
    video::here(tx, video).await?;
    tx.execute(sql, &[video.as_str().into()]).await?;
    Ok(())
}

fn missing(id: &TaskId) -> Failure {
    Failure::conflict(format!("there is no task `{id}`"))
}
