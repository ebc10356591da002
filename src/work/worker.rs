//! The worker's loop: lease what has a free slot, run it, until told to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Bench, Held, Stop};
use super::lease::{self, Roster};
use super::{WorkConfig, keeper};
use crate::blob::Blobs;
use crate::model::{Task, TaskKind, WorkerId};
use crate::stage::Stages;
use crate::store::{SharedStore, StoreError, Want};

/// Two looks at the queue are at least this far apart, so that a burst of commits is one look.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long the loop waits when the database does not answer.
const DOWN_PAUSE: Duration = Duration::from_secs(1);

/// How long handing back may take after the last stage stopped.
const HAND_BACK: Duration = Duration::from_secs(10);

/// What a worker works with.
pub struct Deps {
    /// Its name.
    pub id: WorkerId,
    /// The truth.
    pub store: SharedStore,
    /// Bytes.
    pub blobs: Blobs,
    /// What it can do; see [`crate::stage::all`].
    pub stages: Stages,
    /// How much at a time.
    pub config: WorkConfig,
}

/// A running worker. Dropping it kills its stages where they stand; [`Worker::stop`] hands their tasks back first.
pub struct Worker {
    stop: CancellationToken,
    ended: JoinHandle<()>,
    helpers: Vec<JoinHandle<()>>,
    patience: Duration,
}

impl Worker {
    /// Starts the loop and its helpers on the current runtime. Scratch folders that an earlier worker left are removed.
    ///
    /// # Errors
    /// When the scratch folder cannot be made.
    pub fn start(deps: Deps) -> std::io::Result<Self> {
        clear(&deps.config.scratch)?;
        let roster = Arc::new(Roster::default());
        let stop = CancellationToken::new();
        let renewing = lease::renew(deps.store.clone(), roster.clone(), deps.config.lease);
        let (wake, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let waking = lease::wake(deps.store.clone(), [wake.clone(), heard.clone()]);
        let hearing = lease::hear(deps.store.clone(), roster.clone(), heard);
        let keeping = keeper::keep(deps.store.clone(), deps.stages.clone(), deps.config.keep.clone());
        let helpers = vec![tokio::spawn(renewing), tokio::spawn(waking), tokio::spawn(hearing), tokio::spawn(keeping)];
        let patience = deps.config.grace + HAND_BACK;
        let ended = tokio::spawn(Loop::new(deps, roster, wake).run(stop.clone()));
        Ok(Self { stop, ended, helpers, patience })
    }

    /// Stops leasing, tells every stage to stop, hands their tasks back, and waits for it; at most the grace and a little more.
    pub async fn stop(mut self) {
        self.stop.cancel();
        match tokio::time::timeout(self.patience, &mut self.ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the worker's loop broke"),
            Err(_) => tracing::warn!("tasks were not handed back in time; others lease them when their leases run out"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ended.abort();
        for helper in &self.helpers {
            helper.abort();
        }
    }
}

fn clear(scratch: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(scratch)?;
    for entry in std::fs::read_dir(scratch)?.flatten() {
        let path = entry.path();
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "old scratch stays behind");
        }
    }
    Ok(())
}

/// Kinds that share slots.
struct Group {
    kinds: Vec<TaskKind>,
    slots: usize,
}

struct Loop {
    id: WorkerId,
    config: WorkConfig,
    bench: Arc<Bench>,
    stages: Stages,
    roster: Arc<Roster>,
    groups: Vec<Group>,
    running: JoinSet<()>,
    wake: Arc<Notify>,
}

impl Loop {
    fn new(deps: Deps, roster: Arc<Roster>, wake: Arc<Notify>) -> Self {
        let Deps { id, store, blobs, stages, config } = deps;
        let known = |kind: &TaskKind| stages.iter().any(|stage| stage.kind() == *kind);
        let group = |slots, kinds: &[TaskKind]| Group { kinds: kinds.iter().copied().filter(known).collect(), slots };
        let groups = vec![
            group(config.other, &[TaskKind::Probe, TaskKind::Judge, TaskKind::Purge, TaskKind::Collect]),
            group(config.package, &[TaskKind::Package]),
            group(config.analyse, &[TaskKind::Analyse]),
        ];
        let bench = Arc::new(Bench { store, blobs, scratch: config.scratch.clone(), grace: config.grace });
        Self { id, config, bench, stages, roster, groups, running: JoinSet::new(), wake }
    }

    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.look().await {
                Ok(()) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "nothing could be leased");
                    DOWN_PAUSE
                }
            };
            tokio::time::sleep(pause).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                Some(ended) = self.running.join_next() => report(ended),
            }
            while let Some(ended) = self.running.try_join_next() {
                report(ended);
            }
        }
        for held in self.roster.all() {
            held.stop(Stop::Shutdown);
        }
        while let Some(ended) = self.running.join_next().await {
            report(ended);
        }
    }

    /// Leases what has a free slot and is due.
    async fn look(&mut self) -> Result<(), StoreError> {
        let mut leased = Vec::new();
        for group in &self.groups {
            let free = group.slots.saturating_sub(self.roster.count(&group.kinds));
            if free == 0 || group.kinds.is_empty() || !self.is_due(&group.kinds).await? {
                continue;
            }
            let want = Want { kinds: group.kinds.clone(), lease: self.config.lease, limits: self.config.limits.clone() };
            leased.extend(self.bench.store.lease(&self.id, &want, free).await?);
        }
        for task in leased {
            self.begin(task);
        }
        Ok(())
    }

    /// Whether a lease may find something: asking is a read, leasing is a write.
    async fn is_due(&self, kinds: &[TaskKind]) -> Result<bool, StoreError> {
        let (due, now) = self.bench.store.next_due(kinds).await?;
        Ok(due.is_some_and(|due| due <= now))
    }

    fn begin(&mut self, task: Task) {
        let kind = task.kind;
        let Some(stage) = self.stages.iter().find(|stage| stage.kind() == kind).cloned() else {
            tracing::error!(task = %task.id, %kind, "leased a kind that was not wanted");
            return;
        };
        let seat = Seat::take(&self.roster, Held::new(task));
        let bench = self.bench.clone();
        self.running.spawn(async move { attempt::run(&bench, &*stage, &seat.held).await });
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an attempt broke outside its stage");
    }
}

/// A place on the roster, given up however the attempt ends.
struct Seat {
    roster: Arc<Roster>,
    held: Arc<Held>,
}

impl Seat {
    fn take(roster: &Arc<Roster>, held: Arc<Held>) -> Self {
        roster.add(&held);
        Self { roster: roster.clone(), held }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.roster.remove(&self.held);
    }
}
