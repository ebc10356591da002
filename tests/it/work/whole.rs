//! The real program, its worker and its pool: killed and started again, and from an upload to a verdict.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::clip;
use crate::program::{Server, only, weir};
use crate::support;

/// Everything that runs under a process.
fn descendants(of: u32) -> BTreeSet<u32> {
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).and_then(|text| text.trim().parse::<u32>().ok());
        pairs.extend(parent.map(|parent| (parent, pid)));
    }
    let mut found = BTreeSet::from([of]);
    loop {
        let more: Vec<u32> = pairs.iter().filter(|(parent, _)| found.contains(parent)).map(|(_, pid)| *pid).collect();
        let before = found.len();
        found.extend(more);
        if found.len() == before {
            found.remove(&of);
            return found;
        }
    }
}

/// A zombie is not alive: it waits for whoever is process 1.
fn is_alive(pid: &u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn runs(pid: u32, words: &str) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ").contains(words)
}

fn lines_of(pids: &[u32]) -> String {
    let line = |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    pids.iter().map(|pid| format!("\n{pid} {}", String::from_utf8_lossy(&line(pid)).replace('\0', " "))).collect()
}

/// A server that is killed with the test.
struct Again(Child);

impl Again {
    /// On the data and the address of one that was killed.
    fn start(server: &Server, settings: &[&str]) -> Self {
        let listen = format!("http.listen={}", server.url.trim_start_matches("http://"));
        let data = server.data.display().to_string();
        let mut arguments = vec!["serve", "--data", &data, "--set", &listen, "--set", "metrics.listen="];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        Self(weir(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Two analysers that need no model, and a lease that is soon lost.
static NO_MODELS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| [only(&["audio_analysis", "cut_analysis"]), vec!["work.lease=3s"]].concat());

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_no_process_and_its_work_goes_on() {
    let server = Server::start(&NO_MODELS);
    let folder = tempfile::tempdir().unwrap();
    let id = server.upload(&clip(folder.path(), "640x360", 30), "clip").await;
    let began = Instant::now();
    let children = loop {
        let children = descendants(server.pid());
        let has = |words: &str| children.iter().any(|pid| runs(*pid, words));
        if has("weir pool ") && has("libx264") {
            break children;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no pool and encoder: {}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    kill_process(Pid::from_raw(server.pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    let killed = Instant::now();
    let all: Vec<u32> = children.into_iter().chain([server.pid()]).collect();
    while all.iter().any(is_alive) {
        let left: Vec<u32> = all.iter().copied().filter(is_alive).collect();
        assert!(killed.elapsed() < Duration::from_secs(2), "they outlive their server: {}", lines_of(&left));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let _again = Again::start(&server, &NO_MODELS);
    while std::net::TcpStream::connect(server.url.trim_start_matches("http://")).is_err() {
        assert!(killed.elapsed() < Duration::from_secs(30), "it does not start again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (row, _) = server.settled(&id, Duration::from_mins(2)).await;
    assert_eq!((&row["status"], &row["analysis"]), (&Value::from("ready"), &Value::from("done")), "{row}");
    let (_, tasks) = server.get(&format!("/videos/{id}/tasks")).await;
    let attempts = |kind: &str| {
        let task = tasks["items"].as_array().unwrap().iter().find(|task| task["kind"] == kind).unwrap();
        task["attempts"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(attempts("package"), ["lost", "done"]);
    assert_eq!(attempts("analyse"), ["lost", "done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_upload_to_a_verdict_and_at_once_for_the_same_bytes() {
    let analysers = weir::analyser::all(&weir::analyser::Options::default()).unwrap();
    let wanted: Vec<&str> =
        analysers.iter().flat_map(|analyser| analyser.spec().models.to_vec()).chain(["profanity_en"]).collect();
    let (Some(_), Some(file)) = (support::models(&wanted), support::media("clips/bigbuckbunny.mp4")) else { return };
    let server = Server::start(&[]);
    let first = analysed(&server, &file, Duration::from_mins(4)).await;
    let names: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(names, weir::analyser::names());
    assert!(first.as_object().unwrap().values().all(|result| result["status"] == "done"), "{first}");
    let pool: Vec<u32> = descendants(server.pid()).into_iter().filter(|pid| runs(*pid, "weir pool ")).collect();
    assert_eq!(pool.len(), 2, "they stay warm");
    let second = analysed(&server, &file, Duration::from_mins(1)).await;
    assert_eq!(first, second);
}

/// Uploads, waits, and answers what the analysers found.
async fn analysed(server: &Server, file: &Path, limit: Duration) -> Value {
    let id = server.upload(file, "clip").await;
    let (row, _) = server.settled(&id, limit).await;
    assert_eq!((&row["status"], &row["analysis"], &row["decision"]), (&"ready".into(), &"done".into(), &"safe".into()), "{row}");
    let (status, body) = server.get(&format!("/videos/{id}/analysis")).await;
    assert_eq!(status, 200, "{body}");
    body["analysers"].clone()
}
