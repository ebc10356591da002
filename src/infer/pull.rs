//! `weir models pull`: runs the downloader that is compiled in.
//!
//! It is Python, because the converters need numpy and onnx, which no user of a running weir needs. It makes a virtual environment of
//! its own and asks pip and npm for the packages by name.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::registry;

const SCRIPT: &str = "scripts/models/pull.py";
const TIMEOUT: Duration = Duration::from_hours(2);
const POLL: Duration = Duration::from_millis(200);
const MAX_LINE_BYTES: u64 = 4096;
const QUEUE_LINES: usize = 64;

macro_rules! script {
    ($path:literal) => {
        (concat!("scripts/models/", $path), include_str!(concat!("../../scripts/models/", $path)))
    };
}

/// The downloader's files, by their place in the project.
const FILES: &[(&str, &str)] = &[
    ("models/registry.toml", registry::TEXT),
    script!("pull.py"),
    script!("digest.py"),
    script!("environment.py"),
    script!("fetch.py"),
    script!("registry.py"),
    script!("requirements.txt"),
    script!("convert/__init__.py"),
    script!("convert/__main__.py"),
    script!("convert/brisque.py"),
    script!("convert/ctranslate2.py"),
    script!("convert/efficientnet.py"),
    script!("convert/graph.py"),
    script!("convert/isnet.py"),
    script!("convert/js_literal.py"),
    script!("convert/keras_cnn.py"),
    script!("convert/movenet.py"),
    script!("convert/nsfwjs.py"),
    script!("convert/profanity.py"),
    script!("convert/resemblyzer.py"),
    script!("convert/safe_joblib.py"),
    script!("convert/tfjs.py"),
    script!("convert/tfjs_nodes.py"),
    script!("convert/tfjs_operations.py"),
    script!("convert/tfjs_weights.py"),
    script!("convert/torch_weights.py"),
    script!("convert/transnetv2.py"),
    script!("convert/whisper.py"),
    script!("convert/wordlist.py"),
];

/// Why models could not be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// There is no Python.
    #[error("`python3` does not start: {0}; python3 (3.11 or newer), python3-venv and npm are needed")]
    Python(#[source] io::Error),
    /// The downloader could not be written to a temporary folder, or not be listened to.
    #[error("the downloader cannot be set up: {0}")]
    Setup(#[from] io::Error),
    /// The downloader ended with an error; its last line says which.
    #[error("models were not pulled: {0}")]
    Failed(String),
    /// It ran too long.
    #[error("the downloader was stopped after {} minutes", TIMEOUT.as_secs() / 60)]
    Timeout,
}

/// Brings the models called `names` (all, when empty) into `directory`. `progress` hears each line of the downloader: what it
/// does and how far it is.
///
/// # Errors
/// [`PullError`].
pub fn pull(directory: &Path, names: &[String], mut progress: impl FnMut(&str)) -> Result<(), PullError> {
    let scripts = tempfile::tempdir()?;
    for (path, content) in FILES {
        let place = scripts.path().join(path);
        fs::create_dir_all(place.parent().unwrap_or(scripts.path()))?;
        fs::write(place, content)?;
    }
    let directory = std::path::absolute(directory)?;
    let child = Command::new("python3")
        .arg("-B")
        .arg(scripts.path().join(SCRIPT))
        .arg("--dir")
        .arg(&directory)
        .arg("--")
        .args(names)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(PullError::Python)?;
    let mut running = Running(child);
    let (last, status) = listen(&mut running.0, &mut progress)?;
    if status.success() { Ok(()) } else { Err(PullError::Failed(last)) }
}

/// Stops the downloader when the caller gives up.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            // Already gone is as good as killed.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Hears the child out; returns its last line and how it ended.
fn listen(child: &mut Child, progress: &mut impl FnMut(&str)) -> Result<(String, ExitStatus), PullError> {
    let (sender, lines) = sync_channel(QUEUE_LINES);
    forward(child.stdout.take(), &sender);
    forward(child.stderr.take(), &sender);
    drop(sender);
    let deadline = Instant::now() + TIMEOUT;
    let mut last = String::new();
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                progress(&line);
                last = line;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok((last, child.wait()?)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() > deadline {
            return Err(PullError::Timeout);
        }
    }
}

fn forward<R: Read + Send + 'static>(source: Option<R>, sender: &SyncSender<String>) {
    let Some(source) = source else { return };
    let sender = sender.clone();
    thread::spawn(move || {
        let mut reader = BufReader::new(source);
        let mut line = Vec::new();
        while let Ok(1..) = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_script_is_compiled_in() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = BTreeSet::new();
        for folder in ["scripts/models", "scripts/models/convert"] {
            for entry in fs::read_dir(project.join(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if [".py", ".txt"].iter().any(|ending| name.ends_with(ending)) {
                    found.insert(format!("{folder}/{name}"));
                }
            }
        }
        let embedded: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        found.insert("models/registry.toml".to_owned());
        assert_eq!(embedded, found);
    }

    #[test]
    fn unknown_name_is_refused_by_the_downloader() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Vec::new();
        let error = pull(folder.path(), &["nope".to_owned()], |line| lines.push(line.to_owned())).unwrap_err();
        assert!(error.to_string().contains("model `nope` is unknown"), "{error}");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
