//! Holding leases: renewal, and hearing of cancellation. Both run in tasks of their own, so that no stage delays them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::attempt::{Held, Stop};
use crate::model::{Lease, TaskId, TaskKind};
use crate::store::SharedStore;

/// After a commit, cancellation is looked for at most this often.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The attempts that are running.
#[derive(Debug, Default)]
pub struct Roster {
    held: Mutex<HashMap<TaskId, Arc<Held>>>,
}

impl Roster {
    /// Adds an attempt before it begins. An attempt at the same task under an older token is told that it lost its lease.
    pub fn add(&self, held: &Arc<Held>) {
        let before = self.lock().insert(held.task.id.clone(), held.clone());
        if let Some(before) = before {
            before.stop(Stop::Lost);
        }
    }

    /// Takes an attempt out after its end.
    pub fn remove(&self, held: &Held) {
        let mut all = self.lock();
        if all.get(&held.task.id).is_some_and(|known| known.task.token == held.task.token) {
            all.remove(&held.task.id);
        }
    }

    /// How many attempts at tasks of these kinds run.
    pub fn count(&self, kinds: &[TaskKind]) -> usize {
        self.lock().values().filter(|held| kinds.contains(&held.task.kind)).count()
    }

    /// Every running attempt.
    pub fn all(&self) -> Vec<Arc<Held>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews every lease three times in its length, for ever.
pub(super) async fn renew(store: SharedStore, roster: Arc<Roster>, lease: Duration) {
    let mut tick = tokio::time::interval(lease / 3);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let held = roster.all();
        if held.is_empty() {
            continue;
        }
        let leases: Vec<Lease> = held.iter().map(|held| held.lease()).collect();
        let renewed = match store.renew(&leases, lease).await {
            Ok(renewed) => renewed,
            // Whether the leases are lost is for the database to say; until it answers, work goes on.
            Err(error) => {
                tracing::warn!(%error, "leases were not renewed");
                continue;
            }
        };
        for held in held {
            match renewed.iter().find(|answer| answer.lease == held.lease()) {
                Some(answer) if answer.cancel => held.stop(Stop::Cancelled),
                Some(_) => {}
                None => held.stop(Stop::Lost),
            }
        }
    }
}

/// Passes on every commit, for ever. A commit that comes while a sleeper is busy is kept for it.
pub(super) async fn wake(store: SharedStore, sleepers: [Arc<Notify>; 2]) {
    loop {
        store.changed().await;
        for sleeper in &sleepers {
            sleeper.notify_one();
        }
    }
}

/// Hears of cancellation soon after it is asked for, for ever: a commit wakes it.
pub(super) async fn hear(store: SharedStore, roster: Arc<Roster>, committed: Arc<Notify>) {
    loop {
        committed.notified().await;
        for held in roster.all() {
            match store.task(&held.task.id).await {
                Ok(Some(task)) if task.token != held.task.token => held.stop(Stop::Lost),
                Ok(Some(task)) if task.cancel_requested => held.stop(Stop::Cancelled),
                Ok(Some(_)) => {}
                Ok(None) => held.stop(Stop::Lost),
                Err(error) => tracing::debug!(%error, "cancellation could not be looked for"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
