//! Bad input through the front door: what goes in → HTTP status or task reason → within which time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::program::{NO_ANALYSIS, Server, ffmpeg};

const SETTLE: Duration = Duration::from_secs(180);

struct Row {
    name: String,
    file: PathBuf,
    /// What the row must come to; the text says what was wanted.
    accept: fn(&Value) -> Result<(), &'static str>,
    within: Duration,
}

fn row(name: &str, file: PathBuf, accept: fn(&Value) -> Result<(), &'static str>, within_s: u64) -> Row {
    Row { name: name.to_owned(), file, accept, within: Duration::from_secs(within_s) }
}

fn is_ready(row: &Value) -> bool {
    row["status"] == "ready"
}

fn failed_with(row: &Value, code: &str) -> bool {
    row["status"] == "failed" && row["reason"].as_str().is_some_and(|reason| reason.starts_with(&format!("{code}: ")))
}

fn unsupported(row: &Value) -> Result<(), &'static str> {
    if failed_with(row, "unsupported_media") { Ok(()) } else { Err("failed, `unsupported_media`") }
}

fn ready_or_unsupported(row: &Value) -> Result<(), &'static str> {
    if is_ready(row) || failed_with(row, "unsupported_media") { Ok(()) } else { Err("ready, or failed `unsupported_media`") }
}

fn shorter_or_truncated(row: &Value) -> Result<(), &'static str> {
    let shorter = is_ready(row) && row["duration_ms"].as_i64().is_some_and(|ms| ms < 3_900);
    if shorter || failed_with(row, "truncated") { Ok(()) } else { Err("ready with a shorter duration, or failed `truncated`") }
}

fn ready_or_over_limit(row: &Value) -> Result<(), &'static str> {
    if is_ready(row) || failed_with(row, "over_limit") { Ok(()) } else { Err("ready, or failed `over_limit`") }
}

fn ready_and_said(row: &Value) -> Result<(), &'static str> {
    let notes = row["media"]["notes"].to_string();
    if is_ready(row) && notes.contains("20 audio tracks, first kept") {
        Ok(())
    } else {
        Err("ready, with the note `20 audio tracks, first kept`")
    }
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn rows(folder: &Path) -> Vec<Row> {
    let canary = written(folder, "canary.ts", b"canary");
    let m3u8 = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n", canary.display());
    let mut rows = vec![
        row("text", written(folder, "text.mp4", b"this is not a film, it is a sentence\n".repeat(99).as_slice()), unsupported, 5),
        row("m3u8", written(folder, "list.m3u8", m3u8.as_bytes()), unsupported, 5),
        row(
            "ffconcat",
            written(folder, "list.ffconcat", format!("ffconcat version 1.0\nfile {}\n", canary.display()).as_bytes()),
            unsupported,
            5,
        ),
    ];
    let whole = folder.join("whole.mp4");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x240:r=25:d=4",
            "-f",
            "lavfi",
            "-i",
            "sine=d=4",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
        ],
        &whole,
    );
    let bytes = std::fs::read(&whole).unwrap();
    for tenth in 1..=10 {
        let cut = bytes.len() * tenth / 11;
        let file = written(folder, &format!("truncated-{tenth}.mp4"), &bytes[..cut]);
        rows.push(row(&format!("truncated at {tenth}/11"), file, shorter_or_truncated, 30));
    }
    let tiny = folder.join("tiny.mkv");
    let pixels = written(folder, "pixels", &[200; 30]).display().to_string();
    ffmpeg(
        &["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "1x1", "-r", "10", "-i", &pixels, "-c:v", "ffv1", "-pix_fmt", "bgr0"],
        &tiny,
    );
    rows.push(row("1×1", tiny, ready_or_unsupported, 30));
    let one = folder.join("one.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-frames:v", "1", "-c:v", "libx264", "-preset", "ultrafast"], &one);
    rows.push(row("one frame", one, ready_or_unsupported, 30));
    let large = folder.join("8k.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "color=blue:s=7680x4320:r=5:d=1", "-c:v", "libx264", "-preset", "ultrafast"], &large);
    rows.push(row("8K", large, ready_or_over_limit, 120));
    let many = folder.join("many.mkv");
    let mut arguments = vec!["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-map", "0:v"];
    arguments.extend(std::iter::repeat_n(["-map", "1:a"], 20).flatten());
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]);
    ffmpeg(&arguments, &many);
    rows.push(row("20 audio tracks", many, ready_and_said, 60));
    rows
}

#[tokio::test]
async fn every_row_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&NO_ANALYSIS);
    let mut wrong = Vec::new();
    for row in rows(folder.path()) {
        let id = server.upload(&row.file, "row").await;
        let (metadata, took) = server.settled(&id, SETTLE).await;
        let outcome = format!("{} {} in {took:.1?}", metadata["status"], metadata["reason"]);
        println!("{:<20} {outcome}", row.name);
        if let Err(wanted) = (row.accept)(&metadata) {
            wrong.push(format!("{}: {outcome}; wanted: {wanted}", row.name));
        }
        if took > row.within {
            wrong.push(format!("{}: took {took:.1?}, limit {:?}", row.name, row.within));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn nothing_is_not_a_video() {
    let server = Server::start(&NO_ANALYSIS);
    let (status, body) = server.post("/vod/upload", Vec::new()).await;
    assert_eq!((status, body["code"].as_str()), (422, Some("empty")), "{body}");
}

#[tokio::test]
async fn a_path_in_a_name_is_a_title_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&NO_ANALYSIS);
    let clip = folder.path().join("clip.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast"], &clip);
    let name = "..%2F..%2F..%2Fetc%2Fpasswd%00.mp4";
    let (status, body) = server.post(&format!("/vod/upload?filename={name}"), std::fs::read(&clip).unwrap()).await;
    assert_eq!(status, 201, "{body}");
    let id = body["stream_id"].as_str().unwrap();
    let (row, _) = server.settled(id, SETTLE).await;
    assert_eq!(row["status"], "ready", "{row}");
    let title = row["title"].as_str().unwrap();
    assert!(!title.contains('/') && !title.contains('\0') && title.contains("passwd"), "{title}");
}
