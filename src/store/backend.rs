//! The one implementation of the four traits, over either database.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::postgres::PostgresBackend;
use super::sql::{Done, Tx};
use super::sqlite::SqliteBackend;
use super::{Backoff, SharedStore, StoreError, StoreUrl};

/// What a store is opened with, beside its address.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// How tasks are tried again.
    pub backoff: Backoff,
    /// Source of randomness for the backoff: answers numbers in [0, 1).
    pub jitter: fn() -> f64,
    /// Connections for reads (SQLite), or for everything (PostgreSQL).
    pub connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { backoff: Backoff::default(), jitter: rand::random::<f64>, connections: 8 }
    }
}

/// What a transaction does: a plain function over plain data, so that a group can run it and a deadlock can repeat it.
pub(super) type Run<A, T> = for<'a> fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Done<T>>;

/// Which work goes first when several wait for SQLite's writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Ends of tasks and renewals of leases.
    Ends,
    /// Everything else.
    Rest,
}

/// Opens a store and brings its tables up to date. An SQLite file must be opened by one process only; the caller holds the lock.
///
/// # Errors
/// When the database cannot be opened, does not answer, or was written by a newer version.
pub async fn open(url: &StoreUrl) -> Result<SharedStore, StoreError> {
    open_with(url, StoreOptions::default()).await
}

/// Like [`open`], with other options than the usual.
///
/// # Errors
/// As [`open`].
pub async fn open_with(url: &StoreUrl, options: StoreOptions) -> Result<SharedStore, StoreError> {
    let (changes, _) = watch::channel(0);
    let backend = match url {
        StoreUrl::Sqlite(path) => Backend::Sqlite(SqliteBackend::open(path, options.connections, changes.clone()).await?),
        StoreUrl::Postgres(url) => Backend::Postgres(PostgresBackend::open(url, options.connections, changes.clone()).await?),
    };
    let mut store = SqlStore { backend, changes, options, installation: String::new() };
    let fresh = hex::encode(rand::random::<[u8; 12]>());
    store.installation = store.write(Lane::Rest, fresh, |tx, fresh| Box::pin(installation(tx, fresh))).await?;
    Ok(std::sync::Arc::new(store))
}

/// The id of this installation: `fresh` when the database is new.
async fn installation(tx: &mut Tx, fresh: &str) -> Done<String> {
    tx.execute(
        "INSERT INTO installation (one, id, epoch, forgotten_epoch, forgotten_xid, forgotten_id) VALUES (1, $1, 0, 0, 0, 0)
         ON CONFLICT (one) DO NOTHING",
        &[fresh.into()],
    )
    .await?;
    tx.fetch_one("SELECT id FROM installation", &[]).await?.text()
}

enum Backend {
    Sqlite(SqliteBackend),
    Postgres(PostgresBackend),
}

/// A store on SQL.
pub(super) struct SqlStore {
    backend: Backend,
    changes: watch::Sender<u64>,
    pub(super) options: StoreOptions,
    pub(super) installation: String,
}

impl SqlStore {
    /// A connection for reads; each statement sees what was committed before it.
    pub(super) async fn read(&self) -> Done<Tx> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.read().await,
            Backend::Postgres(postgres) => postgres.read().await,
        }
    }

    /// Runs `run` over `args` in a transaction of its own; answers after the commit. A failure leaves nothing.
    pub(super) async fn write<A, T>(&self, lane: Lane, args: A, run: Run<A, T>) -> Done<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(lane, args, run).await,
            Backend::Postgres(postgres) => postgres.write(args, run).await,
        }
    }

    /// Resolves after the next commit from now on that wakes, at the latest after `fallback`.
    pub(super) fn change(&self, fallback: Duration) -> impl Future<Output = ()> + Send + 'static {
        let mut changes = self.changes.subscribe();
        async move {
            // An error means that the store is gone, or that the time is up: both are spurious returns.
            drop(tokio::time::timeout(fallback, changes.changed()).await);
        }
    }
}
