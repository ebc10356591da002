//! One job on one member.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OwnedSemaphorePermit;

use super::Shared;
use super::member::Member;
use crate::model::MediaInfo;
use crate::stage::analyse::ladder::Asked;
use crate::stage::analyse::pool::{Input, PoolError, Said, Session};
use crate::stage::analyse::wire::{self, FromPool, ToPool, Track};

/// How long a cancelled job may take until its member is killed: an analyser stops between two batches.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

pub(super) struct Open {
    shared: Arc<Shared>,
    job: u64,
    held: Option<Held>,
}

/// What goes back when the job is over.
struct Held {
    member: Member,
    permit: OwnedSemaphorePermit,
}

impl Open {
    pub(super) fn new(shared: Arc<Shared>, permit: OwnedSemaphorePermit, member: Member, job: u64) -> Self {
        Self { shared, job, held: Some(Held { member, permit }) }
    }

    /// The same job on another member; the one before is let go.
    pub(super) fn with(mut self, member: Member) -> Self {
        if let Some(held) = &mut self.held {
            held.member = member;
        }
        self
    }

    pub(super) async fn begin(&self, media: &MediaInfo, analysers: &[Asked]) -> Result<(), PoolError> {
        let media = Box::new(media.clone());
        let member = self.member()?;
        member.begin_job();
        member.send(&ToPool::Begin { job: self.job, media, analysers: analysers.to_vec() }, &[]).await
    }

    fn member(&self) -> Result<&Member, PoolError> {
        self.held.as_ref().map(|held| &held.member).ok_or_else(|| PoolError::Crashed("the job is over".to_owned()))
    }
}

#[async_trait]
impl Session for Open {
    async fn feed(&self, input: Input) -> Result<(), PoolError> {
        let member = self.member()?;
        let refused = |error: wire::WireError| PoolError::Crashed(error.to_string());
        match input {
            Input::Pictures(track, frames) => {
                let head = wire::frames_head(self.job, track, &frames).map_err(refused)?;
                member.room(track).await?;
                let pictures: Vec<&[u8]> = frames.iter().map(|frame| &*frame.rgb).collect();
                member.send(&head, &pictures).await
            }
            Input::Sound(pcm) => {
                member.room(Track::Audio).await?;
                member.send(&ToPool::Audio { job: self.job, time_ms: pcm.time_ms }, &[&wire::pcm_bytes(&pcm)]).await
            }
            Input::Findings { of, lines, last } => {
                member.room(Track::Findings).await?;
                member.send(&ToPool::Findings { job: self.job, of, last }, &[&lines]).await
            }
        }
    }

    async fn end(&self) -> Result<(), PoolError> {
        let member = self.member()?;
        member.expect_end();
        member.send(&ToPool::End { job: self.job }, &[]).await
    }

    async fn forget(&self, analyser: &str) -> Result<(), PoolError> {
        self.member()?.send(&ToPool::Forget { job: self.job, analyser: analyser.to_owned() }, &[]).await
    }

    async fn next(&self) -> Result<Said, PoolError> {
        loop {
            let (head, payload) = self.member()?.next().await?;
            match head {
                FromPool::Findings { job, analyser } if job == self.job => {
                    return Ok(Said::Findings { analyser, lines: payload.into() });
                }
                FromPool::Finished { job, analyser, outcome } if job == self.job => {
                    let spans = serde_json::from_slice(&payload);
                    let spans = spans.map_err(|error| PoolError::Crashed(format!("spans of `{analyser}`: {error}")))?;
                    return Ok(Said::Finished { analyser, outcome, spans });
                }
                FromPool::Idle { job, cache } if job == self.job => {
                    self.member()?.note_cache(cache);
                    self.member()?.end_job();
                    return Ok(Said::Idle);
                }
                other => tracing::debug!(?other, "a word of another job"),
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        if !held.member.has_job() {
            self.shared.give_back(held.member);
            return;
        }
        if !held.member.is_up() {
            return;
        }
        let (shared, job) = (self.shared.clone(), self.job);
        // Without a runtime there is nobody to wait: letting go of the member kills it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(call_off(shared, held, job));
        }
    }
}

/// Waits for a cancelled job to stop, so that the member stays warm; kills it when it does not. The permit is given back last.
async fn call_off(shared: Arc<Shared>, held: Held, job: u64) {
    let Held { member, permit } = held;
    let stopped = async {
        member.send(&ToPool::Cancel { job }, &[]).await?;
        loop {
            if let (FromPool::Idle { cache, .. }, _) = member.next().await? {
                member.note_cache(cache);
                return Ok::<(), PoolError>(());
            }
        }
    };
    let stopped = tokio::time::timeout(CANCEL_GRACE, stopped).await;
    if matches!(stopped, Ok(Ok(()))) {
        member.end_job();
        shared.give_back(member);
    }
    drop(permit);
}
