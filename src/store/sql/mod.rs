//! The thin layer that lets every statement be written once: a transaction on either database, plain values in, plain rows out.
//!
//! What both databases accept is written directly (`$1` placeholders, `ON CONFLICT`, `RETURNING`, ids as TEXT, times as BIGINT
//! microseconds, JSON as TEXT, truth values as 0 and 1). What differs is in [`dialect`].

pub(in crate::store) mod dialect;
mod failure;
mod value;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgQueryResult, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteQueryResult};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr, Transaction};

pub(in crate::store) use failure::{Done, Failure};
pub(in crate::store) use value::{Row, Value};

use crate::model::{Cursor, Micros, Topic};

/// The connection under a transaction.
pub(in crate::store) enum Conn {
    /// The one writer, which keeps it for the life of the store.
    SqliteWriter(Box<SqliteConnection>),
    /// A reader.
    SqliteReader(PoolConnection<Sqlite>),
    /// A transaction that rolls back when it is dropped.
    Postgres(Transaction<'static, Postgres>),
    /// A connection outside any transaction, for reads.
    PostgresReader(PoolConnection<Postgres>),
}

/// A transaction, or a connection for reads, with what is known of it.
pub(in crate::store) struct Tx {
    conn: Conn,
    now: Option<Micros>,
    wakes: bool,
    last_event: Option<Cursor>,
}

/// A statement on one database's driver.
enum Statement<'c> {
    Sqlite(&'c mut SqliteConnection, sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>),
    Postgres(&'c mut PgConnection, sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>),
}

impl Tx {
    /// Wraps a connection.
    pub(in crate::store) fn new(conn: Conn) -> Self {
        Self { conn, now: None, wakes: false, last_event: None }
    }

    /// Gives the connection back, to commit it.
    pub(in crate::store) fn into_conn(self) -> Conn {
        self.conn
    }

    /// Forgets what is known of the transaction: the next record begins.
    pub(in crate::store) fn begin_record(&mut self) {
        self.now = None;
        self.wakes = false;
        self.last_event = None;
    }

    /// The commit of this transaction wakes those that wait for changes.
    pub(in crate::store) fn wake(&mut self) {
        self.wakes = true;
    }

    /// Whether the commit wakes those that wait.
    pub(in crate::store) fn wakes(&self) -> bool {
        self.wakes
    }

    /// Notes an appended event.
    pub(in crate::store) fn appended(&mut self, cursor: Cursor) {
        self.last_event = Some(cursor);
        self.wakes = true;
    }

    /// The last event that this record appended.
    pub(in crate::store) fn last_event(&self) -> Cursor {
        self.last_event.unwrap_or_default()
    }

    /// The database's time, read once per record.
    pub(in crate::store) async fn now(&mut self) -> Done<Micros> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = dialect::now(self).await?;
        self.now = Some(now);
        Ok(now)
    }

    /// Runs a statement; answers how many rows it touched.
    pub(in crate::store) async fn execute(&mut self, sql: &'static str, values: &[Value]) -> Done<u64> {
        self.execute_str(sql.into_sql_str(), values).await
    }

    /// Like [`Tx::execute`] for a statement put together from fixed parts; data goes into `values`, never into the text.
    pub(in crate::store) async fn execute_built(&mut self, sql: String, values: &[Value]) -> Done<u64> {
        self.execute_str(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// Runs a statement and answers its rows.
    pub(in crate::store) async fn fetch(&mut self, sql: &'static str, values: &[Value]) -> Done<Vec<Row>> {
        self.fetch_str(sql.into_sql_str(), values).await
    }

    /// Like [`Tx::fetch`] for a statement put together from fixed parts; data goes into `values`, never into the text.
    pub(in crate::store) async fn fetch_built(&mut self, sql: String, values: &[Value]) -> Done<Vec<Row>> {
        self.fetch_str(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// The first row, if any.
    pub(in crate::store) async fn fetch_optional(&mut self, sql: &'static str, values: &[Value]) -> Done<Option<Row>> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// The first row; an error when there is none.
    pub(in crate::store) async fn fetch_one(&mut self, sql: &'static str, values: &[Value]) -> Done<Row> {
        self.fetch_optional(sql, values).await?.ok_or_else(|| Failure::Row("a row is missing".to_owned()))
    }

    /// Runs `BEGIN`, `SAVEPOINT` and the like, unprepared.
    pub(in crate::store) async fn control(&mut self, sql: &'static str) -> Done<()> {
        match &mut self.conn {
            Conn::SqliteWriter(conn) => conn.execute(sql).await.map(|_| ())?,
            Conn::SqliteReader(conn) => conn.execute(sql).await.map(|_| ())?,
            Conn::Postgres(conn) => conn.execute(sql).await.map(|_| ())?,
            Conn::PostgresReader(conn) => conn.execute(sql).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Whether this is PostgreSQL; only [`dialect`] asks.
    fn is_postgres(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_) | Conn::PostgresReader(_))
    }

    async fn execute_str(&mut self, sql: SqlStr, values: &[Value]) -> Done<u64> {
        Ok(match self.statement(sql, values) {
            Statement::Sqlite(conn, query) => query.execute(conn).await.map(|done: SqliteQueryResult| done.rows_affected())?,
            Statement::Postgres(conn, query) => query.execute(conn).await.map(|done: PgQueryResult| done.rows_affected())?,
        })
    }

    async fn fetch_str(&mut self, sql: SqlStr, values: &[Value]) -> Done<Vec<Row>> {
        match self.statement(sql, values) {
            Statement::Sqlite(conn, query) => query.fetch_all(conn).await?.iter().map(value::sqlite_row).collect(),
            Statement::Postgres(conn, query) => query.fetch_all(conn).await?.iter().map(value::postgres_row).collect(),
        }
    }

    fn statement(&mut self, sql: SqlStr, values: &[Value]) -> Statement<'_> {
        let sqlite = |sql, conn| {
            let query = values.iter().fold(sqlx::query::<Sqlite>(sql), |query, value| match value {
                Value::Int(int) => query.bind(*int),
                Value::Real(real) => query.bind(*real),
                Value::Text(text) => query.bind(text.clone()),
            });
            Statement::Sqlite(conn, query)
        };
        let postgres = |sql, conn| {
            let query = values.iter().fold(sqlx::query::<Postgres>(sql), |query, value| match value {
                Value::Int(int) => query.bind(*int),
                Value::Real(real) => query.bind(*real),
                Value::Text(text) => query.bind(text.clone()),
            });
            Statement::Postgres(conn, query)
        };
        match &mut self.conn {
            Conn::SqliteWriter(conn) => sqlite(sql, conn),
            Conn::SqliteReader(conn) => sqlite(sql, conn),
            Conn::Postgres(conn) => postgres(sql, conn),
            Conn::PostgresReader(conn) => postgres(sql, conn),
        }
    }
}

/// `$from, $from+1, …`: placeholders for `count` values.
pub(in crate::store) fn placeholders(from: usize, count: usize) -> String {
    (from..from + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Appends rows to a table: `columns` as a comma-separated list, every row with as many values.
pub(in crate::store) async fn insert_many(
    tx: &mut Tx,
    table: &'static str,
    columns: &'static str,
    rows: Vec<Vec<Value>>,
) -> Done<()> {
    let Some(width) = rows.first().map(Vec::len) else { return Ok(()) };
    let tuples: Vec<_> = (0..rows.len()).map(|row| format!("({})", placeholders(1 + row * width, width))).collect();
    let values: Vec<Value> = rows.into_iter().flatten().collect();
    tx.execute_built(format!("INSERT INTO {table} ({columns}) VALUES {}", tuples.join(", ")), &values).await?;
    Ok(())
}

/// Appends an event; readers see it after the commit.
pub(in crate::store) async fn append_event(tx: &mut Tx, form: &crate::model::EventForm) -> Done<()> {
    let at = tx.now().await?;
    let mut row = tx
        .fetch_one(
            "INSERT INTO events (epoch, at, topic, key, kind, data) VALUES ((SELECT epoch FROM installation), $1, $2, $3, $4, $5)
             RETURNING epoch, CAST(CAST(xid AS TEXT) AS BIGINT), id",
            &[
                at.into(),
                form.topic.map(Topic::as_str).into(),
                form.key.as_str().into(),
                form.kind.as_str().into(),
                form.data.to_string().into(),
            ],
        )
        .await?;
    tx.appended(Cursor { epoch: row.int()?, xid: row.int()?, id: row.int()? });
    Ok(())
}
