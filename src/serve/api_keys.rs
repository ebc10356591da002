//! API keys of programs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Ctx;
use super::error::{Answer, Problem, ProblemBody};
use super::extract::{Id, Input};
use super::identity::sha256_hex;
use super::wire::{List, Moment};
use crate::model::{ApiKey, ApiKeyId, Micros, Role};
use crate::source::Random;
use crate::source::upload::{DEFAULT_OWNER, OWNER_CHARS};

/// Names of keys may be this long.
const NAME_CHARS: usize = 100;

/// An API key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyAnswer {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose its uploads are.
    pub owner: String,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Moment>,
}

impl From<ApiKey> for ApiKeyAnswer {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            owner: key.owner,
            created_at: Moment(key.created_at),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

/// An API key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyMade {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKeyAnswer,
    /// Send it as `Authorization: Bearer SECRET` or `X-API-Key: SECRET`.
    pub secret: String,
}

/// A new key.
#[derive(Deserialize, ToSchema)]
pub struct NewApiKey {
    /// What it is for, 1 to 100 characters.
    name: String,
    /// What it may do.
    role: Role,
    /// Whose its uploads are; `default` unless said.
    owner: Option<String>,
}

/// Makes a key: the row to store and the secret to show. The secret has 256 random bits, so a plain SHA-256 keeps it.
pub fn make(name: &str, role: Role, owner: &str, random: &Random, now: Micros) -> (ApiKey, String) {
    let secret = format!("weir_{}", hex::encode(random.bytes::<32>()));
    let key = ApiKey {
        id: random.api_key(),
        name: name.to_owned(),
        role,
        owner: owner.to_owned(),
        secret_sha256: sha256_hex(secret.as_bytes()),
        created_at: now,
        last_used_at: None,
    };
    (key, secret)
}

/// All keys, newest first.
#[utoipa::path(
    get, path = "/api-keys", tag = "access",
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 200, body = List<ApiKeyAnswer>))
)]
pub async fn list(State(server): Ctx) -> Answer<Json<List<ApiKeyAnswer>>> {
    let keys = server.app.store.api_keys().await?;
    Ok(Json(List::whole(keys.into_iter().map(ApiKeyAnswer::from).collect())))
}

/// Make a key; its secret is in this answer only.
#[utoipa::path(
    post, path = "/api-keys", tag = "access", request_body = NewApiKey,
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 201, body = ApiKeyMade), (status = 400, body = ProblemBody))
)]
pub async fn add(State(server): Ctx, Input(new): Input<NewApiKey>) -> Answer<(StatusCode, Json<ApiKeyMade>)> {
    let fits = |text: &str, limit| (1..=limit).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let owner = new.owner.filter(|owner| !owner.is_empty()).unwrap_or_else(|| DEFAULT_OWNER.to_owned());
    if !fits(&new.name, NAME_CHARS) || !fits(&owner, OWNER_CHARS) {
        return Err(Problem::bad_request("`name` and `owner` have 1 to 100 characters and no control characters"));
    }
    let (key, secret) = make(&new.name, new.role, &owner, &server.app.random, server.app.store.now().await?);
    server.app.store.add_api_key(&key).await?;
    Ok((StatusCode::CREATED, Json(ApiKeyMade { key: key.into(), secret })))
}

/// Delete a key; it stops working at once.
#[utoipa::path(
    delete, path = "/api-keys/{id}", tag = "access",
    params(("id" = ApiKeyId, Path)),
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub async fn remove(State(server): Ctx, Id(id): Id<ApiKeyId>) -> Answer<StatusCode> {
    if !server.app.store.delete_api_key(&id).await? {
        return Err(Problem::not_found(format!("no API key `{id}`")));
    }
    Ok(StatusCode::NO_CONTENT)
}
