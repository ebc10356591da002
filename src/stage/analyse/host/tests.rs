use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;
use crate::analyser::{Pass, Rest, Sampling, Spec, Summary};
use crate::model::{AnalyserStatus, Finding, Span};
use crate::stage::analyse::ladder::Ease;
use crate::stage::analyse::wire::Outcome;

/// An analyser that says a word per picture, and may break.
struct Says {
    name: &'static str,
    after: &'static [&'static str],
    sampling: Sampling,
    breaks: Breaks,
    models: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum Breaks {
    Never,
    AtSecondBatch,
    Panics,
    Sleeps(Duration),
    /// Three times, after the last picture.
    Waits(Duration),
}

struct SaysPass(Breaks, u32);

impl Analyser for Says {
    fn spec(&self) -> Spec {
        Spec {
            name: self.name,
            version: 1,
            models: self.models,
            optional: &[],
            sampling: self.sampling,
            after: self.after,
            limits: "",
        }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(SaysPass(self.breaks, 0)))
    }
}

impl Pass for SaysPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        self.1 += 1;
        match self.0 {
            Breaks::AtSecondBatch if self.1 == 2 => bail!("no more"),
            Breaks::Panics => panic!("on purpose"),
            Breaks::Sleeps(pause) => std::thread::sleep(pause),
            _ => {}
        }
        // The last first, and a score that is none: the lane puts both right.
        for frame in batch.iter().rev() {
            let (at, confidence) = (frame.time_ms, if frame.index == 0 { f32::NAN } else { 0.5 });
            let text = Some(format!("call {}", self.1));
            out.push(Finding { start_ms: at, end_ms: at, label: "seen".into(), confidence, text, ..Finding::default() });
        }
        Ok(())
    }

    fn audio(&mut self, pcm: &Pcm, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let end_ms = pcm.time_ms + pcm.samples.len() as i64 / 16;
        out.push(Finding { start_ms: pcm.time_ms, end_ms, label: "heard".into(), confidence: 1.0, ..Finding::default() });
        Ok(())
    }

    fn rest(&mut self, _out: &mut Vec<Finding>) -> anyhow::Result<Rest> {
        let Breaks::Waits(pause) = self.0 else { return Ok(Rest::None) };
        self.1 += 1;
        std::thread::sleep(pause);
        Ok(if self.1 < 3 { Rest::More } else { Rest::None })
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        bail!("nobody saves it")
    }

    fn restore(&mut self, _saved: &[u8]) -> anyhow::Result<()> {
        bail!("nobody saves it")
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        Ok(Summary::done())
    }
}

fn says(name: &'static str, sampling: Sampling, breaks: Breaks) -> Arc<dyn Analyser> {
    Arc::new(Says { name, after: &[], sampling, breaks, models: &[] })
}

struct Worker {
    socket: UnixStream,
    pool: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    fn start(analysers: Vec<Arc<dyn Analyser>>) -> Self {
        Self::start_in_batches(analysers, BTreeMap::new())
    }

    fn start_in_batches(analysers: Vec<Arc<dyn Analyser>>, batches: BTreeMap<String, usize>) -> Self {
        let (mut socket, theirs) = UnixStream::pair().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let models = Arc::new(Models::open("no-models-here", 1));
        let pool = std::thread::spawn(move || run(&Host { analysers, models, faults: Vec::new(), batches }, theirs));
        let ready: Option<(FromPool, Vec<u8>)> = wire::read(&mut socket).unwrap();
        assert_eq!(ready.unwrap().0, FromPool::Ready { protocol: PROTOCOL, window: WINDOW });
        Self { socket, pool }
    }

    fn send(&mut self, head: &ToPool, payload: &[u8]) {
        wire::write(&mut self.socket, head, payload).unwrap();
    }

    fn begin(&mut self, job: u64, analysers: &[&str]) {
        self.begin_with(Ease::default(), job, analysers);
    }

    fn begin_with(&mut self, ease: Ease, job: u64, analysers: &[&str]) {
        let analysers = analysers.iter().map(|name| Asked { name: (*name).to_owned(), ease }).collect();
        self.send(&ToPool::Begin { job, media: Box::default(), analysers }, &[]);
    }

    fn pictures(&mut self, job: u64, track: Track, times: &[i64]) {
        let frames = times.iter().map(|at| ((*at / 40) as u64, *at)).collect();
        self.send(&ToPool::Frames { job, track, width: 2, height: 1, frames }, &vec![9; 6 * times.len()]);
    }

    /// Everything up to `Idle`.
    fn listen(&mut self) -> Heard {
        let mut heard = Heard::default();
        loop {
            let (word, payload) = wire::read::<FromPool>(&mut self.socket).unwrap().expect("the pool ended");
            match word {
                FromPool::Took { track, .. } => heard.took.push(track),
                FromPool::Findings { analyser, .. } => {
                    let lines = String::from_utf8(payload).unwrap();
                    let found = lines.lines().map(|line| serde_json::from_str::<Finding>(line).unwrap());
                    heard.findings.entry(analyser).or_default().extend(found);
                }
                FromPool::Finished { analyser, outcome, .. } => {
                    heard.finished.insert(analyser, (outcome, serde_json::from_slice(&payload).unwrap()));
                }
                FromPool::Idle { .. } => return heard,
                FromPool::Alive { .. } => heard.alive += 1,
                FromPool::Ready { .. } => panic!("ready twice"),
            }
        }
    }

    fn end(self) -> anyhow::Result<()> {
        drop(self.socket);
        self.pool.join().unwrap()
    }
}

#[derive(Default)]
struct Heard {
    took: Vec<Track>,
    alive: usize,
    findings: BTreeMap<String, Vec<Finding>>,
    finished: BTreeMap<String, (Outcome, Vec<Span>)>,
}

impl Heard {
    fn status(&self, analyser: &str) -> (AnalyserStatus, &str) {
        let (outcome, _) = &self.finished[analyser];
        (outcome.status, outcome.reason.as_deref().unwrap_or(""))
    }
}

#[test]
fn every_analyser_gets_its_own_track_and_rate() {
    let slow = Sampling::Sampled { fps: 1.0 };
    let mut worker = Worker::start(vec![
        says("every", Sampling::EveryFrame, Breaks::Never),
        says("slow", slow, Breaks::Never),
        says("ears", Sampling::Audio, Breaks::Never),
        says("unasked", Sampling::Audio, Breaks::Panics),
    ]);
    worker.begin(1, &["every", "slow", "ears"]);
    worker.pictures(1, Track::Small, &[0, 40, 80]);
    worker.pictures(1, Track::Large, &[0, 520, 1000, 1520]);
    worker.send(&ToPool::Audio { job: 1, time_ms: 0 }, &[0; 4 * 1600]);
    worker.send(&ToPool::End { job: 1 }, &[]);
    let heard = worker.listen();
    assert_eq!(heard.took.len(), 3);
    let times = |name: &str| heard.findings[name].iter().map(|finding| finding.start_ms).collect::<Vec<_>>();
    assert_eq!(times("every"), [0, 40, 80], "sorted by time");
    assert_eq!(times("slow"), [0, 1000]);
    assert_eq!(heard.findings["ears"][0].end_ms, 100);
    assert!(heard.findings["every"][0].confidence.abs() < f32::EPSILON, "a score that is none becomes 0");
    assert_eq!(heard.finished.len(), 3);
    let (outcome, spans) = &heard.finished["slow"];
    assert_eq!((outcome.samples, spans.len(), spans[0].count), (2, 1, 2));
    worker.end().unwrap();
}

#[test]
fn one_that_breaks_does_not_take_the_others_along() {
    let mut worker = Worker::start(vec![
        says("good", Sampling::EveryFrame, Breaks::Never),
        says("breaks", Sampling::EveryFrame, Breaks::AtSecondBatch),
        says("panics", Sampling::EveryFrame, Breaks::Panics),
        Arc::new(Says { name: "needy", after: &[], sampling: Sampling::EveryFrame, breaks: Breaks::Never, models: &["nanodet"] }),
    ]);
    for job in [1, 2] {
        worker.begin(job, &["good", "breaks", "panics", "needy"]);
        for batch in 0..3 {
            worker.pictures(job, Track::Small, &[batch * 80, batch * 80 + 40]);
        }
        worker.send(&ToPool::End { job }, &[]);
        let heard = worker.listen();
        assert_eq!(heard.status("good"), (AnalyserStatus::Done, ""));
        assert_eq!(heard.status("breaks"), (AnalyserStatus::Failed, "no more"));
        assert_eq!(heard.status("panics"), (AnalyserStatus::Failed, "panic: on purpose"));
        assert_eq!(heard.status("needy"), (AnalyserStatus::Skipped, "model onnxruntime is not here; run weir models pull"));
        assert_eq!(heard.took.len(), 3);
        assert_eq!(heard.findings["good"].len(), 6);
    }
    worker.end().unwrap();
}

#[test]
fn a_cancelled_job_ends_after_the_batch_and_says_nothing() {
    let mut worker = Worker::start(vec![says("slow", Sampling::EveryFrame, Breaks::Sleeps(Duration::from_millis(50)))]);
    worker.begin(7, &["slow"]);
    for batch in 0..3 {
        worker.pictures(7, Track::Small, &[batch * 40]);
    }
    worker.send(&ToPool::Cancel { job: 7 }, &[]);
    let heard = worker.listen();
    assert!(heard.finished.is_empty() && heard.findings.is_empty());
    assert_eq!(heard.took.len(), 3, "what was not looked at is acknowledged");
    worker.begin(8, &["slow"]);
    worker.send(&ToPool::End { job: 8 }, &[]);
    assert_eq!(worker.listen().status("slow"), (AnalyserStatus::Done, ""));
    worker.end().unwrap();
}

#[test]
fn one_that_waits_shows_that_it_lives_and_can_be_called_off() {
    let mut worker = Worker::start(vec![says("waits", Sampling::EveryFrame, Breaks::Waits(Duration::from_millis(300)))]);
    worker.begin(1, &["waits"]);
    worker.send(&ToPool::End { job: 1 }, &[]);
    let heard = worker.listen();
    assert_eq!((heard.alive, heard.status("waits")), (2, (AnalyserStatus::Done, "")));
    for (job, word) in [(2, ToPool::Forget { job: 2, analyser: "waits".to_owned() }), (3, ToPool::Cancel { job: 3 })] {
        worker.begin(job, &["waits"]);
        worker.send(&ToPool::End { job }, &[]);
        worker.send(&word, &[]);
        let heard = worker.listen();
        assert!(heard.finished.is_empty() && heard.alive < 2, "{job}: {}", heard.alive);
    }
    worker.end().unwrap();
}

#[test]
fn pictures_and_findings_have_a_window_each() {
    let both = Says {
        name: "both",
        after: &["other"],
        sampling: Sampling::EveryFrame,
        breaks: Breaks::Sleeps(Duration::from_millis(50)),
        models: &[],
    };
    let mut worker = Worker::start(vec![Arc::new(both)]);
    worker.begin(1, &["both"]);
    (0..WINDOW as i64).for_each(|batch| worker.pictures(1, Track::Small, &[batch * 40]));
    worker.send(&ToPool::End { job: 1 }, &[]);
    for part in 1..=WINDOW {
        worker.send(&ToPool::Findings { job: 1, of: "other".to_owned(), last: part == WINDOW }, &[]);
    }
    let heard = worker.listen();
    assert_eq!((heard.status("both"), heard.took.len()), ((AnalyserStatus::Done, ""), 2 * WINDOW));
    worker.end().unwrap();
}

#[test]
fn more_than_the_window_is_refused() {
    let mut worker = Worker::start(vec![says("slow", Sampling::EveryFrame, Breaks::Sleeps(Duration::from_millis(300)))]);
    worker.begin(1, &["slow"]);
    for batch in 0..WINDOW as i64 + 2 {
        worker.pictures(1, Track::Small, &[batch * 40]);
    }
    let refused = worker.pool.join().unwrap().unwrap_err();
    assert!(refused.to_string().contains("without an acknowledgement"), "{refused}");
}

#[test]
fn pictures_come_together_and_to_who_ran_out_of_memory_one_by_one() {
    let calls = |ease: Ease| {
        let slow = says("slow", Sampling::Sampled { fps: 25.0 }, Breaks::Sleeps(Duration::from_millis(150)));
        let mut worker = Worker::start_in_batches(vec![slow], [("slow".to_owned(), 4)].into());
        worker.begin_with(ease, 1, &["slow"]);
        (0..4).for_each(|at| worker.pictures(1, Track::Large, &[at * 40]));
        worker.send(&ToPool::End { job: 1 }, &[]);
        let mut heard = worker.listen();
        worker.end().unwrap();
        let seen = heard.findings.remove("slow").unwrap();
        assert_eq!(seen.iter().map(|finding| finding.start_ms).collect::<Vec<_>>(), [0, 40, 80, 120]);
        seen.last().and_then(|finding| finding.text.clone()).unwrap()
    };
    assert_eq!(calls(Ease { single: true, ..Ease::default() }), "call 4");
    // While it looks at the first, the others gather.
    assert_ne!(calls(Ease::default()), "call 4");
}
