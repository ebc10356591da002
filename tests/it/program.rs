//! The real program, as a user runs it: a server of its own in a temporary folder, and commands beside it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Analysers that are switched off where a test is not about them.
pub(crate) static NO_ANALYSIS: LazyLock<Vec<&'static str>> = LazyLock::new(|| only(&[]));

/// Settings that leave only these analysers on.
pub(crate) fn only(names: &[&str]) -> Vec<&'static str> {
    let off = weir::analyser::names().into_iter().filter(|name| !names.contains(name));
    off.map(|name| format!("analyser.{name}.enabled=false").leak() as &'static str).collect()
}

/// `weir` with these arguments.
pub(crate) fn weir(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    weir(arguments).output().unwrap()
}

/// Each line of the output as JSON.
pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A running `weir serve`; killed when dropped.
pub(crate) struct Server {
    /// Its data folder.
    pub(crate) data: PathBuf,
    /// Its address.
    pub(crate) url: String,
    /// An admin's key.
    pub(crate) key: String,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one with these settings.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (listen, folder_text) = (format!("http.listen=127.0.0.1:{port}"), data.display().to_string());
        let mut arguments = vec!["serve", "--data", &folder_text, "--set", &listen, "--set", "metrics.listen="];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let log = std::fs::File::create(folder.path().join("serve.log")).unwrap();
        let child = weir(&arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut server = Self { data, url: format!("http://127.0.0.1:{port}"), key: String::new(), child, _folder: folder };
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "weir did not start: {}", server.log());
            assert!(server.child.try_wait().unwrap().is_none(), "weir ended: {}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let login = std::fs::read_to_string(server.data.join("first-login.json")).unwrap();
        let login: Value = serde_json::from_str(&login).unwrap();
        server.key = login["api_key"].as_str().unwrap().to_owned();
        server
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_file_name("serve.log")).unwrap_or_default()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `GET path`: status and JSON.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        answer(reqwest::Client::new().get(format!("{}{path}", self.url)).bearer_auth(&self.key)).await
    }

    /// `POST path` with bytes: status and JSON.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> (u16, Value) {
        let request = reqwest::Client::new().post(format!("{}{path}", self.url)).bearer_auth(&self.key);
        answer(request.header("content-type", "application/octet-stream").body(body)).await
    }

    /// Uploads a file under a title; the video's id.
    pub(crate) async fn upload(&self, file: &Path, title: &str) -> String {
        let (status, body) = self.post(&format!("/vod/upload?title={title}"), std::fs::read(file).unwrap()).await;
        assert_eq!(status, 201, "{body}");
        body["stream_id"].as_str().unwrap().to_owned()
    }

    /// Waits until all three states are final; the metadata and how long packaging took to end.
    pub(crate) async fn settled(&self, id: &str, limit: Duration) -> (Value, Duration) {
        let begin = Instant::now();
        let mut packaged = None;
        loop {
            let (_, row) = self.get(&format!("/vod/{id}/metadata")).await;
            let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            if packaged.is_none() && matches!(word("status").as_str(), "ready" | "failed") {
                packaged = Some(begin.elapsed());
            }
            let analysed = matches!(word("analysis").as_str(), "done" | "partial" | "failed");
            if let (Some(packaged), true) = (packaged, analysed && word("decision") != "pending") {
                return (row, packaged);
            }
            assert!(begin.elapsed() < limit, "not settled in {limit:?}: {row}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

/// Makes media with ffmpeg: everything before the output file.
pub(crate) fn ffmpeg(arguments: &[&str], out: &Path) {
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(out).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
