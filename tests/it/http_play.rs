//! Playback: addresses, sessions, ranges, revocation, the gate.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use weir::model::{Decision, Fact, Guard, HumanLabel, Role};
use weir::serve::{Gate, Limits};

use crate::harness::{TestApp, now, problem};

const HOUR_MS: i64 = 3_600_000;

/// The folder of a new address: `/play/TOKEN`, and the session's id.
async fn address(app: &TestApp, video: &weir::model::VideoId) -> (String, String) {
    let answer = app.json(&format!("/vod/{video}/manifest")).await;
    let folder = answer["manifest_url"].as_str().unwrap().strip_suffix("/master.m3u8").unwrap().to_owned();
    (folder, answer["session_id"].as_str().unwrap().to_owned())
}

fn play(app: &TestApp, folder: &str, path: &str) -> RequestBuilder {
    app.anonymous(Method::GET, &format!("{folder}/{path}"))
}

async fn status(app: &TestApp, folder: &str, path: &str) -> u16 {
    play(app, folder, path).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_address_plays_without_any_other_sign_of_who_asks() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"playable", 10_000).await;
    let (folder, _) = address(&app, &video).await;
    problem(play(&app, &folder, "360p/index.m3u8").send().await.unwrap(), 404, "not_found").await;

    let master = play(&app, &folder, "master.m3u8").header("origin", "null").send().await.unwrap();
    assert_eq!(master.status(), StatusCode::OK);
    assert_eq!(master.headers()["content-type"], "application/vnd.apple.mpegurl");
    assert_eq!(master.headers()["cache-control"], "no-cache");
    assert_eq!(master.headers()["access-control-allow-origin"], "*");
    assert!(!master.headers().contains_key("access-control-allow-credentials"));
    assert_eq!(master.text().await.unwrap(), "#EXTM3U\n360p/index.m3u8\n");
    assert_eq!(play(&app, &folder, "360p/index.m3u8").send().await.unwrap().text().await.unwrap(), "#EXTM3U\nseg-1.m4s\n");

    let segment = play(&app, &folder, "360p/seg-1.m4s").send().await.unwrap();
    assert_eq!(segment.headers()["cache-control"], "private, max-age=31536000, immutable");
    assert_eq!(segment.headers()["content-type"], "video/mp4");
    assert_eq!(segment.bytes().await.unwrap().len(), 1000);
    let poster = play(&app, &folder, "poster.jpg").send().await.unwrap();
    assert_eq!((poster.status(), poster.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "image/jpeg"));

    for outside in ["360p/none.m4s", "..%2F..%2Fvod-raw", "%252e%252e/secret", "360p%2F..%2F..%2Fx", "a%00b", "360p//seg-1.m4s"] {
        assert_eq!(status(&app, &folder, outside).await, 404, "{outside}");
    }
    let preflight = app.anonymous(Method::OPTIONS, &format!("{folder}/360p/seg-1.m4s")).send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "range, if-range, if-none-match");
}

#[tokio::test]
async fn ranges_tags_and_head_are_answered() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"playable", 10_000).await;
    let (folder, _) = address(&app, &video).await;
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200);
    let segment = |headers: &[(&str, &str)]| {
        let request = play(&app, &folder, "360p/seg-1.m4s");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    let part = segment(&[("range", "bytes=10-19")]).await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        (part.headers()["content-range"].to_str().unwrap(), part.headers()["content-length"].to_str().unwrap()),
        ("bytes 10-19/1000", "10")
    );
    let etag = part.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(part.bytes().await.unwrap().to_vec(), (10..20).collect::<Vec<u8>>());

    let outside = segment(&[("range", "bytes=1000-")]).await.unwrap();
    assert_eq!(
        (outside.status(), outside.headers()["content-range"].to_str().unwrap()),
        (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */1000")
    );
    assert_eq!(segment(&[("if-none-match", &etag)]).await.unwrap().status(), StatusCode::NOT_MODIFIED);
    assert_eq!(segment(&[("range", "bytes=0-1"), ("if-range", "\"old\"")]).await.unwrap().status(), StatusCode::OK);
    assert_eq!(segment(&[("range", "bytes=0-1"), ("if-range", &etag)]).await.unwrap().status(), StatusCode::PARTIAL_CONTENT);

    let head = app.client.head(format!("{}{folder}/360p/seg-1.m4s", app.url)).send().await.unwrap();
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "1000"));
    assert!(head.bytes().await.unwrap().is_empty());

    let original = app
        .request(Role::Operator, Method::GET, &format!("/vod/{video}/original"))
        .header("range", "bytes=-4")
        .send()
        .await
        .unwrap();
    assert_eq!(original.status(), StatusCode::PARTIAL_CONTENT);
    let name = original.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(name, format!("attachment; filename=\"{video}\"; filename*=UTF-8''Ready"));
    assert_eq!(original.text().await.unwrap(), "able");
}

#[tokio::test]
async fn a_session_outlives_the_expiry_of_its_address() {
    let app = TestApp::start_with(|config| config.playback.address_ttl = Duration::from_secs(5), Limits::default()).await;
    let video = app.ready_video(b"playable", 10_000).await;
    let (opened, _) = address(&app, &video).await;
    let (unopened, _) = address(&app, &video).await;
    assert_eq!(status(&app, &opened, "master.m3u8").await, 200);
    app.pass(6_000);
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert_eq!(status(&app, &opened, "master.m3u8").await, 200, "opened in time");
    assert_eq!(status(&app, &opened, "360p/seg-1.m4s").await, 200);
    problem(play(&app, &unopened, "master.m3u8").send().await.unwrap(), 410, "gone").await;
    app.pass(HOUR_MS);
    problem(play(&app, &opened, "360p/seg-1.m4s").send().await.unwrap(), 410, "gone").await;
}

#[tokio::test]
async fn a_session_is_renewed_but_not_beyond_a_day() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"playable", 2 * HOUR_MS).await;
    let (folder, session) = address(&app, &video).await;
    let renew = || app.request(Role::Viewer, Method::POST, &format!("/play/sessions/{session}/renew")).send();
    problem(renew().await.unwrap(), 410, "gone").await;
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200);
    app.pass(4 * HOUR_MS + HOUR_MS / 2 - 60_000);
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200, "two views and half an hour");
    assert_eq!(renew().await.unwrap().json::<Value>().await.unwrap()["id"], session);
    app.pass(4 * HOUR_MS);
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200);
    for _ in 0..5 {
        assert_eq!(renew().await.unwrap().status(), StatusCode::OK);
        app.pass(3 * HOUR_MS);
    }
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200, "under a day");
    app.pass(HOUR_MS);
    renew().await.unwrap();
    assert_eq!(status(&app, &folder, "master.m3u8").await, 410, "a day is the end");
}

#[tokio::test]
async fn revocation_and_deletion_are_seen_within_five_seconds_elsewhere_too() {
    let app = TestApp::start().await;
    let other = app.beside(|_| {}).await;
    let elsewhere =
        async |folder: &str| app.client.get(format!("{other}{folder}/360p/seg-1.m4s")).send().await.unwrap().status().as_u16();
    let (first, second) = (app.ready_video(b"one", 10_000).await, app.ready_video(b"two", 10_000).await);
    let (revoked, session) = address(&app, &first).await;
    let (deleted, _) = address(&app, &second).await;
    for folder in [&revoked, &deleted] {
        assert_eq!(status(&app, folder, "master.m3u8").await, 200);
        assert_eq!(elsewhere(folder).await, 200);
    }
    let path = format!("/play/sessions/{session}");
    assert_eq!(app.request(Role::Viewer, Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let path = format!("/vod/{second}");
    assert_eq!(app.request(Role::Operator, Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(status(&app, &revoked, "360p/seg-1.m4s").await, 410);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((elsewhere(&revoked).await, elsewhere(&deleted).await), (410, 410));
    assert_eq!(status(&app, &deleted, "360p/seg-1.m4s").await, 410);
}

#[tokio::test]
async fn an_address_of_another_secret_or_a_changed_one_is_none() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"playable", 10_000).await;
    let (folder, _) = address(&app, &video).await;
    let (mut changed, last) = (folder.clone(), folder.chars().last().unwrap());
    changed.pop();
    changed.push(if last == 'A' { 'Q' } else { 'A' });
    assert_eq!(status(&app, &changed, "master.m3u8").await, 404);
    assert_eq!(status(&app, "/play/nonsense", "master.m3u8").await, 404);
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200);
}

#[tokio::test]
async fn a_manifest_is_for_what_is_ready_and_redirects_players() {
    let app = TestApp::start().await;
    let waiting = app.uploaded("", "not packaged").await;
    problem(app.get(&format!("/vod/{waiting}/manifest")).await, 409, "conflict").await;
    problem(app.get("/vod/vod-00000000ffff/manifest").await, 404, "not_found").await;
    problem(app.get("/vod/nonsense/manifest").await, 404, "not_found").await;
    let video = app.ready_video(b"playable", 10_000).await;
    let path = format!("/vod/{video}/manifest");
    let player =
        app.request(Role::Viewer, Method::GET, &path).header("accept", "application/vnd.apple.mpegurl").send().await.unwrap();
    assert_eq!(player.status(), StatusCode::FOUND);
    let location = player.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("/play/") && location.ends_with("/master.m3u8"), "{location}");
    let answer = app.json(&path).await;
    assert_eq!((answer["stream_id"].as_str(), answer["status"].as_str()), (Some(video.as_str()), Some("ready")));
}

#[tokio::test]
async fn a_gate_holds_playback_back_until_the_video_is_safe() {
    let app = TestApp::start_with(|config| config.playback.gate = Gate::Verdict, Limits::default()).await;
    let video = app.ready_video(b"playable", 10_000).await;
    let path = format!("/vod/{video}/manifest");
    problem(app.get(&path).await, 403, "gated").await;
    let label = async |decision: Decision| {
        let label = HumanLabel { label: decision, by: "acc-000000000001".parse().unwrap(), at: now(), note: None };
        app.store.record(&[Fact::HumanLabelled { video: video.clone(), label }], Guard::None).await.unwrap();
    };
    label(Decision::Safe).await;
    let (folder, _) = address(&app, &video).await;
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200);
    label(Decision::Harmful).await;
    problem(app.get(&path).await, 403, "gated").await;
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    problem(play(&app, &folder, "360p/seg-1.m4s").send().await.unwrap(), 403, "gated").await;
}

#[tokio::test]
async fn tokens_are_stored_as_digests_only() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"playable", 10_000).await;
    let (folder, _) = address(&app, &video).await;
    assert_eq!(status(&app, &folder, "master.m3u8").await, 200);
    let token = folder.strip_prefix("/play/").unwrap().as_bytes();
    for entry in std::fs::read_dir(app.folder.path()).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(token.len()).any(|window| window == token), "{}", entry.path().display());
        }
    }
    let answer = app.json(&format!("/videos/{video}/tasks")).await;
    assert_eq!(answer["items"].as_array().map(Vec::len), Some(4), "{}", json!(answer));
}
