//! Playback sessions: opened by the first GET of the master playlist within the address's time, then good for everything below the
//! token until their end.
//!
//! A session plays the renditions that it was opened with. What was looked up is remembered for three seconds, so revocation,
//! deletion and a closed gate are seen within five, and a segment costs no look-up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Answer, Code, Problem, ProblemBody};
use super::extract::Id;
use super::play_token::{self, Ticket};
use super::wire::Moment;
use super::{Ctx, Gate, PlaybackConfig, Server};
use crate::model::{Decision, Key, Micros, PlaySession, PlaySessionId, Video, VideoStatus};

const REMEMBERED_FOR: Duration = Duration::from_secs(3);
/// Sessions that are remembered; beyond it all are looked up again.
const REMEMBERED: usize = 10_000;

/// What a session may read.
#[derive(Debug, Clone)]
pub struct Playing {
    /// Folder of the renditions.
    pub variants: Key,
    /// Folder of the playlists.
    pub manifests: Key,
    /// The poster.
    pub poster: Option<Key>,
    expires_at: Micros,
}

/// Sessions looked up of late, by the digest of their token.
#[derive(Default)]
pub struct Players(Mutex<HashMap<String, (Playing, Instant)>>);

impl Players {
    fn recent(&self, digest: &str) -> Option<Playing> {
        let players = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        players.get(digest).filter(|(_, since)| since.elapsed() < REMEMBERED_FOR).map(|(playing, _)| playing.clone())
    }

    fn remember(&self, digest: String, playing: Playing) {
        let mut players = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if players.len() >= REMEMBERED {
            players.clear();
        }
        players.insert(digest, (playing, Instant::now()));
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What a request for an unopened address may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Open the session: a GET of the master playlist.
    Open,
    /// See what opening would give, for HEAD.
    Look,
    /// Nothing.
    Refuse,
}

/// When a session ends.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionAnswer {
    /// The session.
    pub id: PlaySessionId,
    /// Its end.
    pub expires_at: Moment,
}

impl Server {
    /// What the token may read now.
    ///
    /// # Errors
    /// `not_found` for a text that weir did not sign, `gone`, `gated`.
    pub(super) async fn playing(&self, token: &str, opening: Opening) -> Answer<Playing> {
        let ticket =
            play_token::read(&self.app.secret, token).ok_or_else(|| Problem::not_found("this is not a playback address"))?;
        let digest = play_token::digest(token);
        let now = self.app.clock.now();
        if let Some(playing) = self.players.recent(&digest) {
            return in_time(playing, now);
        }
        let gone = || Problem::new(Code::Gone, "the video is deleted");
        let video = self.app.store.video(&ticket.video).await?.ok_or_else(gone)?;
        self.check_gate(&video)?;
        let session = match self.app.store.play_session(&digest).await? {
            Some(session) => session,
            None => self.open(token, &ticket, &video, opening).await?,
        };
        if session.revoked {
            return Err(Problem::new(Code::Gone, "the playback session was revoked"));
        }
        let playing = Playing {
            variants: session.variants,
            manifests: session.manifests,
            poster: video.poster,
            expires_at: session.expires_at,
        };
        if opening != Opening::Look {
            self.players.remember(digest, playing.clone());
        }
        in_time(playing, now)
    }

    async fn open(&self, token: &str, ticket: &Ticket, video: &Video, opening: Opening) -> Answer<PlaySession> {
        let now = self.app.clock.now();
        let config = &self.app.config.playback;
        if now.ms_since(ticket.issued) >= config.address_ttl.as_millis() as i64 {
            return Err(Problem::new(Code::Gone, "the playback address was not opened in time; ask for another"));
        }
        if opening == Opening::Refuse {
            return Err(Problem::not_found("the playback session is not open; get master.m3u8 first"));
        }
        let (variants, manifests) = folders(video)?;
        let session = PlaySession {
            id: play_token::session_id(token),
            token_sha256: play_token::digest(token),
            video: video.id.clone(),
            variants,
            manifests,
            expires_at: now.plus_ms(length_ms(config, video.duration_ms)),
            renew_until: now.plus_ms(config.max_session.as_millis() as i64),
            revoked: false,
        };
        match opening {
            Opening::Open => Ok(self.app.store.open_play_session(&session).await?),
            Opening::Look | Opening::Refuse => Ok(session),
        }
    }

    /// Whether the video may be played now: it is packaged, and the gate is open.
    ///
    /// # Errors
    /// `gated`.
    pub(super) fn check_gate(&self, video: &Video) -> Answer<()> {
        let said = video.human_label.as_ref().map_or(video.decision, |label| label.label);
        if self.app.config.playback.gate == Gate::None || said == Decision::Safe {
            return Ok(());
        }
        Err(Problem::new(Code::Gated, format!("playback waits until video `{}` is safe; it is `{said}`", video.id)))
    }
}

/// Where a packaged video's playlists and renditions lie.
///
/// # Errors
/// `conflict` when it is not packaged.
pub fn folders(video: &Video) -> Answer<(Key, Key)> {
    match (video.status, &video.variants, &video.manifests) {
        (VideoStatus::Ready, Some(variants), Some(manifests)) => Ok((variants.clone(), manifests.clone())),
        _ => Err(Problem::conflict(format!("video `{}` is `{}`; it plays when it is `ready`", video.id, video.status))),
    }
}

/// max(`min_session`, 2 × duration + 30 min), at most `max_session`.
fn length_ms(config: &PlaybackConfig, duration_ms: Option<i64>) -> i64 {
    let watching_ms = duration_ms.unwrap_or(0).saturating_mul(2).saturating_add(30 * 60 * 1000);
    watching_ms.max(config.min_session.as_millis() as i64).min(config.max_session.as_millis() as i64)
}

fn in_time(playing: Playing, now: Micros) -> Answer<Playing> {
    if now >= playing.expires_at {
        return Err(Problem::new(Code::Gone, "the playback session is over"));
    }
    Ok(playing)
}

/// Play on: the session ends later, at most a day after it was opened.
#[utoipa::path(
    post, path = "/play/sessions/{id}/renew", tag = "playback", params(("id" = PlaySessionId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = SessionAnswer), (status = 410, body = ProblemBody))
)]
pub async fn renew(State(server): Ctx, Id(id): Id<PlaySessionId>) -> Answer<Json<SessionAnswer>> {
    let gone = || Problem::new(Code::Gone, format!("no open playback session `{id}`"));
    let until = |duration_ms| server.app.clock.now().plus_ms(length_ms(&server.app.config.playback, duration_ms));
    let shortest = server.app.store.renew_play_session(&id, until(None)).await?.ok_or_else(gone)?;
    let video = server.app.store.video(&shortest.video).await?.ok_or_else(gone)?;
    let session = server.app.store.renew_play_session(&id, until(video.duration_ms)).await?.ok_or_else(gone)?;
    server.players.forget();
    Ok(Json(SessionAnswer { id, expires_at: Moment(session.expires_at) }))
}

/// End a session: every node refuses it within 5 s.
#[utoipa::path(
    delete, path = "/play/sessions/{id}", tag = "playback", params(("id" = PlaySessionId, Path)),
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub async fn revoke(State(server): Ctx, Id(id): Id<PlaySessionId>) -> Answer<StatusCode> {
    if !server.app.store.revoke_play_session(&id).await? {
        return Err(Problem::not_found(format!("no playback session `{id}`")));
    }
    server.players.forget();
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::ServeConfig;

    #[test]
    fn a_session_lasts_for_two_views_and_a_pause_within_its_bounds() {
        let config = ServeConfig::default().playback;
        let hour = 3_600_000;
        assert_eq!(length_ms(&config, None), hour);
        assert_eq!(length_ms(&config, Some(10_000)), hour);
        assert_eq!(length_ms(&config, Some(2 * hour)), 4 * hour + hour / 2);
        assert_eq!(length_ms(&config, Some(100 * hour)), 24 * hour);
        assert_eq!(length_ms(&config, Some(i64::MAX)), 24 * hour);
    }
}
