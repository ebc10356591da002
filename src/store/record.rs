//! State changes: one transaction that checks the guard, turns facts into rows, creates their tasks and appends their events.
//!
//! One file per family of facts. Facts of stages (status, results, verdicts) about a video that is deleted meanwhile have no
//! effect and no event, so that the end of the task which carries them is still recorded.

mod analysis;
mod feed;
mod guard;
mod judgement;
mod packaging;
mod size;
pub(super) mod task;
mod video;

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;

use super::backend::{Lane, SqlStore};
use super::sql::{Done, Tx, append_event, dialect};
use super::{Backoff, Record, RecordError, Recorded};
use crate::model::{EventForm, Fact, Guard, Key};

/// Those who wait for changes look again after this time, whatever happens.
const POLL: Duration = Duration::from_secs(1);

#[async_trait]
impl Record for SqlStore {
    async fn record(&self, facts: &[Fact], guard: Guard) -> Result<Recorded, RecordError> {
        size::check(facts)?;
        let ends = facts.iter().any(|fact| matches!(fact, Fact::TaskEnded { .. }));
        let batch = Batch {
            facts: facts.to_vec(),
            guard,
            origin: self.installation.clone(),
            backoff: self.options.backoff,
            random: (self.options.jitter)(),
        };
        let lane = if ends { Lane::Ends } else { Lane::Rest };
        Ok(self.write(lane, batch, |tx, batch| Box::pin(apply(tx, batch))).await?)
    }

    /// Subscribes when it is called, not when it is first polled: a commit in between is not missed.
    fn changed<'s, 'f>(&'s self) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(self.change(POLL))
    }
}

/// A record as plain data, with what its transaction must not find out by itself.
pub(super) struct Batch {
    facts: Vec<Fact>,
    guard: Guard,
    origin: String,
    backoff: Backoff,
    /// For the backoff, in [0, 1).
    random: f64,
}

/// A record that is being written.
struct Recording<'a> {
    tx: &'a mut Tx,
    batch: &'a Batch,
    unreferenced: Vec<Key>,
}

impl Recording<'_> {
    /// Appends the event of a fact that took effect.
    async fn tell(&mut self, fact: &Fact) -> Done<()> {
        let at = self.tx.now().await?;
        let Some(form) = fact.event(&self.batch.origin, at) else { return Ok(()) };
        append_event(self.tx, &form).await
    }

    /// Appends an event that was put together from a row.
    async fn tell_form(&mut self, form: &EventForm) -> Done<()> {
        append_event(self.tx, form).await
    }

    /// Whether the record takes up announcements: what came by the feed is not published again.
    fn is_from_feed(&self) -> bool {
        matches!(self.batch.guard, Guard::Feed { .. })
    }
}

async fn apply(tx: &mut Tx, batch: &Batch) -> Done<Recorded> {
    let keys = guard::keys(tx, &batch.facts, &batch.guard).await?;
    dialect::lock_keys(tx, &keys).await?;
    guard::check(tx, &batch.guard).await?;
    let mut recording = Recording { tx, batch, unreferenced: Vec::new() };
    for fact in &batch.facts {
        apply_fact(&mut recording, fact).await?;
    }
    let unreferenced = recording.unreferenced;
    Ok(Recorded { cursor: tx.last_event(), unreferenced })
}

async fn apply_fact(recording: &mut Recording<'_>, fact: &Fact) -> Done<()> {
    match fact {
        Fact::VideoCreated { .. } => video::created(recording, fact).await,
        Fact::VideoUploaded { .. } => video::uploaded(recording, fact).await,
        Fact::VideoDeleted { video, purge } => video::deleted(recording, fact, video, purge).await,
        Fact::VideoPurged { video } => video::purged(recording, fact, video).await,
        Fact::StatusMoved { video, status } => packaging::status_moved(recording, fact, video, *status).await,
        Fact::MediaProbed { video, media } => packaging::media_probed(recording, video, media).await,
        Fact::VideoPackaged { video, .. } => packaging::packaged(recording, fact, video).await,
        Fact::VideoFailed { video, reason } => packaging::failed(recording, fact, video, reason).await,
        Fact::AnalysisMoved { video, analysis } => analysis::moved(recording, fact, video, *analysis).await,
        Fact::AnalysisAsked { video, tasks } => analysis::asked(recording, fact, video, tasks).await,
        Fact::AnalyserFinished { video, result } => analysis::analyser_finished(recording, fact, video, result).await,
        Fact::VerdictGiven { video, verdict } => judgement::verdict_given(recording, fact, video, verdict).await,
        Fact::HumanLabelled { video, label } => judgement::human_labelled(recording, fact, video, label).await,
        Fact::TasksCreated { tasks } => task::create(recording.tx, tasks).await,
        Fact::TaskEnded { lease, end } => task::ended(recording, lease, end).await,
        Fact::CancelAsked { task } => task::cancel_asked(recording, task).await,
        Fact::TaskReplayed { task } => task::replayed(recording, task).await,
        Fact::Announced { .. } => feed::announced(recording, fact).await,
    }
}
