//! The pool's side: one process that keeps models warm and runs the analysers of one job at a time, each on a thread of its own.
//!
//! The reading thread never waits for an analyser: batches are bounded by [`WINDOW`](super::wire::WINDOW) acknowledgements per track, so
//! a cancel is read at once. When the socket ends, [`run`] returns and the process with it, whatever the analysers are doing.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};

use super::lane::Lane;
use super::plan::track_of;
use super::wire::{self, FromPool, PROTOCOL, ToPool, Track, WINDOW};
use crate::analyser::Analyser;
use crate::infer::Models;
use crate::media::frame::{Frame, Pcm};
use crate::model::MediaInfo;

/// What a pool runs with.
pub struct Host {
    /// Analysers that may be asked for.
    pub analysers: Vec<Arc<dyn Analyser>>,
    /// Models, loaded at their first use and kept.
    pub models: Arc<Models>,
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
    out.send(&FromPool::Ready { protocol: PROTOCOL }, &[]);
    let mut open: Option<Open> = None;
    while let Some((head, payload)) = wire::read::<ToPool>(&mut socket)? {
        match head {
            ToPool::Begin { job, media, analysers } => {
                if open.is_some() {
                    bail!("job {job} began inside another");
                }
                open = Some(Open::new(host, &out, job, *media, &analysers)?);
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
            // Letting go of the job is the end of its lanes' input.
            ToPool::End { job } => open = open.filter(|open| open.job.number != job),
            ToPool::Cancel { job } => {
                if let Some(open) = current(open.as_ref(), job) {
                    open.job.cancelled.store(true, Ordering::Relaxed);
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
}

impl Drop for Job {
    fn drop(&mut self) {
        self.out.send(&FromPool::Idle { job: self.number }, &[]);
    }
}

/// What a batch holds.
pub(super) enum What {
    Pictures(Vec<Frame>),
    Sound(Pcm),
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
    lanes: Vec<(Track, SyncSender<Arc<Batch>>)>,
}

impl Open {
    fn new(host: &Host, out: &Arc<Out>, number: u64, media: MediaInfo, names: &[String]) -> anyhow::Result<Self> {
        let job = Arc::new(Job { number, media, cancelled: AtomicBool::new(false), out: out.clone() });
        let mut lanes = Vec::new();
        for name in names {
            let analyser = host.analysers.iter().find(|analyser| analyser.spec().name == name);
            let analyser = analyser.with_context(|| format!("no analyser `{name}`"))?.clone();
            let (sender, inbox) = sync_channel(WINDOW);
            lanes.push((track_of(analyser.spec().sampling), sender));
            let lane = Lane { analyser, models: host.models.clone(), job: job.clone(), inbox };
            std::thread::Builder::new().name(name.chars().take(15).collect()).spawn(move || lane.run())?;
        }
        Ok(Self { job, lanes })
    }

    /// Hands a batch to every lane that wants its track.
    fn give(&self, out: &Arc<Out>, track: Track, what: What) -> anyhow::Result<()> {
        let batch = Arc::new(Batch { what, track, job: self.job.number, out: out.clone() });
        for (_, lane) in self.lanes.iter().filter(|(wanted, _)| *wanted == track) {
            match lane.try_send(batch.clone()) {
                // A lane that ended early (its analyser failed) wants nothing more.
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(_)) => bail!("more than {WINDOW} batches without an acknowledgement"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
