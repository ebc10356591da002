//! Leases: order, renewal, fencing, limits, loss.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{LONG, SHORT, announcement, create, end, lease_one, new_task, task, told, want, worker};
use crate::model::{Fact, Guard, Lease, NewTask, TaskEnd, TaskKind, TaskState, UploadId, VideoId};
use crate::store::{Limits, RecordError, SharedStore, TaskFilter, Want};

/// Higher priority first, then the earlier schedule; what is not due is not leased, whatever its priority.
pub async fn order_is_priority_then_schedule(store: SharedStore) {
    let now = store.now().await.expect("time");
    let at = |priority, run_at_ms| NewTask { priority, run_at: Some(now.plus_ms(run_at_ms)), ..new_task(TaskKind::Probe) };
    let tasks = vec![at(0, -1_000), at(5, -1_000), at(5, -2_000), at(0, -5_000), at(9, 60_000)];
    let wanted: Vec<_> = [2, 1, 3, 0].iter().map(|&index: &usize| tasks[index].id.clone()).collect();
    let other_kind = NewTask { priority: 7, ..new_task(TaskKind::Package) };
    let only_probe = Want { kinds: vec![TaskKind::Probe], ..want(LONG) };
    let mut all = tasks.clone();
    all.push(other_kind.clone());
    create(&store, all).await;
    let leased = store.lease(&worker(), &only_probe, 10).await.expect("a lease is answered");
    assert_eq!(leased.iter().map(|task| task.id.clone()).collect::<Vec<_>>(), wanted);
    assert!(leased.iter().all(|task| task.attempt == 1 && task.token == 1 && task.state == TaskState::Running));
    let (due, _) = store.next_due(&[TaskKind::Probe]).await.expect("the next moment");
    let first_end = leased.iter().filter_map(|task| task.lease_until).min().expect("a lease has an end");
    assert_eq!(due, tasks[4].run_at.map(|at| at.min(first_end)), "the scheduled task or the first lease that runs out");
    let next = lease_one(&store, LONG).await.expect("the other kind");
    assert_eq!(next.id, other_kind.id);
}

/// A renewed lease outlives its first end; one that was taken over is missing from the answer.
pub async fn renewing_keeps_a_lease(store: SharedStore) {
    create(&store, vec![new_task(TaskKind::Probe)]).await;
    let held = lease_one(&store, SHORT).await.expect("a task");
    let until = Instant::now() + 2 * SHORT;
    while Instant::now() < until {
        let renewed = store.renew(&[held.lease()], SHORT).await.expect("a renewal is answered");
        assert_eq!((renewed.len(), renewed[0].cancel), (1, false));
        assert!(lease_one(&store, SHORT).await.is_none(), "it was leased twice");
        tokio::time::sleep(SHORT / 4).await;
    }
    tokio::time::sleep(SHORT + Duration::from_millis(50)).await;
    let taken = lease_one(&store, LONG).await.expect("the lease ran out");
    assert_eq!((taken.id.clone(), taken.token, taken.attempt), (held.id.clone(), 2, 2));
    let renewed = store.renew(&[held.lease(), taken.lease()], LONG).await.expect("a renewal is answered");
    assert_eq!(renewed.iter().map(|renewed| renewed.lease.clone()).collect::<Vec<_>>(), [taken.lease()]);
}

/// A step and an end under a token that was overtaken are refused, and nothing of them stays; so are those of a task that ended.
pub async fn stale_steps_and_ends_are_refused_whole(store: SharedStore) {
    create(&store, vec![new_task(TaskKind::Probe)]).await;
    let old = lease_one(&store, SHORT).await.expect("a task");
    tokio::time::sleep(SHORT + Duration::from_millis(50)).await;
    let new = lease_one(&store, LONG).await.expect("it is leased again");
    for held in [&old, &new] {
        let (video, upload) = (VideoId::from_random(rand::random()), UploadId::from_random(rand::random()));
        let mut facts =
            vec![announcement(&video, &upload, "step"), Fact::TasksCreated { tasks: vec![new_task(TaskKind::Judge)] }];
        let step = store.record(&facts, Guard::Lease(held.lease())).await;
        facts = vec![announcement(&video, &upload, "end")];
        facts.push(Fact::TaskEnded { lease: held.lease(), end: TaskEnd::Done });
        if held.token == new.token {
            step.expect("the holder's step is recorded");
            continue;
        }
        let ended = store.record(&facts, Guard::Lease(held.lease())).await;
        assert!(matches!(step, Err(RecordError::Stale)), "{step:?}");
        assert!(matches!(ended, Err(RecordError::Stale)), "{ended:?}");
        assert!(store.video(&video).await.expect("videos are read").is_none());
        assert_eq!(task(&store, &old.id).await.state, TaskState::Running);
    }
    end(&store, &new, TaskEnd::Done).await.expect("the holder's end is recorded");
    assert!(matches!(end(&store, &new, TaskEnd::Done).await, Err(RecordError::Stale)), "it ended twice");
    let kinds: Vec<_> = told(&store, 2).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["video.created", "task.ended"], "of the holder's step and end only");
    let judges = TaskFilter { kind: Some(TaskKind::Judge), limit: 10, ..TaskFilter::default() };
    assert_eq!(store.tasks(&judges).await.expect("tasks are read").items.len(), 1, "of the holder's step only");
}

/// The end of a task needs the guard of its own lease.
pub async fn an_end_needs_its_guard(store: SharedStore) {
    create(&store, vec![new_task(TaskKind::Probe), new_task(TaskKind::Package)]).await;
    let held = store.lease(&worker(), &want(LONG), 2).await.expect("a lease is answered");
    let fact = Fact::TaskEnded { lease: held[0].lease(), end: TaskEnd::Done };
    for guard in [Guard::None, Guard::Lease(held[1].lease())] {
        let refused = store.record(std::slice::from_ref(&fact), guard).await;
        assert!(matches!(refused, Err(RecordError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(task(&store, &held[0].id).await.state, TaskState::Running);
}

/// A killed worker's task is leased again after `lease_until`, and not before; the row of its attempt says `lost`.
pub async fn a_killed_workers_task_is_leased_after_its_lease(store: SharedStore) {
    let video = super::uploaded(&store).await;
    create(&store, vec![NewTask { video: Some(video.clone()), ..new_task(TaskKind::Probe) }]).await;
    let killed = lease_one(&store, SHORT).await.expect("a task");
    let until = killed.lease_until.expect("a lease has an end");
    let (due, _) = store.next_due(TaskKind::ALL).await.expect("the next moment");
    assert_eq!(due, Some(until));
    let again = loop {
        let asked_at = store.now().await.expect("time");
        match lease_one(&store, LONG).await {
            Some(again) => break again,
            None => assert!(asked_at < until.plus_ms(1_000), "it was never leased again"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let started_at = again.started_at.expect("a running task has begun");
    assert!(started_at >= until, "leased {} ms too early", until.ms_since(started_at));
    let attempts = store.attempts(&video).await.expect("attempts are read");
    let outcomes: Vec<_> = attempts.iter().map(|attempt| (attempt.attempt, attempt.outcome.as_deref())).collect();
    assert_eq!(outcomes, [(1, Some("lost")), (2, None)]);
}

/// A task whose last attempt is lost is dead, and what waits for it goes on.
pub async fn a_lost_last_attempt_is_dead(store: SharedStore) {
    let lost = NewTask { max_attempts: 1, ..new_task(TaskKind::Analyse) };
    let after = NewTask { after: vec![lost.id.clone()], ..new_task(TaskKind::Judge) };
    create(&store, vec![lost.clone(), after.clone()]).await;
    lease_one(&store, SHORT).await.expect("the first task");
    assert!(lease_one(&store, SHORT).await.is_none(), "the second waits");
    tokio::time::sleep(SHORT + Duration::from_millis(50)).await;
    assert_eq!(lease_one(&store, LONG).await.expect("the dependant").id, after.id);
    let dead = task(&store, &lost.id).await;
    assert_eq!(dead.state, TaskState::Dead);
    assert!(dead.error.is_some_and(|error| error.starts_with("lost: ")));
}

/// Eight workers at once: the limits per kind and per owner hold at every instant that an observer sees, and all work is done.
pub async fn limits_hold_at_every_instant(store: SharedStore) {
    const PER_KIND: u32 = 3;
    const PER_OWNER: u32 = 2;
    let owned = |number: usize| NewTask { owner: format!("owner-{}", number % 2), ..new_task(TaskKind::Package) };
    create(&store, (0..40).map(owned).collect()).await;
    let limits = Limits { per_kind: vec![(TaskKind::Package, PER_KIND)], per_owner: Some(PER_OWNER) };
    let asked = Want { limits, ..want(LONG) };
    let done = Arc::new(AtomicBool::new(false));
    let observer = tokio::spawn(most_running(store.clone(), done.clone()));
    let workers = (0..8).map(|_| tokio::spawn(work_all(store.clone(), asked.clone())));
    let ended: usize = futures::future::join_all(workers).await.into_iter().map(|ended| ended.expect("a worker ends")).sum();
    done.store(true, Ordering::Release);
    let (of_kind, of_owner) = observer.await.expect("the observer ends");
    assert_eq!(ended, 40);
    assert!(of_kind <= PER_KIND as usize, "{of_kind} of the kind ran at once");
    assert!(of_owner <= PER_OWNER as usize, "{of_owner} of one owner ran at once");
    assert_eq!(of_kind, PER_KIND as usize, "the limit was never reached, so nothing was tested");
}

async fn work_all(store: SharedStore, want: Want) -> usize {
    let name = worker();
    let mut ended = 0;
    loop {
        let Some(task) = store.lease(&name, &want, 1).await.expect("a lease is answered").pop() else {
            if store.next_due(TaskKind::ALL).await.expect("the next moment").0.is_none() {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
            continue;
        };
        tokio::time::sleep(Duration::from_millis(8)).await;
        end(&store, &task, TaskEnd::Done).await.expect("an end is recorded");
        ended += 1;
    }
}

/// The most tasks, and the most of one owner, that any look at the running tasks saw.
async fn most_running(store: SharedStore, done: Arc<AtomicBool>) -> (usize, usize) {
    let filter = TaskFilter { state: Some(TaskState::Running), limit: 200, ..TaskFilter::default() };
    let mut most = (0, 0);
    while !done.load(Ordering::Acquire) {
        let running = store.tasks(&filter).await.expect("tasks are read").items;
        let mut owners: HashMap<String, usize> = HashMap::new();
        for task in &running {
            *owners.entry(task.owner.clone()).or_default() += 1;
        }
        most = (most.0.max(running.len()), most.1.max(owners.into_values().max().unwrap_or(0)));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    most
}

/// Eight workers and 60 tasks: every task is leased exactly once.
pub async fn concurrent_leases_never_share_a_task(store: SharedStore) {
    create(&store, (0..60).map(|_| new_task(TaskKind::Probe)).collect()).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let lease_some = |store: SharedStore, taken: Arc<AtomicUsize>| async move {
        let (name, begun) = (worker(), Instant::now());
        let mut leased = Vec::new();
        while taken.load(Ordering::Acquire) < 60 && begun.elapsed() < Duration::from_secs(20) {
            let some = store.lease(&name, &want(LONG), 3).await.expect("a lease is answered");
            taken.fetch_add(some.len(), Ordering::AcqRel);
            leased.extend(some.into_iter().map(|task| task.id));
        }
        leased
    };
    let workers = (0..8).map(|_| tokio::spawn(lease_some(store.clone(), taken.clone())));
    let mut all: Vec<_> =
        futures::future::join_all(workers).await.into_iter().flat_map(|leased| leased.expect("a worker ends")).collect();
    all.sort();
    let leases = all.len();
    all.dedup();
    assert_eq!((leases, all.len()), (60, 60));
}

/// Progress is shown under the current lease only.
pub async fn progress_is_shown_under_the_lease(store: SharedStore) {
    create(&store, vec![new_task(TaskKind::Package)]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    store.progress(&held.lease(), 0.25, "encoding").await.expect("progress");
    let stale = Lease { token: held.token + 1, ..held.lease() };
    store.progress(&stale, 0.75, "elsewhere").await.expect("a stale lease is ignored");
    let shown = task(&store, &held.id).await;
    assert_eq!((shown.progress, shown.step.as_deref()), (0.25, Some("encoding")));
}

/// Who waits for changes wakes with a commit, also one between the call and the wait, and not much later than a second without.
pub async fn a_commit_wakes(store: SharedStore) {
    // What opened the store may still be on its way.
    store.changed().await;
    let begun = Instant::now();
    let changed = store.changed();
    create(&store, vec![new_task(TaskKind::Probe)]).await;
    changed.await;
    assert!(begun.elapsed() < Duration::from_millis(700), "woken after {:?}", begun.elapsed());
    let begun = Instant::now();
    store.changed().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "the fallback came after {:?}", begun.elapsed());
}
