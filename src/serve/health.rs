//! Whether the parts work. Store and blobs are needed for everything: without them the answer is 503. Without another part weir
//! still stores and plays, so it is named and the answer stays 200.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::{Ctx, Server};

/// A probe that takes longer has failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// An answer is good for so long, so that asking often costs nothing.
const FRESH: Duration = Duration::from_secs(1);

/// The state of one part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PartHealth {
    /// Whether it works.
    pub ok: bool,
    /// What else is known of it.
    #[serde(flatten)]
    pub detail: BTreeMap<String, serde_json::Value>,
}

impl PartHealth {
    /// It works.
    pub fn good() -> Self {
        Self { ok: true, detail: BTreeMap::new() }
    }

    /// It does not, because …
    pub fn bad(why: impl Into<String>) -> Self {
        Self { ok: false, detail: BTreeMap::new() }.with("error", why.into())
    }

    /// One more thing that is known of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// Looks at one part: ffmpeg, sandbox, models, workers. The app passes them in.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Its name in `/health`.
    fn part(&self) -> &'static str;
    /// Looks.
    async fn probe(&self) -> PartHealth;
}

/// The state of every part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HealthAnswer {
    /// `ok`, `degraded` (a part that playback does not need is missing) or `down`.
    pub status: &'static str,
    /// By name: store, blobs, ffmpeg, sandbox, models, workers.
    pub parts: BTreeMap<String, PartHealth>,
}

/// The last answer.
#[derive(Default)]
pub struct Cache(Mutex<Option<(Instant, Arc<HealthAnswer>)>>);

/// The state of every part.
#[utoipa::path(
    get, path = "/health", tag = "health",
    extensions(("x-weir-role" = json!("none"))),
    responses((status = 200, body = HealthAnswer), (status = 503, body = HealthAnswer))
)]
pub async fn health(State(server): Ctx) -> (StatusCode, Json<HealthAnswer>) {
    let answer = server.health().await;
    (status_of(&answer), Json(HealthAnswer::clone(&answer)))
}

/// Whether the process runs.
#[utoipa::path(
    get, path = "/health/live", tag = "health",
    extensions(("x-weir-role" = json!("none"))),
    responses((status = 200))
)]
pub async fn live() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether requests can be served.
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    extensions(("x-weir-role" = json!("none"))),
    responses((status = 200), (status = 503))
)]
pub async fn ready(State(server): Ctx) -> (StatusCode, Json<serde_json::Value>) {
    let answer = server.health().await;
    (status_of(&answer), Json(json!({ "status": answer.status })))
}

fn status_of(answer: &HealthAnswer) -> StatusCode {
    if answer.status == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

impl Server {
    async fn health(&self) -> Arc<HealthAnswer> {
        let mut last = self.health.0.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Arc::clone(answer);
        }
        let answer = Arc::new(self.look().await);
        *last = Some((Instant::now(), Arc::clone(&answer)));
        answer
    }

    async fn look(&self) -> HealthAnswer {
        let store = in_time(async {
            match self.app.store.ping().await {
                Ok(()) => PartHealth::good(),
                Err(error) => PartHealth::bad(error.to_string()),
            }
        })
        .await;
        let blobs = self.look_at_blobs();
        let needed = store.ok && blobs.ok;
        let others = futures::future::join_all(self.app.probes.iter().map(|probe| in_time(probe.probe()))).await;
        let mut parts = BTreeMap::from([("store".to_owned(), store), ("blobs".to_owned(), blobs)]);
        parts.extend(self.app.probes.iter().map(|probe| probe.part().to_owned()).zip(others));
        let status = match (needed, parts.values().all(|part| part.ok)) {
            (false, _) => "down",
            (true, false) => "degraded",
            (true, true) => "ok",
        };
        HealthAnswer { status, parts }
    }

    /// A full disk takes no uploads, yet what is there still plays: it is said, and the part is fine.
    fn look_at_blobs(&self) -> PartHealth {
        match self.app.blobs.free_bytes() {
            Ok(free) => {
                let reserve = self.app.config.upload.reserve_bytes;
                PartHealth::good().with("free_bytes", free).with("reserve_bytes", reserve).with("takes_uploads", free > reserve)
            }
            Err(error) => PartHealth::bad(error.to_string()),
        }
    }
}

async fn in_time(probe: impl Future<Output = PartHealth>) -> PartHealth {
    tokio::time::timeout(PROBE_TIMEOUT, probe)
        .await
        .unwrap_or_else(|_| PartHealth::bad(format!("no answer within {} s", PROBE_TIMEOUT.as_secs())))
}
