use serde_json::json;

use super::*;
use crate::model::AnalyserStatus;

fn seen(label: &str, start_ms: i64, end_ms: i64) -> Finding {
    Finding { start_ms, end_ms, label: label.into(), confidence: 0.8, ..Finding::default() }
}

fn scene(start_ms: i64, end_ms: i64, place: &str) -> Finding {
    let value = json!({ "setting": "outdoor", "time_of_day": "day" });
    Finding { text: Some(place.into()), value: Some(value), ..seen("scene", start_ms, end_ms) }
}

fn said(label: &str, start_ms: i64, end_ms: i64, text: &str) -> Finding {
    Finding { text: Some(text.into()), ..seen(label, start_ms, end_ms) }
}

fn told() -> Vec<(&'static str, Vec<Finding>)> {
    let persons = [0, 0, 0, 500, 500].map(|at| seen("person", at, at));
    vec![
        ("object_detection", persons.into_iter().chain([seen("bus", 500, 500), seen("dog", 9000, 9000)]).collect()),
        ("scene_segmentation", vec![scene(0, 8000, "street"), scene(8000, 20_000, "beach")]),
        ("camera_analysis", vec![seen("pan_left", 0, 6000), seen("static", 8000, 20_000)]),
        ("text_overlay", vec![said("text", 1000, 1000, "50% OFF"), said("text", 2000, 2000, "50% OFF")]),
        ("speech_transcription", vec![said("speech", 9000, 12_000, "Never again.")]),
        ("audio_environment", vec![seen("music", 0, 8000), seen("environment", 0, 1000)]),
    ]
}

fn pass() -> Box<DescriptionPass> {
    Box::new(DescriptionPass::new(None, 20_000))
}

mod asked;

#[test]
fn scenes_are_told_in_order_and_say_how_they_were_made() {
    let (mut pass, mut out) = (pass(), Vec::new());
    for (analyser, findings) in told() {
        pass.findings(analyser, &findings, &mut out).unwrap();
    }
    let summary = pass.finish(&mut out).unwrap();
    assert_eq!(summary.status, AnalyserStatus::Done);
    let texts: Vec<&str> = out.iter().filter_map(|finding| finding.text.as_deref()).collect();
    assert_eq!(
        texts,
        [
            "Outdoors by day, it looks like: street. 3 persons and a bus are seen. The camera pans to the left. On the screen stands \
             “50% OFF”. There is music.",
            "Outdoors by day, it looks like: beach. A dog is seen. The camera stands still. Somebody says: “Never again.”",
        ]
    );
    assert!(out.iter().all(|finding| finding.value.as_ref().unwrap()["method"] == "composed"));
    assert_eq!((out[1].start_ms, out[1].end_ms), (8000, 20_000));
}

#[test]
fn a_resumed_pass_tells_the_same() {
    let run = |cut: Option<usize>| {
        let (mut pass, mut out) = (pass(), Vec::new());
        for (at, (analyser, findings)) in told().into_iter().enumerate() {
            if cut == Some(at) {
                let saved = pass.save().unwrap();
                pass = self::pass();
                pass.restore(&saved).unwrap();
            }
            pass.findings(analyser, &findings, &mut out).unwrap();
        }
        pass.finish(&mut out).unwrap();
        out
    };
    (0..6).for_each(|cut| assert_eq!(run(Some(cut)), run(None), "{cut}"));
}

#[test]
fn without_anything_there_is_nothing_to_tell() {
    let mut out = Vec::new();
    assert_eq!(pass().finish(&mut out).unwrap().status, AnalyserStatus::Skipped);
    let mut pass = pass();
    pass.findings("object_detection", &[seen("cat", 31_000, 31_000)], &mut out).unwrap();
    pass.duration_ms = 60_000;
    pass.finish(&mut out).unwrap();
    assert_eq!((out.len(), out[0].start_ms, out[0].end_ms, out[0].text.as_deref()), (1, 30_000, 60_000, Some("A cat is seen.")));
}

#[test]
fn many_short_scenes_are_put_together() {
    let (mut pass, mut out) = (pass(), Vec::new());
    let scenes: Vec<Finding> = (0..1000).map(|at| scene(at * 100, at * 100 + 100, "street")).collect();
    pass.findings("scene_segmentation", &scenes, &mut out).unwrap();
    pass.finish(&mut out).unwrap();
    assert_eq!(out.len(), PARTS_MAX);
    assert_eq!((out[0].start_ms, out[PARTS_MAX - 1].end_ms), (0, 100_000));
}
