//! Accounts and API keys.

use super::super::sql::{Done, Row, Tx};
use crate::model::{Account, AccountId, ApiKey, ApiKeyId};

/// The use of a key is noted at most this often.
const NOTE_EVERY_MS: i64 = 60_000;

pub(super) async fn add(tx: &mut Tx, account: &Account) -> Done<bool> {
    let added = tx
        .execute(
            "INSERT INTO accounts (id, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                account.id.as_str().into(),
                account.name.as_str().into(),
                account.role.as_str().into(),
                account.password_hash.as_str().into(),
                account.created_at.into(),
            ],
        )
        .await?;
    Ok(added > 0)
}

/// An account of the columns `id, name, role, password_hash, created_at`.
pub(super) fn read(row: &mut Row) -> Done<Account> {
    Ok(Account { id: row.parsed()?, name: row.text()?, role: row.parsed()?, password_hash: row.text()?, created_at: row.at()? })
}

pub(super) async fn by_name(tx: &mut Tx, name: &str) -> Done<Option<Account>> {
    let row = tx
        .fetch_optional("SELECT id, name, role, password_hash, created_at FROM accounts WHERE name = $1", &[name.into()])
        .await?;
    row.map(|mut row| read(&mut row)).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Done<Vec<Account>> {
    let rows = tx.fetch("SELECT id, name, role, password_hash, created_at FROM accounts ORDER BY name LIMIT 1000", &[]).await?;
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

pub(super) async fn delete(tx: &mut Tx, id: &AccountId) -> Done<bool> {
    // Its sign-ins go with it.
    Ok(tx.execute("DELETE FROM accounts WHERE id = $1", &[id.as_str().into()]).await? > 0)
}

pub(super) async fn update(tx: &mut Tx, account: &Account) -> Done<bool> {
    let touched = tx
        .execute(
            "UPDATE accounts SET role = $1, password_hash = $2 WHERE id = $3",
            &[account.role.as_str().into(), account.password_hash.as_str().into(), account.id.as_str().into()],
        )
        .await?;
    Ok(touched > 0)
}

pub(super) async fn add_key(tx: &mut Tx, key: &ApiKey) -> Done<()> {
    tx.execute(
        "INSERT INTO api_keys (id, name, role, owner, secret_sha256, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            key.id.as_str().into(),
            key.name.as_str().into(),
            key.role.as_str().into(),
            key.owner.as_str().into(),
            key.secret_sha256.as_str().into(),
            key.created_at.into(),
            key.last_used_at.into(),
        ],
    )
    .await?;
    Ok(())
}

fn read_key(row: &mut Row) -> Done<ApiKey> {
    Ok(ApiKey {
        id: row.parsed()?,
        name: row.text()?,
        role: row.parsed()?,
        owner: row.text()?,
        secret_sha256: row.text()?,
        created_at: row.at()?,
        last_used_at: row.opt_at()?,
    })
}

/// The key, and whether its use of this minute is noted.
pub(super) async fn key_by_secret(tx: &mut Tx, secret_sha256: &str) -> Done<(Option<ApiKey>, bool)> {
    let row = tx
        .fetch_optional(
            "SELECT id, name, role, owner, secret_sha256, created_at, last_used_at FROM api_keys WHERE secret_sha256 = $1",
            &[secret_sha256.into()],
        )
        .await?;
    let Some(mut row) = row else { return Ok((None, true)) };
    let key = read_key(&mut row)?;
    let now = tx.now().await?;
    let is_noted = key.last_used_at.is_some_and(|used| now.ms_since(used) < NOTE_EVERY_MS);
    Ok((Some(key), is_noted))
}

pub(super) async fn note_use(tx: &mut Tx, id: &ApiKeyId) -> Done<()> {
    let now = tx.now().await?;
    tx.execute("UPDATE api_keys SET last_used_at = $1 WHERE id = $2", &[now.into(), id.as_str().into()]).await?;
    Ok(())
}

pub(super) async fn all_keys(tx: &mut Tx) -> Done<Vec<ApiKey>> {
    let rows = tx
        .fetch(
            "SELECT id, name, role, owner, secret_sha256, created_at, last_used_at FROM api_keys
             ORDER BY created_at DESC, id DESC LIMIT 1000",
            &[],
        )
        .await?;
    rows.into_iter().map(|mut row| read_key(&mut row)).collect()
}

pub(super) async fn delete_key(tx: &mut Tx, id: &ApiKeyId) -> Done<bool> {
    Ok(tx.execute("DELETE FROM api_keys WHERE id = $1", &[id.as_str().into()]).await? > 0)
}
