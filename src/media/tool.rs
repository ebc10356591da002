//! Running ffmpeg and ffprobe on hostile bytes.
//!
//! * Input is a regular local file that we opened, handed over as standard input and opened anew by the program as
//!   `/proc/self/fd/0` (a pipe cannot be sought). `-protocol_whitelist file` and `-format_whitelist` keep playlists, concat
//!   scripts and image patterns from naming other files or addresses: such a file is refused before its text is followed.
//! * A network of its own, no capabilities, dead with its parent, limits on time, memory and output: see [`Sandbox`].
//! * One child, one process group; whoever drops [`Running`] kills the group, and a task waits for it, so no zombie stays.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::sandbox::PATH;
use super::{MediaError, Sandbox, spawn};

/// Demuxers that may open an upload. Never hls, dash, concat or image2: they open other files.
const FORMATS: &str = "mov,matroska,mpegts,mpeg,flv,avi,asf,mxf,ogg,wav,w64,aiff,mp3,flac,aac,ac3,amr,caf,gif,png_pipe,\
                       jpeg_pipe,webp_pipe";
/// This much of the end of standard error is kept.
const TAIL_BYTES: usize = 8 << 10;

/// What a child may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caps {
    /// Time on the clock.
    pub wall: Duration,
    /// Processor time, over all its threads.
    pub cpu: Duration,
    /// Address space.
    pub memory_bytes: u64,
    /// Size of any file that it writes.
    pub file_bytes: u64,
}

/// The programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Decodes and encodes.
    Ffmpeg,
    /// Describes.
    Ffprobe,
}

/// One run.
#[derive(Debug)]
pub struct Job {
    /// What runs.
    pub program: Program,
    /// Options before the input, for example `-t`.
    pub before: Vec<String>,
    /// Options after the input.
    pub after: Vec<String>,
    /// The bytes.
    pub input: File,
    /// Working folder: output files are named relative to it. None: the root, where nothing is written.
    pub folder: Option<PathBuf>,
    /// What it may use.
    pub caps: Caps,
}

/// How a run ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether the program says that it went well.
    pub success: bool,
    /// The end of its standard error.
    pub stderr: String,
}

/// A running child; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    /// What it writes; must be read, or it stalls.
    pub stdout: ChildStdout,
    ended: JoinHandle<Result<Ended, MediaError>>,
    stop: DropGuard,
}

/// Opens a medium for [`Job::input`].
///
/// # Errors
/// `Tool` when it is not there or no regular file, `Empty`.
pub fn open(path: &Path) -> Result<File, MediaError> {
    let file = File::open(path).map_err(|error| MediaError::io("the file cannot be opened", &error))?;
    let about = file.metadata().map_err(|error| MediaError::io("the file cannot be read", &error))?;
    if !about.is_file() {
        return Err(MediaError::Tool("the input is no regular file".to_owned()));
    }
    if about.len() == 0 {
        return Err(MediaError::Empty);
    }
    Ok(file)
}

impl Running {
    /// Waits for the end. Read `stdout` to its end first.
    ///
    /// # Errors
    /// `Timeout`, `OverLimit` (memory, output size), `Tool` (killed by a signal).
    pub async fn wait(self) -> Result<Ended, MediaError> {
        let Self { stdout, ended, stop } = self;
        drop(stdout);
        let ended = ended.await.map_err(|error| MediaError::Tool(format!("the child was not waited for: {error}")))?;
        drop(stop);
        ended
    }

    /// Takes what is needed to wait on its own, when `stdout` is read elsewhere.
    pub(super) fn split(self) -> (ChildStdout, Waiting) {
        (self.stdout, Waiting { ended: self.ended, _stop: self.stop })
    }
}

/// The end of a running child; dropping it kills the child.
#[derive(Debug)]
pub(super) struct Waiting {
    ended: JoinHandle<Result<Ended, MediaError>>,
    _stop: DropGuard,
}

impl Waiting {
    /// Waits for the end.
    pub(super) async fn wait(&mut self) -> Result<Ended, MediaError> {
        (&mut self.ended).await.map_err(|error| MediaError::Tool(format!("the child was not waited for: {error}")))?
    }
}

/// Starts a run.
///
/// # Errors
/// `Tool` when the program cannot be started.
pub async fn start(job: Job) -> Result<Running, MediaError> {
    let sandbox = tokio::task::spawn_blocking(Sandbox::detect).await;
    let sandbox = sandbox.map_err(|error| MediaError::Tool(format!("the sandbox was not found out: {error}")))?;
    let caps = job.caps;
    let mut child =
        spawn::spawn(command(job, sandbox)).await.map_err(|error| MediaError::io("ffmpeg cannot be started", &error))?;
    let Some(stdout) = child.stdout.take() else { return Err(MediaError::Tool("the child has no output".to_owned())) };
    let stop = CancellationToken::new();
    let ended = tokio::spawn(supervise(child, stop.clone(), caps));
    Ok(Running { stdout, ended, stop: stop.drop_guard() })
}

/// Runs to the end and answers what it wrote, at most `max_bytes`.
///
/// # Errors
/// As [`Running::wait`]; `OverLimit` when it writes more.
pub async fn output(job: Job, max_bytes: usize) -> Result<(Vec<u8>, Ended), MediaError> {
    let mut running = start(job).await?;
    let mut out = Vec::new();
    let limit = max_bytes as u64 + 1;
    let read = (&mut running.stdout).take(limit).read_to_end(&mut out).await;
    read.map_err(|error| MediaError::io("the output of ffmpeg cannot be read", &error))?;
    if out.len() > max_bytes {
        return Err(MediaError::OverLimit(format!("its description is longer than {max_bytes} bytes")));
    }
    Ok((out, running.wait().await?))
}

fn command(job: Job, sandbox: &Sandbox) -> Command {
    let Job { program, before, after, input, folder, caps } = job;
    let (name, quiet) = match program {
        Program::Ffmpeg => ("ffmpeg", &["-hide_banner", "-nostdin", "-v", "error"][..]),
        Program::Ffprobe => ("ffprobe", &["-hide_banner", "-v", "error"][..]),
    };
    let cpu_s = caps.cpu.as_secs().max(1);
    // The hard limit is a little higher: the soft one sends SIGXCPU, which says what happened; the hard one kills.
    let limits = [
        format!("--cpu={cpu_s}:{}", cpu_s + 5),
        format!("--as={}", caps.memory_bytes),
        format!("--fsize={}", caps.file_bytes),
        "--core=0".to_owned(),
    ];
    let mut words = sandbox.wrapper(&limits).into_iter();
    let mut command = match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(name);
            command
        }
        None => Command::new(name),
    };
    command.args(quiet).args(["-protocol_whitelist", "file", "-format_whitelist", FORMATS]);
    command.args(before).args(["-i", "/proc/self/fd/0"]).args(after);
    // Two malloc arenas: one per thread would count 64 MiB each against the limit of the address space.
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C").env("MALLOC_ARENA_MAX", "2");
    command.current_dir(folder.as_deref().unwrap_or(Path::new("/")));
    command.stdin(Stdio::from(input)).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the child, or kills its group and then waits.
async fn supervise(mut child: Child, stop: CancellationToken, caps: Caps) -> Result<Ended, MediaError> {
    let stderr = child.stderr.take();
    let tail = tokio::spawn(async move {
        match stderr {
            Some(stderr) => tail(stderr).await,
            None => String::new(),
        }
    });
    let status = tokio::select! {
        status = child.wait() => status.map_err(|error| MediaError::io("ffmpeg was not waited for", &error))?,
        () = stop.cancelled() => return Err(kill(child, MediaError::Cancelled).await),
        () = tokio::time::sleep(caps.wall) => {
            let words = format!("it took longer than {} s", caps.wall.as_secs());
            return Err(kill(child, MediaError::Timeout(words)).await);
        }
    };
    let stderr = tail.await.unwrap_or_default();
    judge(status, stderr, caps)
}

async fn kill(mut child: Child, why: MediaError) -> MediaError {
    if let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        // It may have ended just now; `wait` is then at once.
        let _ended = kill_process_group(group, Signal::KILL);
    }
    match child.wait().await {
        Ok(_) => why,
        Err(error) => MediaError::io("ffmpeg was not waited for", &error),
    }
}

fn judge(status: ExitStatus, stderr: String, caps: Caps) -> Result<Ended, MediaError> {
    let cpu = Signal::XCPU.as_raw();
    let size = Signal::XFSZ.as_raw();
    // ffmpeg catches SIGXCPU, stops, and exits with 255; ffprobe dies of it.
    if status.signal() == Some(cpu) || status.code() == Some(255) {
        return Err(MediaError::Timeout(format!("it took more than {} s of processor time", caps.cpu.as_secs())));
    }
    match status.signal() {
        Some(signal) if signal == size => {
            Err(MediaError::OverLimit(format!("its output is larger than {} bytes", caps.file_bytes)))
        }
        Some(signal) => Err(MediaError::Tool(format!("ffmpeg was ended by signal {signal}: {}", last_line(&stderr)))),
        None if !status.success() && stderr.contains("Cannot allocate memory") => {
            Err(MediaError::OverLimit(format!("it needs more than {} MiB of memory", caps.memory_bytes >> 20)))
        }
        None if matches!(status.code(), Some(126 | 127)) => {
            Err(MediaError::Tool(format!("ffmpeg cannot be started: {}", last_line(&stderr))))
        }
        None => Ok(Ended { success: status.success(), stderr }),
    }
}

/// Reads to the end and keeps the last [`TAIL_BYTES`].
async fn tail(mut from: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut part = vec![0; 4096];
    while let Ok(count @ 1..) = from.read(&mut part).await {
        kept.extend_from_slice(part.get(..count).unwrap_or_default());
        if kept.len() > 2 * TAIL_BYTES {
            kept.drain(..kept.len() - TAIL_BYTES);
        }
    }
    let from = kept.len().saturating_sub(TAIL_BYTES);
    String::from_utf8_lossy(kept.get(from..).unwrap_or_default()).into_owned()
}

/// The last line of an error output, cut to 300 characters, for an error's words.
pub(super) fn last_line(stderr: &str) -> String {
    let line = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    line.trim().chars().take(300).collect()
}
