//! Who may do what.

use serde::{Deserialize, Serialize};

use super::video::states;
use super::{AccountId, ApiKeyId, Key, Micros, PlaySessionId, VideoId};

states!(
    /// What an account or an API key may do; each role may do what the ones before it may.
    Role {
        /// Look and play.
        Viewer = "viewer",
        /// And label.
        Reviewer = "reviewer",
        /// And upload, delete, re-analyse, drive tasks.
        Operator = "operator",
        /// And accounts, keys, logs.
        Admin = "admin",
    }
);

impl Role {
    /// Whether this role includes `needed`.
    pub fn may(self, needed: Self) -> bool {
        self as u8 >= needed as u8
    }
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Sign-in name, unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Argon2id hash in PHC form; never leaves the server.
    #[serde(skip_serializing, default)]
    pub password_hash: String,
    /// When it was made.
    pub created_at: Micros,
}

/// An API key; its secret is shown once and kept as SHA-256 only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for, in words.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Who its uploads belong to.
    pub owner: String,
    /// SHA-256 of the secret, hex; never leaves the server.
    #[serde(skip_serializing, default)]
    pub secret_sha256: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Micros>,
}

/// A sign-in of the dashboard: a cookie's row.
#[derive(Debug, Clone, PartialEq)]
pub struct SignIn {
    /// SHA-256 of the cookie's value, hex.
    pub cookie_sha256: String,
    /// Whose.
    pub account: AccountId,
    /// What a changing request must repeat in `X-CSRF-Token`.
    pub csrf: String,
    /// It ends here.
    pub expires_at: Micros,
}

/// An opened playback session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaySession {
    /// Its id.
    pub id: PlaySessionId,
    /// SHA-256 of the token, hex.
    #[serde(skip_serializing, default)]
    pub token_sha256: String,
    /// What it plays.
    pub video: VideoId,
    /// Folder of the renditions when it was opened.
    pub variants: Key,
    /// Folder of the playlists when it was opened.
    pub manifests: Key,
    /// It ends here.
    pub expires_at: Micros,
    /// It cannot be renewed beyond this.
    pub renew_until: Micros,
    /// It was revoked.
    pub revoked: bool,
}
