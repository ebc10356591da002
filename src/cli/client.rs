//! The API's client: over DIR/weir.sock or over HTTP.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Exit;

/// A running weir to talk to.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    api_key: Option<String>,
}

/// An answer that is not 2xx.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {detail}")]
pub(super) struct Refused {
    /// HTTP status.
    pub(super) status: u16,
    /// Stable code of the problem.
    pub(super) code: String,
    /// Words.
    pub(super) detail: String,
}

impl Client {
    /// Through the socket of the server that holds a data folder.
    pub(super) fn unix(socket: &Path) -> Result<Self, Exit> {
        let http = reqwest::Client::builder().unix_socket(socket).build().map_err(unreachable_server)?;
        Ok(Self { http, base: "http://weir".to_owned(), api_key: None })
    }

    /// Over HTTP.
    pub(super) fn http(server: &str, api_key: Option<String>) -> Result<Self, Exit> {
        if !server.starts_with("http://") {
            return Err(Exit::bad_use(format!("`--server {server}`: write it like `http://127.0.0.1:8080`")));
        }
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).build().map_err(unreachable_server)?;
        Ok(Self { http, base: server.trim_end_matches('/').to_owned(), api_key })
    }

    /// The address that others reach the API at, for links.
    pub(super) fn address(&self, path: &str) -> String {
        if self.base == "http://weir" { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.http.get(format!("{}{path}", self.base)).timeout(Duration::from_secs(60))).await
    }

    pub(super) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.http.post(format!("{}{path}", self.base)).timeout(Duration::from_secs(60))).await
    }

    /// Sends bytes with their length; no time limit but the server's.
    pub(super) async fn upload(&self, query: &[(&str, String)], body: reqwest::Body, size_bytes: u64) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}/vod/upload", self.base)).query(query);
        self.send(request.header("content-type", "application/octet-stream").header("content-length", size_bytes).body(body))
            .await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let text = answer.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Err(Refused { status: status.as_u16(), code: word("code"), detail: word("detail") }.into())
    }
}

fn unreachable_server(error: reqwest::Error) -> Exit {
    Exit::other(format!("cannot make a client: {error}"))
}

/// The exit for an error of a call.
pub(super) fn exit_of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<Refused>() {
        Some(refused) if refused.status == 422 => Exit::media(format!("{}: {}", refused.code, refused.detail)),
        Some(refused) if matches!(refused.status, 401 | 403) => {
            Exit::bad_use(format!("{}; give `--api-key KEY` of a key that may do it", refused.detail))
        }
        _ => Exit::other(format!("{error:#}")),
    }
}
