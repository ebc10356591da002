//! Which tasks a recording needs.
//!
//! ```text
//! probe ─┬─▶ package
//!        └─▶ analyse ─▶ judge
//! ```

use super::Random;
use crate::model::{NewTask, TaskId, TaskKind, VideoId};

/// Makes the tasks of one video.
struct Plan<'a> {
    video: &'a VideoId,
    owner: &'a str,
    max_attempts: i32,
    random: &'a Random,
}

impl Plan<'_> {
    /// Short work goes before long work, so that a full queue still shows what it holds.
    fn task(&self, kind: TaskKind, after: Vec<TaskId>) -> NewTask {
        let priority = match kind {
            TaskKind::Probe | TaskKind::Judge => 20,
            TaskKind::Package => 10,
            TaskKind::Analyse | TaskKind::Purge | TaskKind::Collect => 0,
        };
        NewTask {
            id: self.random.task(),
            kind,
            video: Some(self.video.clone()),
            owner: self.owner.to_owned(),
            priority,
            run_at: None,
            after,
            input: serde_json::json!({}),
            max_attempts: self.max_attempts,
        }
    }
}

/// The tasks of a new recording: probe, package after it, analyse after it, judge after analyse.
pub fn pipeline_tasks(video: &VideoId, owner: &str, max_attempts: i32, random: &Random) -> Vec<NewTask> {
    let plan = Plan { video, owner, max_attempts, random };
    let probe = plan.task(TaskKind::Probe, vec![]);
    let package = plan.task(TaskKind::Package, vec![probe.id.clone()]);
    let analyse = plan.task(TaskKind::Analyse, vec![probe.id.clone()]);
    let judge = plan.task(TaskKind::Judge, vec![analyse.id.clone()]);
    vec![probe, package, analyse, judge]
}

/// The tasks that look at a recording again: analyse, judge after it.
pub fn analysis_tasks(video: &VideoId, owner: &str, max_attempts: i32, random: &Random) -> Vec<NewTask> {
    let plan = Plan { video, owner, max_attempts, random };
    let analyse = plan.task(TaskKind::Analyse, vec![]);
    let judge = plan.task(TaskKind::Judge, vec![analyse.id.clone()]);
    vec![analyse, judge]
}

/// The task that removes the objects of a deleted recording.
pub fn purge_task(video: &VideoId, owner: &str, max_attempts: i32, random: &Random) -> NewTask {
    Plan { video, owner, max_attempts, random }.task(TaskKind::Purge, vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_probed_first_and_judged_after_its_analysis() {
        let random = Random::seeded(1);
        let video = random.video();
        let tasks = pipeline_tasks(&video, "default", 4, &random);
        let of = |kind| tasks.iter().find(|task| task.kind == kind).unwrap();
        assert!(of(TaskKind::Probe).after.is_empty());
        assert_eq!(of(TaskKind::Package).after, [of(TaskKind::Probe).id.clone()]);
        assert_eq!(of(TaskKind::Analyse).after, [of(TaskKind::Probe).id.clone()]);
        assert_eq!(of(TaskKind::Judge).after, [of(TaskKind::Analyse).id.clone()]);
        assert!(tasks.iter().all(|task| task.video.as_ref() == Some(&video) && task.max_attempts == 4));
    }
}
