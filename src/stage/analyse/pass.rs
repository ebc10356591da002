//! Passes over a medium: one decode feeds one pool job. Normally there is one pass. When its pool process dies, the analysers that
//! had not ended get a pass each, so that one that breaks the process does not keep the others from their results.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::io::AsyncWriteExt;

use super::outcome::Looked;
use super::plan::Needs;
use super::pool::{Input, Pool, PoolError, Said, Session};
use super::wire::Track;
use crate::analyser::{Analyser, Sampling};
use crate::media::decode::{Chunk, Decoding, Plan};
use crate::media::frame::{Pcm, SAMPLE_RATE};
use crate::media::{Limits, MediaError};
use crate::model::{AnalyserStatus, MediaInfo};
use crate::stage::StageError;

/// Sound is given in pieces of this many samples: 10 s, so that four of them keep the ears busy while the eyes are behind.
const SOUND_SAMPLES: usize = 10 * SAMPLE_RATE as usize;
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
    pub pool: &'a dyn Pool,
}

/// Why a pass ended early.
enum Broken {
    Pool(PoolError),
    Stage(StageError),
}

impl From<PoolError> for Broken {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

/// Lets every analyser look. Each is finished exactly once when this is `Ok`. Dropping the future stops decoder and job.
///
/// # Errors
/// `Retry` when no pool can be started; what the watcher answers.
pub async fn look(subject: Subject<'_>, analysers: &[Arc<dyn Analyser>], watcher: &mut dyn Watcher) -> Result<(), StageError> {
    let mut open = Vec::new();
    for analyser in analysers {
        match nothing_for(analyser.spec().sampling, subject.media) {
            Some(reason) => {
                let name = analyser.spec().name;
                watcher.finished(Looked::nothing(name, AnalyserStatus::Skipped, reason.to_owned())).await?;
            }
            None => open.push(analyser.clone()),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let Some(why) = pass(subject, &mut open, watcher).await? else { return Ok(()) };
    tracing::warn!(why, left = open.len(), "a pool process died; the analysers that are left run one by one");
    for analyser in open {
        let mut alone = vec![analyser];
        let why = pass(subject, &mut alone, watcher).await?;
        if let (Some(why), Some(analyser)) = (why, alone.first()) {
            watcher.finished(Looked::quarantined(analyser.spec().name, &why)).await?;
        }
    }
    Ok(())
}

fn nothing_for(wish: Sampling, media: &MediaInfo) -> Option<&'static str> {
    match wish {
        Sampling::EveryFrame | Sampling::Sampled { .. } => media.video.is_none().then_some("no video track"),
        Sampling::Audio => media.audio.is_none().then_some("no audio track"),
    }
}

/// One decode and one job. Takes those that ended out of `open`; answers how the process died, if it did.
async fn pass(
    subject: Subject<'_>,
    open: &mut Vec<Arc<dyn Analyser>>,
    watcher: &mut dyn Watcher,
) -> Result<Option<String>, StageError> {
    for analyser in open.iter() {
        remove(&file_of(subject.scratch, analyser.spec().name)).await?;
    }
    let names: Vec<String> = open.iter().map(|analyser| analyser.spec().name.to_owned()).collect();
    let begun = subject.pool.begin(subject.media, &names).await;
    let session = match begun {
        Ok(session) => session,
        Err(PoolError::Start(why)) => return Err(StageError::Retry(format!("pool: {why}"))),
        Err(PoolError::Crashed(why)) => return Ok(Some(why)),
    };
    let shared = Shared::default();
    let needs = Needs::of(open.iter().map(|analyser| analyser.spec().sampling));
    let mut listener = Listener { open, watcher, shared: &shared, scratch: subject.scratch };
    let fed = feed(subject, needs, &*session, &shared);
    let heard = listener.listen(&*session);
    match tokio::try_join!(fed, heard) {
        Ok(_) => Ok(None),
        Err(Broken::Pool(error)) => Ok(Some(error.to_string())),
        Err(Broken::Stage(error)) => Err(error),
    }
}

/// A process that died may have left half of its findings.
async fn remove(file: &Path) -> Result<(), StageError> {
    match tokio::fs::remove_file(file).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StageError::Retry(format!("scratch: {error}"))),
        _ => Ok(()),
    }
}

fn file_of(scratch: &Path, analyser: &str) -> PathBuf {
    scratch.join(format!("{analyser}.jsonl"))
}

/// What feeding and listening tell each other.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cut_short: Option<String>,
    given: f32,
    /// Every analyser ended, some perhaps early: more need not be decoded.
    done: bool,
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn feed(subject: Subject<'_>, needs: Needs, session: &dyn Session, shared: &Shared) -> Result<(), Broken> {
    if let Err(error) = decode_into(subject, needs, session, shared).await? {
        tracing::info!(%error, "decoding broke off");
        shared.with(|state| state.cut_short = Some(error.to_string()));
    }
    session.end().await?;
    Ok(())
}

async fn decode_into(
    subject: Subject<'_>,
    needs: Needs,
    session: &dyn Session,
    shared: &Shared,
) -> Result<Result<(), MediaError>, Broken> {
    let plan = Plan { every_frame_small: needs.small, sampled_fps: needs.large_fps, audio: needs.audio };
    let mut decoding = match Decoding::start(subject.path, subject.media, plan, subject.limits).await {
        Ok(decoding) => decoding,
        Err(error) => return Ok(Err(error)),
    };
    let mut sound = Sound::default();
    let mut ended = Ok(());
    while let Some(chunk) = decoding.recv().await {
        let (input, at_ms) = match chunk {
            Ok(Chunk::Small(frames)) => {
                let at_ms = frames.last().map_or(0, |frame| frame.time_ms);
                (Some(Input::Pictures(Track::Small, frames)), at_ms)
            }
            Ok(Chunk::Large(frames)) => {
                let at_ms = frames.last().map_or(0, |frame| frame.time_ms);
                (Some(Input::Pictures(Track::Large, frames)), at_ms)
            }
            Ok(Chunk::Audio(pcm)) => {
                let at_ms = pcm.time_ms;
                (sound.add(&pcm).map(Input::Sound), at_ms)
            }
            Err(error) => {
                ended = Err(error);
                break;
            }
        };
        if let Some(input) = input {
            session.feed(input).await?;
        }
        let share = at_ms as f32 / subject.media.duration_ms.max(1) as f32;
        let done = shared.with(|state| {
            state.given = state.given.max(share.clamp(0.0, 1.0));
            state.done
        });
        if done {
            return Ok(Ok(()));
        }
    }
    if let Some(rest) = sound.rest() {
        session.feed(Input::Sound(rest)).await?;
    }
    Ok(ended)
}

/// Gathers sound into longer pieces.
#[derive(Default)]
struct Sound {
    time_ms: i64,
    samples: Vec<f32>,
}

impl Sound {
    fn add(&mut self, pcm: &Pcm) -> Option<Pcm> {
        if self.samples.is_empty() {
            self.time_ms = pcm.time_ms;
        }
        self.samples.extend_from_slice(&pcm.samples);
        if self.samples.len() >= SOUND_SAMPLES { self.rest() } else { None }
    }

    fn rest(&mut self) -> Option<Pcm> {
        let samples = std::mem::take(&mut self.samples);
        (!samples.is_empty()).then(|| Pcm { time_ms: self.time_ms, samples: samples.into() })
    }
}

struct Listener<'a> {
    open: &'a mut Vec<Arc<dyn Analyser>>,
    watcher: &'a mut dyn Watcher,
    shared: &'a Shared,
    scratch: &'a Path,
}

impl Listener<'_> {
    async fn listen(&mut self, session: &dyn Session) -> Result<(), Broken> {
        loop {
            let said = tokio::time::timeout(std::time::Duration::from_millis(500), session.next()).await;
            self.watcher.progress(self.shared.with(|state| state.given));
            match said {
                Err(_) => {}
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(Said::Idle)) => return Ok(()),
                Ok(Ok(Said::Findings { analyser, lines })) => {
                    self.keep(&analyser, &lines).await.map_err(Broken::Stage)?;
                }
                Ok(Ok(Said::Finished { analyser, outcome, spans })) => {
                    self.open.retain(|open| open.spec().name != analyser);
                    let done = self.open.is_empty();
                    self.shared.with(|state| state.done = done);
                    let path = file_of(self.scratch, &analyser);
                    let findings = path.exists().then_some(path);
                    let mut looked = Looked { analyser, outcome, spans, findings };
                    if let Some(why) = self.shared.with(|state| state.cut_short.clone()) {
                        looked = looked.cut_short(&why);
                    }
                    self.watcher.finished(looked).await.map_err(Broken::Stage)?;
                }
            }
        }
    }

    /// Appends findings to the analyser's file.
    async fn keep(&self, analyser: &str, lines: &[u8]) -> Result<(), StageError> {
        if !self.open.iter().any(|open| open.spec().name == analyser) {
            return Err(StageError::Retry(format!("pool: findings of `{analyser}`, which was not asked")));
        }
        let write = async {
            let path = file_of(self.scratch, analyser);
            let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
            if file.metadata().await?.len() + lines.len() as u64 > FINDINGS_BYTES_MAX {
                return Err(std::io::Error::other(format!("findings of `{analyser}` are over {FINDINGS_BYTES_MAX} bytes")));
            }
            file.write_all(lines).await?;
            file.flush().await
        };
        write.await.map_err(|error: std::io::Error| StageError::Retry(format!("scratch: {error}")))
    }
}
