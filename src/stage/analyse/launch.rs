//! Starting a pool's process, so that it never outlives the worker.

use std::ffi::OsString;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::media::{Sandbox, spawn};

/// How many heaps glibc makes for one process.
const HEAPS: &str = "MALLOC_ARENA_MAX";

/// Starts `command` with `socket` as standard input. It dies with this process, and with the value that is answered.
///
/// The environment is ours: the pool is the same program and reads the same configuration.
///
/// # Errors
/// When the program cannot be started.
pub async fn start(command: &[OsString], socket: Stdio) -> std::io::Result<Child> {
    let sandbox = tokio::task::spawn_blocking(Sandbox::detect).await.map_err(std::io::Error::other)?;
    let mut words = sandbox.tied().into_iter().map(OsString::from).chain(command.iter().cloned());
    let program = words.next().ok_or_else(|| std::io::Error::other("no command"))?;
    let mut wrapped = Command::new(program);
    wrapped.args(words);
    wrapped.stdin(socket).stdout(Stdio::null()).stderr(Stdio::inherit());
    // One heap for the threads of all analysers, which take turns at large tensors. In three pairs it took a fifth less memory and, in the
    // median, 4 % more time than many heaps, glibc's default; who has the memory says so in the environment.
    if std::env::var_os(HEAPS).is_none() {
        wrapped.env(HEAPS, "1");
    }
    spawn::spawn(wrapped).await
}

/// Resident memory of a process.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
