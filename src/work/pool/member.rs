//! One process of a pool: its start, its socket, and the watch over its memory and its silence.

use std::os::unix::net::UnixStream as StdSocket;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::Shared;
use crate::model::CacheStats;
use crate::stage::analyse::ladder::OVER_MEMORY;
use crate::stage::analyse::launch;
use crate::stage::analyse::pool::PoolError;
use crate::stage::analyse::wire::{self, FromPool, PROTOCOL, Track, WINDOW_MAX};
use crate::work::metric;

/// How long a start may take until `Ready`.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often memory and silence are looked at.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Messages of a member that wait for its job.
const SAID_MAX: usize = 64;

type Message = (FromPool, Vec<u8>);

/// A running process. Dropping it kills the process.
pub(super) struct Member {
    shared: Arc<Shared>,
    pid: u32,
    state: Arc<State>,
    write: Mutex<Write>,
    said: Mutex<mpsc::Receiver<Message>>,
    helpers: [JoinHandle<()>; 2],
}

/// The way to the process. A message whose sending was called off half-way leaves it unusable.
struct Write {
    half: OwnedWriteHalf,
    cut: bool,
}

/// What the member, its reader and its watch share.
struct State {
    room: [Semaphore; 5],
    window: usize,
    up: AtomicBool,
    jobs: AtomicU64,
    has_job: AtomicBool,
    end_due: AtomicBool,
    began: Instant,
    /// Milliseconds after `began` when the process last said something, or had nothing to say.
    heard_ms: AtomicU64,
    /// Why it is gone.
    why: OnceLock<String>,
}

impl State {
    fn room(&self, track: Track) -> &Semaphore {
        let [small, large, detail, audio, findings] = &self.room;
        match track {
            Track::Small => small,
            Track::Large => large,
            Track::Detail => detail,
            Track::Audio => audio,
            Track::Findings => findings,
        }
    }

    fn note_life(&self) {
        self.heard_ms.store(self.began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Whether the process has something to work on.
    fn owes(&self) -> bool {
        let waits = self.room.iter().any(|room| room.available_permits() < self.window);
        self.has_job.load(Ordering::Relaxed) && (waits || self.end_due.load(Ordering::Relaxed))
    }

    fn silent_for(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.heard_ms.load(Ordering::Relaxed)))
    }

    /// Nobody waits for it any more.
    fn is_gone(&self, why: String) {
        self.why.get_or_init(|| why);
        self.up.store(false, Ordering::Release);
        self.room.iter().for_each(Semaphore::close);
    }

    fn crashed(&self) -> PoolError {
        PoolError::Crashed(self.why.get().cloned().unwrap_or_else(|| "the pool process went away".to_owned()))
    }
}

impl Member {
    /// Starts a process and waits until it is ready.
    pub(super) async fn start(shared: &Arc<Shared>) -> Result<Self, PoolError> {
        let name = &shared.config.name;
        let start = |error: &dyn std::fmt::Display| PoolError::Start(format!("`{name}` does not start: {error}"));
        let (ours, theirs) = StdSocket::pair().map_err(|error| start(&error))?;
        ours.set_nonblocking(true).map_err(|error| start(&error))?;
        let (mut read, write) = UnixStream::from_std(ours).map_err(|error| start(&error))?.into_split();
        let child = launch::start(&shared.config.command, Stdio::from(std::os::fd::OwnedFd::from(theirs))).await;
        let child = child.map_err(|error| start(&error))?;
        let ready = tokio::time::timeout(START_LIMIT, wire::read_async::<FromPool>(&mut read)).await;
        match ready {
            Ok(Ok(Some((FromPool::Ready { protocol: PROTOCOL, window }, _)))) => {
                metric::pool_started(name);
                Ok(Self::up(shared, child, read, Write { half: write, cut: false }, window.clamp(1, WINDOW_MAX)))
            }
            Ok(Ok(Some((other, _)))) => Err(start(&format!("it said {other:?}"))),
            Ok(Ok(None)) => Err(start(&"it ended at once")),
            Ok(Err(error)) => Err(start(&error)),
            Err(_) => Err(start(&format!("no word in {} s", START_LIMIT.as_secs()))),
        }
    }

    fn up(shared: &Arc<Shared>, child: Child, read: OwnedReadHalf, write: Write, window: usize) -> Self {
        let pid = child.id().unwrap_or_default();
        shared.pids.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
        let state = Arc::new(State {
            room: std::array::from_fn(|_| Semaphore::new(window)),
            window,
            up: AtomicBool::new(true),
            jobs: AtomicU64::new(0),
            has_job: AtomicBool::new(false),
            end_due: AtomicBool::new(false),
            began: Instant::now(),
            heard_ms: AtomicU64::new(0),
            why: OnceLock::new(),
        });
        let (sender, said) = mpsc::channel(SAID_MAX);
        let helpers =
            [tokio::spawn(listen(read, sender, state.clone())), tokio::spawn(watch(child, shared.clone(), state.clone()))];
        Self { shared: shared.clone(), pid, state, write: Mutex::new(write), said: Mutex::new(said), helpers }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state.up.load(Ordering::Acquire)
    }

    pub(super) fn jobs(&self) -> u64 {
        self.state.jobs.load(Ordering::Relaxed)
    }

    pub(super) fn has_job(&self) -> bool {
        self.state.has_job.load(Ordering::Relaxed)
    }

    pub(super) fn begin_job(&self) {
        self.state.jobs.fetch_add(1, Ordering::Relaxed);
        self.state.end_due.store(false, Ordering::Relaxed);
        self.state.note_life();
        self.state.has_job.store(true, Ordering::Relaxed);
    }

    /// From now on the process owes its results.
    pub(super) fn expect_end(&self) {
        self.state.note_life();
        self.state.end_due.store(true, Ordering::Relaxed);
    }

    /// What the process told of its models.
    pub(super) fn note_cache(&self, told: CacheStats) {
        self.shared.told().note(&self.shared.config.name, self.pid, told);
    }

    pub(super) fn end_job(&self) {
        self.state.has_job.store(false, Ordering::Relaxed);
    }

    /// Waits until one more batch of the track may be sent.
    pub(super) async fn room(&self, track: Track) -> Result<(), PoolError> {
        let permit = self.state.room(track).acquire().await.map_err(|_| self.state.crashed())?;
        permit.forget();
        Ok(())
    }

    pub(super) async fn send(&self, head: &impl Serialize, payload: &[&[u8]]) -> Result<(), PoolError> {
        let bytes = payload.iter().map(|part| part.len()).sum();
        let opening = wire::opening(head, bytes).map_err(|error| PoolError::Crashed(error.to_string()))?;
        let mut write = self.write.lock().await;
        if write.cut {
            return Err(PoolError::Crashed("a message to the pool process was cut off".to_owned()));
        }
        write.cut = true;
        for part in std::iter::once(opening.as_slice()).chain(payload.iter().copied()) {
            if write.half.write_all(part).await.is_err() {
                return Err(self.gone().await);
            }
        }
        write.cut = false;
        Ok(())
    }

    /// The next message but `Took`.
    pub(super) async fn next(&self) -> Result<Message, PoolError> {
        let message = self.said.lock().await.recv().await;
        match message {
            Some(message) => Ok(message),
            None => Err(self.gone().await),
        }
    }

    /// Why the process is gone; its watch needs a moment to see how it ended.
    async fn gone(&self) -> PoolError {
        for _ in 0..40 {
            if self.state.why.get().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        self.state.crashed()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // The watch owns the child, which dies with it.
        self.helpers.iter().for_each(JoinHandle::abort);
        self.shared.pids.lock().unwrap_or_else(PoisonError::into_inner).retain(|pid| *pid != self.pid);
        self.shared.told().forget(&self.shared.config.name, self.pid);
    }
}

async fn listen(mut read: OwnedReadHalf, said: mpsc::Sender<Message>, state: Arc<State>) {
    loop {
        match wire::read_async::<FromPool>(&mut read).await {
            Ok(Some((FromPool::Took { track, .. }, _))) => {
                state.note_life();
                state.room(track).add_permits(1);
            }
            Ok(Some((FromPool::Alive { .. }, _))) => state.note_life(),
            Ok(Some(message)) => {
                state.note_life();
                if said.send(message).await.is_err() {
                    return;
                }
            }
            // How it ended is for the watch to say: a process that dies with unread bytes resets its socket.
            Ok(None) | Err(wire::WireError::Io(_)) => return,
            Err(error) => {
                state.is_gone(format!("the pool process broke the protocol: {error}"));
                return;
            }
        }
    }
}

/// Ends the process when it takes too much memory, hangs, or broke the protocol; says why it ended.
async fn watch(mut child: Child, shared: Arc<Shared>, state: Arc<State>) {
    let limits = &shared.config;
    let why = loop {
        if let Ok(ended) = tokio::time::timeout(WATCH_EVERY, child.wait()).await {
            break ended.map_or_else(|error| error.to_string(), |status| format!("the pool process ended: {status}"));
        }
        if !state.owes() {
            state.note_life();
        }
        let used = child.id().and_then(launch::resident_bytes).unwrap_or(0);
        if used > limits.memory_limit_bytes {
            break format!("{OVER_MEMORY}{used} bytes, the pool's limit is {}", limits.memory_limit_bytes);
        }
        if state.silent_for() > limits.stall {
            break format!("hung: no word from the pool process in {} s", limits.stall.as_secs());
        }
        if state.why.get().is_some() {
            break "broken".to_owned();
        }
    };
    metric::pool_ended(&limits.name);
    tracing::warn!(pool = %limits.name, why, "pool process ended");
    state.is_gone(why);
    if let Err(error) = child.kill().await {
        tracing::debug!(%error, "pool process was gone before it was killed");
    }
}
