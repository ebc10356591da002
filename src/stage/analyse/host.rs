//! The pool's side: one process that keeps models warm and runs the analysers of one job at a time, each on a thread of its own.
//!
//! The reading thread never waits for an analyser: batches are bounded by a window of acknowledgements per track, so a cancel is read
//! at once. When the socket ends, [`run`] returns and the process with it, whatever the analysers are doing.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context, bail};

use super::fault::Fault;
use super::ladder::Asked;
use super::lane::Lane;
use super::plan::track_of;
use super::wire::{self, FromPool, PROTOCOL, ToPool, Track, WINDOW};
use crate::analyser::Analyser;
use crate::infer::Models;
use crate::media::frame::{Frame, Pcm};
use crate::model::{Finding, MediaInfo};

/// What a pool runs with.
pub struct Host {
    /// Analysers that may be asked for.
    pub analysers: Vec<Arc<dyn Analyser>>,
    /// Models, loaded at their first use and kept.
    pub models: Arc<Models>,
    /// Faults on purpose.
    pub faults: Vec<Fault>,
    /// Pictures that an analyser takes at a time where that was said, by name; the others find out themselves.
    pub batches: BTreeMap<String, usize>,
}

impl Host {
    /// Batches of a track that are sent ahead: enough to fill every batch that was asked for.
    fn window(&self) -> usize {
        self.batches.values().copied().fold(WINDOW, usize::max)
    }
}

/// Serves the worker whose socket is standard input, until that socket ends.
///
/// # Errors
/// When standard input is no socket, or the worker breaks the protocol.
pub fn run_on_stdin(host: &Host) -> anyhow::Result<()> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    run(host, UnixStream::from(stdin))
}

/// Serves the worker at the other end of `socket`, until it goes away.
///
/// # Errors
/// When the worker breaks the protocol.
pub fn run(host: &Host, mut socket: UnixStream) -> anyhow::Result<()> {
    let out = Arc::new(Out(Mutex::new(socket.try_clone().context("pool socket; a pool is started by `weir serve`")?)));
    out.send(&FromPool::Ready { protocol: PROTOCOL, window: host.window() }, &[]);
    let (mut open, mut latest): (Option<Open>, Option<Latest>) = (None, None);
    while let Some((head, payload)) = wire::read::<ToPool>(&mut socket)? {
        match head {
            ToPool::Begin { job, media, analysers } => {
                if open.is_some() {
                    bail!("job {job} began inside another");
                }
                let begun = Open::new(host, &out, job, *media, &analysers)?;
                latest = Some(begun.latest());
                open = Some(begun);
            }
            ToPool::Frames { job, track, width, height, frames } => {
                if let Some(open) = current(open.as_ref(), job) {
                    let frames = wire::frames_of(width, height, &frames, &payload)?;
                    open.give(&out, track, What::Pictures(frames))?;
                }
            }
            ToPool::Audio { job, time_ms } => {
                if let Some(open) = current(open.as_ref(), job) {
                    open.give(&out, Track::Audio, What::Sound(wire::pcm_of(time_ms, &payload)?))?;
                }
            }
            ToPool::End { job } => open = open.and_then(|open| if open.job.number == job { open.ended() } else { Some(open) }),
            ToPool::Findings { job, of, last } => {
                if let Some(current) = open.take_if(|open| open.job.number == job) {
                    let findings = wire::findings_of(&payload)?;
                    open = current.findings(&out, &of, findings, last)?;
                }
            }
            ToPool::Forget { job, analyser } => {
                if let Some(latest) = &latest {
                    latest.forget(job, &analyser);
                }
                open = open.and_then(|open| if open.job.number == job { open.forget(&analyser) } else { Some(open) });
            }
            ToPool::Cancel { job } => {
                if let Some(latest) = &latest {
                    latest.cancel(job);
                }
                open = open.filter(|open| open.job.number != job);
            }
        }
    }
    Ok(())
}

fn current(open: Option<&Open>, job: u64) -> Option<&Open> {
    open.filter(|open| open.job.number == job)
}

/// The way back to the worker, shared by all lanes.
pub(super) struct Out(Mutex<UnixStream>);

impl Out {
    /// Sends one message. A worker that went away shows itself at the reading end.
    pub(super) fn send(&self, head: &FromPool, payload: &[u8]) {
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = wire::write(&mut *socket, head, payload) {
            tracing::debug!(%error, "the worker does not listen");
        }
    }
}

/// A job: says `Idle` when the last of its lanes lets go of it.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) media: MediaInfo,
    pub(super) cancelled: AtomicBool,
    pub(super) out: Arc<Out>,
    models: Arc<Models>,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.out.send(&FromPool::Idle { job: self.number, cache: self.models.stats() }, &[]);
    }
}

/// What a batch holds.
pub(super) enum What {
    Pictures(Vec<Frame>),
    Sound(Pcm),
    /// What another analyser found.
    Findings {
        of: String,
        findings: Vec<Finding>,
    },
}

impl What {
    pub(super) fn is_pictures(&self) -> bool {
        matches!(self, Self::Pictures(_))
    }

    /// The time of its last picture, or of the beginning of its sound.
    pub(super) fn end_ms(&self) -> i64 {
        match self {
            Self::Pictures(frames) => frames.last().map_or(0, |frame| frame.time_ms),
            Self::Sound(pcm) => pcm.time_ms,
            Self::Findings { findings, .. } => findings.last().map_or(0, |finding| finding.end_ms),
        }
    }
}

/// A batch: says `Took` when the last lane is through with it.
pub(super) struct Batch {
    pub(super) what: What,
    track: Track,
    job: u64,
    out: Arc<Out>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.out.send(&FromPool::Took { job: self.job, track: self.track }, &[]);
    }
}

struct Open {
    job: Arc<Job>,
    /// No more pictures and sound come.
    ended: bool,
    lanes: Vec<LaneEnd>,
}

/// The job that began last, perhaps let go of: its lanes may still wait for something, and must hear that they need not.
struct Latest {
    job: Weak<Job>,
    forgotten: Vec<(&'static str, Arc<AtomicBool>)>,
}

impl Latest {
    fn is(&self, number: u64) -> Option<Arc<Job>> {
        self.job.upgrade().filter(|job| job.number == number)
    }

    fn cancel(&self, number: u64) {
        if let Some(job) = self.is(number) {
            job.cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn forget(&self, number: u64, analyser: &str) {
        let Some(_job) = self.is(number) else { return };
        let of_analyser = self.forgotten.iter().filter(|(name, _)| *name == analyser);
        of_analyser.for_each(|(_, forgotten)| forgotten.store(true, Ordering::Relaxed));
    }
}

/// Our end of a lane.
struct LaneEnd {
    name: &'static str,
    track: Option<Track>,
    /// Analysers whose findings it still waits for.
    waits: Vec<&'static str>,
    /// None when nothing more comes.
    sender: Option<SyncSender<Arc<Batch>>>,
    forgotten: Arc<AtomicBool>,
}

impl Open {
    fn new(host: &Host, out: &Arc<Out>, number: u64, media: MediaInfo, asked: &[Asked]) -> anyhow::Result<Self> {
        let (cancelled, models, window) = (AtomicBool::new(false), host.models.clone(), host.window());
        let job = Arc::new(Job { number, media, cancelled, out: out.clone(), models });
        let mut lanes = Vec::new();
        for Asked { name, ease } in asked {
            let analyser = host.analysers.iter().find(|analyser| analyser.spec().name == name);
            let mut analyser = analyser.with_context(|| format!("no analyser `{name}`"))?.clone();
            if let Some(fallback) = analyser.fallback().filter(|_| ease.fallback) {
                analyser = Arc::from(fallback);
            }
            let spec = analyser.spec();
            let (track, waits) = (track_of(spec.sampling), spec.after.to_vec());
            // A window for each track that it takes: findings may come while its last pictures still lie there.
            let tracks = usize::from(track.is_some()) + usize::from(!waits.is_empty());
            let (sender, inbox) = sync_channel(window * tracks);
            let forgotten = Arc::new(AtomicBool::new(false));
            let faults = host.faults.iter().filter(|fault| fault.analyser == *name).cloned().collect();
            let (models, job, forgotten_too) = (host.models.clone(), job.clone(), forgotten.clone());
            let batch = host.batches.get(name).copied();
            let lane = Lane { analyser, models, job, ease: *ease, batch, faults, inbox, forgotten: forgotten_too };
            std::thread::Builder::new().name(name.chars().take(15).collect()).spawn(move || lane.run())?;
            lanes.push(LaneEnd { name: spec.name, track, waits, sender: Some(sender), forgotten });
        }
        Ok(Self { job, ended: false, lanes })
    }

    fn latest(&self) -> Latest {
        let forgotten = self.lanes.iter().map(|lane| (lane.name, lane.forgotten.clone()));
        Latest { job: Arc::downgrade(&self.job), forgotten: forgotten.collect() }
    }

    /// Hands a batch to every lane that wants its track.
    fn give(&self, out: &Arc<Out>, track: Track, what: What) -> anyhow::Result<()> {
        let batch = Arc::new(Batch { what, track, job: self.job.number, out: out.clone() });
        self.lanes.iter().filter(|lane| lane.track == Some(track)).try_for_each(|lane| lane.give(&batch))
    }

    /// Hands findings to every lane that waits for them. None when that was the last that any lane waited for.
    fn findings(mut self, out: &Arc<Out>, of: &str, findings: Vec<Finding>, last: bool) -> anyhow::Result<Option<Self>> {
        let what = What::Findings { of: of.to_owned(), findings };
        let batch = Arc::new(Batch { what, track: Track::Findings, job: self.job.number, out: out.clone() });
        self.lanes.iter().filter(|lane| lane.waits.contains(&of)).try_for_each(|lane| lane.give(&batch))?;
        if last {
            self.lanes.iter_mut().for_each(|lane| lane.waits.retain(|name| *name != of));
        }
        Ok(self.rest())
    }

    fn ended(mut self) -> Option<Self> {
        self.ended = true;
        self.rest()
    }

    fn forget(mut self, analyser: &str) -> Option<Self> {
        self.lanes.iter_mut().filter(|lane| lane.name == analyser).for_each(|lane| lane.sender = None);
        self.rest()
    }

    /// Ends the input of lanes that wait for nothing more. None when there is no other: letting go of the job, so that the last of
    /// its lanes ends it.
    fn rest(mut self) -> Option<Self> {
        let ended = self.ended;
        for lane in self.lanes.iter_mut().filter(|lane| ended && lane.waits.is_empty()) {
            lane.sender = None;
        }
        let waits = self.lanes.iter().any(|lane| lane.sender.is_some());
        (waits || !ended).then_some(self)
    }
}

impl LaneEnd {
    fn give(&self, batch: &Arc<Batch>) -> anyhow::Result<()> {
        let Some(sender) = &self.sender else { return Ok(()) };
        match sender.try_send(batch.clone()) {
            // A lane that ended early (its analyser failed) wants nothing more.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(_)) => bail!("more batches of a track than its window without an acknowledgement"),
        }
    }
}

#[cfg(test)]
mod tests;
