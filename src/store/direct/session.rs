//! Sign-ins of the dashboard and playback sessions.

use super::super::sql::{Done, Row, Tx};
use super::account;
use crate::model::{Account, Micros, PlaySession, PlaySessionId, SignIn};

pub(super) async fn add_sign_in(tx: &mut Tx, sign_in: &SignIn) -> Done<()> {
    let now = tx.now().await?;
    tx.execute("DELETE FROM sign_ins WHERE expires_at <= $1", &[now.into()]).await?;
    tx.execute(
        "INSERT INTO sign_ins (cookie_sha256, account, csrf, expires_at) VALUES ($1, $2, $3, $4)",
        &[
            sign_in.cookie_sha256.as_str().into(),
            sign_in.account.as_str().into(),
            sign_in.csrf.as_str().into(),
            sign_in.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn sign_in(tx: &mut Tx, cookie_sha256: &str) -> Done<Option<(SignIn, Account)>> {
    let now = tx.now().await?;
    let row = tx
        .fetch_optional(
            "SELECT s.cookie_sha256, s.account, s.csrf, s.expires_at, a.id, a.name, a.role, a.password_hash, a.created_at
               FROM sign_ins s JOIN accounts a ON a.id = s.account WHERE s.cookie_sha256 = $1 AND s.expires_at > $2",
            &[cookie_sha256.into(), now.into()],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let sign_in = SignIn { cookie_sha256: row.text()?, account: row.parsed()?, csrf: row.text()?, expires_at: row.at()? };
    Ok(Some((sign_in, account::read(&mut row)?)))
}

pub(super) async fn delete_sign_in(tx: &mut Tx, cookie_sha256: &str) -> Done<()> {
    tx.execute("DELETE FROM sign_ins WHERE cookie_sha256 = $1", &[cookie_sha256.into()]).await?;
    Ok(())
}

/// Two that open the same token at the same time get the same session.
pub(super) async fn open(tx: &mut Tx, session: &PlaySession) -> Done<PlaySession> {
    tx.execute(
        "INSERT INTO play_sessions (id, token_sha256, video, variants, manifests, expires_at, renew_until, revoked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (token_sha256) DO NOTHING",
        &[
            session.id.as_str().into(),
            session.token_sha256.as_str().into(),
            session.video.as_str().into(),
            session.variants.as_str().into(),
            session.manifests.as_str().into(),
            session.expires_at.into(),
            session.renew_until.into(),
        ],
    )
    .await?;
    read(tx.fetch_one(BY_TOKEN, &[session.token_sha256.as_str().into()]).await?)
}

const BY_TOKEN: &str = "SELECT id, token_sha256, video, variants, manifests, expires_at, renew_until, revoked FROM play_sessions \
                        WHERE token_sha256 = $1";

fn read(mut row: Row) -> Done<PlaySession> {
    Ok(PlaySession {
        id: row.parsed()?,
        token_sha256: row.text()?,
        video: row.parsed()?,
        variants: row.parsed()?,
        manifests: row.parsed()?,
        expires_at: row.at()?,
        renew_until: row.at()?,
        revoked: row.flag()?,
    })
}

pub(super) async fn by_token(tx: &mut Tx, token_sha256: &str) -> Done<Option<PlaySession>> {
    tx.fetch_optional(BY_TOKEN, &[token_sha256.into()]).await?.map(read).transpose()
}

pub(super) async fn renew(tx: &mut Tx, id: &PlaySessionId, expires_at: Micros) -> Done<Option<PlaySession>> {
    let row = tx
        .fetch_optional(
            "UPDATE play_sessions SET expires_at = CASE WHEN $1 < renew_until THEN $1 ELSE renew_until END
             WHERE id = $2 AND revoked = 0
             RETURNING id, token_sha256, video, variants, manifests, expires_at, renew_until, revoked",
            &[expires_at.into(), id.as_str().into()],
        )
        .await?;
    row.map(read).transpose()
}

pub(super) async fn revoke(tx: &mut Tx, id: &PlaySessionId) -> Done<bool> {
    Ok(tx.execute("UPDATE play_sessions SET revoked = 1 WHERE id = $1", &[id.as_str().into()]).await? > 0)
}
