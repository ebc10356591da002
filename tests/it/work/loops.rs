//! The loop: leases, steps, ends, cancellation, shutdown.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::mpsc;
use weir::media::Limits;
use weir::model::{Fact, Guard, NewTask, Task, TaskKind, TaskState, VideoId, VideoStatus, WorkerId};
use weir::stage::package::Package;
use weir::stage::probe::Probe;
use weir::stage::{Stage, StageError, TaskCtx};
use weir::work::{Deps, KeepConfig, Worker};

use super::{House, clip, new_task, processes, stages};

/// What an attempt of [`Script`] does.
enum Act {
    /// Ends well.
    Done,
    Retry,
    Panics,
    /// Waits until it is told to stop.
    Waits,
    /// Does nothing for ever, and does not hear.
    Deaf,
    /// Blocks its whole thread, then records a step.
    Freezes(Duration),
}

/// A stage whose attempts do what they are told, and tell of it.
struct Script {
    acts: Mutex<VecDeque<Act>>,
    told: mpsc::Sender<String>,
}

impl Script {
    fn new(acts: impl IntoIterator<Item = Act>) -> (Self, mpsc::Receiver<String>) {
        let (told, heard) = mpsc::channel(64);
        (Self { acts: Mutex::new(acts.into_iter().collect()), told }, heard)
    }
}

#[async_trait]
impl Stage for Script {
    fn kind(&self) -> TaskKind {
        TaskKind::Probe
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let act = self.acts.lock().unwrap().pop_front().unwrap();
        self.told.send(format!("begin {}", task.attempt)).await.unwrap();
        std::fs::write(ctx.scratch().join("mine"), b"scratch").unwrap();
        match act {
            Act::Done => Ok(Vec::new()),
            Act::Retry => Err(StageError::Retry("broken: on purpose".to_owned())),
            Act::Panics => panic!("on purpose"),
            Act::Waits => {
                ctx.cancelled().await;
                self.told.send("stopped".to_owned()).await.unwrap();
                Err(StageError::Cancelled)
            }
            Act::Deaf => std::future::pending().await,
            Act::Freezes(pause) => {
                std::thread::sleep(pause);
                let step = ctx.step(Vec::new()).await;
                self.told.send(format!("step {}", step.is_ok())).await.unwrap();
                Ok(Vec::new())
            }
        }
    }

    fn on_dead(&self, task: &Task, error: &str) -> Vec<Fact> {
        let video = task.video.clone().unwrap();
        vec![Fact::VideoFailed { video, reason: error.to_owned() }]
    }
}

async fn probe_task(house: &House, max_attempts: i32) -> (NewTask, VideoId) {
    let (video, _) = house.announce().await;
    let task = NewTask { video: Some(video.clone()), max_attempts, ..new_task(TaskKind::Probe) };
    house.create(task.clone()).await;
    (task, video)
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_again_after_an_error_and_a_panic_and_leaves_no_scratch() {
    let house = House::new().await;
    let (script, mut heard) = Script::new([Act::Retry, Act::Panics, Act::Done]);
    let worker = house.worker(stages(script));
    let (task, video) = probe_task(&house, 3).await;
    let ended = house.ended(&task.id).await;
    assert_eq!((ended.state, ended.attempt), (TaskState::Done, 3));
    assert_eq!(ended.error.as_deref(), Some("panic: on purpose"));
    assert_eq!(house.video(&video).await.status, VideoStatus::Created);
    for attempt in 1..=3 {
        assert_eq!(heard.recv().await.unwrap(), format!("begin {attempt}"));
    }
    worker.stop().await;
    assert_eq!(std::fs::read_dir(house.config("one").scratch).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_attempt_says_what_becomes_of_the_video() {
    let house = House::new().await;
    let (script, _heard) = Script::new([Act::Retry, Act::Retry]);
    let worker = house.worker(stages(script));
    let (task, video) = probe_task(&house, 2).await;
    assert_eq!(house.ended(&task.id).await.state, TaskState::Dead);
    let video = house.video(&video).await;
    assert_eq!((video.status, video.reason.as_deref()), (VideoStatus::Failed, Some("broken: on purpose (attempt 2 of 2)")));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_task_is_leased_again_when_its_lease_ran_out_and_not_before() {
    let house = House::new().await;
    let mut config = house.config("one");
    config.lease = Duration::from_millis(1500);
    let (script, mut heard) = Script::new([Act::Deaf]);
    let worker = house.worker_with(stages(script), config.clone());
    let (task, _) = probe_task(&house, 3).await;
    heard.recv().await.unwrap();
    // Three leases long it is renewed.
    tokio::time::sleep(config.lease * 3).await;
    assert_eq!(house.task(&task.id).await.attempt, 1);
    drop(worker);
    let lease_until = house.task(&task.id).await.lease_until.unwrap();
    config.scratch = house.config("two").scratch;
    let (script, _heard) = Script::new([Act::Done]);
    let worker = house.worker_with(stages(script), config);
    let ended = house.ended(&task.id).await;
    assert_eq!((ended.state, ended.attempt, ended.token), (TaskState::Done, 2, 2));
    let late_ms = ended.started_at.unwrap().ms_since(lease_until);
    assert!((0..1500).contains(&late_ms), "{late_ms} ms after the lease");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_dies_with_its_worker_still_fails_its_video() {
    let house = House::new().await;
    let mut config = house.config("one");
    config.lease = Duration::from_millis(600);
    config.keep = KeepConfig { collect_every: Duration::from_secs(1), ..config.keep };
    let (script, mut heard) = Script::new([Act::Deaf]);
    let worker = house.worker_with(stages(script), config.clone());
    let (task, video) = probe_task(&house, 1).await;
    heard.recv().await.unwrap();
    drop(worker);
    let (script, _heard) = Script::new([]);
    let worker = house.worker_with(stages(script), config);
    let ended = house.ended(&task.id).await;
    assert_eq!(ended.state, TaskState::Dead);
    fails(&house, &video, "lost: ").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_cancelled_before_it_runs_still_fails_its_video() {
    let house = House::new().await;
    let (task, video) = probe_task(&house, 3).await;
    house.store.record(&[Fact::CancelAsked { task: task.id.clone() }], Guard::None).await.unwrap();
    assert_eq!(house.task(&task.id).await.state, TaskState::Cancelled);
    assert_eq!(house.video(&video).await.status, VideoStatus::Created);
    let (script, _heard) = Script::new([]);
    let worker = house.worker(stages(script));
    fails(&house, &video, "cancelled: ").await;
    worker.stop().await;
}

/// Waits until the video has failed for this reason.
async fn fails(house: &House, video: &VideoId, reason: &str) {
    let began = Instant::now();
    loop {
        let video = house.video(video).await;
        if video.status == VideoStatus::Failed {
            assert!(video.reason.as_deref().unwrap().starts_with(reason), "{:?}", video.reason);
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "the video waits for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_says_after_it_lost_the_lease_is_refused() {
    let house = House::new().await;
    let mut config = house.config("frozen");
    config.lease = Duration::from_millis(900);
    let (script, mut heard) = Script::new([Act::Freezes(Duration::from_secs(4))]);
    let (store, blobs, frozen) = (house.store.clone(), house.blobs.clone(), config.clone());
    // A process that is stopped and goes on later: its runtime has one thread, which the stage blocks.
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let id = WorkerId::from_random(rand::random());
            let worker = Worker::start(Deps { id, store, blobs, stages: stages(script), config: frozen }).unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            worker.stop().await;
        });
    });
    let (task, _) = probe_task(&house, 3).await;
    assert_eq!(heard.recv().await.unwrap(), "begin 1");
    config.scratch = house.config("two").scratch;
    let (script, mut second) = Script::new([Act::Done]);
    let worker = house.worker_with(stages(script), config);
    assert_eq!(second.recv().await.unwrap(), "begin 2");
    let ended = house.ended(&task.id).await;
    assert_eq!(heard.recv().await.unwrap(), "step false");
    worker.stop().await;
    thread.join().unwrap();
    assert_eq!(house.task(&task.id).await, ended, "the late end changed nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_hands_back_at_once_and_the_attempt_does_not_count() {
    let house = House::new().await;
    let (script, mut heard) = Script::new([Act::Waits, Act::Deaf, Act::Done]);
    let script: Arc<dyn Stage> = Arc::new(script);
    let (task, _) = probe_task(&house, 1).await;
    for limit in [Duration::from_secs(2), Duration::from_secs(5)] {
        let worker = house.worker(vec![script.clone()]);
        while heard.recv().await.unwrap() != "begin 1" {}
        let began = Instant::now();
        worker.stop().await;
        assert!(began.elapsed() < limit, "{:?}", began.elapsed());
        let task = house.task(&task.id).await;
        assert_eq!((task.state, task.attempt), (TaskState::Ready, 0));
    }
    let worker = house.worker(vec![script]);
    assert_eq!(house.ended(&task.id).await.state, TaskState::Done);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_a_running_ffmpeg_within_two_seconds() {
    let house = House::new().await;
    let file = clip(house.folder.path(), "1280x720", 60);
    let limits = Limits::default();
    let probe: Arc<dyn Stage> = Arc::new(Probe { limits: limits.clone() });
    let worker = house.worker(vec![probe, Arc::new(Package { limits, reserve_bytes: 0 })]);
    let (video, tasks) = house.upload(&file, &[TaskKind::Probe, TaskKind::Package]).await;
    let package = tasks.last().unwrap();
    house.until(package, Duration::from_mins(1), |task| task.progress > 0.01).await;
    let ours = house.folder.path().display().to_string();
    assert!(!processes(&ours).is_empty(), "ffmpeg encodes");
    let began = Instant::now();
    house.store.record(&[Fact::CancelAsked { task: package.clone() }], Guard::None).await.unwrap();
    let ended = house.until(package, Duration::from_secs(2), |task| task.state.is_final()).await;
    while !processes(&ours).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(2), "ffmpeg goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ended.state, TaskState::Cancelled);
    let video = house.video(&video).await;
    assert_eq!((video.status, video.reason.as_deref()), (VideoStatus::Failed, Some("cancelled: somebody asked for it")));
    worker.stop().await;
}
