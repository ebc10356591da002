//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Ctx;
use super::error::{Answer, Code, Problem, ProblemBody};
use super::extract::Input;
use super::identity::{COOKIE, Caller, Peer, Who, sha256_hex};
use super::throttle::Subject;
use crate::model::{Role, SignIn};

/// Sign-in names may be this long.
pub const NAME_CHARS: usize = 100;

/// A name and its password.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    /// Sign-in name.
    name: String,
    /// Its password.
    password: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Myself {
    /// Account id, or the id of an API key.
    pub id: String,
    /// Sign-in name, or the name of an API key.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Who is asking.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Who.
    pub account: Myself,
    /// Send it as `X-CSRF-Token` with every changing request; absent for API keys, which need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}

/// Sign in: answers the account and sets the cookie of the session.
#[utoipa::path(
    post, path = "/auth/login", tag = "auth", request_body = Login,
    extensions(("x-weir-role" = json!("none"))),
    responses((status = 200, body = Me), (status = 401, body = ProblemBody), (status = 429, body = ProblemBody))
)]
pub async fn login(State(server): Ctx, peer: Option<Extension<Peer>>, Input(login): Input<Login>) -> Answer<Response> {
    let now = server.app.clock.now();
    let mut subjects = vec![Subject::Name(login.name.chars().take(NAME_CHARS).collect())];
    if let Some(Extension(Peer::Network(address))) = peer {
        subjects.push(Subject::address(address));
    }
    if let Some(seconds) = server.throttle.wait_s(&subjects, now) {
        return Err(Problem::new(Code::RateLimited, "too many failed sign-ins").retry_after(seconds));
    }
    let account = server.app.store.account_by_name(&login.name).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let matches = server.passwords.verify(login.password, hash).await?;
    let Some(account) = account.filter(|_| matches) else {
        server.throttle.failed(&subjects, now);
        return Err(Problem::new(Code::Unauthenticated, "name or password is wrong"));
    };
    let cookie = hex::encode(server.app.random.bytes::<32>());
    let csrf = hex::encode(server.app.random.bytes::<32>());
    let expires_at = server.app.store.now().await?.plus_ms(server.app.config.session.as_millis() as i64);
    let sign_in =
        SignIn { cookie_sha256: sha256_hex(cookie.as_bytes()), account: account.id.clone(), csrf: csrf.clone(), expires_at };
    server.app.store.add_sign_in(&sign_in).await?;
    let me = Me { account: Myself { id: account.id.into(), name: account.name, role: account.role }, csrf: Some(csrf) };
    let mut response = Json(me).into_response();
    response.headers_mut().insert(header::SET_COOKIE, server.cookie(&cookie, server.app.config.session.as_secs())?);
    Ok(response)
}

/// Sign out: ends the session of the cookie.
#[utoipa::path(
    post, path = "/auth/logout", tag = "auth",
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 204), (status = 401, body = ProblemBody))
)]
pub async fn logout(State(server): Ctx, caller: Caller) -> Answer<Response> {
    if let Who::Person { cookie_sha256, .. } = &caller.who {
        server.app.store.delete_sign_in(cookie_sha256).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, server.cookie("", 0)?);
    Ok(response)
}

/// Who is signed in.
#[utoipa::path(
    get, path = "/auth/me", tag = "auth",
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = Me), (status = 401, body = ProblemBody))
)]
pub async fn me(caller: Caller) -> Json<Me> {
    let role = caller.role;
    let (id, name, csrf) = match caller.who {
        Who::Person { account, csrf, .. } => (account.id.into(), account.name, Some(csrf)),
        Who::Program(key) => (key.id.into(), key.name, None),
        Who::Local => ("local".to_owned(), "local".to_owned(), None),
    };
    Json(Me { account: Myself { id, name, role }, csrf })
}

impl super::Server {
    fn cookie(&self, value: &str, max_age_s: u64) -> Answer<HeaderValue> {
        let secure = if self.app.config.secure_cookie { "; Secure" } else { "" };
        let text = format!("{COOKIE}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age_s}{secure}");
        HeaderValue::from_str(&text).map_err(|error| Problem::down(&error))
    }
}
