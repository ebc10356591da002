//! Pools: a process that dies, hangs or eats costs the analyser that did it, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;
use weir::analyser::Analyser;
use weir::infer::Models;
use weir::media::Limits;
use weir::media::probe::probe;
use weir::model::{AnalyserResult, AnalyserStatus, MediaInfo};
use weir::stage::analyse::file::analyse_file;
use weir::stage::analyse::pass::Subject;
use weir::stage::analyse::pick;
use weir::stage::analyse::pool::Pools;
use weir::work::pool::{PoolConfig, Processes};

use super::clip;
use super::process::{analysers, command};

pub(super) struct Bench {
    pub(super) folder: TempDir,
    media: MediaInfo,
    pub(super) pool: Arc<Processes>,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut PoolConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = clip(folder.path(), "320x240", 8);
        let media = probe(&file, &Limits::default()).await.unwrap();
        let mut config = config();
        change(&mut config);
        Self { folder, media, pool: Arc::new(Processes::new(config)) }
    }

    async fn analyse(&self, names: &[&str]) -> Vec<AnalyserResult> {
        self.analyse_in(&Pools::one(self.pool.clone()), names).await
    }

    pub(super) async fn analyse_in(&self, pools: &Pools, names: &[&str]) -> Vec<AnalyserResult> {
        let path = self.folder.path().join("clip-320x240-8.mp4");
        let (limits, scratch) = (Limits::default(), tempfile::tempdir_in(self.folder.path()).unwrap());
        let known = BTreeMap::new();
        let subject = Subject { path: &path, media: &self.media, limits: &limits, scratch: scratch.path(), pools, known: &known };
        let models = Models::open("no-models-here", 1);
        analyse_file(subject, &picked(names), &models, &|_| {}).await.unwrap()
    }

    pub(super) async fn pid(&self) -> Pid {
        loop {
            if let Some(pid) = self.pool.pids().first() {
                return Pid::from_raw(pid.cast_signed()).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(super) fn config() -> PoolConfig {
    PoolConfig {
        name: "test".to_owned(),
        command: command(),
        members: 1,
        memory_limit_bytes: 4 << 30,
        recycle_after_jobs: 100,
        stall: Duration::from_mins(1),
    }
}

fn picked(names: &[&str]) -> Vec<Arc<dyn Analyser>> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    pick(&analysers(), &names).unwrap()
}

pub(super) fn status(results: &[AnalyserResult], name: &str) -> (AnalyserStatus, String, usize) {
    let result = results.iter().find(|result| result.analyser == name).unwrap();
    (result.status, result.reason.clone().unwrap_or_default(), result.findings.len())
}

/// 8 s at 25 pictures per second.
const PICTURES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_member_is_used_again_and_recycled_after_its_jobs() {
    let bench = Bench::with(|config| config.recycle_after_jobs = 2).await;
    let mut pids = Vec::new();
    for _ in 0..3 {
        let results = bench.analyse(&["sound"]).await;
        assert_eq!(status(&results, "sound"), (AnalyserStatus::Done, String::new(), PICTURES));
        assert_eq!((results[0].samples, results[0].spans.len()), (PICTURES as u64, PICTURES));
        pids.extend(bench.pool.pids());
    }
    assert_eq!(pids.len(), 2, "the second job ended the first member");
    assert_ne!(pids[0], pids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_killed_once_costs_no_result() {
    let bench = Bench::new().await;
    let analysing = bench.analyse(&["slow", "sound"]);
    let killing = async {
        let pid = bench.pid().await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        kill_process(pid, Signal::KILL).unwrap();
        let killed = Instant::now();
        while bench.pool.pids().iter().all(|now| *now == pid.as_raw_nonzero().get().cast_unsigned()) {
            assert!(killed.elapsed() < Duration::from_secs(2), "the pool is not back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (results, ()) = tokio::join!(analysing, killing);
    for name in ["slow", "sound"] {
        assert_eq!(status(&results, name), (AnalyserStatus::Done, String::new(), PICTURES), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_kills_its_process_is_quarantined_and_the_others_have_results() {
    let bench = Bench::new().await;
    let results = bench.analyse(&["dies", "slow", "sound"]).await;
    let (state, reason, _) = status(&results, "dies");
    assert_eq!(state, AnalyserStatus::Failed);
    assert!(reason.starts_with("quarantined: ") && reason.contains("exit status: 1"), "{reason}");
    for name in ["slow", "sound"] {
        assert_eq!(status(&results, name), (AnalyserStatus::Done, String::new(), PICTURES), "{name}");
    }
    assert_eq!(status(&bench.analyse(&["sound"]).await, "sound").0, AnalyserStatus::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_is_ended() {
    let bench = Bench::with(|config| config.stall = Duration::from_secs(1)).await;
    let results = bench.analyse(&["hangs", "sound"]).await;
    let (state, reason, _) = status(&results, "hangs");
    assert_eq!(state, AnalyserStatus::Failed);
    assert!(reason.contains("hung: "), "{reason}");
    assert_eq!(status(&results, "sound"), (AnalyserStatus::Done, String::new(), PICTURES));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_piece_by_piece_is_not_taken_for_hung() {
    let bench = Bench::with(|config| config.stall = Duration::from_secs(1)).await;
    let began = Instant::now();
    assert_eq!(status(&bench.analyse(&["waits"]).await, "waits"), (AnalyserStatus::Done, String::new(), PICTURES));
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_eats_memory_is_ended() {
    let bench = Bench::with(|config| config.memory_limit_bytes = 400 << 20).await;
    let results = bench.analyse(&["eats", "sound"]).await;
    let (state, reason, _) = status(&results, "eats");
    assert_eq!(state, AnalyserStatus::Failed);
    assert!(reason.contains("over_memory: "), "{reason}");
    assert_eq!(status(&results, "sound"), (AnalyserStatus::Done, String::new(), PICTURES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_dropped_makes_way_for_the_next() {
    let bench = Bench::new().await;
    let cut = tokio::time::timeout(Duration::from_millis(800), bench.analyse(&["hangs"])).await;
    assert!(cut.is_err());
    let began = Instant::now();
    assert_eq!(status(&bench.analyse(&["sound"]).await, "sound").0, AnalyserStatus::Done);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_member_outlives_its_pool() {
    let bench = Bench::new().await;
    bench.analyse(&["sound"]).await;
    let pid = bench.pid().await;
    assert!(Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists());
    drop(bench);
    let began = Instant::now();
    while test_kill_process(pid).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(2), "it lives");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_cannot_start_says_so() {
    let bench = Bench::with(|config| config.command = vec!["false".into()]).await;
    let path = bench.folder.path().join("clip-320x240-8.mp4");
    let limits = Limits::default();
    let (pools, known) = (Pools::one(bench.pool.clone()), BTreeMap::new());
    let subject =
        Subject { path: &path, media: &bench.media, limits: &limits, scratch: bench.folder.path(), pools: &pools, known: &known };
    let models = Models::open("no-models-here", 1);
    let error = analyse_file(subject, &picked(&["sound"]), &models, &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("`test` does not start"), "{error}");
}
