//! SQLite: one file in WAL mode with `synchronous=FULL`, one writer, several readers.
//!
//! The writer is a task with a connection of its own. It takes what waits, ends of tasks first, into one `BEGIN IMMEDIATE`; each
//! record has its own SAVEPOINT, so that one that fails leaves nothing and the others stay; nobody is answered before COMMIT.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot, watch};

use super::backend::{Lane, Run};
use super::sql::{Conn, Done, Failure, Tx};
use super::{RecordError, StoreError, migrations};

/// Records of one commit.
const GROUP_MAX: usize = 64;
/// A group takes no further record after this time.
const GROUP_TIME: Duration = Duration::from_millis(20);
/// Records that may wait in a lane.
const LANE_MAX: usize = 1024;
/// How long a statement waits for another process that reads or checkpoints the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A file that is open.
pub(super) struct SqliteBackend {
    readers: SqlitePool,
    ends: mpsc::Sender<Box<dyn Job>>,
    rest: mpsc::Sender<Box<dyn Job>>,
}

impl SqliteBackend {
    /// Opens the file, makes it and its folder when they are not there, and starts the writer.
    pub(super) async fn open(path: &Path, readers: u32, changes: watch::Sender<u64>) -> Result<Self, StoreError> {
        let named = |words: String| StoreError(format!("`{}`: {words}", path.display()));
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| named(error.to_string()))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut writer = SqliteConnection::connect_with(&options).await.map_err(|error| named(error.to_string()))?;
        migrations::sqlite().run_direct(None, &mut writer, false).await.map_err(|error| named(migrations::explain(&error).0))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers.max(1))
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|error| named(error.to_string()))?;
        let (ends, ends_in) = mpsc::channel(LANE_MAX);
        let (rest, rest_in) = mpsc::channel(LANE_MAX);
        tokio::spawn(write_groups(writer, Lanes { ends: ends_in, rest: rest_in }, changes));
        Ok(Self { readers, ends, rest })
    }

    /// A connection of the pool.
    pub(super) async fn read(&self) -> Done<Tx> {
        Ok(Tx::new(Conn::SqliteReader(self.readers.acquire().await?)))
    }

    /// Hands the work to the writer and waits for its commit.
    pub(super) async fn write<A, T>(&self, lane: Lane, args: A, run: Run<A, T>) -> Done<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Work { args, run, done: None, reply });
        let queue = match lane {
            Lane::Ends => &self.ends,
            Lane::Rest => &self.rest,
        };
        let stopped = || down("the writer has stopped");
        queue.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn down(words: impl Into<String>) -> Failure {
    Failure::Record(RecordError::Down(words.into()))
}

/// A piece of work whose types the writer need not know.
trait Job: Send {
    /// Does it, and keeps the answer; `false` when it must be rolled back.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool>;
    /// Answers, after the commit; `broken` when the group was lost.
    fn answer(self: Box<Self>, broken: Option<&str>);
}

struct Work<A, T> {
    args: A,
    run: Run<A, T>,
    done: Option<Done<T>>,
    reply: oneshot::Sender<Done<T>>,
}

impl<A: Send + Sync, T: Send> Job for Work<A, T> {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let done = (self.run)(tx, &self.args).await;
            let kept = done.is_ok();
            self.done = Some(done);
            kept
        })
    }

    fn answer(self: Box<Self>, broken: Option<&str>) {
        let done = match (broken, self.done) {
            (None, Some(done)) => done,
            (Some(words), _) => Err(down(words)),
            (None, None) => Err(down("the record was not run")),
        };
        // Whoever asked may have gone away; the commit stands.
        drop(self.reply.send(done));
    }
}

struct Lanes {
    ends: mpsc::Receiver<Box<dyn Job>>,
    rest: mpsc::Receiver<Box<dyn Job>>,
}

impl Lanes {
    /// The next piece of work; none when the store is gone.
    async fn next(&mut self) -> Option<Box<dyn Job>> {
        tokio::select! {
            biased;
            Some(job) = self.ends.recv() => Some(job),
            Some(job) = self.rest.recv() => Some(job),
            else => None,
        }
    }

    /// What waits now, ends first.
    fn waiting(&mut self) -> Option<Box<dyn Job>> {
        self.ends.try_recv().or_else(|_| self.rest.try_recv()).ok()
    }
}

async fn write_groups(writer: SqliteConnection, mut lanes: Lanes, changes: watch::Sender<u64>) {
    let mut tx = Tx::new(Conn::SqliteWriter(Box::new(writer)));
    while let Some(first) = lanes.next().await {
        write_group(&mut tx, first, &mut lanes, &changes).await;
    }
    if let Conn::SqliteWriter(conn) = tx.into_conn()
        && let Err(error) = conn.close().await
    {
        tracing::warn!(%error, "sqlite: the writer did not close cleanly");
    }
}

/// One commit.
async fn write_group(tx: &mut Tx, first: Box<dyn Job>, lanes: &mut Lanes, changes: &watch::Sender<u64>) {
    let begun = Instant::now();
    let mut broken = tx.control("BEGIN IMMEDIATE").await.err();
    let mut jobs = Vec::new();
    let mut wakes = false;
    let mut next = Some(first);
    while let Some(mut job) = next {
        if broken.is_none() {
            match run_one(tx, job.as_mut()).await {
                Ok(kept) => wakes |= kept && tx.wakes(),
                Err(error) => broken = Some(error),
            }
        }
        jobs.push(job);
        let full = broken.is_some() || jobs.len() >= GROUP_MAX || begun.elapsed() >= GROUP_TIME;
        next = if full { None } else { lanes.waiting() };
    }
    if broken.is_none() {
        broken = tx.control("COMMIT").await.err();
    }
    let broken = broken.map(|error| StoreError::from(error).0);
    if let Some(words) = &broken {
        tracing::error!(error = %words, records = jobs.len(), "sqlite: a group was rolled back");
        // Fails when SQLite has rolled back by itself, or when nothing was begun.
        drop(tx.control("ROLLBACK").await);
    } else if wakes {
        changes.send_modify(|count| *count = count.wrapping_add(1));
    }
    for job in jobs {
        job.answer(broken.as_deref());
    }
}

/// One record of a group; `Ok(false)` when it was rolled back alone, an error when the group is lost.
async fn run_one(tx: &mut Tx, job: &mut dyn Job) -> Done<bool> {
    tx.begin_record();
    tx.control("SAVEPOINT record").await?;
    let kept = job.run(tx).await;
    if !kept {
        tx.control("ROLLBACK TO record").await?;
    }
    tx.control("RELEASE record").await?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit is durable when it is answered, and readers cannot write.
    #[tokio::test]
    async fn the_writer_syncs_and_readers_only_read() {
        let folder = tempfile::tempdir().unwrap();
        let (changes, _) = watch::channel(0);
        let backend = SqliteBackend::open(&folder.path().join("deep/weir.db"), 2, changes).await.unwrap();
        let mode = backend.write(Lane::Rest, (), |tx, ()| {
            Box::pin(async move {
                let journal = tx.fetch_one("SELECT journal_mode FROM pragma_journal_mode", &[]).await?.text()?;
                let synchronous = tx.fetch_one("SELECT synchronous FROM pragma_synchronous", &[]).await?.int()?;
                let foreign_keys = tx.fetch_one("SELECT foreign_keys FROM pragma_foreign_keys", &[]).await?.int()?;
                Ok((journal, synchronous, foreign_keys))
            })
        });
        assert_eq!(mode.await.unwrap(), ("wal".to_owned(), 2, 1), "2 is FULL");
        let written = backend.read().await.unwrap().execute("DELETE FROM videos", &[]).await;
        assert!(matches!(written, Err(Failure::Sql(_))), "{written:?}");
    }

    /// Ends of tasks go before what waits in the other lane.
    #[tokio::test]
    async fn ends_go_first() {
        let (ends, ends_in) = mpsc::channel(4);
        let (rest, rest_in) = mpsc::channel(4);
        let mut lanes = Lanes { ends: ends_in, rest: rest_in };
        let job =
            |reply| -> Box<dyn Job> { Box::new(Work { args: (), run: |_, ()| Box::pin(async { Ok(()) }), done: None, reply }) };
        let (slow, mut slow_answer) = oneshot::channel();
        let (fast, mut fast_answer) = oneshot::channel();
        assert!(rest.send(job(slow)).await.is_ok() && ends.send(job(fast)).await.is_ok());
        lanes.next().await.unwrap().answer(Some("x"));
        assert!(fast_answer.try_recv().is_ok() && slow_answer.try_recv().is_err());
        lanes.waiting().unwrap().answer(Some("x"));
        assert!(slow_answer.try_recv().is_ok() && lanes.waiting().is_none());
    }
}
