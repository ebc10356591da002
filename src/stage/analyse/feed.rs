//! The decode of a round, given to the jobs of all pools.

use super::pass::{Group, Shared, Subject};
use super::plan::{Needs, track_of};
use super::pool::Input;
use super::wire::Track;
use crate::media::MediaError;
use crate::media::decode::{Chunk, Decoding, Plan};
use crate::media::frame::{Frame, Pcm, SAMPLE_RATE};
use crate::stage::StageError;

/// Sound is given in pieces of this many samples: 10 s, so that four of them keep the ears busy while the eyes are behind.
const SOUND_SAMPLES: usize = 10 * SAMPLE_RATE as usize;

/// Decodes what the groups want, gives it to them, and ends their input. A pool that dies is left out; its listener says so.
pub(super) async fn feed(subject: Subject<'_>, groups: &[Group], shared: &Shared) -> Result<(), StageError> {
    let wishes = groups.iter().flat_map(|group| group.wishes.iter().copied());
    if let Err(error) = decode(subject, Needs::of(wishes), groups, shared).await {
        tracing::info!(%error, "decoding broke off");
        shared.with(|state| state.cut_short = Some(error.to_string()));
    }
    for group in groups.iter().filter(|group| group.is_up()) {
        group.note(group.session.end().await);
    }
    shared.fed.notify_one();
    Ok(())
}

async fn decode(subject: Subject<'_>, needs: Needs, groups: &[Group], shared: &Shared) -> Result<(), MediaError> {
    let plan =
        Plan { every_frame_small: needs.small, sampled_fps: needs.large_fps, detail_fps: needs.detail_fps, audio: needs.audio };
    let mut decoding = Decoding::start(subject.path, subject.media, plan, subject.limits).await?;
    let mut sound = Sound::default();
    let mut ended = Ok(());
    while let Some(chunk) = decoding.recv().await {
        let (input, at_ms) = match chunk {
            Ok(Chunk::Small(frames)) => pictures(Track::Small, frames),
            Ok(Chunk::Large(frames)) => pictures(Track::Large, frames),
            Ok(Chunk::Detail(frames)) => pictures(Track::Detail, frames),
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
            give(groups, input).await;
        }
        let share = at_ms as f32 / subject.media.duration_ms.max(1) as f32;
        shared.with(|state| state.given = state.given.max(share.clamp(0.0, 1.0)));
        if groups.iter().all(Group::is_through) {
            return Ok(());
        }
    }
    if let Some(rest) = sound.rest() {
        give(groups, Input::Sound(rest)).await;
    }
    ended
}

fn pictures(track: Track, frames: Vec<Frame>) -> (Option<Input>, i64) {
    let at_ms = frames.last().map_or(0, |frame| frame.time_ms);
    (Some(Input::Pictures(track, frames)), at_ms)
}

/// To every group that wants it; the slowest sets the pace.
async fn give(groups: &[Group], input: Input) {
    let track = match &input {
        Input::Pictures(track, _) => *track,
        Input::Sound(_) => Track::Audio,
        Input::Findings { .. } => Track::Findings,
    };
    let wants = |group: &&Group| group.is_up() && group.wishes.iter().any(|wish| track_of(*wish) == Some(track));
    for group in groups.iter().filter(wants) {
        group.note(group.session.feed(input.clone()).await);
    }
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
