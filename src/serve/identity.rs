//! Who is asking, and whether the route is for them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::openapi::OpenApi;

use super::Server;
use super::error::{Answer, Code, Problem};
use crate::model::{Account, AccountId, ApiKey, Role};

/// The cookie of a sign-in.
pub const COOKIE: &str = "weir_session";
/// The header that a changing request repeats the sign-in's CSRF text in.
pub const CSRF: &str = "x-csrf-token";
/// The OpenAPI extension that says which role a route needs.
pub const ROLE_EXTENSION: &str = "x-weir-role";
/// The value of [`ROLE_EXTENSION`] for routes that anyone may call.
pub const ANYONE: &str = "none";

/// Where a connection came from; the listener puts it into every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Over the network.
    Network(IpAddr),
    /// Over the socket in the data folder, which only the operator of this installation can open.
    Local,
}

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// A signed-in person.
    Person {
        /// The account.
        account: Account,
        /// What changing requests repeat.
        csrf: String,
        /// SHA-256 of the cookie, hex.
        cookie_sha256: String,
    },
    /// A program with a key.
    Program(ApiKey),
    /// The command line, over the local socket.
    Local,
}

/// Who is asking; every guarded route may take it.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// By what they are known.
    pub who: Who,
    /// What they may do.
    pub role: Role,
}

impl Caller {
    /// The account that a human label names. A key's is made of the key's own digits, so that it can be found again.
    pub fn account_id(&self) -> Answer<AccountId> {
        let digits = match &self.who {
            Who::Person { account, .. } => return Ok(account.id.clone()),
            Who::Program(key) => key.id.as_str().trim_start_matches("key-").to_owned(),
            Who::Local => "0".repeat(24),
        };
        format!("acc-{digits}").parse().map_err(|error| Problem::down(&error))
    }

    /// Whose an upload is when it does not say.
    pub fn default_owner(&self) -> String {
        match &self.who {
            Who::Program(key) => key.owner.clone(),
            Who::Person { .. } | Who::Local => String::new(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(Code::Unauthenticated, "sign in, or send an API key"))
    }
}

/// The role of every operation, as the OpenAPI document has it.
pub struct RouteRoles(HashMap<(Method, String), Option<Role>>);

impl RouteRoles {
    /// Reads the document. An operation without a role is for admins.
    pub fn of(document: &OpenApi) -> Self {
        let mut roles = HashMap::new();
        for (path, item) in &document.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
                (Method::OPTIONS, &item.options),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                let word = operation.extensions.as_ref().and_then(|all| all.get(ROLE_EXTENSION)).and_then(|role| role.as_str());
                let role = match word {
                    Some(ANYONE) => None,
                    Some(word) => Some(word.parse().unwrap_or(Role::Admin)),
                    None => Some(Role::Admin),
                };
                roles.insert((method, path.replace("{*", "{")), role);
            }
        }
        Self(roles)
    }

    /// The role that a request needs; none: anyone. Unknown routes are for admins.
    fn needed(&self, method: &Method, path: &str) -> Option<Role> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        let path = path.strip_prefix("/api").unwrap_or(path).replace("{*", "{");
        self.0.get(&(method, path)).copied().unwrap_or(Some(Role::Admin))
    }
}

/// State of [`authorise`].
#[derive(Clone)]
pub struct Guarding {
    /// For looking up keys and sign-ins.
    pub server: Arc<Server>,
    /// What each route needs.
    pub roles: Arc<RouteRoles>,
}

/// Lets a request through when its caller has the role of the route; puts the [`Caller`] into it.
///
/// # Errors
/// `unauthenticated`, `forbidden`, `csrf`.
pub async fn authorise(State(guard): State<Guarding>, mut request: Request, next: Next) -> Answer<Response> {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Some(needed) = guard.roles.needed(request.method(), &path) else {
        return Ok(next.run(request).await);
    };
    let peer = request.extensions().get::<Peer>().copied();
    let caller = identify(&guard.server, request.headers(), peer).await?;
    if !caller.role.may(needed) {
        return Err(Problem::new(Code::Forbidden, format!("this needs the role `{needed}`; yours is `{}`", caller.role)));
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes {
        check_csrf(&caller, request.headers())?;
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// A key counts before a cookie; a wrong key is not made good by a cookie.
async fn identify(server: &Server, headers: &HeaderMap, peer: Option<Peer>) -> Answer<Caller> {
    if let Some(secret) = key_of(headers) {
        let key = server.app.store.api_key_by_secret(&sha256_hex(secret.as_bytes())).await?;
        let key = key.ok_or_else(|| Problem::new(Code::Unauthenticated, "the API key is not known"))?;
        return Ok(Caller { role: key.role, who: Who::Program(key) });
    }
    if let Some(cookie) = cookie_of(headers) {
        let cookie_sha256 = sha256_hex(cookie.as_bytes());
        if let Some((sign_in, account)) = server.app.store.sign_in(&cookie_sha256).await? {
            let role = account.role;
            return Ok(Caller { role, who: Who::Person { account, csrf: sign_in.csrf, cookie_sha256 } });
        }
    }
    if peer == Some(Peer::Local) {
        return Ok(Caller { role: Role::Admin, who: Who::Local });
    }
    Err(Problem::new(Code::Unauthenticated, "sign in, or send an API key"))
}

/// Keys need no such proof: no other site can make a browser send one.
fn check_csrf(caller: &Caller, headers: &HeaderMap) -> Answer<()> {
    let Who::Person { csrf, .. } = &caller.who else { return Ok(()) };
    let given = headers.get(CSRF).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(given.ct_eq(csrf.as_bytes())) {
        return Ok(());
    }
    Err(Problem::new(Code::Csrf, "send the `csrf` of /auth/me in the header `X-CSRF-Token`"))
}

fn key_of(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// The value of the sign-in cookie.
fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    })
}

/// SHA-256 as hex: the form in which secrets are kept.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
