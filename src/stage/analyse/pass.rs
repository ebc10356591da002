//! Rounds over a medium: one decode feeds a job in every pool that is needed. Normally there is one round. When a pool process dies,
//! the analysers that had not ended get a round each, so that one that breaks the process does not keep the others from their
//! results; those that come after one of them wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use futures::future::try_join_all;
use tokio::sync::{Notify, mpsc};

use super::deliver::deliver;
use super::feed::feed;
use super::ladder::{Asked, Ease};
use super::listen::{hold_back, listen};
use super::outcome::Looked;
use super::pool::{PoolError, Pools, Session};
use crate::analyser::{Analyser, Sampling, Spec};
use crate::media::Limits;
use crate::model::{AnalyserStatus, MediaInfo};
use crate::stage::StageError;

/// Findings of one analyser on disk.
pub(super) const FINDINGS_BYTES_MAX: u64 = 256 << 20;

/// Who is told of results and progress.
#[async_trait]
pub trait Watcher: Send + Sync {
    /// An analyser ended. An error stops the passes.
    async fn finished(&mut self, looked: Looked) -> Result<(), StageError>;
    /// So much of the medium was given to the analysers, 0 to 1.
    fn progress(&self, share: f32);
}

/// What is looked at, and with what.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// A local file.
    pub path: &'a Path,
    /// What probing found.
    pub media: &'a MediaInfo,
    /// What decoding may use.
    pub limits: &'a Limits,
    /// Where findings are kept until the watcher has them.
    pub scratch: &'a Path,
    /// Where analysers run.
    pub pools: &'a Pools,
    /// Findings of analysers that need not look any more, as files of JSON lines, by name.
    pub known: &'a BTreeMap<String, PathBuf>,
}

/// Lets every analyser look. Each is finished exactly once when this is `Ok`. Dropping the future stops decoder and jobs.
///
/// # Errors
/// `Retry` when no pool can be started; what the watcher answers.
pub async fn look(subject: Subject<'_>, analysers: &[Arc<dyn Analyser>], watcher: &mut dyn Watcher) -> Result<(), StageError> {
    let mut open = Vec::new();
    for analyser in in_order(analysers) {
        match nothing_for(&analyser.spec(), subject.media) {
            Some(reason) => {
                let name = analyser.spec().name;
                watcher.finished(Looked::nothing(name, AnalyserStatus::Skipped, reason.to_owned())).await?;
            }
            None => open.push(analyser.clone()),
        }
    }
    let shared = Shared::default();
    let watcher = tokio::sync::Mutex::new(watcher);
    let died = round(subject, &mut open, Ease::default(), &shared, &watcher).await?;
    if let Some(why) = died.first() {
        tracing::warn!(why, left = open.len(), "a pool process died; the analysers that are left run one by one");
        shared.note(&open, &format!("{why}; run again in a process of its own"));
    }
    for analyser in open {
        alone(subject, analyser, &shared, &watcher).await?;
    }
    Ok(())
}

/// Rounds of one analyser, down the ladder until one ends.
async fn alone(
    subject: Subject<'_>,
    analyser: Arc<dyn Analyser>,
    shared: &Shared,
    watcher: &tokio::sync::Mutex<&mut dyn Watcher>,
) -> Result<(), StageError> {
    let mut ease = Ease { single: true, ..Ease::default() };
    loop {
        let mut open = vec![analyser.clone()];
        let died = round(subject, &mut open, ease, shared, watcher).await?;
        if open.is_empty() {
            return Ok(());
        }
        let why = died.first().map_or("the pool process said nothing of it", String::as_str);
        let Some((next, words)) = ease.next(&*analyser, why) else {
            let name = analyser.spec().name;
            shared.with(|state| state.failed.push(name.to_owned()));
            let recovery = shared.recovery_of(name);
            return watcher.lock().await.finished(Looked { recovery, ..Looked::quarantined(name, why) }).await;
        };
        shared.note(&open, &format!("{why}; {words}"));
        ease = next;
    }
}

/// Those that come after others behind them; else as they were.
fn in_order(analysers: &[Arc<dyn Analyser>]) -> Vec<Arc<dyn Analyser>> {
    let mut left = analysers.to_vec();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<&str> = left.iter().map(|analyser| analyser.spec().name).collect();
        let free = left.iter().position(|analyser| !analyser.spec().after.iter().any(|name| waiting.contains(name)));
        // A circle, which no analyser should make, is broken at its first member.
        ordered.push(left.remove(free.unwrap_or(0)));
    }
    ordered
}

/// Why there is nothing to look at, if so. Who comes after others has their findings at least.
fn nothing_for(spec: &Spec, media: &MediaInfo) -> Option<&'static str> {
    if !spec.after.is_empty() {
        return None;
    }
    match spec.sampling {
        Sampling::EveryFrame | Sampling::Sampled { .. } | Sampling::Detail { .. } => {
            media.video.is_none().then_some("no video track")
        }
        Sampling::Audio => media.audio.is_none().then_some("no audio track"),
        Sampling::Findings => None,
    }
}

/// What the parts of a round share.
pub(super) struct Round<'a, 'w> {
    pub(super) subject: Subject<'a>,
    pub(super) groups: &'a [Group],
    pub(super) asked: &'a BTreeSet<&'static str>,
    pub(super) ease: Ease,
    pub(super) shared: &'a Shared,
    pub(super) watcher: &'a tokio::sync::Mutex<&'w mut dyn Watcher>,
}

/// One decode and a job in every pool that is needed. Takes those that ended out of `open`; answers how pools died, if they did.
async fn round(
    subject: Subject<'_>,
    open: &mut Vec<Arc<dyn Analyser>>,
    ease: Ease,
    shared: &Shared,
    watcher: &tokio::sync::Mutex<&mut dyn Watcher>,
) -> Result<Vec<String>, StageError> {
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let asked: BTreeSet<&'static str> = open.iter().map(|analyser| analyser.spec().name).collect();
    for name in &asked {
        remove(&file_of(subject.scratch, name)).await?;
    }
    let (groups, mut died) = begin(subject, open, ease).await?;
    shared.with(|state| state.cut_short = None);
    let round = Round { subject, groups: &groups, asked: &asked, ease, shared, watcher };
    let begun: BTreeSet<&str> = groups.iter().flat_map(Group::names).collect();
    hold_back(&round, asked.iter().copied().filter(|name| !begun.contains(name)).collect()).await;
    let (sender, ended) = mpsc::channel(64);
    let listening = groups.iter().map(|group| listen(&round, group, sender.clone())).collect::<Vec<_>>();
    drop(sender);
    tokio::try_join!(feed(subject, &groups, shared), try_join_all(listening), deliver(&round, ended))?;
    died.extend(groups.iter().filter_map(|group| group.died.get().cloned()));
    open.retain(|analyser| groups.iter().all(|group| !group.ended(analyser.spec().name)));
    Ok(died)
}

/// A job in every pool that an open analyser runs in. A pool that crashes at once is answered as a death.
async fn begin(subject: Subject<'_>, open: &[Arc<dyn Analyser>], ease: Ease) -> Result<(Vec<Group>, Vec<String>), StageError> {
    let (mut groups, mut died) = (Vec::new(), Vec::new());
    for (place, pool) in subject.pools.all().iter().enumerate() {
        let here = open.iter().filter(|analyser| subject.pools.place(analyser.spec().name) == place);
        let here: Vec<Arc<dyn Analyser>> = here.cloned().collect();
        if here.is_empty() {
            continue;
        }
        let asked: Vec<Asked> = here.iter().map(|analyser| Asked { name: analyser.spec().name.to_owned(), ease }).collect();
        match pool.begin(subject.media, &asked).await {
            Ok(session) => groups.push(Group::new(session, here)),
            Err(PoolError::Start(why)) => return Err(StageError::Retry(format!("pool: {why}"))),
            Err(PoolError::Crashed(why)) => died.push(why),
        }
    }
    Ok((groups, died))
}

/// A process that died may have left half of its findings.
async fn remove(file: &Path) -> Result<(), StageError> {
    match tokio::fs::remove_file(file).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StageError::Retry(format!("scratch: {error}"))),
        _ => Ok(()),
    }
}

/// Where the findings of an analyser are kept during a task.
pub(super) fn file_of(scratch: &Path, analyser: &str) -> PathBuf {
    scratch.join(format!("{analyser}.jsonl"))
}

/// The job of a round in one pool.
pub(super) struct Group {
    pub(super) session: Box<dyn Session>,
    pub(super) wishes: Vec<Sampling>,
    pub(super) idle: AtomicBool,
    died: OnceLock<String>,
    analysers: Mutex<Vec<(Arc<dyn Analyser>, Stand)>>,
}

/// How it stands with an analyser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Open,
    /// It waits for another round.
    Held,
    Ended,
}

impl Group {
    fn new(session: Box<dyn Session>, analysers: Vec<Arc<dyn Analyser>>) -> Self {
        let wishes = analysers.iter().map(|analyser| analyser.spec().sampling).collect();
        let analysers = Mutex::new(analysers.into_iter().map(|analyser| (analyser, Stand::Open)).collect());
        Self { session, wishes, idle: AtomicBool::new(false), died: OnceLock::new(), analysers }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<(Arc<dyn Analyser>, Stand)>) -> T) -> T {
        change(&mut self.analysers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that the pool died, when that is what happened.
    pub(super) fn note(&self, happened: Result<(), PoolError>) {
        if let Err(error) = happened {
            self.died.get_or_init(|| error.to_string());
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.died.get().is_none() && !self.idle.load(Ordering::Relaxed)
    }

    /// Nothing of it wants more of the medium.
    pub(super) fn is_through(&self) -> bool {
        !self.is_up() || self.names().is_empty()
    }

    /// Those that have not ended and are not held.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let open = |(analyser, stand): &(Arc<dyn Analyser>, Stand)| (*stand == Stand::Open).then(|| analyser.spec().name);
        self.with(|analysers| analysers.iter().filter_map(open).collect())
    }

    pub(super) fn has(&self, analyser: &str) -> bool {
        self.names().contains(&analyser)
    }

    /// The analysers that open ones come after.
    pub(super) fn awaited(&self) -> Vec<&'static str> {
        let open = |analysers: &mut Vec<(Arc<dyn Analyser>, Stand)>| {
            let open = analysers.iter().filter(|(_, stand)| *stand == Stand::Open);
            open.flat_map(|(analyser, _)| analyser.spec().after.to_vec()).collect()
        };
        self.with(open)
    }

    /// An open analyser, which now has ended.
    pub(super) fn take(&self, name: &str) -> Option<Arc<dyn Analyser>> {
        self.with(|analysers| {
            let mut open = analysers.iter_mut().filter(|(_, stand)| *stand == Stand::Open);
            let (analyser, stand) = open.find(|(analyser, _)| analyser.spec().name == name)?;
            *stand = Stand::Ended;
            Some(analyser.clone())
        })
    }

    fn ended(&self, name: &str) -> bool {
        self.with(|analysers| analysers.iter().any(|(analyser, stand)| analyser.spec().name == name && *stand == Stand::Ended))
    }

    /// Holds the open analysers that come after one of `lost`; answers their names.
    pub(super) fn hold_after(&self, lost: &[&'static str]) -> Vec<&'static str> {
        self.with(|analysers| {
            let mut held = Vec::new();
            for (analyser, stand) in analysers.iter_mut().filter(|(_, stand)| *stand == Stand::Open) {
                let spec = analyser.spec();
                if spec.after.iter().any(|name| lost.contains(name)) {
                    *stand = Stand::Held;
                    held.push(spec.name);
                }
            }
            held
        })
    }
}

/// What feeding, listening and delivering tell each other.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The decode of the round has ended.
    pub(super) fed: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) cut_short: Option<String>,
    pub(super) given: f32,
    /// Analysers that failed, over all rounds.
    pub(super) failed: Vec<String>,
    /// What was tried for each analyser after its process died.
    recovery: BTreeMap<&'static str, Vec<String>>,
}

impl Shared {
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, analysers: &[Arc<dyn Analyser>], words: &str) {
        self.with(|state| {
            for analyser in analysers {
                state.recovery.entry(analyser.spec().name).or_default().push(words.to_owned());
            }
        });
    }

    pub(super) fn recovery_of(&self, name: &str) -> Vec<String> {
        self.with(|state| state.recovery.get(name).cloned().unwrap_or_default())
    }

    pub(super) fn failed_of(&self, names: &[&'static str]) -> Vec<&'static str> {
        self.with(|state| names.iter().copied().filter(|name| state.failed.iter().any(|failed| failed == name)).collect())
    }
}
