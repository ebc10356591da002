//! What nobody else's task is: creating `collect`, forgetting old rows, and finishing what died without an end.

use std::collections::HashSet;
use std::time::Duration;

use super::KeepConfig;
use super::attempt::CANCELLED;
use crate::model::{Decision, Fact, Guard, Micros, NewTask, Task, TaskId, TaskKind, TaskState, Video};
use crate::stage::Stages;
use crate::store::{RecordError, SharedStore, StoreError, TaskFilter};

/// Dead and cancelled tasks are looked through this often.
const SETTLE_EVERY: Duration = Duration::from_secs(10);
/// Rows per page, and pages, of one look through the tasks of a state.
const PAGE: u32 = 200;
const PAGES_MAX: usize = 10;

/// Keeps the house, for ever.
pub(super) async fn keep(store: SharedStore, stages: Stages, config: KeepConfig) {
    let mut keeper = Keeper { store, stages, config, settled: HashSet::new() };
    let mut tick = tokio::time::interval(SETTLE_EVERY.min(keeper.config.collect_every));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = keeper.round().await {
            tracing::warn!(%error, "housekeeping was put off");
        }
    }
}

struct Keeper {
    store: SharedStore,
    stages: Stages,
    config: KeepConfig,
    /// The dead and cancelled tasks of the last look, and when they ended: these are settled.
    settled: HashSet<(TaskId, Option<Micros>)>,
}

impl Keeper {
    async fn round(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        if self.collect_is_due().await? {
            self.create_collect().await?;
            self.forget().await?;
        }
        Ok(())
    }

    /// A task whose last lease runs out (its worker was killed) dies inside `lease`, and one that is cancelled before it runs ends
    /// inside `record`: no stage is by to say what becomes of the video. This says it.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        for state in [TaskState::Dead, TaskState::Cancelled] {
            let mut filter = TaskFilter { state: Some(state), limit: PAGE, ..TaskFilter::default() };
            for _ in 0..PAGES_MAX {
                let page = self.store.tasks(&filter).await?;
                for task in &page.items {
                    let death = (task.id.clone(), task.ended_at);
                    if !self.settled.contains(&death) {
                        self.settle_one(task).await?;
                    }
                    seen.insert(death);
                }
                filter.cursor = page.next;
                if filter.cursor.is_none() {
                    break;
                }
            }
        }
        self.settled = seen;
        Ok(())
    }

    async fn settle_one(&self, task: &Task) -> Result<(), StoreError> {
        let Some(stage) = self.stages.iter().find(|stage| stage.kind() == task.kind) else { return Ok(()) };
        let Some(id) = &task.video else { return Ok(()) };
        let Some(video) = self.store.video(id).await? else { return Ok(()) };
        if self.has_successor(task).await? {
            return Ok(());
        }
        let error = match task.state {
            TaskState::Cancelled => CANCELLED,
            _ => task.error.as_deref().unwrap_or("lost: the worker went away"),
        };
        let open = stage.on_dead(task, error).into_iter().filter(|fact| is_open(fact, &video));
        let facts: Vec<Fact> = open.collect();
        if facts.is_empty() {
            return Ok(());
        }
        match self.store.record(&facts, Guard::Video(id.clone())).await {
            Ok(_) => Ok(()),
            Err(RecordError::Conflict(why)) => {
                tracing::info!(task = %task.id, why, "what a task's end means for its video is no longer wanted");
                Ok(())
            }
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    /// Whether a newer task of the same kind speaks for the video.
    async fn has_successor(&self, task: &Task) -> Result<bool, StoreError> {
        let (kind, video) = (Some(task.kind), task.video.clone());
        let newest = self.store.tasks(&TaskFilter { kind, video, limit: 1, ..TaskFilter::default() }).await?;
        Ok(newest.items.first().is_some_and(|newest| newest.id != task.id))
    }

    async fn collect_is_due(&self) -> Result<bool, StoreError> {
        let filter = TaskFilter { kind: Some(TaskKind::Collect), limit: 1, ..TaskFilter::default() };
        let newest = self.store.tasks(&filter).await?;
        let Some(last) = newest.items.first() else { return Ok(true) };
        if !last.state.is_final() {
            return Ok(false);
        }
        let age_ms = self.store.now().await?.ms_since(last.created_at);
        Ok(age_ms >= ms(self.config.collect_every))
    }

    async fn create_collect(&self) -> Result<(), StoreError> {
        let task = NewTask {
            id: TaskId::from_random(rand::random()),
            kind: TaskKind::Collect,
            video: None,
            owner: "weir".to_owned(),
            priority: -10,
            run_at: None,
            after: Vec::new(),
            input: serde_json::Value::Null,
            max_attempts: 3,
        };
        let facts = [Fact::TasksCreated { tasks: vec![task] }];
        self.store.record(&facts, Guard::None).await.map(|_| ()).map_err(|error| StoreError(error.to_string()))
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let now = self.store.now().await?;
        let (events, tasks) = (now.plus_ms(-ms(self.config.events)), now.plus_ms(-ms(self.config.tasks)));
        // Each call is bounded; a backlog takes several.
        for _ in 0..100 {
            if self.store.forget(events, tasks).await? == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Whether the video still waits for this.
fn is_open(fact: &Fact, video: &Video) -> bool {
    match fact {
        Fact::VideoFailed { .. } => !video.status.is_final(),
        Fact::AnalysisMoved { .. } => !video.analysis.is_final(),
        Fact::VerdictGiven { .. } => video.decision == Decision::Pending,
        _ => false,
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
