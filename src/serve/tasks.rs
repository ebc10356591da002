//! The task queue: what is done, what waits, what broke.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{Answer, Problem, ProblemBody};
use super::extract::{Args, Id, limit_of};
use super::wire::{List, Moment};
use super::{Ctx, Server};
use crate::model::{Fact, Guard, Task, TaskId, TaskKind, TaskState, VideoId, WorkerId};
use crate::store::{Attempt, TaskFilter};

/// Tasks of one video in an answer.
const TASKS_OF_VIDEO: u32 = 200;

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskAnswer {
    /// Its id.
    pub id: TaskId,
    /// What it does.
    pub kind: TaskKind,
    /// The video that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoId>,
    /// Whose limits it counts against.
    pub owner: String,
    /// Where it stands.
    pub state: TaskState,
    /// Higher is sooner.
    pub priority: i32,
    /// Not before this moment.
    pub run_at: Moment,
    /// Tasks that it still waits for.
    pub waiting: i32,
    /// Attempts so far.
    pub attempt: i32,
    /// Attempts before it is dead.
    pub max_attempts: i32,
    /// Who holds or last held it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerId>,
    /// When its lease ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Moment>,
    /// Somebody asked for it to stop.
    pub cancel_requested: bool,
    /// 0 to 1.
    pub progress: f32,
    /// What it is doing now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was created.
    pub created_at: Moment,
    /// When the current or last attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Moment>,
    /// When it ended for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
}

impl From<Task> for TaskAnswer {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            kind: task.kind,
            video: task.video,
            owner: task.owner,
            state: task.state,
            priority: task.priority,
            run_at: Moment(task.run_at),
            waiting: task.waiting,
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            worker: task.worker,
            lease_until: task.lease_until.map(Moment),
            cancel_requested: task.cancel_requested,
            progress: task.progress,
            step: task.step,
            error: task.error,
            created_at: Moment(task.created_at),
            started_at: task.started_at.map(Moment),
            ended_at: task.ended_at.map(Moment),
        }
    }
}

/// One attempt at a task.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptAnswer {
    /// Which, from 1.
    pub attempt: i32,
    /// Who.
    pub worker: WorkerId,
    /// Begin.
    pub started_at: Moment,
    /// End; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// `done`, `retry`, `fail`, `cancelled`, `handed_back` or `lost`; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Error words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A task and what happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskHistory {
    /// The task.
    #[serde(flatten)]
    pub task: TaskAnswer,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptAnswer>,
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaskArgs {
    /// State.
    state: Option<TaskState>,
    /// Kind.
    kind: Option<TaskKind>,
    /// Of this video.
    #[param(value_type = Option<String>)]
    video: Option<VideoId>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Rows per page, 1 to 200; 50 unless said.
    limit: Option<u32>,
}

/// Tasks, newest first.
#[utoipa::path(
    get, path = "/tasks", tag = "tasks", params(TaskArgs),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = List<TaskAnswer>), (status = 400, body = ProblemBody))
)]
pub async fn list(State(server): Ctx, Args(args): Args<TaskArgs>) -> Answer<Json<List<TaskAnswer>>> {
    let filter = TaskFilter {
        state: args.state,
        kind: args.kind,
        video: args.video,
        cursor: args.cursor.map(|cursor| cursor.parse()).transpose().map_err(|error: String| Problem::bad_request(error))?,
        limit: limit_of(args.limit, 50, 200),
    };
    let page = server.app.store.tasks(&filter).await?;
    Ok(Json(List { items: page.items.into_iter().map(TaskAnswer::from).collect(), next: page.next }))
}

/// One task.
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "tasks", params(("id" = TaskId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = TaskAnswer), (status = 404, body = ProblemBody))
)]
pub async fn one(State(server): Ctx, Id(id): Id<TaskId>) -> Answer<Json<TaskAnswer>> {
    Ok(Json(server.task(&id).await?.into()))
}

/// A video's tasks, newest first, each with its attempts.
#[utoipa::path(
    get, path = "/videos/{id}/tasks", tag = "tasks", params(("id" = VideoId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = List<TaskHistory>), (status = 404, body = ProblemBody))
)]
pub async fn of_video(State(server): Ctx, Id(id): Id<VideoId>) -> Answer<Json<List<TaskHistory>>> {
    server.video(&id).await?;
    let filter = TaskFilter { video: Some(id.clone()), limit: TASKS_OF_VIDEO, ..TaskFilter::default() };
    let page = server.app.store.tasks(&filter).await?;
    let attempts = server.app.store.attempts(&id).await?;
    let history = |task: Task| {
        let own = attempts.iter().filter(|attempt| attempt.task == task.id).cloned().map(AttemptAnswer::from).collect();
        TaskHistory { attempts: own, task: task.into() }
    };
    Ok(Json(List { items: page.items.into_iter().map(history).collect(), next: page.next }))
}

/// Run a dead or cancelled task again.
#[utoipa::path(
    post, path = "/tasks/{id}/retry", tag = "tasks", params(("id" = TaskId, Path)),
    extensions(("x-weir-role" = json!("operator"))),
    responses((status = 202, body = TaskAnswer), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub async fn retry(State(server): Ctx, Id(id): Id<TaskId>) -> Answer<(StatusCode, Json<TaskAnswer>)> {
    let task = server.task(&id).await?;
    if !matches!(task.state, TaskState::Dead | TaskState::Cancelled) {
        return Err(Problem::conflict(format!("task `{id}` is `{}`; only a dead or cancelled task runs again", task.state)));
    }
    server.drive(&id, Fact::TaskReplayed { task: id.clone() }).await
}

/// Ask for a task to stop.
#[utoipa::path(
    post, path = "/tasks/{id}/cancel", tag = "tasks", params(("id" = TaskId, Path)),
    extensions(("x-weir-role" = json!("operator"))),
    responses((status = 202, body = TaskAnswer), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub async fn cancel(State(server): Ctx, Id(id): Id<TaskId>) -> Answer<(StatusCode, Json<TaskAnswer>)> {
    let task = server.task(&id).await?;
    if task.state.is_final() {
        return Err(Problem::conflict(format!("task `{id}` is `{}` already", task.state)));
    }
    server.drive(&id, Fact::CancelAsked { task: id.clone() }).await
}

impl Server {
    async fn task(&self, id: &TaskId) -> Answer<Task> {
        self.app.store.task(id).await?.ok_or_else(|| Problem::not_found(format!("no task `{id}`")))
    }

    async fn drive(&self, id: &TaskId, fact: Fact) -> Answer<(StatusCode, Json<TaskAnswer>)> {
        self.app.store.record(&[fact], Guard::None).await?;
        Ok((StatusCode::ACCEPTED, Json(self.task(id).await?.into())))
    }
}

impl From<Attempt> for AttemptAnswer {
    fn from(attempt: Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            worker: attempt.worker,
            started_at: Moment(attempt.started_at),
            ended_at: attempt.ended_at.map(Moment),
            outcome: attempt.outcome,
            error: attempt.error,
        }
    }
}
