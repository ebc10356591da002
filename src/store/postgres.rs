//! PostgreSQL: a pool, one transaction per record, and a listener for the commits of other processes.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::backend::Run;
use super::sql::{Conn, Done, Failure, Tx, dialect};
use super::url::PostgresUrl;
use super::{StoreError, migrations};

/// No statement of weir's takes longer.
const STATEMENT_TIMEOUT: &str = "30s";
/// A transaction that its process has left open would hold back the readers of events.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "30s";
/// How long to wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a transaction is run when the database breaks a deadlock by ending it.
const TRIES: u32 = 5;
/// Pause of the listener after an error.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// A database that is open.
pub(super) struct PostgresBackend {
    pool: PgPool,
    changes: watch::Sender<u64>,
    listener: AbortHandle,
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl PostgresBackend {
    /// Connects, brings the tables up to date and listens for commits.
    pub(super) async fn open(url: &PostgresUrl, connections: u32, changes: watch::Sender<u64>) -> Result<Self, StoreError> {
        let named = |words: String| StoreError(format!("postgres `{}:{}/{}`: {words}", url.host, url.port, url.database));
        let options = PgConnectOptions::new_without_pgpass()
            .host(&url.host)
            .port(url.port)
            .username(&url.user)
            .password(&url.password)
            .database(&url.database)
            .application_name("weir")
            .options([
                ("statement_timeout", STATEMENT_TIMEOUT),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
            ])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(2))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(|error| named(error.to_string()))?;
        migrations::postgres().run(&pool).await.map_err(|error| named(migrations::explain(&error).0))?;
        let listener = tokio::spawn(listen(pool.clone(), changes.clone())).abort_handle();
        Ok(Self { pool, changes, listener })
    }

    /// A connection of the pool, outside any transaction.
    pub(super) async fn read(&self) -> Done<Tx> {
        Ok(Tx::new(Conn::PostgresReader(self.pool.acquire().await?)))
    }

    /// Runs the work in a transaction; again when the database ended it to break a deadlock.
    pub(super) async fn write<A, T>(&self, args: A, run: Run<A, T>) -> Done<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let mut tries = 1;
        loop {
            match self.write_once(&args, run).await {
                Err(failure) if failure.is_transient() && tries < TRIES => tries += 1,
                done => return done,
            }
        }
    }

    async fn write_once<A, T>(&self, args: &A, run: Run<A, T>) -> Done<T> {
        let mut tx = Tx::new(Conn::Postgres(self.pool.begin().await?));
        let done = run(&mut tx, args).await;
        let wakes = done.is_ok() && tx.wakes();
        if wakes {
            dialect::notify(&mut tx).await?;
        }
        let Conn::Postgres(transaction) = tx.into_conn() else {
            return Err(Failure::Row("the transaction has another kind of connection".to_owned()));
        };
        if done.is_err() {
            // Where this fails too, the connection is closed, which rolls back as well.
            drop(transaction.rollback().await);
            return done;
        }
        transaction.commit().await?;
        if wakes {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
        done
    }
}

/// Passes the commits of other processes on; a lost connection is opened again, and readers poll meanwhile.
async fn listen(pool: PgPool, changes: watch::Sender<u64>) {
    loop {
        if let Err(error) = listen_once(&pool, &changes).await {
            tracing::warn!(%error, "postgres: the listener lost its connection");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn listen_once(pool: &PgPool, changes: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(dialect::CHANNEL).await?;
    loop {
        listener.recv().await?;
        changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}
