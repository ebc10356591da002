//! Hostile and slow clients.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir::model::Role;
use weir::serve::Limits;

use crate::harness::{TestApp, problem};

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap()
}

/// Status and problem code of an answer that ends its connection.
async fn answer(stream: &mut TcpStream) -> (u16, Option<String>) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).unwrap_or("0").parse().unwrap();
    let body: Value = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default();
    (status, body["code"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_header_of_ten_megabytes_is_refused_with_431() {
    let app = TestApp::start().await;
    let mut stream = connect(&app).await;
    let (mut reader, mut writer) = stream.split();
    let writing = async {
        writer.write_all(b"GET /health HTTP/1.1\r\nhost: weir\r\nx-long: ").await.unwrap();
        // The server has answered and thrown away the rest: the end of the writing may fail, the answer may not get lost.
        let _ = writer.write_all(&vec![b'a'; 10 << 20]).await;
        let _ = writer.write_all(b"\r\n\r\n").await;
    };
    let reading = async {
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        text
    };
    let ((), text) = tokio::join!(writing, reading);
    assert!(text.starts_with("HTTP/1.1 431 ") && text.contains("application/problem+json"), "{text}");

    // As the second request of a connection it is hyper that refuses.
    let mut stream = connect(&app).await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: weir\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let _ = stream
        .write_all(format!("GET /health HTTP/1.1\r\nhost: weir\r\nx-long: {}\r\n\r\n", "a".repeat(200 << 10)).as_bytes())
        .await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(String::from_utf8_lossy(&rest).contains("HTTP/1.1 431"), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_is_not_lost() {
    let app = TestApp::start_with(|config| config.upload.max_bytes = 1000, Limits::default()).await;
    let mut stream = connect(&app).await;
    let key = app.key(Role::Operator);
    let head =
        format!("POST /vod/upload HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer {key}\r\ncontent-length: 8000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = stream.write_all(&vec![1; 8_000_000]).await;
    assert_eq!(answer(&mut stream).await, (413, Some("too_large".to_owned())));
}

#[tokio::test]
async fn what_is_no_http_is_refused_quietly() {
    let app = TestApp::start().await;
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n"[..], b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"] {
        let mut stream = connect(&app).await;
        stream.write_all(bytes).await.unwrap();
        let (status, _) = answer(&mut stream).await;
        assert!([400, 505].contains(&status), "{status}");
    }
    assert_eq!(app.get("/health").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let app =
        TestApp::start_with(|_| {}, Limits { max_connections: 1, header_timeout: Duration::from_secs(1), ..Limits::default() })
            .await;
    // Only the harness's own client may hold the one connection.
    let mut idle = connect(&app).await;
    idle.write_all(b"GET /").await.unwrap();
    let began = Instant::now();
    let mut second = connect(&app).await;
    second.write_all(b"GET /health/live HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut idle).await.0, 408);
    drop(idle);
    assert_eq!(answer(&mut second).await.0, 200);
    assert!(began.elapsed() >= Duration::from_millis(900), "it waited: {:?}", began.elapsed());
}

/// Sends a byte of its request header every second.
async fn slow_header(app: &TestApp) -> (u16, Option<String>) {
    let mut stream = connect(app).await;
    let text = format!("GET /health HTTP/1.1\r\nhost: weir\r\nx-slow: {}", "a".repeat(1000));
    trickle(&mut stream, text.as_bytes()).await
}

/// Sends its header at once and then a byte of its body every second.
async fn slow_body(app: &TestApp) -> (u16, Option<String>) {
    let mut stream = connect(app).await;
    let key = app.key(Role::Operator);
    let head =
        format!("POST /vod/upload HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer {key}\r\ncontent-length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    trickle(&mut stream, &[7; 1000]).await
}

async fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> (u16, Option<String>) {
    let (mut reader, mut writer) = stream.split();
    let writing = async {
        for byte in bytes.chunks(1) {
            if writer.write_all(byte).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let reading = async {
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        text
    };
    let text = tokio::select! { () = writing => unreachable!(), text = reading => text };
    let status = text.split(' ').nth(1).unwrap_or("0").parse().unwrap();
    let body: Value = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default();
    (status, body["code"].as_str().map(str::to_owned))
}

/// Bytes per second of the best upload of 24 MiB in `time`, each of other bytes. The best, because whatever else this machine does
/// only makes an upload slower.
async fn best_rate(app: &TestApp, seed: u8, time: Duration) -> (f64, usize) {
    let (mut best, mut count, begin) = (0.0_f64, 0, Instant::now());
    for round in 0..64 {
        if begin.elapsed() > time {
            break;
        }
        let bytes = vec![seed ^ round; 24 << 20];
        let sent_at = Instant::now();
        app.uploaded("", bytes).await;
        count += 1;
        best = best.max(f64::from(24 << 20) / sent_at.elapsed().as_secs_f64());
    }
    (best, count)
}

/// With the default limits: this takes 20 seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_slow_clients_get_408_within_30_s_and_an_upload_beside_them_keeps_its_rate() {
    let app = std::sync::Arc::new(TestApp::start().await);
    let (alone, first) = best_rate(&app, 0x00, Duration::from_secs(5)).await;
    let began = Instant::now();
    let clients: Vec<_> = (0..50)
        .map(|number| {
            let app = std::sync::Arc::clone(&app);
            tokio::spawn(async move { if number % 2 == 0 { slow_header(&app).await } else { slow_body(&app).await } })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (beside, second) = best_rate(&app, 0x80, Duration::from_secs(12)).await;
    for client in clients {
        assert_eq!(client.await.unwrap(), (408, Some("timeout".to_owned())));
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(beside >= 0.8 * alone, "alone {:.0} MB/s, beside slow clients {:.0} MB/s", alone / 1e6, beside / 1e6);
    assert_eq!(app.blob_files().len(), first + second, "slow bodies leave nothing");
}

#[tokio::test]
async fn a_slow_json_body_gets_408_too() {
    let limits = Limits { body_timeout: Duration::from_secs(1), ..Limits::default() };
    let app = TestApp::start_with(|_| {}, limits).await;
    let slow = futures::stream::pending::<std::io::Result<bytes::Bytes>>();
    let request = app.anonymous(reqwest::Method::POST, "/auth/login").header("content-type", "application/json");
    problem(request.body(reqwest::Body::wrap_stream(slow)).send().await.unwrap(), 408, "timeout").await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_left() {
    let limits = Limits { write_timeout: Duration::from_secs(1), max_connections: 2, ..Limits::default() };
    let app = TestApp::start_with(|_| {}, limits).await;
    let video = app.uploaded("", vec![3; 64 << 20]).await;
    let key = app.key(Role::Operator);
    let mut idle = connect(&app).await;
    let request = format!("GET /vod/{video}/original HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer {key}\r\n\r\n");
    idle.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut received = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), idle.read_to_end(&mut received)).await;
    assert!(ended.is_ok() && received.len() < 64 << 20, "{} bytes", received.len());
}

#[tokio::test]
async fn a_shutdown_lets_an_upload_end_and_takes_no_new_connection() {
    let app = TestApp::start().await;
    let (part, parts) = tokio::sync::mpsc::channel::<std::io::Result<&str>>(1);
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(parts));
    let request = app.request(Role::Operator, reqwest::Method::POST, "/vod/upload").body(body);
    let upload = tokio::spawn(request.send());
    part.send(Ok("first half, ")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.app().stop.cancel();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(TcpStream::connect(app.url.trim_start_matches("http://")).await.is_err());
    part.send(Ok("second half")).await.unwrap();
    drop(part);
    assert_eq!(upload.await.unwrap().unwrap().status(), StatusCode::CREATED);
    assert_eq!(app.store.overview().await.unwrap().original_bytes, 23);
}
