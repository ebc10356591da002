//! Supervises pool processes: starts a member on first use, keeps it warm, ends it when it takes too much memory, hangs or has
//! done its number of jobs. One job at a time per member. A crash is an answer to the job, never an end of the server.

mod member;
mod session;
mod told;

use std::ffi::OsString;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use self::member::Member;
use self::session::Open;
use self::told::Told;
use crate::model::CacheStats;
use crate::model::MediaInfo;
use crate::stage::analyse::ladder::Asked;
use crate::stage::analyse::pool::{Pool, PoolError, Session};

/// How a pool is run.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// For logs and metrics, for example `main`.
    pub name: String,
    /// The program and its arguments: something that calls [`host::run_on_stdin`](crate::stage::analyse::host::run_on_stdin).
    pub command: Vec<OsString>,
    /// Processes at a time, at least 1.
    pub members: usize,
    /// A member whose resident memory grows over this is killed.
    pub memory_limit_bytes: u64,
    /// A member ends after this many jobs, so that what leaks does not pile up.
    pub recycle_after_jobs: u64,
    /// A member that has work and says nothing for this long is killed.
    pub stall: Duration,
}

/// A pool of analysing processes.
pub struct Processes {
    shared: Arc<Shared>,
}

struct Shared {
    config: PoolConfig,
    free: Arc<Semaphore>,
    warm: Mutex<Vec<Member>>,
    /// Process ids of all members, for health and tests.
    pids: Mutex<Vec<u32>>,
    jobs: AtomicU64,
    told: Mutex<Told>,
}

impl Processes {
    /// A pool that starts nothing yet.
    pub fn new(config: PoolConfig) -> Self {
        let free = Arc::new(Semaphore::new(config.members.max(1)));
        let shared = Shared {
            config,
            free,
            warm: Mutex::default(),
            pids: Mutex::default(),
            jobs: AtomicU64::new(1),
            told: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// As configured.
    pub fn name(&self) -> &str {
        &self.shared.config.name
    }

    /// Process ids of the members that run now.
    pub fn pids(&self) -> Vec<u32> {
        self.shared.pids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The model caches of all members together, as they were after their last jobs.
    pub fn cache(&self) -> CacheStats {
        self.shared.told().total()
    }

    /// Ends the members that have no job, and lets no job begin any more. Jobs end by dropping their sessions.
    pub fn stop(&self) {
        self.shared.free.close();
        self.shared.warm().clear();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

#[async_trait]
impl Pool for Processes {
    async fn begin(&self, media: &MediaInfo, analysers: &[Asked]) -> Result<Box<dyn Session>, PoolError> {
        let permit = self.shared.free.clone().acquire_owned().await;
        let permit = permit.map_err(|_| PoolError::Start("shutting down".to_owned()))?;
        let job = self.shared.jobs.fetch_add(1, Ordering::Relaxed);
        let member = match self.shared.take_warm() {
            Some(member) => member,
            None => Member::start(&self.shared).await?,
        };
        // A warm member may have died unseen; the job has not begun then, so another takes it.
        let mut open = Open::new(self.shared.clone(), permit, member, job);
        if open.begin(media, analysers).await.is_err() {
            open = open.with(Member::start(&self.shared).await?);
            open.begin(media, analysers).await?;
        }
        Ok(Box::new(open))
    }
}

impl Shared {
    fn warm(&self) -> std::sync::MutexGuard<'_, Vec<Member>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member that is up. Those that died meanwhile are let go.
    fn take_warm(&self) -> Option<Member> {
        let mut warm = self.warm();
        while let Some(member) = warm.pop() {
            if member.is_up() {
                return Some(member);
            }
        }
        None
    }

    /// Keeps a member for the next job, unless it has done enough.
    fn give_back(&self, member: Member) {
        if member.is_up() && member.jobs() < self.config.recycle_after_jobs && !self.free.is_closed() {
            self.warm().push(member);
        }
    }
}
