//! `GET /models` of the real program: cards, caches, and results that are reused.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::program::{Server, ffmpeg, only, run};
use crate::support::models;

const LIMIT: Duration = Duration::from_mins(3);

fn card<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let cards = answer["items"].as_array().unwrap();
    cards.iter().find(|card| card["name"] == name).unwrap_or_else(|| panic!("no card of {name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_name_who_uses_a_model_and_whether_it_is_here() {
    let server = Server::start(&["models.dir=no-models-here"]);
    let (status, answer) = server.get("/models").await;
    assert_eq!(status, 200);
    let nanodet = card(&answer, "nanodet");
    assert_eq!((&nanodet["state"], &nanodet["kind"]), (&"missing".into(), &"model".into()), "{nanodet}");
    assert!(nanodet["used_by"].as_array().unwrap().contains(&"object_detection".into()), "{nanodet}");
    assert!(nanodet["files"][0]["sha256"].as_str().is_some_and(|digest| digest.len() == 64), "{nanodet}");
    assert!(card(&answer, "transnetv2")["helps"].as_array().unwrap().contains(&"cut_analysis".into()));
    assert_eq!(answer["cache"][0]["pool"], "vision");
    assert_eq!(answer["cache"][0]["limit_bytes"], 3_u64 << 29, "half of the pool's memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_stay_open_and_results_of_equal_bytes_are_reused() {
    if models(&["nanodet"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=2", "-c:v", "libx264", "-pix_fmt", "yuv420p"], &file);
    let server = Server::start(&only(&["object_detection", "cut_analysis"]));
    for title in ["first", "second"] {
        let id = server.upload(&file, title).await;
        let (row, _) = server.settled(&id, LIMIT).await;
        assert_eq!(row["analysis"], "done", "{row}");
    }
    let (_, answer) = server.get("/models").await;
    assert_eq!(answer["results"], serde_json::json!({ "hits": 2, "misses": 2 }), "the second video cost nothing");
    let vision = &answer["cache"][0];
    assert!(vision["loaded"].as_u64().unwrap() >= 1 && vision["bytes"].as_u64().unwrap() > 0, "{vision}");
}

#[test]
fn the_example_for_a_gpu_is_accepted() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/gpu.toml");
    let output = run(&["config", "check", "--config", &example.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let odd =
        run(&["config", "check", "--config", &example.display().to_string(), "--set", "analyser.object_detection.batch=65"]);
    assert_eq!(odd.status.code(), Some(2), "{odd:?}");
    assert!(
        String::from_utf8_lossy(&odd.stderr).contains("`analyser.object_detection.batch` is 65; it takes 1 to 64"),
        "{odd:?}"
    );
    let idle = run(&["config", "check", "--set", "analyser.body_pose.batch=2"]);
    assert!(
        String::from_utf8_lossy(&idle.stderr).contains("`analyser.body_pose.batch` is 2, but it takes pictures one by one"),
        "{idle:?}"
    );
}
