//! A PostgreSQL server of the test run's own: Debian's programs, a free port, a temporary folder, one database per test.
//!
//! A shell stands between the test run and the server and reads from a pipe that the run holds: when the run ends in any way, a
//! SIGKILL included, the pipe closes, and the shell stops the server and removes the folder. Nothing here shows what a power cut
//! leaves, so the server does not sync.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use weir::store::{PostgresUrl, StoreUrl};

/// Starts a server in `$1` on port `$2` with the programs of `$3`; ends it when the standard input ends.
const KEEPER: &str = r#"
    "$3/initdb" -D "$1/data" -U weir -A trust -N -E UTF8 --locale=C.UTF-8 >"$1/initdb.log" 2>&1 || { cat "$1/initdb.log"; exit 1; }
    "$3/postgres" -D "$1/data" -p "$2" -k "$1" -c listen_addresses=127.0.0.1 -c max_connections=400 -c shared_buffers=32MB \
        -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 </dev/null >"$1/server.log" 2>&1 &
    server=$!
    trap '' HUP INT TERM
    for try in $(seq 1 300); do
        "$3/pg_isready" -q -h 127.0.0.1 -p "$2" && { echo ready; break; }
        kill -0 $server 2>/dev/null || { cat "$1/server.log"; break; }
        sleep 0.1
    done
    read -r _
    kill -QUIT $server; wait $server
    rm -rf "$1"
"#;

struct Server {
    port: u16,
    /// Holds the pipe; never waited for, since it ends with the run.
    _keeper: Child,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A new, empty database; none when PostgreSQL is not installed, which is said once.
pub(crate) async fn database() -> Option<StoreUrl> {
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(start).as_ref()).await.unwrap()?;
    let name = format!("weir_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = connect(server.port, "postgres").await;
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    Some(StoreUrl::Postgres(PostgresUrl {
        user: "weir".to_owned(),
        password: String::new(),
        host: "127.0.0.1".to_owned(),
        port: server.port,
        database: name,
    }))
}

/// A connection beside the store's.
pub(crate) async fn connect_beside(url: &StoreUrl) -> sqlx::PgConnection {
    let StoreUrl::Postgres(url) = url else { panic!("not a PostgreSQL database") };
    connect(url.port, &url.database).await
}

async fn connect(port: u16, database: &str) -> sqlx::PgConnection {
    let options =
        sqlx::postgres::PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("weir").database(database);
    <sqlx::PgConnection as sqlx::Connection>::connect_with(&options).await.unwrap()
}

fn start() -> Option<Server> {
    let Some(programs) = programs() else {
        println!("skipped: no PostgreSQL server (apt install postgresql)");
        return None;
    };
    let folder = tempfile::Builder::new().prefix("weir-postgres-").tempdir().unwrap().keep();
    let port = free_port();
    let mut shell = as_postgres(&folder);
    shell.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(port.to_string()).arg(&programs);
    // A group of its own: Ctrl-C reaches the test run, and the keeper by its pipe.
    let mut keeper = shell
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(keeper.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "ready" {
            return Some(Server { port, _keeper: keeper });
        }
        said.push_str(&line);
        said.push('\n');
    }
    panic!("PostgreSQL does not start:\n{said}");
}

/// Where `postgres` lies: Debian keeps it out of PATH.
fn programs() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok();
    let configured = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    versions.into_iter().rev().chain(configured).find(|folder| folder.join("postgres").exists())
}

/// A shell that may start the server: it refuses to run as root.
fn as_postgres(folder: &Path) -> Command {
    if std::fs::metadata(folder).unwrap().uid() != 0 {
        return Command::new("sh");
    }
    let owned = Command::new("chown").arg("postgres").arg(folder).status().unwrap();
    assert!(owned.success(), "there is no user postgres");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut shell = Command::new("runuser");
    shell.args(["-u", "postgres", "--", "sh"]);
    shell
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
