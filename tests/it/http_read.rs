//! What is read over HTTP: lists, metadata, findings, verdicts, tasks, logs, health, the documents.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use weir::model::{
    AnalyserResult, AnalyserStatus, Analysis, Fact, Finding, Guard, Key, Modality, ResultKey, Role, Span, Verdict, VideoId,
};
use weir::model::{Decision, Evidence};

use crate::harness::{TestApp, problem};

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.uploaded(
            &format!("?title=Clip%20{number}&owner=o{}&labels=%7B%22n%22%3A%22{number}%22%7D", number % 2),
            format!("{number}"),
        )
        .await;
    }
    let first = app.json("/vod?limit=2").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["items"][0]["title"], "Clip 4", "newest first");
    let mut seen = titles(&first);
    let mut next = first["next"].as_str().map(str::to_owned);
    while let Some(cursor) = next {
        let page = app.json(&format!("/vod?limit=2&cursor={cursor}")).await;
        seen.extend(titles(&page));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, ["Clip 4", "Clip 3", "Clip 2", "Clip 1", "Clip 0"]);
    assert_eq!(titles(&app.json("/vod?owner=o1").await), ["Clip 3", "Clip 1"]);
    assert_eq!(titles(&app.json("/vod?label=n%3D2").await), ["Clip 2"]);
    assert_eq!(titles(&app.json("/vod?title=clip%203&status=uploaded&decision=pending").await), ["Clip 3"]);
    assert_eq!(titles(&app.json("/vod?since=2999-01-01T00:00:00Z").await), Vec::<String>::new());
    assert_eq!(titles(&app.json("/vod?until=2999-01-01T00:00:00Z").await).len(), 5);
    for bad in ["status=gone", "cursor=zz", "since=yesterday", "stream_id=1", "limit=-1"] {
        problem(app.get(&format!("/vod?{bad}")).await, 400, "bad_request").await;
    }
}

fn titles(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_deleted_video_is_gone_at_once() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"short-lived", 1000).await;
    let path = format!("/vod/{video}");
    assert_eq!(app.request(Role::Operator, Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    for gone in
        [format!("{path}/metadata"), format!("{path}/poster"), format!("{path}/original"), format!("/videos/{video}/analysis")]
    {
        problem(app.get(&gone).await, 404, "not_found").await;
    }
    problem(app.request(Role::Operator, Method::DELETE, &path).send().await.unwrap(), 404, "not_found").await;
    assert_eq!(app.json("/vod").await["items"], json!([]));
}

#[tokio::test]
async fn metadata_has_the_seeds_fields() {
    let app = TestApp::start().await;
    let video = app.ready_video(b"playable", 10_000).await;
    let metadata = app.json(&format!("/vod/{video}/metadata")).await;
    assert_eq!((&metadata["resolution"], &metadata["duration_ms"]), (&json!("640x360"), &json!(10_000)));
    assert_eq!((&metadata["variants_generated"], &metadata["keyframe_aligned"]), (&json!(["360p"]), &json!(true)));
    assert!(metadata["manifest_path"].as_str().unwrap().ends_with("/master.m3u8"));
    assert!(metadata["variant_paths"][0].as_str().unwrap().ends_with("/360p"));
    assert_eq!(metadata["poster_url"], format!("/vod/{video}/poster"));
    assert_eq!(metadata["video_track_id"], 0);
    assert!(metadata["processing_latency_ms"].as_i64().unwrap() >= 0);
    assert!(metadata["completed_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(metadata["media"]["video"]["fps"], 25.0);
    let poster = app.get(&format!("/vod/{video}/poster")).await;
    assert_eq!((poster.status(), poster.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "image/jpeg"));
}

fn finding(label: &str, start_ms: i64, end_ms: i64) -> Finding {
    Finding { label: label.into(), start_ms, end_ms, confidence: 0.9, ..Finding::default() }
}

/// Records a result of `cut_analysis` with three samples and one span, and a verdict.
async fn analysed(app: &TestApp) -> VideoId {
    let video = app.ready_video(b"analysed", 10_000).await;
    let samples = [finding("cut", 0, 0), finding("cut", 2000, 2000), finding("fade", 5000, 6000)];
    let lines: String = samples.iter().map(|sample| serde_json::to_string(sample).unwrap() + "\n").collect();
    let key: Key = "findings/one/cut_analysis.jsonl".parse().unwrap();
    app.blobs.put(&key, lines.into()).await.unwrap();
    let span = Span { analyser: "cut_analysis".into(), finding: finding("cut", 0, 2000), count: 2 };
    let result = AnalyserResult {
        recovery: Vec::new(),
        key: ResultKey::of("content", "cut_analysis", 1, 1, "", ""),
        analyser: "cut_analysis".into(),
        version: 1,
        model: String::new(),
        status: AnalyserStatus::Done,
        reason: None,
        ms: 12,
        samples: 250,
        findings: vec![],
        spans: vec![span],
        findings_key: Some(key),
    };
    let evidence = Evidence {
        modality: Modality::Text,
        source: "title".into(),
        start_ms: 0,
        end_ms: 0,
        score: 0.6,
        label: "list: en".into(),
        text: Some("Ready".into()),
    };
    let verdict = Verdict {
        decision: Decision::Harmful,
        score: Some(0.6),
        avg_score: Some(0.6),
        text: Some(0.6),
        video: None,
        audio: None,
        text_weight: 0.3,
        threshold: 0.5,
        review_band: 0.05,
        method: "weighted_mean/1".into(),
        evidence: vec![evidence],
        not_run: vec![],
        limits: vec![],
    };
    let facts = [
        Fact::AnalyserFinished { video: video.clone(), result: Box::new(result) },
        Fact::AnalysisMoved { video: video.clone(), analysis: Analysis::Done },
        Fact::VerdictGiven { video: video.clone(), verdict: Box::new(verdict) },
    ];
    app.store.record(&facts, Guard::None).await.unwrap();
    video
}

#[tokio::test]
async fn findings_come_as_spans_or_as_samples() {
    let app = TestApp::start().await;
    let video = analysed(&app).await;
    let analysis = app.json(&format!("/videos/{video}/analysis")).await;
    assert_eq!(analysis["analysis"], "done");
    let cuts = &analysis["analysers"]["cut_analysis"];
    assert_eq!((&cuts["spans"], &cuts["counts"], &cuts["samples"]), (&json!(1), &json!({ "cut": 2 }), &json!(250)));
    assert_eq!(cuts["limits"], "hard cuts and fades only");

    let path = format!("/videos/{video}/findings");
    let spans = app.json(&path).await;
    assert_eq!((spans["items"][0]["count"].as_i64(), spans["items"][0]["analyser"].as_str()), (Some(2), Some("cut_analysis")));
    let samples = async |query: &str| {
        let answer = app.json(&format!("{path}?analyser=cut_analysis&detail=samples&{query}")).await;
        let labels: Vec<String> =
            answer["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect();
        (labels, answer["truncated"].as_bool().unwrap())
    };
    assert_eq!(samples("").await, (vec!["cut".into(), "cut".into(), "fade".into()], false));
    assert_eq!(samples("from_ms=1&to_ms=4999").await, (vec!["cut".into()], false));
    assert_eq!(samples("from_ms=5500").await, (vec!["fade".into()], false));
    assert_eq!(samples("limit=2").await, (vec!["cut".into(), "cut".into()], true));
    problem(app.get(&format!("{path}?detail=samples")).await, 400, "bad_request").await;
    assert_eq!(app.json(&format!("{path}?detail=samples&analyser=text_overlay")).await["items"], json!([]));
}

#[tokio::test]
async fn a_label_stands_beside_the_verdict_with_its_author() {
    let app = TestApp::start().await;
    let video = analysed(&app).await;
    let other = app.uploaded("", "not judged").await;
    problem(app.get(&format!("/videos/{other}/verdict")).await, 404, "not_judged").await;
    let path = format!("/videos/{video}/label");
    let label = |role: Role, body: Value| app.request(role, Method::POST, &path).json(&body).send();
    problem(label(Role::Reviewer, json!({ "label": "review" })).await.unwrap(), 400, "bad_request").await;
    problem(label(Role::Reviewer, json!({ "label": "safe", "note": "x".repeat(2001) })).await.unwrap(), 400, "bad_request").await;
    let set: Value = label(Role::Reviewer, json!({ "label": "safe", "note": "seen it" })).await.unwrap().json().await.unwrap();
    assert_eq!(set["human_label"]["by_name"], "API key reviewer");

    let (cookie, csrf) = app.sign_in("admin").await;
    let request = app.anonymous(Method::POST, &path).header("cookie", cookie).header("x-csrf-token", csrf);
    assert_eq!(request.json(&json!({ "label": "harmful" })).send().await.unwrap().status(), StatusCode::OK);
    let labels = app.json(&format!("/videos/{video}/labels")).await;
    let said: Vec<_> =
        labels["items"].as_array().unwrap().iter().map(|one| (one["label"].as_str(), one["by_name"].as_str())).collect();
    assert_eq!(said, [(Some("harmful"), Some("admin")), (Some("safe"), Some("API key reviewer"))]);

    let verdict = app.json(&format!("/videos/{video}/verdict")).await;
    assert_eq!((&verdict["decision"], &verdict["human_label"]["label"]), (&json!("harmful"), &json!("harmful")));
    assert_eq!(verdict["evidence"][0]["label"], "list: en");
    let listed = app.json("/vod?decision=harmful").await;
    assert!((listed["items"][0]["score"].as_f64().unwrap() - 0.6).abs() < 1e-6);
    assert_eq!(listed["items"][0]["human_label"]["by_name"], "admin");
}

#[tokio::test]
async fn analysis_is_asked_for_again_when_it_is_over() {
    let app = TestApp::start().await;
    let video = analysed(&app).await;
    let unprobed = app.uploaded("", "not probed").await;
    problem(app.post(&format!("/videos/{unprobed}/analyse"), &json!({})).await, 409, "conflict").await;
    let path = format!("/videos/{video}/analyse");
    problem(app.post(&path, &json!({})).await, 409, "conflict").await;
    for task in app.json(&format!("/tasks?video={video}")).await["items"].as_array().unwrap() {
        if ["analyse", "judge"].contains(&task["kind"].as_str().unwrap()) {
            app.post(&format!("/tasks/{}/cancel", task["id"].as_str().unwrap()), &json!({})).await;
        }
    }
    let asked = app.post(&path, &json!({})).await;
    assert_eq!(asked.status(), StatusCode::ACCEPTED);
    assert_eq!(asked.json::<Value>().await.unwrap(), json!({ "stream_id": video, "analysis": "queued" }));
    problem(app.post(&path, &json!({})).await, 409, "conflict").await;
    assert_eq!(app.json(&format!("/vod/{video}/metadata")).await["decision"], "pending");
    assert_eq!(app.json(&format!("/videos/{video}/tasks")).await["items"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn tasks_are_shown_cancelled_and_run_again() {
    let app = TestApp::start().await;
    let video = app.uploaded("", "work").await;
    let tasks = app.json(&format!("/tasks?kind=probe&video={video}")).await;
    let id = tasks["items"][0]["id"].as_str().unwrap().to_owned();
    let drive = |verb: &str| {
        let path = format!("/tasks/{id}/{verb}");
        let app = &app;
        async move { app.request(Role::Operator, Method::POST, &path).send().await.unwrap() }
    };
    problem(drive("retry").await, 409, "conflict").await;
    let cancelled = drive("cancel").await;
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    assert_eq!(cancelled.json::<Value>().await.unwrap()["state"], "cancelled");
    problem(drive("cancel").await, 409, "conflict").await;
    assert_eq!(drive("retry").await.json::<Value>().await.unwrap()["state"], "ready");
    problem(app.get("/tasks/task-00000000ffff").await, 404, "not_found").await;
    problem(app.get("/tasks?state=lost").await, 400, "bad_request").await;
    let overview = app.json("/overview").await;
    assert_eq!((&overview["videos"], &overview["by_status"]["uploaded"]), (&json!(1), &json!(1)));
    assert!(!overview["queue"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn announcements_are_durable_when_they_are_answered() {
    let app = TestApp::start().await;
    let announce =
        |topic: &str, body: Value| app.request(Role::Operator, Method::POST, &format!("/feed/{topic}")).json(&body).send();
    let first = announce("vod-chunks", json!({ "stream_id": "vod-000000000001" })).await.unwrap();
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let answer: Value = first.json().await.unwrap();
    assert_eq!((&answer["topic"], &answer["offset"]), (&json!("vod-chunks"), &json!(0)));
    let second: Value = announce("vod-chunks", json!({ "stream_id": "vod-000000000001" })).await.unwrap().json().await.unwrap();
    assert_eq!((&second["partition"], &second["offset"]), (&answer["partition"], &json!(1)));
    problem(announce("audit", json!({ "stream_id": "x" })).await.unwrap(), 404, "not_found").await;
    problem(announce("vod-chunks", json!({ "stream": 1 })).await.unwrap(), 400, "bad_request").await;
    problem(announce("vod-chunks", json!({ "stream_id": "x".repeat(1 << 20) })).await.unwrap(), 413, "too_large").await;
}

#[tokio::test]
async fn logs_are_for_admins_and_newest_first() {
    let app = TestApp::start().await;
    let line = |level: &str, message: &str| weir::store::LogLine {
        id: 0,
        timestamp: "2026-08-01T12:00:00.000Z".into(),
        level: level.into(),
        message: message.into(),
        source: "weir::work".into(),
    };
    app.store.add_logs(&[line("info", "one"), line("error", "two"), line("warn", "three")]).await.unwrap();
    let messages = async |query: &str| {
        let answer = app.json(&format!("/logs{query}")).await;
        answer["items"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(messages("").await, ["three", "two", "one"]);
    assert_eq!(messages("?level=warn").await, ["three", "two"]);
    assert_eq!(messages("?level=error&limit=1").await, ["two"]);
    problem(app.get("/logs?level=loud").await, 400, "bad_request").await;
}

#[tokio::test]
async fn health_names_its_parts_and_says_when_it_is_down() {
    let app = TestApp::start().await;
    let health = app.anonymous(Method::GET, "/health").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&health["status"], &health["parts"]["store"]["ok"]), (&json!("ok"), &json!(true)));
    assert!(health["parts"]["blobs"]["free_bytes"].as_u64().unwrap() > 0);
    for path in ["/health/live", "/health/ready", "/api/health"] {
        assert_eq!(app.anonymous(Method::GET, path).send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn the_documents_and_the_dashboard_are_served_with_guarding_headers() {
    let app = TestApp::start().await;
    let get = async |path: &str| app.anonymous(Method::GET, path).send().await.unwrap();
    let page = get("/library?status=ready").await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert!(page.text().await.unwrap().contains("<html"));

    let docs = get("/docs/").await;
    assert_eq!(docs.status(), StatusCode::OK);
    assert!(docs.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'; style-src"));
    let text = docs.text().await.unwrap();
    assert!(!text.contains("//cdn") && !text.contains("https://"), "no outside address: {text}");
    assert!(get("/docs/swagger-ui-bundle.js").await.bytes().await.unwrap().len() > 100_000);
    assert_eq!(get("/openapi.json").await.json::<Value>().await.unwrap()["info"]["title"], "weir");
    assert_eq!(get("/docs").await.status().as_u16() / 100, 3);

    problem(get("/api/nothing").await, 404, "not_found").await;
    problem(get("/assets/missing.js").await, 404, "not_found").await;
    problem(app.anonymous(Method::POST, "/nothing").send().await.unwrap(), 404, "not_found").await;
    problem(app.anonymous(Method::PATCH, "/health").send().await.unwrap(), 405, "unsupported").await;
}
