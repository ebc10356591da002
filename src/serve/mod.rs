//! HTTP: API, playback, server-sent events, dashboard, metrics. One file per area.
//!
//! Every route of the API carries `x-weir-role` in its OpenAPI operation; `identity` reads the role from there and refuses
//! whoever has less, so a route cannot be served with another role than the document says, nor without one.

#![expect(unused_qualifications, reason = "what utoipa makes of `params(TYPE)` qualifies it")]

pub mod accounts;
pub mod analysis;
pub mod api_keys;
pub mod auth;
pub mod dashboard;
pub mod error;
pub mod events;
pub mod extract;
pub mod feed;
pub mod health;
pub mod identity;
pub mod labels;
pub mod listen;
pub mod logs;
pub mod metrics;
pub mod models;
pub mod objects;
pub mod openapi;
pub mod overview;
pub mod password;
pub mod play;
pub mod play_sessions;
pub mod play_token;
pub mod tasks;
pub mod throttle;
pub mod uploads;
pub mod videos;
pub mod wire;

mod body;
mod head;
mod unix;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

pub use listen::{Limits, listen};
pub use openapi::openapi;
pub use unix::{bind_unix, listen_unix};

use crate::blob::{Blobs, PutLimits};
use crate::model::Micros;
use crate::source::Random;
use crate::source::announce::Announcer;
use crate::source::upload::Uploads;
use crate::store::SharedStore;

/// The wall clock, passed in so that a test can move it. Leases and schedules go by the database's clock instead.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Micros + Send + Sync>);

impl Clock {
    /// This machine's.
    pub fn wall() -> Self {
        Self::new(|| Micros(jiff::Timestamp::now().as_microsecond()))
    }

    /// Another one.
    pub fn new(now: impl Fn() -> Micros + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> Micros {
        (self.0)()
    }
}

/// When playback is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Never: what is ready plays.
    None,
    /// Until it was judged safe, or labelled safe by a person.
    Verdict,
}

/// Playback sessions.
#[derive(Debug, Clone, Copy)]
pub struct PlaybackConfig {
    /// An issued address must be opened within this time.
    pub address_ttl: Duration,
    /// A session lasts at least so long …
    pub min_session: Duration,
    /// … and, renewals included, at most so long.
    pub max_session: Duration,
    /// When playback is held back.
    pub gate: Gate,
}

/// Settings of the HTTP side.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Size limit of an upload and the disk reserve.
    pub upload: PutLimits,
    /// Attempts of each task before it is dead.
    pub max_attempts: i32,
    /// A sign-in lasts so long.
    pub session: Duration,
    /// Whether cookies carry `Secure`.
    pub secure_cookie: bool,
    /// Playback sessions.
    pub playback: PlaybackConfig,
    /// Whether `/metrics` is on the API's address too.
    pub metrics_on_api: bool,
    /// Event streams at the same time.
    pub max_event_streams: usize,
    /// An event stream is ended after so long; the client goes on from its last event.
    pub event_stream: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            upload: PutLimits { max_bytes: 20 << 30, reserve_bytes: 1 << 30 },
            max_attempts: 4,
            session: Duration::from_hours(12),
            secure_cookie: false,
            playback: PlaybackConfig {
                address_ttl: Duration::from_hours(1),
                min_session: Duration::from_hours(1),
                max_session: Duration::from_hours(24),
                gate: Gate::None,
            },
            metrics_on_api: false,
            max_event_streams: 256,
            event_stream: Duration::from_mins(10),
        }
    }
}

/// Everything that the HTTP side is given.
#[derive(Clone)]
pub struct App {
    /// The truth.
    pub store: SharedStore,
    /// The bytes.
    pub blobs: Blobs,
    /// Settings.
    pub config: ServeConfig,
    /// Signs playback addresses; the same over restarts.
    pub secret: [u8; 32],
    /// The wall clock.
    pub clock: Clock,
    /// For ids and secrets.
    pub random: Random,
    /// Where `POST /feed/{topic}` goes; none: it answers `down`.
    pub announcer: Option<Announcer>,
    /// Parts of `/health` beside store and blobs.
    pub probes: Vec<Arc<dyn health::Probe>>,
    /// What a reader of each analyser's results must know, by its name.
    pub analyser_limits: BTreeMap<String, String>,
    /// The models.
    pub models: Arc<dyn models::Catalogue>,
    /// What `/metrics` shows; none: 404.
    pub metrics: Option<PrometheusHandle>,
    /// Ends event streams.
    pub stop: CancellationToken,
}

/// The state behind the routes.
pub struct Server {
    app: App,
    uploads: Uploads,
    passwords: password::Passwords,
    throttle: throttle::Throttle,
    players: play_sessions::Players,
    health: health::Cache,
    event_streams: Arc<tokio::sync::Semaphore>,
}

/// How handlers take the state.
pub(crate) type Ctx = State<Arc<Server>>;

impl Server {
    fn new(app: App) -> Self {
        let uploads = Uploads {
            store: Arc::clone(&app.store),
            blobs: app.blobs.clone(),
            limits: app.config.upload,
            max_attempts: app.config.max_attempts,
            random: app.random.clone(),
        };
        let event_streams = Arc::new(tokio::sync::Semaphore::new(app.config.max_event_streams));
        Self {
            uploads,
            passwords: password::Passwords::default(),
            throttle: throttle::Throttle::default(),
            players: play_sessions::Players::default(),
            health: health::Cache::default(),
            event_streams,
            app,
        }
    }
}

/// The whole HTTP side: the API (also under `/api`), playback, Swagger UI and the dashboard.
pub fn router(app: App) -> Router {
    let (routes, document) = openapi::routes().split_for_parts();
    let server = Arc::new(Server::new(app));
    let roles = Arc::new(identity::RouteRoles::of(&document));
    let guard = identity::Guarding { server: Arc::clone(&server), roles };
    let api =
        routes.route_layer(axum::middleware::from_fn_with_state(guard, identity::authorise)).with_state(Arc::clone(&server));
    let mut whole = Router::new().merge(openapi::swagger()).merge(api.clone()).nest("/api", api.fallback(dashboard::no_route));
    if let Some(handle) = server.app.metrics.as_ref().filter(|_| server.app.config.metrics_on_api) {
        whole = whole.merge(metrics::router(handle.clone()));
    }
    whole
        .fallback(dashboard::page)
        .method_not_allowed_fallback(dashboard::no_method)
        .layer(axum::middleware::from_fn(dashboard::security_headers))
        .layer(axum::middleware::from_fn(metrics::observe))
        .layer(axum::extract::DefaultBodyLimit::disable())
}
