//! The command line: three ways to ingest, exit codes, forms that scripts stand on.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{NO_ANALYSIS, Server, ffmpeg, json_lines, run};

fn clip(folder: &Path) -> PathBuf {
    let path = folder.join("clip.mp4");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x240:r=25:d=2",
            "-f",
            "lavfi",
            "-i",
            "sine=d=2",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
        ],
        &path,
    );
    path
}

fn arguments<'a>(first: &[&'a str], settings: &[&'a str]) -> Vec<&'a str> {
    let mut all = first.to_vec();
    for setting in settings {
        all.extend(["--set", setting]);
    }
    all
}

fn check_form(line: &Value) {
    assert_eq!(line["status"], "ready", "{line}");
    assert!(line["stream_id"].as_str().unwrap().starts_with("vod-"), "{line}");
    assert_eq!(line["sha256"].as_str().unwrap().len(), 64, "{line}");
    assert!((line["duration_ms"].as_i64().unwrap() - 2000).abs() <= 40, "{line}");
    assert!(line["manifest_url"].as_str().unwrap().contains("/play/"), "{line}");
    let verdict = &line["verdict"];
    for field in ["decision", "score", "avg_score", "text", "video", "audio", "threshold", "method", "evidence", "not_run"] {
        assert!(verdict.get(field).is_some(), "verdict has no `{field}`: {verdict}");
    }
    assert_eq!(verdict["decision"], line["decision"]);
}

#[test]
fn ingest_without_a_server_does_the_work_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (data, clip) = (folder.path().join("data").display().to_string(), clip(folder.path()).display().to_string());
    let output = run(&arguments(&["ingest", &clip, "--data", &data, "--wait", "--json", "--watch"], &NO_ANALYSIS));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 1);
    check_form(&lines[0]);
    // Analysis and judgement go on beside packaging, so only the packaging states have an order.
    assert!(said.contains("decision "), "{said}");
    let order: Vec<usize> = ["status created", "status uploaded", "status processing", "status transcoding", "status ready"]
        .iter()
        .map(|word| said.find(word).unwrap_or_else(|| panic!("`--watch` did not print `{word}`: {said}")))
        .collect();
    assert!(order.is_sorted(), "{said}");
}

#[test]
fn ingest_of_a_folder_prints_a_line_per_file_and_the_worst_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let films = folder.path().join("films");
    std::fs::create_dir_all(films.join("deeper")).unwrap();
    std::fs::rename(clip(folder.path()), films.join("deeper/a.mp4")).unwrap();
    std::fs::write(films.join("b.txt"), "not a film").unwrap();
    std::fs::write(films.join(".hidden"), "not taken").unwrap();
    let (data, films) = (folder.path().join("data").display().to_string(), films.display().to_string());
    let output = run(&arguments(&["ingest", &films, "--data", &data, "--wait", "--json"], &NO_ANALYSIS));
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(output.status.code(), Some(3));
    let failed = lines.iter().find(|line| line["status"] == "failed").unwrap();
    assert!(failed["reason"].as_str().unwrap().starts_with("unsupported_media: "), "{failed}");
}

#[test]
fn ingest_talks_to_a_server_through_its_socket_and_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path()).display().to_string();
    let server = Server::start(&NO_ANALYSIS);
    let data = server.data.display().to_string();
    let through_socket = run(&["ingest", &clip, "--data", &data, "--wait", "--json"]);
    check_form(&json_lines(&through_socket)[0]);
    let over_http = run(&["ingest", &clip, "--server", &server.url, "--api-key", &server.key, "--wait", "--json"]);
    check_form(&json_lines(&over_http)[0]);
    assert_ne!(json_lines(&through_socket)[0]["stream_id"], json_lines(&over_http)[0]["stream_id"], "equal bytes, two videos");
    let refused = run(&["ingest", &clip, "--server", &server.url, "--api-key", "wrong", "--json"]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
}

#[test]
fn bad_use_is_2_and_says_what_to_do() {
    for (arguments, word) in [
        (vec!["ingest"], "FILE|DIR"),
        (vec!["ingest", "/does/not/exist"], "/does/not/exist"),
        (vec!["serve", "--set", "http.lisen=1"], "listen"),
        (vec!["analyse", "/does/not/exist", "--json", "-"], "/does/not/exist"),
        (vec!["task", "show", "nonsense"], "task-"),
        (vec!["nonsense"], "Usage"),
    ] {
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn a_second_server_on_the_folder_is_told_who_holds_it() {
    let server = Server::start(&NO_ANALYSIS);
    let output = run(&["serve", "--data", &server.data.display().to_string(), "--set", "http.listen=127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&server.pid().to_string()) && said.contains("--data DIR"), "{said}");
}

#[test]
fn tasks_are_listed_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&NO_ANALYSIS);
    let (clip, data) = (clip(folder.path()).display().to_string(), server.data.display().to_string());
    run(&["ingest", &clip, "--data", &data, "--wait"]);
    let listed = String::from_utf8_lossy(&run(&["task", "list", "--data", &data]).stdout).into_owned();
    for kind in ["probe", "package", "analyse", "judge"] {
        assert!(listed.contains(kind), "{listed}");
    }
    let id = listed.lines().find(|line| line.contains("package")).and_then(|line| line.split_whitespace().next()).unwrap();
    let shown: Value = serde_json::from_slice(&run(&["task", "show", id, "--data", &data]).stdout).unwrap();
    assert_eq!((shown["kind"].as_str(), shown["state"].as_str()), (Some("package"), Some("done")));
}

#[test]
fn analyse_prints_the_documented_form() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path()).display().to_string();
    let output = run(&["analyse", &clip, "--analysers", "cut_analysis,audio_analysis", "--json", "-"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(result["media"].is_object() && result["wall_ms"].is_i64() && result["rtf"].is_f64(), "{result}");
    assert_eq!(result["analysers"].as_object().unwrap().len(), 2);
    for (name, analyser) in result["analysers"].as_object().unwrap() {
        assert_eq!(analyser["status"], "done", "{name}: {analyser}");
        for field in ["version", "model", "ms", "findings"] {
            assert!(analyser.get(field).is_some(), "{name} has no `{field}`");
        }
    }
    let text = folder.path().join("text.mp4");
    std::fs::write(&text, "not a film").unwrap();
    assert_eq!(run(&["analyse", &text.display().to_string(), "--json", "-"]).status.code(), Some(3));
    assert_eq!(run(&["analyse", &clip, "--analysers", "nonsense", "--json", "-"]).status.code(), Some(2));
}

#[test]
fn analyse_takes_several_files_and_keeps_what_came_before_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path()).display().to_string();
    let (text, out) = (folder.path().join("text.mp4"), folder.path().join("out.jsonl"));
    std::fs::write(&text, "not a video").unwrap();
    let (text, out_word) = (text.display().to_string(), out.display().to_string());
    let look = |files: &[&str]| run(&[&["analyse"], files, &["--analysers", "cut_analysis", "--json", &out_word]].concat());

    assert_eq!(look(&[&text, &clip]).status.code(), Some(3));
    assert!(!out.exists(), "there was no result");
    let output = look(&[&clip, &clip, &text]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("text.mp4"), "{said}");
    let lines = std::fs::read_to_string(&out).unwrap();
    let reports: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|report| report["analysers"]["cut_analysis"]["status"] == "done"), "{lines}");
    assert_eq!(reports[0]["analysers"]["cut_analysis"]["findings"], reports[1]["analysers"]["cut_analysis"]["findings"]);
}
