//! One analyser at one job, inside the pool: a thread that takes batches, and says what was found.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::fault::{self, Fault};
use super::host::{Batch, Job, What};
use super::ladder::Ease;
use super::plan::{Thin, half};
use super::wire::{FromPool, Outcome};
use crate::analyser::{Analyser, Pass, Rest, Spec, Summary, span};
use crate::infer::{ModelError, Models};
use crate::model::{AnalyserStatus, Finding, Span};

/// Findings kept per analyser and job; more are counted as lost and the result is `degraded`.
const FINDINGS_MAX: usize = 500_000;
/// JSON lines per message.
const LINES_BYTES: usize = 4 << 20;

pub(super) struct Lane {
    pub(super) analyser: Arc<dyn Analyser>,
    pub(super) models: Arc<Models>,
    pub(super) job: Arc<Job>,
    pub(super) ease: Ease,
    /// Pictures at a time, where that was said.
    pub(super) batch: Option<usize>,
    /// Those of this analyser.
    pub(super) faults: Vec<Fault>,
    pub(super) inbox: Receiver<Arc<Batch>>,
    /// Nobody wants the result.
    pub(super) forgotten: Arc<AtomicBool>,
}

/// How an analyser is to look.
#[derive(Clone, Copy)]
struct How<'a> {
    ease: Ease,
    batch: Option<usize>,
    faults: &'a [Fault],
    forgotten: &'a AtomicBool,
}

/// What an analyser gave.
struct Looked {
    summary: Summary,
    findings: Vec<Finding>,
    spent: Duration,
    samples: u64,
}

impl Lane {
    /// Looks at the whole job and tells the worker. An error or a panic of the analyser is its result.
    pub(super) fn run(self) {
        let Self { analyser, models, job, ease, batch, faults, inbox, forgotten } = self;
        let spec = analyser.spec();
        let how = How { ease, batch, faults: &faults, forgotten: &forgotten };
        let looked = catch_unwind(AssertUnwindSafe(|| look(&*analyser, &spec, &models, &job, how, &inbox)));
        // What still lies in the inbox must be acknowledged before the end is told.
        drop(inbox);
        let looked = looked.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(ended(AnalyserStatus::Failed, format!("panic: {}", words.unwrap_or("without words"))))
        });
        if !job.cancelled.load(Ordering::Relaxed) && !forgotten.load(Ordering::Relaxed) {
            tell(&job, &spec, looked);
        }
    }
}

fn ended(status: AnalyserStatus, reason: String) -> Outcome {
    Outcome { status, reason: Some(reason), ms: 0, samples: 0 }
}

fn failed(error: &anyhow::Error) -> Outcome {
    ended(AnalyserStatus::Failed, format!("{error:#}"))
}

fn look(
    analyser: &dyn Analyser,
    spec: &Spec,
    models: &Arc<Models>,
    job: &Job,
    how: How<'_>,
    inbox: &Receiver<Arc<Batch>>,
) -> Result<Looked, Outcome> {
    match models.require(spec.models) {
        Ok(()) => {}
        // Without models there is no need of ONNX Runtime either.
        Err(_) if spec.models.is_empty() => {}
        Err(error @ ModelError::Missing { .. }) => return Err(ended(AnalyserStatus::Skipped, error.to_string())),
        Err(error) => return Err(ended(AnalyserStatus::Failed, error.to_string())),
    }
    let began = Instant::now();
    let mut pass = analyser.begin(&job.media, models).map_err(|error| failed(&error))?;
    let mut spent = began.elapsed();
    let mut thin = Thin::to(if how.ease.half { half(spec.sampling) } else { spec.sampling });
    let most = if how.ease.single { 1 } else { how.batch.unwrap_or_else(|| pass.batch()) };
    let mut gathered = Gathered { inbox, most, odd: None };
    let (mut samples, mut findings) = (0, Vec::new());
    while let Some(batches) = gathered.next() {
        if job.cancelled.load(Ordering::Relaxed) {
            return Err(ended(AnalyserStatus::Failed, "cancelled".to_owned()));
        }
        let began = Instant::now();
        let end_ms = batches.iter().map(|batch| batch.what.end_ms()).max().unwrap_or_default();
        fault::strike(how.faults, end_ms).map_err(|error| failed(&error))?;
        samples += take(&mut *pass, &batches, &mut thin, &mut findings).map_err(|error| failed(&error))?;
        spent += began.elapsed();
        if findings.len() > FINDINGS_MAX * 2 {
            return Err(ended(AnalyserStatus::Failed, format!("more than {} findings", FINDINGS_MAX * 2)));
        }
    }
    let began = Instant::now();
    wait_for(&mut *pass, job, how.forgotten, &mut findings)?;
    let summary = pass.finish(&mut findings).map_err(|error| failed(&error))?;
    spent += began.elapsed();
    Ok(Looked { summary, findings, spent, samples })
}

/// Lets the pass do what it has to wait for, piece by piece.
fn wait_for(pass: &mut dyn Pass, job: &Job, forgotten: &AtomicBool, findings: &mut Vec<Finding>) -> Result<(), Outcome> {
    while pass.rest(findings).map_err(|error| failed(&error))? == Rest::More {
        if job.cancelled.load(Ordering::Relaxed) || forgotten.load(Ordering::Relaxed) {
            return Err(ended(AnalyserStatus::Failed, "cancelled".to_owned()));
        }
        job.out.send(&FromPool::Alive { job: job.number }, &[]);
    }
    Ok(())
}

/// What lies in the inbox, pictures up to `most` batches at a time: nothing is waited for to fill a batch.
struct Gathered<'a> {
    inbox: &'a Receiver<Arc<Batch>>,
    most: usize,
    /// Taken out of the inbox, and no picture: it comes next.
    odd: Option<Arc<Batch>>,
}

impl Gathered<'_> {
    /// Batches of pictures, or one of something else. None when nothing more comes.
    fn next(&mut self) -> Option<Vec<Arc<Batch>>> {
        let first = self.odd.take().or_else(|| self.inbox.recv().ok())?;
        let mut batches = vec![first];
        while batches.len() < self.most && batches.iter().all(|batch| batch.what.is_pictures()) {
            match self.inbox.try_recv() {
                Ok(batch) if batch.what.is_pictures() => batches.push(batch),
                Ok(odd) => {
                    self.odd = Some(odd);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(batches)
    }
}

/// Lets the pass look at batches; answers how many samples of them it took.
fn take(pass: &mut dyn Pass, batches: &[Arc<Batch>], thin: &mut Thin, findings: &mut Vec<Finding>) -> anyhow::Result<u64> {
    let (mut wanted, mut samples) = (Vec::new(), 0);
    for batch in batches {
        match &batch.what {
            What::Sound(pcm) => {
                pass.audio(pcm, findings)?;
                samples += 1;
            }
            What::Findings { of, findings: found } => pass.findings(of, found, findings)?,
            What::Pictures(frames) => wanted.extend(frames.iter().filter(|frame| thin.takes(frame.time_ms)).cloned()),
        }
    }
    if !wanted.is_empty() {
        pass.frames(&wanted, findings)?;
    }
    Ok(samples + wanted.len() as u64)
}

fn tell(job: &Job, spec: &Spec, looked: Result<Looked, Outcome>) {
    let (outcome, spans) = match looked {
        Err(outcome) => (outcome, Vec::new()),
        Ok(looked) => told(job, spec, looked),
    };
    let spans = serde_json::to_vec(&spans).unwrap_or_else(|_| b"[]".to_vec());
    job.out.send(&FromPool::Finished { job: job.number, analyser: spec.name.to_owned(), outcome }, &spans);
}

/// Sends the findings in time order; answers the outcome and the spans.
fn told(job: &Job, spec: &Spec, looked: Looked) -> (Outcome, Vec<Span>) {
    let Looked { summary, mut findings, spent, samples } = looked;
    let (mut status, mut reason) = (summary.status, summary.reason);
    for finding in &mut findings {
        make_finite(finding);
    }
    findings.sort_by_key(|finding| (finding.start_ms, finding.end_ms));
    if findings.len() > FINDINGS_MAX {
        let lost = findings.len() - FINDINGS_MAX;
        findings.truncate(FINDINGS_MAX);
        status = AnalyserStatus::Degraded;
        reason = Some(format!("{lost} findings beyond the first {FINDINGS_MAX} were left out"));
    }
    let mut spans = summary.spans.unwrap_or_else(|| span::merge(spec.name, &findings, span::gap_ms(spec.sampling, &job.media)));
    for span in &mut spans {
        make_finite(&mut span.finding);
    }
    send_lines(job, spec, &findings);
    let outcome = Outcome { status, reason, ms: spent.as_millis() as i64, samples };
    (outcome, span::strongest(spans))
}

/// JSON knows no infinities: a score that is none becomes 0, a box that is none goes.
fn make_finite(finding: &mut Finding) {
    if !finding.confidence.is_finite() {
        finding.confidence = 0.0;
    }
    finding.bounds = finding.bounds.filter(|bounds| bounds.iter().all(|side| side.is_finite()));
}

fn send_lines(job: &Job, spec: &Spec, findings: &[Finding]) {
    let head = FromPool::Findings { job: job.number, analyser: spec.name.to_owned() };
    let mut lines: Vec<u8> = Vec::new();
    for finding in findings {
        let Ok(line) = serde_json::to_vec(finding) else { continue };
        if lines.len() + line.len() > LINES_BYTES && !lines.is_empty() {
            job.out.send(&head, &lines);
            lines.clear();
        }
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    if !lines.is_empty() {
        job.out.send(&head, &lines);
    }
}
