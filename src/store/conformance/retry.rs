//! What becomes of a task: dependencies, retries, death, replay, cancelling.

use std::time::Duration;

use super::{LONG, announce, create, end, error, lease_one, new_task, task, told, uploaded, want, worker};
use crate::model::{Fact, Guard, NewTask, TaskEnd, TaskId, TaskKind, TaskState, Video, VideoId, VideoStatus};
use crate::store::{RecordError, SharedStore};

async fn cancel(store: &SharedStore, id: &TaskId) -> Result<(), RecordError> {
    store.record(&[Fact::CancelAsked { task: id.clone() }], Guard::None).await.map(|_| ())
}

async fn replay(store: &SharedStore, id: &TaskId) -> Result<(), RecordError> {
    store.record(&[Fact::TaskReplayed { task: id.clone() }], Guard::None).await.map(|_| ())
}

async fn video(store: &SharedStore, id: &VideoId) -> Video {
    store.video(id).await.expect("videos are read").expect("the video is there")
}

/// Eight tasks that end at the same time: what waits for all of them becomes ready once, and is leased once.
pub async fn a_counter_reaches_zero_once(store: SharedStore) {
    let first: Vec<_> = (0..8).map(|_| new_task(TaskKind::Analyse)).collect();
    let last = NewTask { after: first.iter().map(|task| task.id.clone()).collect(), ..new_task(TaskKind::Judge) };
    let mut all = first;
    all.push(last.clone());
    create(&store, all).await;
    assert_eq!(task(&store, &last.id).await.waiting, 8);
    let held = store.lease(&worker(), &want(LONG), 20).await.expect("a lease is answered");
    assert_eq!(held.len(), 8);
    let ends = held.into_iter().map(|held| {
        let store = store.clone();
        tokio::spawn(async move {
            end(&store, &held, TaskEnd::Done).await.expect("an end is recorded");
            lease_one(&store, LONG).await
        })
    });
    let leased: Vec<_> = futures::future::join_all(ends).await.into_iter().filter_map(|ended| ended.expect("an end")).collect();
    let after = task(&store, &last.id).await;
    assert_eq!(after.waiting, 0);
    assert_eq!(leased.iter().map(|task| task.id.clone()).collect::<Vec<_>>(), [last.id]);
}

/// A task counts down when what it waits for is final in any way; a replay counts nothing twice.
pub async fn dependants_go_on_after_any_end(store: SharedStore) {
    let (done, dead, cancelled) = (new_task(TaskKind::Probe), new_task(TaskKind::Analyse), new_task(TaskKind::Package));
    let wait_for = vec![done.id.clone(), dead.id.clone(), cancelled.id.clone()];
    let judge = NewTask { after: wait_for.clone(), ..new_task(TaskKind::Judge) };
    create(&store, vec![done.clone(), dead.clone(), cancelled.clone(), judge.clone()]).await;
    cancel(&store, &cancelled.id).await.expect("it is cancelled");
    for held in store.lease(&worker(), &want(LONG), 9).await.expect("a lease is answered") {
        let how = if held.id == dead.id { TaskEnd::Fail { error: error() } } else { TaskEnd::Done };
        end(&store, &held, how).await.expect("an end is recorded");
    }
    assert_eq!(task(&store, &dead.id).await.state, TaskState::Dead);
    assert_eq!(task(&store, &judge.id).await.state, TaskState::Ready);
    replay(&store, &dead.id).await.expect("a dead task is replayed");
    for held in store.lease(&worker(), &want(LONG), 9).await.expect("a lease is answered") {
        end(&store, &held, TaskEnd::Done).await.expect("an end is recorded");
    }
    let after = task(&store, &judge.id).await;
    assert_eq!((after.state, after.waiting), (TaskState::Done, 0));
    // Who waits for what is final already does not wait; who waits for nothing that is there is refused.
    let late = NewTask { after: wait_for, ..new_task(TaskKind::Judge) };
    create(&store, vec![late.clone()]).await;
    assert_eq!(task(&store, &late.id).await.state, TaskState::Ready);
    let lonely = NewTask { after: vec![new_task(TaskKind::Probe).id], ..new_task(TaskKind::Judge) };
    let refused = store.record(&[Fact::TasksCreated { tasks: vec![lonely] }], Guard::None).await;
    assert!(matches!(refused, Err(RecordError::Conflict(_))), "{refused:?}");
}

/// Attempt n waits base × 2^(n−1), at most the maximum, times a factor in [0.5, 1.0). The suites' store has 200 ms and 500 ms.
pub async fn backoff_stays_in_its_bounds(store: SharedStore) {
    let tasks: Vec<_> = (0..6).map(|_| NewTask { max_attempts: 4, ..new_task(TaskKind::Probe) }).collect();
    create(&store, tasks.clone()).await;
    let mut left = tasks.len();
    while left > 0 {
        let held = leased_in_time(&store).await;
        assert!(held.started_at.is_some_and(|at| at >= held.run_at), "it ran before its time");
        let Some((least_ms, most_ms)) = [(100, 200), (200, 400), (250, 500)].get(held.attempt as usize - 1) else {
            end(&store, &held, TaskEnd::Done).await.expect("an end is recorded");
            left -= 1;
            continue;
        };
        let before = store.now().await.expect("time");
        end(&store, &held, TaskEnd::Retry { error: error() }).await.expect("an end is recorded");
        let after = store.now().await.expect("time");
        let ready = task(&store, &held.id).await;
        assert_eq!((ready.state, ready.error), (TaskState::Ready, Some(error())));
        let (least, most) = (before.plus_ms(*least_ms), after.plus_ms(*most_ms));
        assert!(ready.run_at >= least, "attempt {}: {} ms too early", held.attempt, least.ms_since(ready.run_at));
        assert!(ready.run_at <= most, "attempt {}: {} ms too late", held.attempt, ready.run_at.ms_since(most));
    }
}

/// After its attempts a task is dead; replayed, it has them all again.
pub async fn dead_letters_are_replayed(store: SharedStore) {
    let mortal = NewTask { max_attempts: 2, ..new_task(TaskKind::Probe) };
    create(&store, vec![mortal.clone()]).await;
    for round in 0..2 {
        for attempt in 1..=2 {
            let held = leased_in_time(&store).await;
            assert_eq!((held.attempt, held.token), (attempt, i64::from(round * 2 + attempt)));
            end(&store, &held, TaskEnd::Retry { error: error() }).await.expect("an end is recorded");
        }
        let dead = task(&store, &mortal.id).await;
        assert_eq!((dead.state, dead.error), (TaskState::Dead, Some(error())));
        assert!(dead.ended_at.is_some());
        assert!(lease_one(&store, LONG).await.is_none());
        replay(&store, &mortal.id).await.expect("a dead task is replayed");
    }
    let refused = replay(&store, &mortal.id).await;
    assert!(matches!(refused, Err(RecordError::Conflict(_))), "a ready task is not replayed: {refused:?}");
}

async fn leased_in_time(store: &SharedStore) -> crate::model::Task {
    for _ in 0..300 {
        if let Some(task) = lease_one(store, LONG).await {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("no task became ready within 3 s")
}

/// A replayed packaging takes the video from `failed` back to `uploaded`, and it can become ready.
pub async fn a_replay_reopens_the_video(store: SharedStore) {
    let id = uploaded(&store).await;
    let package = NewTask { video: Some(id.clone()), ..new_task(TaskKind::Package) };
    create(&store, vec![package.clone()]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    let failed = Fact::VideoFailed { video: id.clone(), reason: "encoder: it broke".to_owned() };
    let ended = Fact::TaskEnded { lease: held.lease(), end: TaskEnd::Fail { error: error() } };
    store.record(&[failed, ended], Guard::Lease(held.lease())).await.expect("an end with its facts is recorded");
    assert_eq!(video(&store, &id).await.status, VideoStatus::Failed);
    replay(&store, &package.id).await.expect("a dead task is replayed");
    let reopened = video(&store, &id).await;
    assert_eq!((reopened.status, reopened.reason, reopened.completed_at), (VideoStatus::Uploaded, None, None));
}

/// A task that is handed back is ready at once, and the attempt does not count.
pub async fn a_handed_back_attempt_does_not_count(store: SharedStore) {
    create(&store, vec![NewTask { max_attempts: 1, ..new_task(TaskKind::Probe) }]).await;
    for token in 1..=3 {
        let held = lease_one(&store, LONG).await.expect("it is ready at once");
        assert_eq!((held.attempt, held.token), (1, token));
        end(&store, &held, TaskEnd::HandedBack).await.expect("it is handed back");
    }
}

/// A waiting and a ready task are cancelled at once; a running one learns it when it renews, and no end makes it ready again.
pub async fn cancelling_reaches_every_state(store: SharedStore) {
    let running = new_task(TaskKind::Package);
    create(&store, vec![running.clone()]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    let ready = new_task(TaskKind::Analyse);
    let waiting = NewTask { after: vec![ready.id.clone(), running.id.clone()], ..new_task(TaskKind::Judge) };
    let last = NewTask { after: vec![waiting.id.clone()], ..new_task(TaskKind::Collect) };
    create(&store, vec![ready.clone(), waiting.clone(), last.clone()]).await;
    for id in [&waiting.id, &ready.id, &running.id] {
        cancel(&store, id).await.expect("an open task can be cancelled");
    }
    for id in [&waiting.id, &ready.id] {
        let cancelled = task(&store, id).await;
        assert_eq!(cancelled.state, TaskState::Cancelled);
        assert!(cancelled.ended_at.is_some());
        assert!(matches!(cancel(&store, id).await, Err(RecordError::Conflict(_))), "it has ended");
    }
    assert_eq!(task(&store, &last.id).await.state, TaskState::Ready, "what waited for a cancelled task goes on");
    let renewed = store.renew(&[held.lease()], LONG).await.expect("a renewal is answered");
    assert!(renewed[0].cancel);
    end(&store, &held, TaskEnd::Retry { error: error() }).await.expect("an end is recorded");
    assert_eq!(task(&store, &running.id).await.state, TaskState::Cancelled);
    // The cancelled task that waited counts on: replayed, it is ready, since all that it waited for is final.
    replay(&store, &waiting.id).await.expect("a cancelled task is replayed");
    assert_eq!(task(&store, &waiting.id).await.state, TaskState::Ready);
    let unknown = cancel(&store, &new_task(TaskKind::Probe).id).await;
    assert!(matches!(unknown, Err(RecordError::Conflict(_))), "{unknown:?}");
}

/// A deleted video's open tasks stop, its purge waits for the running ones, and what they still say of it has no effect.
pub async fn deleting_stops_the_work(store: SharedStore) {
    let announced = announce(&store).await;
    let of = |kind| NewTask { video: Some(announced.video.clone()), ..new_task(kind) };
    let (package, analyse) = (of(TaskKind::Package), of(TaskKind::Analyse));
    let judge = NewTask { after: vec![package.id.clone(), analyse.id.clone()], ..of(TaskKind::Judge) };
    let tasks = vec![package.clone(), analyse.clone(), judge.clone()];
    store.record(&[announced.uploaded("deleted", tasks)], Guard::None).await.expect("it is uploaded");
    let only_package = crate::store::Want { kinds: vec![TaskKind::Package], ..want(LONG) };
    let held = store.lease(&worker(), &only_package, 1).await.expect("a lease is answered").pop().expect("a task");
    let purge = of(TaskKind::Purge);
    let deleted = Fact::VideoDeleted { video: announced.video.clone(), purge: purge.clone() };
    store.record(std::slice::from_ref(&deleted), Guard::None).await.expect("it is deleted");
    assert_eq!(task(&store, &analyse.id).await.state, TaskState::Cancelled);
    assert_eq!(task(&store, &judge.id).await.state, TaskState::Cancelled);
    assert!(task(&store, &package.id).await.cancel_requested);
    assert!(lease_one(&store, LONG).await.is_none(), "the purge waits for what runs");
    assert!(store.video(&announced.video).await.expect("videos are read").is_none());
    let moved = Fact::StatusMoved { video: announced.video.clone(), status: VideoStatus::Transcoding };
    let ended = Fact::TaskEnded { lease: held.lease(), end: TaskEnd::Cancelled };
    store.record(&[moved, ended], Guard::Lease(held.lease())).await.expect("the end is recorded");
    let purging = lease_one(&store, LONG).await.expect("now it runs");
    assert_eq!(purging.id, purge.id);
    assert!(matches!(store.record(&[deleted], Guard::None).await, Err(RecordError::Conflict(_))), "it is deleted twice");
    let kinds: Vec<_> = told(&store, 6).await.into_iter().map(|event| event.kind).collect();
    let stopped = ["video.created", "video.uploaded", "task.ended", "task.ended", "video.deleted", "task.ended"];
    assert_eq!(kinds, stopped, "a deleted video does not move");
}
