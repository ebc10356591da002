//! `temporal_description` with a vision endpoint: a small server that speaks the same form. No vLLM, llama.cpp or Ollama is here.

mod network;
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir::analyser::{self, Analyser, Frame, Options, Summary};
use weir::infer::Models;
use weir::model::{AnalyserStatus, Finding, MediaInfo};

use self::server::{Answer, Server, describes, http};
use crate::program::{ffmpeg, run};

/// The analyser with these options.
fn analyser(options: Value) -> anyhow::Result<Box<dyn Analyser>> {
    let Value::Object(options) = options else { panic!("no object") };
    let all = analyser::all(&Options(BTreeMap::from([("temporal_description".to_owned(), options)])))?;
    Ok(all.into_iter().find(|analyser| analyser.spec().name == "temporal_description").unwrap())
}

/// What it finds in 40 s of pictures, two a second, a bus in the first ten of them, when `options` are added to a short patience.
fn look(endpoint: &str, options: Value) -> (Vec<Finding>, Summary) {
    let mut all = json!({ "endpoint": endpoint, "segment": "20s", "frames": 2, "timeout": "1s", "retries": 1 });
    let (Value::Object(all_map), Value::Object(more)) = (&mut all, options) else { panic!("no object") };
    all_map.extend(more);
    let media = MediaInfo { duration_ms: 40_000, ..MediaInfo::default() };
    let mut pass = analyser(all).unwrap().begin(&media, &Arc::new(Models::open("no-models-here", 1))).unwrap();
    let mut found = Vec::new();
    let picture: Arc<[u8]> = (0..640 * 360 * 3).map(|at| (at / 5000) as u8).collect();
    for at in 0..80 {
        pass.frames(&[Frame::new(at, at as i64 * 500, 640, 360, picture.clone())], &mut found).unwrap();
    }
    let bus = |at: i64| Finding { start_ms: at, end_ms: at, label: "bus".into(), confidence: 0.9, ..Finding::default() };
    pass.findings("object_detection", &(0..10).map(|at| bus(at * 1000)).collect::<Vec<_>>(), &mut found).unwrap();
    let summary = pass.finish(&mut found).unwrap();
    (found, summary)
}

fn method(finding: &Finding) -> &str {
    finding.value.as_ref().unwrap()["method"].as_str().unwrap()
}

/// Everything is composed, and the reason says so and has these words.
fn assert_composed((found, summary): (Vec<Finding>, Summary), words: &str) {
    let reason = summary.reason.unwrap();
    assert_eq!(summary.status, AnalyserStatus::Degraded, "{reason}");
    assert!(reason.starts_with("without the vision endpoint: 2 of 2 parts are composed: ") && reason.contains(words), "{reason}");
    let texts: Vec<&str> = found.iter().map(|finding| finding.text.as_deref().unwrap()).collect();
    assert_eq!(texts, ["A bus is seen."]);
    assert!(found.iter().all(|finding| method(finding) == "composed"));
}

#[test]
fn sixteen_stamped_frames_of_each_segment_come_back_as_text_and_events() {
    let server = Server::start(|_, asked| describes(asked));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-secret\n").unwrap();
    let (found, summary) = look(&server.url(), json!({ "api_key_file": key, "model": "qwen2-vl:7b", "frames": 16 }));
    assert_eq!((summary.status, summary.reason), (AnalyserStatus::Done, None));
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for (number, asked) in asked.iter().enumerate() {
        assert!(asked.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", asked.head);
        assert!(asked.head.contains("authorization: Bearer sk-secret\r\n"), "{}", asked.head);
        assert_eq!(asked.sizes, [(512, 288); 16]);
        let (begin, end) = (20.0 * number as f64, 20.0 * number as f64 + 20.0);
        assert!(asked.times.is_sorted() && asked.times.iter().all(|time| (begin..end).contains(time)), "{:?}", asked.times);
        assert!(asked.last.contains(&format!("from {begin:.1} s to {end:.1} s")), "{}", asked.last);
        assert_eq!(asked.body["model"], "qwen2-vl:7b");
        assert_eq!(asked.body["response_format"]["type"], "json_schema");
    }
    let shown: Vec<_> = found.iter().map(|finding| (finding.label.as_str(), finding.start_ms, finding.text.as_deref())).collect();
    let event_ms = |number: usize| (asked[number].times[1] * 1000.0).round() as i64;
    let text = (Some("16 frames"), Some("something moves"));
    assert_eq!(
        shown,
        [
            ("description", 0, text.0),
            ("event", event_ms(0), text.1),
            ("description", 20_000, text.0),
            ("event", event_ms(1), text.1)
        ]
    );
    let value = found[0].value.as_ref().unwrap();
    assert_eq!((&value["endpoint_host"], &value["external"]), (&json!("127.0.0.1"), &json!(false)));
    assert!(!serde_json::to_string(&found).unwrap().contains("sk-secret"));
}

#[test]
fn a_wrong_answer_is_asked_again() {
    let server = Server::start(|number, asked| match number {
        0 => Answer::Says("Sure! Here is the JSON: {}".to_owned()),
        2 => Answer::Raw(http("503 Service Unavailable", "", b"loading model")),
        _ => describes(asked),
    });
    let (found, summary) = look(&server.url(), json!({}));
    assert_eq!((summary.status, found.len()), (AnalyserStatus::Done, 4));
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked[1].last.contains("not accepted") && !asked[3].last.contains("not accepted"), "{}", asked[1].last);
}

#[test]
fn what_is_never_an_answer_is_composed_with_the_reason() {
    let server = Server::start(|_, _| Answer::Says(r#"{"summary":"x","events":[{"at_s":999,"text":"y"}]}"#.to_owned()));
    assert_composed(look(&server.url(), json!({})), "an event at 999 s lies outside");
    assert_eq!(server.asked().len(), 4, "two segments, two tries each");

    let server = Server::start(|_, _| Answer::Raw(http("200 OK", "", b"<html>hello</html>")));
    assert_composed(look(&server.url(), json!({ "retries": 0 })), "no chat completion");

    let server = Server::start(|_, _| Answer::Raw(http("200 OK", "", &vec![b' '; 3 << 20])));
    assert_composed(look(&server.url(), json!({ "retries": 0 })), "it is longer than 1048576 bytes");

    let server = Server::start(|_, _| Answer::Raw(http("200 OK", &format!("x: {}\r\n", "y".repeat(200_000)), b"{}")));
    assert_composed(look(&server.url(), json!({ "retries": 0 })), "");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_composed(look(&format!("http://{closed}/v1"), json!({ "retries": 0 })), "not reached");
}

#[test]
fn a_slow_answer_is_not_waited_for() {
    let server = Server::start(|_, _| Answer::Nothing(Duration::from_secs(3)));
    let began = Instant::now();
    assert_composed(look(&server.url(), json!({ "retries": 0 })), "no answer in 1 s");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_budget_ends_it() {
    let server = Server::start(|_, asked| {
        std::thread::sleep(Duration::from_millis(1200));
        describes(asked)
    });
    let (found, summary) = look(&server.url(), json!({ "timeout": "5s", "budget": "1s" }));
    assert_eq!(summary.status, AnalyserStatus::Degraded);
    assert!(summary.reason.unwrap().contains("the budget of 1 s was used up"));
    assert!(found.iter().all(|finding| method(finding) == "composed"));
}

#[test]
fn a_redirect_is_refused_and_not_followed() {
    let other = Server::start(|_, asked| describes(asked));
    let to = format!("location: {}/chat/completions\r\n", other.url());
    let server = Server::start(move |_, _| Answer::Raw(http("307 Temporary Redirect", &to, b"")));
    assert_composed(look(&server.url(), json!({})), "the endpoint redirects (307");
    assert_eq!((server.asked().len(), other.asked().len()), (1, 0));
}

#[test]
fn a_public_address_is_refused_where_it_is_configured() {
    let refused = |options: Value| format!("{:#}", analyser(options).err().unwrap());
    let words = refused(json!({ "endpoint": "http://203.0.113.7/v1" }));
    assert!(words.contains("`analyser.temporal_description.endpoint`") && words.contains("allow_external"), "{words}");
    assert!(analyser(json!({ "endpoint": "http://203.0.113.7/v1", "allow_external": true })).is_ok());
    let check = run(&["config", "check", "--set", "analyser.temporal_description.endpoint=http://203.0.113.7/v1"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&check.stderr).contains("allow_external"));
}

#[test]
fn an_answer_must_come_sooner_than_its_pool_is_taken_for_hung() {
    let words = ["config", "check", "--set", "analyser.temporal_description.endpoint=http://127.0.0.1:1/v1", "--set"];
    let check = |timeout: &str| run(&[&words[..], &[&format!("analyser.temporal_description.timeout={timeout}")]].concat());
    assert_eq!(check("60s").status.code(), Some(0));
    let refused = check("3min");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("`analyser.temporal_description.timeout`") && said.contains("hang_timeout"), "{said}");
}

#[test]
fn the_result_key_knows_model_endpoint_and_frames_but_no_key() {
    let of = |options: Value| analyser(options).unwrap().parameters();
    assert_eq!(of(json!({})), "");
    let base = of(json!({ "endpoint": "http://127.0.0.1:1/v1" }));
    assert_eq!(base, of(json!({ "endpoint": "http://127.0.0.1:1/v1", "api_key_file": "/run/key", "timeout": "9s" })));
    for other in [
        json!({ "endpoint": "http://127.0.0.1:2/v1" }),
        json!({ "endpoint": "http://127.0.0.1:1/v1", "model": "other" }),
        json!({ "endpoint": "http://127.0.0.1:1/v1", "frames": 8 }),
        json!({ "endpoint": "http://127.0.0.1:1/v1", "segment": "30s" }),
    ] {
        assert_ne!(base, of(other));
    }
}

/// A film of so many seconds, with sound.
fn clip(folder: &Path, seconds: u32) -> String {
    let path = folder.join("clip.mp4");
    let (picture, sound) = (format!("testsrc2=s=640x360:r=25:d={seconds}"), format!("sine=d={seconds}"));
    let words = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
    ffmpeg(&[&inputs[..], &words.split(' ').collect::<Vec<_>>()].concat(), &path);
    path.display().to_string()
}
