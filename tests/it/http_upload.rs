//! Uploads over HTTP: the three forms, and everything that can be wrong with one.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use weir::model::{Role, TaskKind, TaskState};
use weir::serve::Limits;
use weir::store::TaskFilter;

use crate::harness::{TestApp, problem};

const SHA256_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// A form with these parts; `file` has a file name.
fn form(parts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in parts {
        let file = if *name == "file" { "; filename=\"films/cat.mp4\"" } else { "" };
        let head = format!("--frontier\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        text += &(head + value + "\r\n");
    }
    text + "--frontier--\r\n"
}

async fn send_form(app: &TestApp, body: String) -> reqwest::Response {
    let request = app.request(Role::Operator, Method::POST, "/vod/upload").body(body);
    request.header("content-type", "multipart/form-data; boundary=frontier").send().await.unwrap()
}

#[tokio::test]
async fn raw_bytes_become_a_video_with_its_tasks() {
    let app = TestApp::start().await;
    let video = app.uploaded("?title=Hello&external_id=h-1&labels=%7B%22show%22%3A%22news%22%7D", "hello").await;
    let metadata = app.json(&format!("/api/vod/{video}/metadata")).await;
    assert_eq!(metadata["checksum"], SHA256_OF_HELLO);
    assert_eq!(
        (&metadata["size_bytes"], &metadata["status"], &metadata["analysis"]),
        (&json!(5), &json!("uploaded"), &json!("queued"))
    );
    assert_eq!((&metadata["title"], &metadata["external_id"]), (&json!("Hello"), &json!("h-1")));
    assert_eq!(metadata["labels"], json!({ "show": "news" }));

    let filter = TaskFilter { video: Some(video.clone()), limit: 10, ..TaskFilter::default() };
    let mut tasks = app.store.tasks(&filter).await.unwrap().items;
    tasks.sort_by_key(|task| task.kind.as_str());
    let states: Vec<_> = tasks.iter().map(|task| (task.kind, task.state)).collect();
    let waiting = TaskState::Waiting;
    assert_eq!(
        states,
        [
            (TaskKind::Analyse, waiting),
            (TaskKind::Judge, waiting),
            (TaskKind::Package, waiting),
            (TaskKind::Probe, TaskState::Ready)
        ]
    );
}

#[tokio::test]
async fn a_form_is_the_same_upload() {
    let app = TestApp::start().await;
    let sent = send_form(&app, form(&[("title", ""), ("owner", "gate"), ("labels", "{\"a\":\"b\"}"), ("file", "hello")])).await;
    assert_eq!(sent.status(), StatusCode::CREATED);
    let answer: Value = sent.json().await.unwrap();
    let metadata = app.json(&format!("/vod/{}/metadata", answer["stream_id"].as_str().unwrap())).await;
    assert_eq!((&metadata["title"], &metadata["owner"]), (&json!("cat.mp4"), &json!("gate")));
    assert_eq!(metadata["checksum"], SHA256_OF_HELLO);
    let before = app.blob_files();

    problem(send_form(&app, form(&[("title", "x")])).await, 400, "bad_request").await;
    problem(send_form(&app, form(&[("colour", "x"), ("file", "new bytes")])).await, 400, "bad_request").await;
    problem(send_form(&app, form(&[("file", "new bytes"), ("title", "late")])).await, 400, "bad_request").await;
    problem(send_form(&app, form(&[("file", "new bytes"), ("file", "two")])).await, 400, "bad_request").await;
    problem(send_form(&app, form(&[("file", "")])).await, 422, "empty").await;
    problem(send_form(&app, form(&[("labels", "[1]"), ("file", "new bytes")])).await, 400, "bad_request").await;
    let cut = form(&[("file", "new bytes")]).replace("--frontier--", "");
    problem(send_form(&app, cut).await, 400, "bad_request").await;
    assert_eq!(app.blob_files(), before, "a refused form leaves nothing");
    assert_eq!(app.json("/vod").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_opened_upload_waits_for_its_bytes_and_takes_them_once() {
    let app = TestApp::start().await;
    let open = json!({ "title": "Later", "size_bytes": 5, "resolution": "1280x720", "labels": { "a": "b" } });
    let opened = app.post("/vod/upload", &open).await;
    assert_eq!(opened.status(), StatusCode::CREATED);
    let answer: Value = opened.json().await.unwrap();
    assert_eq!(answer["status"], "created");
    let (video, path) = (answer["stream_id"].as_str().unwrap(), answer["upload_url"].as_str().unwrap().to_owned());
    assert_eq!(app.json(&format!("/vod/{video}/metadata")).await["status"], "created");

    let put = |bytes: &'static str| app.request(Role::Operator, Method::PUT, &path).body(bytes).send();
    problem(put("").await.unwrap(), 422, "empty").await;
    let filled = put("hello").await.unwrap();
    assert_eq!(filled.status(), StatusCode::OK);
    assert_eq!(filled.json::<Value>().await.unwrap(), json!({ "stream_id": video, "status": "uploaded" }));
    problem(put("hello again").await.unwrap(), 409, "conflict").await;
    assert_eq!(app.json(&format!("/vod/{video}/metadata")).await["checksum"], SHA256_OF_HELLO);
    assert_eq!(app.blob_files().len(), 1);
    problem(app.post("/vod/upload", &json!({ "size_bytes": 0 })).await, 422, "empty").await;
    problem(app.post("/vod/upload", &json!({ "size_bytes": 1_u64 << 60 })).await, 413, "too_large").await;
}

#[tokio::test]
async fn two_senders_for_one_upload_do_not_mix_their_bytes() {
    let app = TestApp::start().await;
    let answer: Value = app.post("/vod/upload", &json!({ "title": "Race" })).await.json().await.unwrap();
    let path = answer["upload_url"].as_str().unwrap().to_owned();
    let put = |byte: u8| app.request(Role::Operator, Method::PUT, &path).body(vec![byte; 3 << 20]).send();
    let (first, second) = tokio::join!(put(b'a'), put(b'b'));
    let mut statuses = [first.unwrap().status().as_u16(), second.unwrap().status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(app.blob_files().len(), 1);
    let original = app.get(&format!("/vod/{}/original", answer["stream_id"].as_str().unwrap())).await.bytes().await.unwrap();
    assert!(original.len() == 3 << 20 && original.iter().all(|byte| *byte == original[0]));
}

#[tokio::test]
async fn equal_bytes_are_kept_once_for_two_videos() {
    let app = TestApp::start().await;
    let (first, second) = (app.uploaded("?title=a", "hello").await, app.uploaded("?title=b", "hello").await);
    assert_ne!(first, second);
    assert_eq!(app.blob_files().len(), 1);
    for video in [first, second] {
        assert_eq!(app.get(&format!("/vod/{video}/original")).await.text().await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn an_external_id_is_taken_once_per_owner_and_refused_before_the_body() {
    let app = TestApp::start().await;
    app.uploaded("?external_id=x-1", "first").await;
    app.uploaded("?external_id=x-1&owner=another", "second").await;
    let before = app.blob_files();
    let never = futures::stream::iter([Ok::<_, std::io::Error>("begin")]).chain(futures::stream::pending());
    let refused = app.upload("?external_id=x-1", reqwest::Body::wrap_stream(never));
    let refused = tokio::time::timeout(Duration::from_secs(5), refused).await.expect("answered before the body ended");
    problem(refused, 409, "conflict").await;
    assert_eq!(app.blob_files(), before);

    let race =
        tokio::join!(app.upload("?external_id=x-2", vec![1_u8; 4 << 20]), app.upload("?external_id=x-2", vec![2_u8; 4 << 20]));
    let mut statuses = [race.0.status().as_u16(), race.1.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(app.blob_files().len(), before.len() + 1, "the refused bytes are gone");
}

#[tokio::test]
async fn empty_too_large_and_full_are_said_by_their_codes() {
    let app = TestApp::start_with(|config| config.upload.max_bytes = 1000, Limits::default()).await;
    problem(app.upload("", "").await, 422, "empty").await;
    problem(app.upload("", vec![0; 1001]).await, 413, "too_large").await;
    let parts = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 100])));
    problem(app.upload("", reqwest::Body::wrap_stream(parts)).await, 413, "too_large").await;
    problem(app.upload("?labels=nonsense", "bytes").await, 400, "bad_request").await;
    problem(app.upload(&format!("?owner={}", "o".repeat(101)), "bytes").await, 400, "bad_request").await;
    assert_eq!(app.upload("", vec![0; 1000]).await.status(), StatusCode::CREATED);
    assert_eq!(app.blob_files().len(), 1);

    let full = app.beside(|config| config.upload.reserve_bytes = u64::MAX / 2).await;
    let request = app.client.post(format!("{full}/vod/upload")).bearer_auth(app.key(Role::Operator)).body("bytes");
    problem(request.send().await.unwrap(), 507, "disk_reserve").await;
    assert_eq!(app.blob_files().len(), 1);
}

#[tokio::test]
async fn a_path_in_a_name_is_a_title_only() {
    let app = TestApp::start().await;
    for (name, title) in
        [("..%2F..%2Fetc%2Fpasswd", "passwd"), ("C%3A%5Cfilms%5Ccat.mp4", "cat.mp4"), ("a%00b%0d%0ac.mp4", "abc.mp4")]
    {
        let video = app.uploaded(&format!("?filename={name}"), title).await;
        assert_eq!(app.json(&format!("/vod/{video}/metadata")).await["title"], title);
    }
    assert!(
        app.blob_files().iter().all(|file| file.starts_with("vod-raw/up-") && file.ends_with("/source")),
        "{:?}",
        app.blob_files()
    );
}

/// A connection that sends this header and `sent` bytes of a body, and then closes.
async fn broken(app: &TestApp, header: &str, sent: &[u8]) {
    let mut stream = tokio::net::TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let key = app.key(Role::Operator);
    let head = format!("POST /vod/upload HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer {key}\r\n{header}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn a_broken_connection_leaves_nothing() {
    let app = TestApp::start().await;
    broken(&app, "content-length: 20000000", &vec![7; 8 << 20]).await;
    let mut chunk = b"800000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x80_0000, 7);
    chunk.extend_from_slice(b"\r\n");
    broken(&app, "transfer-encoding: chunked", &chunk).await;
    for _ in 0..100 {
        if app.blob_files().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.blob_files(), Vec::<String>::new());
    assert_eq!(app.json("/vod").await["items"], json!([]));
    assert_eq!(app.json("/overview").await["videos"], 0);
}

#[tokio::test]
async fn an_upload_is_streamed_in_bounded_memory() {
    let app = TestApp::start().await;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let before = resident();
    let parts = futures::stream::iter((0..256).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 1 << 20])));
    let video = app.uploaded("", reqwest::Body::wrap_stream(parts)).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 128 << 20, "a body of 256 MiB took {} MiB", grown >> 20);
    assert_eq!(app.json(&format!("/vod/{video}/metadata")).await["size_bytes"], 256 << 20);
}
