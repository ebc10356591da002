//! The first start makes an admin and an API key, and writes them down where only the owner of the folder can read them.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::model::{Account, ApiKey, Role};
use crate::serve::password::hash_password;
use crate::source::Random;
use crate::store::SharedStore;

/// Where the first login is written.
pub(super) fn file(data: &Path) -> PathBuf {
    data.join("first-login.json")
}

/// Makes admin and key when there is no account yet; answers whether it did.
///
/// # Errors
/// When the database or the file cannot be written.
pub(super) async fn ensure(store: &SharedStore, data: &Path, random: &Random) -> anyhow::Result<bool> {
    if !store.accounts().await?.is_empty() {
        return Ok(false);
    }
    let (name, password) = ("admin", hex::encode(random.bytes::<8>()));
    let key = hex::encode(random.bytes::<24>());
    let login = json!({ "name": name, "password": password, "api_key": key });
    // The file comes first: a login that nobody can read would lock the owner out.
    write_private(&file(data), login.to_string().replace("\",\"", "\",\n \"").as_bytes()).context("first login")?;
    let now = store.now().await?;
    let hash = hash_password(&password, random).map_err(anyhow::Error::msg)?;
    store
        .add_account(&Account {
            id: random.account(),
            name: name.to_owned(),
            role: Role::Admin,
            password_hash: hash,
            created_at: now,
        })
        .await?;
    let api_key = ApiKey {
        id: random.api_key(),
        name: "first login".to_owned(),
        role: Role::Admin,
        owner: "default".to_owned(),
        secret_sha256: hex::encode(Sha256::digest(key.as_bytes())),
        created_at: now,
        last_used_at: None,
    };
    store.add_api_key(&api_key).await?;
    Ok(true)
}

/// Writes a file that only its owner may read, durably.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
