//! The analysers that look at people, on pictures whose answers are known, with the real models.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use weir::analyser::{self, Analyser, Frame, Options, Sampling, Summary};
use weir::infer::Models;
use weir::model::{AnalyserStatus, Finding, MediaInfo, Span};

use crate::analysers::{analyse, decode, still};
use crate::support::{self, media, model_folder, models};

fn at(findings: &[Finding], time_ms: i64) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.start_ms == time_ms).collect()
}

fn value(finding: &Finding) -> &Value {
    finding.value.as_ref().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Intersection over union of boxes `[x, y, w, h]`.
fn overlap(one: [f32; 4], other: [f32; 4]) -> f32 {
    let side = |at: usize| (one[at] + one[at + 2]).min(other[at] + other[at + 2]) - one[at].max(other[at]);
    let both = side(0).max(0.0) * side(1).max(0.0);
    both / (one[2] * one[3] + other[2] * other[3] - both)
}

#[test]
fn faces_of_two_men_and_their_ages() {
    let Some((findings, summary)) = analyse("age_estimation", "clips/zidane.jpg") else { return };
    let faces = at(&findings, 0);
    // The reference (OpenCV, onnxruntime in Python): boxes, scores, ages.
    let expected = [([909.0, 135.0, 147.0, 147.0], 0.90, 39.6), ([529.0, 279.0, 141.0, 140.0], 0.69, 40.2)];
    assert_eq!(faces.len(), expected.len());
    for (face, (bounds, score, age)) in faces.iter().zip(expected) {
        assert!(overlap(face.bounds.unwrap(), bounds) > 0.85, "{face:?}");
        // The second is nearly a profile: the coding of the video moves its score.
        assert!((f64::from(face.confidence) - score).abs() < 0.08, "{face:?}");
        let told = value(face);
        assert!((number(&told["age"]) - age).abs() < 2.5, "{told}");
        assert!(number(&told["age_high"]) - number(&told["age_low"]) >= 16.0, "{told}");
        assert!(told.get("gender").is_none(), "{told}");
    }
    assert!(findings.iter().all(|face| face.label == "face"));
    let spans = summary.spans.unwrap();
    let told: Vec<_> = spans.iter().map(|span| (span.count, &value(&span.finding)["readings"])).collect();
    assert_eq!(told, [(3, &json!(1)), (3, &json!(1))], "three samples are read once");
}

#[test]
fn small_faces_have_a_place_in_the_picture_too() {
    let Some((findings, _)) = analyse("age_estimation", "clips/bus.jpg") else { return };
    let faces = at(&findings, 0);
    for expected in [[102.0, 419.0, 49.0, 49.0], [262.0, 429.0, 43.0, 43.0]] {
        assert!(faces.iter().any(|face| overlap(face.bounds.unwrap(), expected) > 0.7), "{faces:?}");
    }
    let Some((findings, _)) = analyse("age_estimation", "clips/bikes.mp4") else { return };
    assert!(findings.is_empty(), "nobody shows a face: {findings:?}");
}

#[test]
fn gaze_of_a_turned_face_and_of_one_that_looks_here() {
    let Some((findings, summary)) = analyse("eye_tracking", "clips/zidane.jpg") else { return };
    let faces = at(&findings, 0);
    let standing = faces.iter().find(|face| face.bounds.unwrap()[0] > 800.0).unwrap();
    let told = value(standing);
    assert_eq!(
        (&told["direction"], &told["looking_at_camera"], &told["method"]),
        (&json!("camera"), &json!(true), &json!("heuristic"))
    );
    assert!((number(&told["head"]["yaw"]) - 14.0).abs() < 5.0, "his head is turned to the right: {told}");
    let irises: Vec<f64> = told["eyes"].as_array().unwrap().iter().map(|eye| number(&eye["iris"][0])).collect();
    assert!((irises[0] - 965.0).abs() < 8.0 && (irises[1] - 1020.0).abs() < 10.0, "{irises:?}");
    assert!(told["eyes"].as_array().unwrap().iter().all(|eye| eye["closed"] == false));
    let shouting = faces.iter().find(|face| face.bounds.unwrap()[0] < 800.0).unwrap();
    assert_eq!(value(shouting)["looking_at_camera"], false, "he shows his profile: {shouting:?}");
    let spans = summary.spans.unwrap();
    let shares: Vec<_> = spans.iter().map(|span| (value(&span.finding)["camera_share"].clone(), span.count)).collect();
    assert!(shares.contains(&(json!(1.0), 3)), "{shares:?}");
}

/// Every frame of the man in the car, small, as an analyser gets them.
fn man_in_car() -> Option<(MediaInfo, Vec<Frame>)> {
    Some(decode(&media("clips/carphone_pristine.mp4")?, Sampling::EveryFrame))
}

#[test]
fn a_blink_is_a_blink_and_a_look_aside_is_one() {
    let analyser = support::analyser("eye_tracking");
    let (Some(models), Some((info, frames))) = (models(analyser.spec().models), man_in_car()) else { return };
    let mut pass = analyser.begin(&info, &models).unwrap();
    let mut findings = Vec::new();
    let looked_at = [2, 20, 42, 70, 92, 118];
    for frame in frames.iter().filter(|frame| looked_at.contains(&frame.index)) {
        pass.frames(std::slice::from_ref(frame), &mut findings).unwrap();
    }
    let directions: Vec<_> =
        findings.iter().map(|face| (face.frame.unwrap(), value(face)["direction"].as_str().unwrap())).collect();
    assert_eq!(directions, [(2, "camera"), (20, "camera"), (42, "closed"), (70, "camera"), (92, "closed"), (118, "right")]);
    let spans = pass.finish(&mut findings).unwrap().spans.unwrap();
    assert_eq!(spans.len(), 1, "one man: {spans:?}");
    let told = value(&spans[0].finding);
    assert_eq!((&told["camera_share"], &told["closed_share"], &told["samples"]), (&json!(0.5), &json!(0.333), &json!(6)));
}

fn point(finding: &Finding, point: usize) -> [f64; 3] {
    [0, 1, 2].map(|part| number(&value(finding)["points"][point][part]))
}

#[test]
fn two_men_have_faces_and_shoulders() {
    let Some((findings, summary)) = analyse("body_pose", "clips/zidane.jpg") else { return };
    let persons = at(&findings, 0);
    assert_eq!(persons.len(), 2);
    let expected = [
        // Nose and right shoulder of the man in front, who hides the other one; nose, right and left shoulder of the man behind.
        &[(0, [625.0, 348.0]), (6, [305.0, 375.0])][..],
        &[(0, [1000.0, 198.0]), (6, [845.0, 325.0]), (5, [1050.0, 350.0])],
    ];
    for (person, expected) in persons.iter().zip(expected) {
        for &(part, place) in expected {
            let [x, y, score] = point(person, part);
            assert!((x - place[0]).hypot(y - place[1]) < 90.0, "point {part}: {x}, {y} is not at {place:?}");
            assert!(score > 0.2, "point {part}: {score}");
        }
        assert_eq!(value(person)["points"].as_array().unwrap().len(), 17);
    }
    let spans = summary.spans.unwrap();
    assert_eq!(spans.iter().map(|span| span.count).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn four_persons_in_the_street_have_poses() {
    let Some((findings, summary)) = analyse("body_pose", "clips/bus.jpg") else { return };
    let persons = at(&findings, 0);
    assert_eq!(persons.len(), 4);
    // The man in the light coat, upright and in full view.
    let man = persons.iter().find(|person| overlap(person.bounds.unwrap(), [56.0, 386.0, 171.0, 510.0]) > 0.7).unwrap();
    let [shoulders, hips, ankles] = [[5, 6], [11, 12], [15, 16]].map(|pair| pair.map(|part| point(man, part)[1]));
    assert!(shoulders.iter().all(|y| hips.iter().all(|hip| y + 80.0 < *hip)), "{:?}", man.value);
    assert!(hips.iter().all(|y| ankles.iter().all(|ankle| y + 100.0 < *ankle)), "{:?}", man.value);
    let gestures = value(man)["gestures"].as_array().unwrap();
    assert!(gestures.contains(&json!("standing")), "{gestures:?}");
    assert!(summary.spans.unwrap().iter().any(|span| value(&span.finding)["gestures"]["standing"] == 3));
}

#[test]
fn the_front_of_a_picture() {
    for (file, low, high) in [("clips/zidane.jpg", 0.51, 0.57), ("clips/bus.jpg", 0.08, 0.13), ("clips/bikes.mp4", 0.0, 0.1)] {
        let Some((findings, summary)) = analyse("background_segmentation", file) else { return };
        for finding in &findings {
            let told = value(finding);
            let share = number(&told["share"]);
            assert!(finding.label == "foreground" && (low..=high).contains(&share), "{file}: {told}");
            let bits = STANDARD.decode(told["mask"]["bits"].as_str().unwrap()).unwrap();
            let inside: u32 = bits.iter().map(|byte| byte.count_ones()).sum();
            let cells = number(&told["mask"]["width"]) * number(&told["mask"]["height"]);
            assert!((f64::from(inside) / cells - share).abs() < 0.06, "{file}: {inside} of {cells} cells, {share}");
        }
        let spans = summary.spans.unwrap();
        assert_eq!(spans.iter().any(|span| span.count == 3), file.ends_with("jpg"), "{file}: {spans:?}");
    }
}

fn with(name: &str, given: &Value) -> Box<dyn Analyser> {
    let options = Options(BTreeMap::from([(name.to_owned(), given.as_object().cloned().unwrap())]));
    let mut all = analyser::all(&options).unwrap().into_iter();
    all.find(|analyser| analyser.spec().name == name).unwrap()
}

fn segmentation_with_isnet() -> Box<dyn Analyser> {
    with("background_segmentation", &json!({ "isnet": true }))
}

/// The pictures without what was derived from them.
fn fresh(frames: &[Frame]) -> Vec<Frame> {
    let again = |frame: &Frame| Frame::new(frame.index, frame.time_ms, frame.width, frame.height, frame.rgb.clone());
    frames.iter().map(again).collect()
}

fn picture(file: &str) -> Option<(MediaInfo, Vec<Frame>)> {
    let folder = tempfile::tempdir().unwrap();
    Some(decode(&still(&media(file)?, folder.path()), Sampling::Sampled { fps: 1.0 }))
}

#[test]
fn the_threshold_of_one_analyser_changes_nothing_for_another() {
    let Some((info, frames)) = picture("clips/bus.jpg") else { return };
    for (name, other) in [("object_detection", "body_pose"), ("age_estimation", "eye_tracking")] {
        let (one, other) = (support::analyser(name), support::analyser(other));
        let (Some(of_one), Some(of_other)) = (models(one.spec().models), models(other.spec().models)) else { continue };
        let found = |analyser: &dyn Analyser, models: &Arc<Models>, frames: &[Frame]| {
            let mut found = Vec::new();
            analyser.begin(&info, models).unwrap().frames(frames, &mut found).unwrap();
            found
        };
        let [all, sure] = [0.1_f32, 0.8].map(|threshold| (threshold, with(name, &json!({ "threshold": threshold }))));
        let (alone, shared) = (found(&*other, &of_other, &fresh(&frames)), fresh(&frames));
        let counts = [sure, all].map(|(threshold, analyser)| {
            let found = found(&*analyser, &of_one, &shared);
            assert!(found.iter().all(|finding| finding.confidence >= threshold), "{name}: {found:?}");
            found.len()
        });
        assert!(counts[0] < counts[1], "{name}: {counts:?}");
        assert_eq!(found(&*other, &of_other, &shared), alone, "{}", other.spec().name);
    }
}

#[test]
fn a_model_that_is_wanted_and_missing_is_told() {
    let analyser = segmentation_with_isnet();
    let (Some(_), Some((info, frames))) = (models(analyser.spec().models), picture("clips/zidane.jpg")) else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["onnxruntime", "selfie"] {
        symlink(model_folder().join(name), folder.path().join(name)).unwrap();
    }
    let mut pass = analyser.begin(&info, &Arc::new(Models::open(folder.path(), 2))).unwrap();
    let mut findings = Vec::new();
    pass.frames(&frames, &mut findings).unwrap();
    let summary = pass.finish(&mut findings).unwrap();
    assert_eq!((summary.status, findings.len()), (AnalyserStatus::Degraded, 3));
    assert!(summary.reason.unwrap().contains("isnet"));
}

#[test]
#[ignore = "ISNet takes ten seconds and more for a picture"]
fn what_stands_out_of_a_picture_is_cut_once() {
    let analyser = segmentation_with_isnet();
    let (Some(models), Some((info, frames))) = (models(&["selfie", "isnet"]), picture("clips/zidane.jpg")) else { return };
    let mut pass = analyser.begin(&info, &models).unwrap();
    let mut findings = Vec::new();
    pass.frames(&frames, &mut findings).unwrap();
    let subjects: Vec<&Finding> = findings.iter().filter(|finding| finding.label == "subject").collect();
    assert_eq!((subjects.len(), findings.len()), (1, 4), "one scene, one key frame");
    let told = value(subjects[0]);
    assert!((0.3..0.6).contains(&number(&told["share"])) && told["method"] == "isnet", "{told}");
    let summary = pass.finish(&mut findings).unwrap();
    assert_eq!((summary.status, summary.spans.unwrap().len()), (AnalyserStatus::Done, 2));
}

/// A talking man, then two others: tracks go on, end and begin, faces and poses stand still and change.
fn scenes() -> Option<(MediaInfo, Vec<Frame>)> {
    let (info, talking) = man_in_car()?;
    let (_, others) = picture("clips/zidane.jpg")?;
    let talking = talking.into_iter().step_by(30).take(3);
    let in_time =
        |(at, frame): (usize, Frame)| Frame::new(at as u64 * 30, at as i64 * 1000, frame.width, frame.height, frame.rgb);
    Some((info, talking.chain(others.into_iter().take(2)).enumerate().map(in_time).collect()))
}

#[test]
fn a_saved_pass_goes_on_as_if_nothing_had_been() {
    let Some((info, frames)) = scenes() else { return };
    let cuts = [Finding {
        start_ms: 3000,
        end_ms: 5000,
        label: "shot".into(),
        value: Some(json!({ "index": 1, "frames": 50 })),
        ..Finding::default()
    }];
    for name in
        ["age_estimation", "background_segmentation", "body_pose", "eye_tracking", "object_detection", "sensitive_content"]
    {
        let analyser = support::analyser(name);
        let Some(models) = models(analyser.spec().models) else { continue };
        let run = |cut: Option<usize>| -> (Vec<Finding>, Summary) {
            let mut pass = analyser.begin(&info, &models).unwrap();
            let mut found = Vec::new();
            for (at, frame) in frames.iter().enumerate() {
                if cut == Some(at) {
                    let saved = pass.save().unwrap();
                    pass = analyser.resume(&info, &models, &saved).unwrap();
                }
                pass.frames(std::slice::from_ref(frame), &mut found).unwrap();
            }
            if cut == Some(frames.len()) {
                pass = analyser.resume(&info, &models, &pass.save().unwrap()).unwrap();
            }
            if analyser.spec().after.contains(&"cut_analysis") {
                pass.findings("cut_analysis", &cuts, &mut found).unwrap();
            }
            let summary = pass.finish(&mut found).unwrap();
            (found, summary)
        };
        let whole = run(None);
        let spans: &Vec<Span> = whole.1.spans.as_ref().unwrap();
        assert!(whole.0.len() > 4 && !spans.is_empty(), "{name}: {} findings, {} spans", whole.0.len(), spans.len());
        for cut in 0..=frames.len() {
            assert_eq!(run(Some(cut)), whole, "{name}, cut at {cut}");
        }
        assert!(analyser.resume(&info, &models, b"nonsense").is_err(), "{name}");
    }
}

#[test]
#[ignore = "a measurement: run it in release mode"]
fn what_a_second_of_video_costs() {
    for name in
        ["object_detection", "age_estimation", "eye_tracking", "body_pose", "background_segmentation", "sensitive_content"]
    {
        let analyser = support::analyser(name);
        let Some(models) = models(analyser.spec().models) else { continue };
        for file in ["clips/carphone_pristine.mp4", "clips/bikes.mp4"] {
            let Some(file) = media(file) else { continue };
            let (info, frames) = decode(&file, analyser.spec().sampling);
            let mut pass = analyser.begin(&info, &models).unwrap();
            pass.frames(&frames[..1], &mut Vec::new()).unwrap();
            let frames = fresh(&frames);
            let began = Instant::now();
            pass.frames(&frames, &mut Vec::new()).unwrap();
            let per_second = began.elapsed().as_secs_f64() * 1000.0 / (info.duration_ms as f64 / 1000.0);
            println!("{name} {}: {per_second:.1} ms per second of video", file.display());
        }
    }
}
