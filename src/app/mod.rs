//! Composition root: opens the backends, starts the roles, waits. The only module that knows every other.

mod catalogue;
mod first_login;
mod local;
mod lock;
mod pools;
mod probes;
mod settings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::blob::{BlobUrl, Blobs};
use crate::broker::{self, Broker, BrokerUrl};
use crate::config::Config;
use crate::model::WorkerId;
use crate::serve;
use crate::source::Random;
use crate::source::announce::Announcer;
use crate::source::feed::Feed;
use crate::store::{self, SharedStore, StoreUrl};
use crate::telemetry;
use crate::work::Worker;

pub use local::Local;
pub use pools::{AnalysisPools, run_pool};
pub use settings::{analysers, media_limits};

/// Name of the socket in the data folder.
pub const SOCKET: &str = "weir.sock";

/// What listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listen {
    /// The API's address, the metrics' address and the socket in the data folder.
    Everywhere,
    /// The socket alone: a command that does the work itself.
    SocketOnly,
}

/// A running weir.
struct Running {
    worker: Worker,
    pools: AnalysisPools,
    roles: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    drain: Duration,
    _lock: lock::FolderLock,
}

/// `weir serve`: runs until SIGINT or SIGTERM.
///
/// # Errors
/// When a backend does not open, the folder is in use, an address is taken, or a role ends by itself.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let lock = match lock::ask(&config.data).with_context(|| format!("`{}`", config.data.display()))? {
        lock::Asked::Ours(lock) => lock,
        lock::Asked::Held { process } => {
            anyhow::bail!(
                "`{}` is in use by another weir (process {process}); stop it, or give another `--data DIR`",
                config.data.display()
            )
        }
    };
    let mut running = start(&config, lock, Listen::Everywhere).await?;
    tracing::info!("weir is ready at http://{}", config.http.listen);
    let ended = tokio::select! {
        signal = signalled() => signal.map(|name| tracing::info!("{name}: stopping")),
        ended = running.roles.join_next() => match ended {
            Some(result) => result.map_err(anyhow::Error::from).and_then(|inner| inner).and(Err(anyhow::anyhow!("a role ended by itself"))),
            None => Ok(()),
        },
    };
    running.stop().await;
    ended
}

/// Checks what can be checked without opening anything: the three addresses and the analysers' names.
///
/// # Errors
/// With words for the user.
pub fn check(config: &Config) -> anyhow::Result<()> {
    addresses(config)?;
    analysers(config)?;
    config.pool.iter().try_for_each(|pool| pools::running(config, pool).map(drop))
}

fn addresses(config: &Config) -> anyhow::Result<(StoreUrl, BlobUrl, BrokerUrl)> {
    let store = config.store.parse::<StoreUrl>().map_err(anyhow::Error::msg)?;
    let blobs = config.blobs.parse::<BlobUrl>().map_err(anyhow::Error::msg)?;
    let broker = config.broker.parse::<BrokerUrl>().map_err(anyhow::Error::msg)?;
    Ok((store, blobs, broker))
}

async fn start(config: &Config, lock: lock::FolderLock, listen: Listen) -> anyhow::Result<Running> {
    check(config)?;
    let (store_url, blob_url, broker_url) = addresses(config)?;
    let log_lines = settings::log_to(config, listen)?;
    let random = Random::strong();
    let store = store::open(&store_url).await?;
    let blobs = Blobs::open(&blob_url)?;
    let broker = broker::open(&broker_url)?;
    if first_login::ensure(&store, &config.data, &random).await? {
        tracing::info!("made an admin and an API key; they are in `{}`", first_login::file(&config.data).display());
    }
    let node = WorkerId::from_random(random.bytes());
    let stop = CancellationToken::new();
    let mut roles = JoinSet::new();
    role(&mut roles, log_lines.run(Arc::clone(&store), stop.clone()));
    let (pools, reuse) = (AnalysisPools::new(config)?, Arc::default());
    let worker = settings::start_worker(config, &store, &blobs, &node, &pools, &reuse)?;
    start_relays(&mut roles, &store, &blobs, &broker, &node, &stop).await?;
    let metrics = telemetry::install_metrics().context("metrics")?;
    role(&mut roles, telemetry::keep_metrics(metrics.clone(), stop.clone()));
    let app = serve::App {
        config: settings::serve(config),
        secret: secret(&config.data, &random)?,
        clock: serve::Clock::wall(),
        announcer: Some(Announcer::new(Arc::clone(&broker))),
        probes: probes::all(config),
        analyser_limits: settings::analyser_limits(config)?,
        models: Arc::new(catalogue::Models::new(config, pools.clone(), reuse)?),
        metrics: Some(metrics),
        stop: stop.clone(),
        store,
        blobs,
        random,
    };
    listen_on(config, listen, app, &stop, &mut roles).await?;
    Ok(Running { worker, pools, roles, stop, drain: config.work.drain, _lock: lock })
}

/// Opens the listeners and serves on them. An address that is taken is an error here, before anything is said to be ready.
async fn listen_on(
    config: &Config,
    listen: Listen,
    app: serve::App,
    stop: &CancellationToken,
    roles: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let limits = settings::limits(config);
    let metrics = app.metrics.clone();
    let router = serve::router(app);
    if listen == Listen::Everywhere {
        let address = config.http.listen;
        let listener = TcpListener::bind(address).await.with_context(|| format!("`http.listen` {address}"))?;
        role(roles, serve::listen(listener, router.clone(), limits, stop.clone()));
        if let (Some(handle), false) = (metrics, config.metrics.listen.is_empty()) {
            let address = &config.metrics.listen;
            let listener = TcpListener::bind(address).await.with_context(|| format!("`metrics.listen` {address}"))?;
            role(roles, serve::listen(listener, serve::metrics::router(handle), limits, stop.clone()));
        }
    }
    let (socket, stop) = (config.data.join(SOCKET), stop.clone());
    let listener = serve::bind_unix(&socket).with_context(|| format!("`{}`", socket.display()))?;
    roles.spawn(async move {
        let served = serve::listen_unix(listener, &socket, router, limits, stop).await;
        served.with_context(|| format!("`{}`", socket.display()))
    });
    Ok(())
}

/// Starts a role that ends when it is told to stop.
fn role(roles: &mut JoinSet<anyhow::Result<()>>, work: impl Future<Output = ()> + Send + 'static) {
    roles.spawn(async move {
        work.await;
        Ok(())
    });
}

/// Events out, announcements in.
async fn start_relays(
    roles: &mut JoinSet<anyhow::Result<()>>,
    store: &SharedStore,
    blobs: &Blobs,
    broker: &Arc<dyn Broker>,
    node: &WorkerId,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    role(roles, crate::relay::run(Arc::clone(store), Arc::clone(broker), node.clone(), stop.clone()));
    let feed = Feed {
        store: Arc::clone(store),
        blobs: blobs.clone(),
        broker: Arc::clone(broker),
        installation: store.installation().await?,
        holder: node.clone(),
    };
    role(roles, feed.run(stop.clone()));
    Ok(())
}

impl Running {
    /// Stops in order: no new requests, no new work; running tasks get the drain time.
    async fn stop(mut self) {
        self.stop.cancel();
        self.worker.stop().await;
        self.pools.stop();
        let roles = async { while self.roles.join_next().await.is_some() {} };
        if tokio::time::timeout(self.drain, roles).await.is_err() {
            tracing::warn!("some connections did not end in time; they are cut");
        }
    }
}

/// The name of the first stop signal.
async fn signalled() -> anyhow::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    })
}

/// The 32 bytes that sign playback addresses; made on the first start.
fn secret(data: &Path, random: &Random) -> anyhow::Result<[u8; 32]> {
    let path = data.join("secret");
    match std::fs::read(&path) {
        Ok(bytes) => {
            bytes.try_into().map_err(|_| anyhow::anyhow!("`{}` is not 32 bytes; restore it from a backup", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let bytes = random.bytes();
            first_login::write_private(&path, &bytes)?;
            Ok(bytes)
        }
        Err(error) => Err(error).with_context(|| format!("`{}`", path.display())),
    }
}
