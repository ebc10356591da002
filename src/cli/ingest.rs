//! `weir ingest`: files in, results out, one JSON line per file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::{Client, exit_of};
use super::{Exit, Settings, complain, say};

/// How often a waiting command looks.
const LOOK: Duration = Duration::from_millis(250);
/// Folders are searched to this depth.
const DEPTH: usize = 16;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files, or folders whose files are all taken (hidden ones are not).
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// A server to send to instead of the one on DIR, for example http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Its API key.
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Wait until it is packaged, analysed and judged.
    #[arg(long)]
    wait: bool,
    /// Print one JSON line per file.
    #[arg(long)]
    json: bool,
    /// Print each status transition with its time.
    #[arg(long)]
    watch: bool,
    /// Title [default: the file's name]. Only with one file.
    #[arg(long)]
    title: Option<String>,
    /// Who it belongs to.
    #[arg(long)]
    owner: Option<String>,
    /// The owner's own id. Only with one file.
    #[arg(long)]
    external_id: Option<String>,
    /// Labels, a JSON object of at most 4 KiB.
    #[arg(long, value_name = "JSON")]
    labels: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Exit> {
    let files = files_of(&arguments.paths)?;
    if files.len() > 1 && (arguments.title.is_some() || arguments.external_id.is_some()) {
        return Err(Exit::bad_use(format!("`--title` and `--external-id` take one file; {} were given", files.len())));
    }
    let local = crate::app::Local::reach(arguments.settings.load()?, arguments.server.is_some()).await?;
    let client = match (&arguments.server, &local) {
        (Some(server), _) => Client::http(server, arguments.api_key.clone())?,
        (None, Some(local)) => Client::unix(local.socket())?,
        (None, None) => return Err(Exit::other("no server and no data folder to send to")),
    };
    // Without a server on DIR this process does the work, so it has to stay until the work is done.
    let must_wait = arguments.wait || arguments.watch || local.as_ref().is_some_and(crate::app::Local::does_the_work);
    let mut worst = None;
    let mut sent = Vec::new();
    for file in &files {
        match send(&client, &arguments, file).await {
            Ok(id) => sent.push((file.clone(), id)),
            Err(error) => {
                let exit = exit_of(&error);
                complain(&format!("weir: `{}`: {}", file.display(), exit.message));
                keep_worst(&mut worst, exit.code);
            }
        }
    }
    for (file, id) in &sent {
        match follow(&client, &arguments, file, id, must_wait).await {
            Ok(0) => {}
            Ok(code) => keep_worst(&mut worst, code),
            Err(error) => {
                complain(&format!("weir: `{}`: {error:#}", file.display()));
                keep_worst(&mut worst, 1);
            }
        }
    }
    if let Some(local) = local {
        local.stop().await;
    }
    worst.map_or(Ok(()), |code| Err(Exit { code, message: String::new() }))
}

/// Broken media (3) says more than any other failure (1, 2).
fn keep_worst(worst: &mut Option<u8>, code: u8) {
    *worst = Some(worst.map_or(code, |before| before.max(code)));
}

fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Exit> {
    let mut files = Vec::new();
    for path in paths {
        let meta = std::fs::metadata(path).map_err(|error| Exit::bad_use(format!("`{}`: {error}", path.display())))?;
        if meta.is_dir() {
            collect(path, DEPTH, &mut files).map_err(|error| Exit::bad_use(format!("`{}`: {error}", path.display())))?;
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(Exit::bad_use("no files there"));
    }
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Sends one file; answers the video's id.
async fn send(client: &Client, arguments: &Arguments, path: &Path) -> anyhow::Result<String> {
    let file = tokio::fs::File::open(path).await?;
    let size_bytes = file.metadata().await?.len();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bar = ProgressBar::new(size_bytes)
        .with_style(ProgressStyle::with_template("{msg:24!} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}")?);
    bar.set_message(name.clone());
    let counter = bar.clone();
    let parts = tokio_util::io::ReaderStream::with_capacity(file, 256 << 10)
        .inspect_ok(move |part: &bytes::Bytes| counter.inc(part.len() as u64));
    let mut query = vec![("filename", name)];
    let given = [
        ("title", &arguments.title),
        ("owner", &arguments.owner),
        ("external_id", &arguments.external_id),
        ("labels", &arguments.labels),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            query.push((key, value.clone()));
        }
    }
    let answer = client.upload(&query, reqwest::Body::wrap_stream(parts), size_bytes).await;
    bar.finish_and_clear();
    let id = answer?["stream_id"].as_str().map(str::to_owned);
    id.ok_or_else(|| anyhow::anyhow!("the server's answer has no `stream_id`"))
}

/// Waits if asked to, and prints; answers the exit code.
async fn follow(client: &Client, arguments: &Arguments, file: &Path, id: &str, wait: bool) -> anyhow::Result<u8> {
    let mut seen = Vec::new();
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg}")?);
    let metadata = loop {
        let metadata = client.get(&format!("/vod/{id}/metadata")).await?;
        if arguments.watch {
            transitions(&metadata, &mut seen);
        }
        if !wait || is_final(&metadata) {
            break metadata;
        }
        bar.set_message(format!("{}: {}", file.display(), doing(client, id, &metadata).await));
        bar.tick();
        tokio::time::sleep(LOOK).await;
    };
    bar.finish_and_clear();
    let line = result(client, id, &metadata).await?;
    if arguments.json {
        say(&line.to_string());
    } else {
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        let reason = line["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
        say(&format!(
            "{id}  {}  {}{reason}  analysis {}  decision {}",
            file.display(),
            text("status"),
            text("analysis"),
            text("decision")
        ));
    }
    let failed = line["status"] == "failed";
    Ok(match line["reason"].as_str().and_then(|reason| reason.split(':').next()) {
        Some("unsupported_media" | "truncated" | "empty" | "over_limit") if failed => 3,
        _ if failed => 1,
        _ => 0,
    })
}

/// What the video's running tasks are doing, with their progress.
async fn doing(client: &Client, id: &str, metadata: &Value) -> String {
    let running = client.get(&format!("/tasks?video={id}&state=running")).await.unwrap_or(Value::Null);
    let parts: Vec<String> = running["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|task| {
            let percent = task["progress"].as_f64().unwrap_or(0.0) * 100.0;
            format!("{} {percent:.0} %", task["kind"].as_str().unwrap_or_default())
        })
        .collect();
    if parts.is_empty() { metadata["status"].as_str().unwrap_or_default().to_owned() } else { parts.join(", ") }
}

fn is_final(metadata: &Value) -> bool {
    let word = |name: &str| metadata[name].as_str().unwrap_or_default();
    matches!(word("status"), "ready" | "failed")
        && matches!(word("analysis"), "done" | "partial" | "failed")
        && !matches!(word("decision"), "pending" | "")
}

/// Prints what moved since the last look, in the order in which it happened.
fn transitions(metadata: &Value, seen: &mut Vec<String>) {
    let word = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
    let moves = [
        ("created_at", "status created".to_owned()),
        ("uploaded_at", "status uploaded".to_owned()),
        ("processing_started_at", "status processing".to_owned()),
        ("transcoding_started_at", "status transcoding".to_owned()),
        ("completed_at", format!("status {}", word("status"))),
        ("analysed_at", format!("analysis {}", word("analysis"))),
        ("decided_at", format!("decision {}", word("decision"))),
    ];
    let mut fresh: Vec<(String, String)> = moves
        .into_iter()
        .filter_map(|(field, what)| metadata[field].as_str().map(|at| (at.to_owned(), what)))
        .filter(|(_, what)| !seen.contains(what))
        .collect();
    fresh.sort_by(|a, b| a.0.cmp(&b.0));
    for (at, what) in fresh {
        complain(&format!("{at}  {}  {what}", word("stream_id")));
        seen.push(what);
    }
}

/// The line of `--json`.
async fn result(client: &Client, id: &str, metadata: &Value) -> anyhow::Result<Value> {
    let verdict = match metadata["decision"].as_str() {
        Some("pending") | None => Value::Null,
        Some(_) => client.get(&format!("/videos/{id}/verdict")).await?,
    };
    let manifest_url = match metadata["status"].as_str() {
        Some("ready") => client
            .get(&format!("/vod/{id}/manifest"))
            .await
            .ok()
            .and_then(|answer| answer["manifest_url"].as_str().map(str::to_owned)),
        _ => None,
    };
    let mut line = json!({
        "stream_id": id,
        "status": metadata["status"],
        "analysis": metadata["analysis"],
        "decision": metadata["decision"],
        "sha256": metadata["checksum"],
        "duration_ms": metadata["duration_ms"],
        "manifest_url": manifest_url.map(|url| if url.starts_with('/') { client.address(&url) } else { url }),
        "verdict": verdict,
    });
    if let (Some(reason), Some(object)) = (metadata["reason"].as_str(), line.as_object_mut()) {
        object.insert("reason".to_owned(), reason.into());
    }
    Ok(line)
}
