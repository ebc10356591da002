//! What the outside sees of the inside: metrics, logs, health.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;
use weir::serve::health::{PartHealth, Probe};
use weir::serve::{App, Clock, Limits, listen, router};
use weir::telemetry::stored_logs;

use crate::harness::TestApp;

#[tokio::test]
async fn requests_are_counted_by_path_template() {
    let app = TestApp::start_with(|config| config.metrics_on_api = true, Limits::default()).await;
    let video = app.uploaded("", "counted").await;
    app.get(&format!("/vod/{video}/metadata")).await;
    app.get("/play/a-secret-token/master.m3u8").await;
    app.get("/somewhere").await;
    let text = app.anonymous(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let has = |start: &str, rest: &[&str]| {
        text.lines().any(|line| line.starts_with(start) && rest.iter().all(|part| line.contains(part)))
    };
    assert!(has("api_requests_total{", &["method=\"GET\"", "path=\"/vod/{id}/metadata\"", "status=\"200\""]), "{text}");
    assert!(has("api_requests_total{", &["path=\"/play/{token}/{*path}\"", "status=\"404\""]), "{text}");
    assert!(has("api_requests_total{", &["path=\"dashboard\"", "status=\"200\""]), "{text}");
    assert!(has("api_request_duration_seconds_bucket{", &["path=\"/vod/{id}/metadata\"", "le=\"0.05\""]), "{text}");
    assert!(!text.contains("a-secret-token") && !text.contains(video.as_str()), "no ids and no tokens");

    let without = TestApp::start().await;
    let page = without.anonymous(Method::GET, "/metrics").send().await.unwrap();
    assert!(!page.text().await.unwrap().contains("api_requests_total"), "only on its own address unless set");
}

/// A log that tests read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs on one thread, so that everything is logged to the test's own subscriber.
#[tokio::test]
async fn tokens_keys_and_passwords_are_never_logged() {
    let log = Log::default();
    let writer = log.clone();
    let everything = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let _reading = tracing::subscriber::set_default(tracing_subscriber::registry().with(everything));
    let app = TestApp::start().await;
    let (cookie, csrf) = app.sign_in("admin").await;
    let video = app.ready_video(b"playable", 10_000).await;
    let manifest = app.json(&format!("/vod/{video}/manifest")).await["manifest_url"].as_str().unwrap().to_owned();
    assert_eq!(app.anonymous(Method::GET, &manifest).send().await.unwrap().status(), StatusCode::OK);
    // A part that does not answer is logged with its reason: that is where an address could slip in.
    std::fs::remove_dir_all(app.blobs.root()).unwrap();
    app.upload("?title=a-personal-title", "bytes").await;
    tracing::info!("the log is read");
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("the log is read") && text.contains("a request could not be answered"), "{text}");
    let token = manifest.split('/').nth(2).unwrap();
    for secret in
        [token, cookie.split('=').nth(1).unwrap(), csrf.as_str(), app.key(weir::model::Role::Admin), crate::harness::PASSWORD]
    {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn warnings_come_into_system_logs_and_noise_does_not() {
    let app = TestApp::start().await;
    let (layer, writer) = stored_logs(|| Clock::wall().now());
    let stop = CancellationToken::new();
    let writing = tokio::spawn(writer.run(Arc::clone(&app.store), stop.clone()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::warn!(target: "elsewhere", disk = 3, "nearly full");
        tracing::info!(target: "elsewhere", "chatter");
        tracing::info!(target: "weir::work", "a worker is here");
        tracing::error!(target: "weir::store", "its own words are not stored");
        tracing::debug!(target: "weir::work", "details");
    });
    stop.cancel();
    writing.await.unwrap();
    let logs = app.json("/logs").await;
    let lines: Vec<_> = logs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["level"].as_str().unwrap(), line["message"].as_str().unwrap()))
        .collect();
    assert_eq!(lines, [("info", "a worker is here"), ("warn", "nearly full disk=3")]);
}

/// A part in a fixed state.
struct Fixed(&'static str, PartHealth);

#[async_trait]
impl Probe for Fixed {
    fn part(&self) -> &'static str {
        self.0
    }

    async fn probe(&self) -> PartHealth {
        self.1.clone()
    }
}

#[tokio::test]
async fn a_missing_part_degrades_and_a_missing_disk_is_down() {
    let app = TestApp::start().await;
    let models = Fixed("models", PartHealth::bad("2 of 9 are missing").with("missing", json!(["nanodet"])));
    let with_probe = App { probes: vec![Arc::new(models)], ..app.app().clone() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    tokio::spawn(listen(listener, router(with_probe), Limits::default(), app.app().stop.clone()));
    let degraded = app.client.get(&url).send().await.unwrap();
    assert_eq!(degraded.status(), StatusCode::OK);
    let body: Value = degraded.json().await.unwrap();
    assert_eq!((&body["status"], &body["parts"]["models"]["missing"]), (&json!("degraded"), &json!(["nanodet"])));

    std::fs::remove_dir_all(app.blobs.root()).unwrap();
    let down = app.anonymous(Method::GET, "/health").send().await.unwrap();
    assert_eq!(down.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = down.json().await.unwrap();
    assert_eq!(
        (&body["status"], &body["parts"]["blobs"]["ok"], &body["parts"]["store"]["ok"]),
        (&json!("down"), &json!(false), &json!(true))
    );
    assert_eq!(app.anonymous(Method::GET, "/health/live").send().await.unwrap().status(), StatusCode::OK);
}
