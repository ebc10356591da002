//! The pool process of these tests: this test program again, with analysers that break in every way.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::time::Duration;

use weir::analyser::{Analyser, Frame, Pass, Rest, Sampling, Spec, Summary};
use weir::infer::Models;
use weir::model::{Finding, MediaInfo};
use weir::stage::analyse::host::{Host, run_on_stdin};

/// Runs this test program as a pool.
pub(crate) fn command() -> Vec<OsString> {
    let program = std::env::current_exe().unwrap();
    let words = ["work::process::is_a_pool", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    std::iter::once(program.into_os_string()).chain(words.into_iter().map(OsString::from)).collect()
}

/// No test of its own: what [`command`] runs.
#[test]
#[ignore = "the body of a child process"]
fn is_a_pool() {
    let host = Host {
        analysers: analysers(),
        models: Arc::new(Models::open("no-models-here", 1)),
        faults: Vec::new(),
        batches: BTreeMap::new(),
    };
    // Without a socket there is nobody to serve.
    if let Err(error) = run_on_stdin(&host) {
        println!("{error:#}");
    }
}

/// How an analyser breaks at its second batch.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Not,
    /// Takes its time over each batch.
    Slow,
    /// Ends the process, as a fault in native code does.
    Dies,
    Hangs,
    /// Takes 600 MiB.
    Eats,
    /// Waits after the last frame for something else: five times 400 ms.
    Waits,
}

struct Odd(&'static str, Way);

/// All of them.
pub(crate) fn analysers() -> Vec<Arc<dyn Analyser>> {
    let all = [
        ("sound", Way::Not),
        ("slow", Way::Slow),
        ("dies", Way::Dies),
        ("hangs", Way::Hangs),
        ("eats", Way::Eats),
        ("waits", Way::Waits),
    ];
    let odd = all.into_iter().map(|(name, way)| Arc::new(Odd(name, way)) as Arc<dyn Analyser>);
    let counts: [(&str, &[&str]); 3] = [("counts", &["slow"]), ("late", &["counts", "sound"]), ("lacks", &["dies"])];
    odd.chain(counts.map(|(name, after)| Arc::new(Counts(name, after)) as _)).collect()
}

/// Counts the findings of those that it comes after: one finding for each of them, in the order in which they ended.
struct Counts(&'static str, &'static [&'static str]);

impl Analyser for Counts {
    fn spec(&self) -> Spec {
        Spec { name: self.0, version: 1, models: &[], optional: &[], sampling: Sampling::Findings, after: self.1, limits: "" }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(CountsPass(BTreeMap::new())))
    }
}

struct CountsPass(BTreeMap<String, usize>);

impl Pass for CountsPass {
    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        *self.0.entry(analyser.to_owned()).or_default() += findings.len();
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        anyhow::bail!("nobody saves it")
    }

    fn restore(&mut self, _saved: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("nobody saves it")
    }

    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        out.extend(self.0.iter().map(|(name, count)| Finding { label: format!("{name} {count}"), ..Finding::default() }));
        Ok(Summary::done())
    }
}

impl Analyser for Odd {
    fn spec(&self) -> Spec {
        Spec { name: self.0, version: 1, models: &[], optional: &[], sampling: Sampling::EveryFrame, after: &[], limits: "" }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(OddPass(self.1, 0, Vec::new())))
    }
}

/// How it breaks, the batches so far, and memory that it holds.
struct OddPass(Way, usize, Vec<u8>);

impl Pass for OddPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.1 += 1;
        match self.0 {
            Way::Slow => std::thread::sleep(Duration::from_millis(100)),
            Way::Dies if self.1 == 2 => return Err(std::process::Command::new("false").exec().into()),
            Way::Hangs if self.1 == 2 => std::thread::sleep(Duration::from_hours(1)),
            Way::Eats if self.1 == 2 => self.2 = vec![1; 600 << 20],
            _ => {}
        }
        for frame in batch {
            let (at, frame) = (frame.time_ms, Some(frame.index));
            out.push(Finding { start_ms: at, end_ms: at, frame, label: "seen".into(), confidence: 0.5, ..Finding::default() });
        }
        Ok(())
    }

    fn rest(&mut self, _out: &mut Vec<Finding>) -> anyhow::Result<Rest> {
        if self.0 != Way::Waits || self.2.len() == 5 {
            return Ok(Rest::None);
        }
        std::thread::sleep(Duration::from_millis(400));
        self.2.push(0);
        Ok(Rest::More)
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        anyhow::bail!("nobody saves it")
    }

    fn restore(&mut self, _saved: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("nobody saves it")
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.0 == Way::Eats {
            std::thread::sleep(Duration::from_secs(5));
        }
        Ok(Summary::done())
    }
}
