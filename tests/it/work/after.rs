//! Analysers that come after others: they get their findings, over pools and over the death of one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use weir::model::{AnalyserResult, AnalyserStatus};
use weir::stage::analyse::pool::Pools;
use weir::work::pool::Processes;

use super::pool::{Bench, config, status};

/// The bench's own pool for those that look, another for those that count.
fn two(bench: &Bench) -> Pools {
    let other = Arc::new(Processes::new(config()));
    let places = ["counts", "lacks"].map(|name| (name.to_owned(), 1));
    Pools::new(vec![bench.pool.clone(), other], BTreeMap::from(places)).unwrap()
}

fn labels<'a>(results: &'a [AnalyserResult], name: &str) -> Vec<&'a str> {
    let result = results.iter().find(|result| result.analyser == name).unwrap();
    result.findings.iter().map(|finding| finding.label.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_go_to_those_that_come_after() {
    let bench = Bench::new().await;
    for pools in [Pools::one(bench.pool.clone()), two(&bench)] {
        let results = bench.analyse_in(&pools, &["late"]).await;
        let mut names: Vec<&str> = results.iter().map(|result| result.analyser.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["counts", "late", "slow", "sound"], "what it comes after was not asked for, and is needed");
        assert_eq!(labels(&results, "counts"), ["slow 200"]);
        assert_eq!(labels(&results, "late"), ["counts 1", "sound 200"]);
        assert!(results.iter().all(|result| result.status == AnalyserStatus::Done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_come_after_a_dead_one_wait_for_it() {
    let bench = Bench::new().await;
    let pools = two(&bench);
    let analysing = bench.analyse_in(&pools, &["late"]);
    let killing = async {
        let pid = bench.pid().await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        kill_process(pid, Signal::KILL).unwrap();
    };
    let (results, ()) = tokio::join!(analysing, killing);
    assert_eq!(labels(&results, "counts"), ["slow 200"]);
    assert_eq!(labels(&results, "late"), ["counts 1", "sound 200"]);
    assert!(results.iter().all(|result| result.status == AnalyserStatus::Done), "{results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_after_a_failed_one_says_so() {
    let bench = Bench::new().await;
    let results = bench.analyse_in(&two(&bench), &["lacks", "counts"]).await;
    assert_eq!(status(&results, "dies").0, AnalyserStatus::Failed);
    let (state, reason, _) = status(&results, "lacks");
    assert_eq!((state, reason.as_str()), (AnalyserStatus::Degraded, "without what failed: dies"));
    assert_eq!(status(&results, "counts").0, AnalyserStatus::Done);
}
