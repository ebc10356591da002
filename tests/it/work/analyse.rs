//! The analyse stage: results as steps, once per content.

use std::sync::Arc;

use serde_json::json;
use weir::infer::Models;
use weir::media::Limits;
use weir::model::{
    AnalyserResult, AnalyserStatus, Analysis, Fact, Finding, Guard, NewTask, TaskId, TaskKind, TaskState, VideoId, VideoStatus,
};
use weir::stage::analyse::Analyse;
use weir::stage::analyse::pool::Pools;
use weir::stage::probe::Probe;
use weir::stage::{Stage, Stages};
use weir::work::pool::Processes;

use super::pool::config;
use super::process::analysers;
use super::{House, clip, new_task};

/// Probe, and analyse with these of the odd analysers.
pub(crate) fn analysing(names: &[&str]) -> (Stages, Arc<Processes>) {
    analysing_with(names, 0)
}

fn analysing_with(names: &[&str], reserve_bytes: u64) -> (Stages, Arc<Processes>) {
    let pool = Arc::new(Processes::new(config()));
    let (limits, models) = (Limits::default(), Arc::new(Models::open("no-models-here", 1)));
    let analysers = analysers().into_iter().filter(|analyser| names.contains(&analyser.spec().name)).collect();
    let probe: Arc<dyn Stage> = Arc::new(Probe { limits: limits.clone() });
    let analyse = Analyse { analysers, models, pools: Pools::one(pool.clone()), limits, reserve_bytes, reuse: Arc::default() };
    (vec![probe, Arc::new(analyse)], pool)
}

async fn result(house: &House, video: &VideoId, name: &str) -> AnalyserResult {
    let results = house.store.results(video).await.unwrap();
    results.into_iter().find(|result| result.analyser == name).unwrap()
}

async fn again(house: &House, video: &VideoId, input: serde_json::Value) -> TaskId {
    let task = NewTask { video: Some(video.clone()), input, ..new_task(TaskKind::Analyse) };
    let id = task.id.clone();
    let asked = Fact::AnalysisAsked { video: video.clone(), tasks: vec![task] };
    house.store.record(&[asked], Guard::None).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_recorded_once_per_content() {
    let house = House::new().await;
    let file = clip(house.folder.path(), "320x240", 4);
    let (stages, pool) = analysing(&["sound", "slow"]);
    let worker = house.worker(stages);
    let (first, tasks) = house.upload(&file, &[TaskKind::Probe, TaskKind::Analyse]).await;
    assert_eq!(house.ended(&tasks[1]).await.state, TaskState::Done);
    assert_eq!(house.video(&first).await.analysis, Analysis::Done);
    let sound = result(&house, &first, "sound").await;
    assert_eq!((sound.status, sound.samples, sound.spans.len()), (AnalyserStatus::Done, 100, 100));
    let blob = house.blobs.get(&sound.findings_key.clone().unwrap(), 1 << 20).await.unwrap();
    let lines: Vec<Finding> = blob.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines.iter().map(|finding| finding.frame.unwrap()).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());

    pool.stop();
    let (second, tasks) = house.upload(&file, &[TaskKind::Probe, TaskKind::Analyse]).await;
    assert_eq!(house.ended(&tasks[1]).await.state, TaskState::Done, "no pool is needed for what is known");
    assert_eq!(house.video(&second).await.analysis, Analysis::Done);
    assert_eq!(result(&house, &second, "sound").await, sound);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_task_runs_what_is_missing_and_what_failed() {
    let house = House::new().await;
    let file = clip(house.folder.path(), "320x240", 4);
    let (stages, _pool) = analysing(&["sound", "slow", "dies"]);
    let worker = house.worker(stages);
    let (video, tasks) = house.upload(&file, &[TaskKind::Probe]).await;
    house.ended(&tasks[0]).await;
    let only = again(&house, &video, json!({"analysers": ["sound"]})).await;
    assert_eq!(house.ended(&only).await.state, TaskState::Done);
    assert_eq!(house.video(&video).await.analysis, Analysis::Partial);
    let sound = result(&house, &video, "sound").await;

    let all = again(&house, &video, json!(null)).await;
    assert_eq!(house.ended(&all).await.state, TaskState::Done);
    assert_eq!(result(&house, &video, "sound").await, sound, "known: not run again");
    assert!(sound.findings_key.unwrap().as_str().contains(only.as_str()));
    let slow = result(&house, &video, "slow").await;
    assert!(slow.findings_key.unwrap().as_str().contains(all.as_str()));
    let dies = result(&house, &video, "dies").await;
    assert_eq!(dies.status, AnalyserStatus::Failed);
    assert!(dies.reason.unwrap().starts_with("quarantined: "));
    assert_eq!(house.video(&video).await.analysis, Analysis::Partial);

    let wrong = again(&house, &video, json!({"analysers": ["telepathy"]})).await;
    let wrong = house.ended(&wrong).await;
    assert_eq!(wrong.state, TaskState::Dead);
    assert_eq!(wrong.error.as_deref(), Some("bad_task: no analyser `telepathy` is switched on; it takes sound, slow, dies"));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_the_samples_and_not_the_spans() {
    let house = House::new().await;
    let file = clip(house.folder.path(), "320x240", 4);
    let worker = house.worker(analysing_with(&["sound"], u64::MAX).0);
    let (video, tasks) = house.upload(&file, &[TaskKind::Probe, TaskKind::Analyse]).await;
    assert_eq!(house.ended(&tasks[1]).await.state, TaskState::Done);
    let lean = result(&house, &video, "sound").await;
    assert_eq!((lean.status, lean.spans.len(), lean.findings_key), (AnalyserStatus::Degraded, 100, None));
    assert!(lean.reason.unwrap().starts_with("findings not stored: disk_reserve: "));
    worker.stop().await;
    // With room again the next task makes it good.
    let worker = house.worker(analysing(&["sound"]).0);
    let task = again(&house, &video, json!(null)).await;
    assert_eq!(house.ended(&task).await.state, TaskState::Done);
    let whole = result(&house, &video, "sound").await;
    assert_eq!((whole.status, whole.findings_key.is_some()), (AnalyserStatus::Done, true));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_medium_or_without_pictures_nothing_is_looked_at() {
    let house = House::new().await;
    let (stages, _pool) = analysing(&["sound"]);
    let worker = house.worker(stages);
    let text = house.folder.path().join("not-a-video.txt");
    std::fs::write(&text, "only words").unwrap();
    let (video, tasks) = house.upload(&text, &[TaskKind::Probe, TaskKind::Analyse]).await;
    house.ended(&tasks[1]).await;
    let video = house.video(&video).await;
    assert_eq!((video.status, video.analysis), (VideoStatus::Failed, Analysis::Failed));

    let tone = house.folder.path().join("tone.wav");
    let words = ["-v", "error", "-f", "lavfi", "-i", "sine=d=1", "-y"];
    assert!(std::process::Command::new("ffmpeg").args(words).arg(&tone).status().unwrap().success());
    let (video, tasks) = house.upload(&tone, &[TaskKind::Probe, TaskKind::Analyse]).await;
    house.ended(&tasks[1]).await;
    let skipped = result(&house, &video, "sound").await;
    assert_eq!((skipped.status, skipped.reason.as_deref()), (AnalyserStatus::Skipped, Some("no video track")));
    assert_eq!(house.video(&video).await.analysis, Analysis::Failed);
    worker.stop().await;
}
