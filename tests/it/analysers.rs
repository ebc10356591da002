//! The vision analysers on real media with known answers, with real models. What is not here is said and passed over.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use weir::analyser::{self, Frame, Sampling, Summary};
use weir::infer::Models;
use weir::media::Limits;
use weir::media::decode::{Chunk, Decoding, Plan};
use weir::media::probe::probe;
use weir::model::{AnalyserStatus, Finding, MediaInfo};

use crate::support::{self, media, models};

/// Three seconds of video that show a picture.
pub(crate) fn still(picture: &Path, folder: &Path) -> PathBuf {
    let video = folder.join("still.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-loop", "1", "-r", "25", "-t", "3", "-i"]).arg(picture);
    ffmpeg.args(["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]);
    let output = ffmpeg.args(["-pix_fmt", "yuv420p"]).arg(&video).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    video
}

/// The frames that an analyser asks for.
pub(crate) fn decode(file: &Path, sampling: Sampling) -> (MediaInfo, Vec<Frame>) {
    let sampled_fps = if let Sampling::Sampled { fps } = sampling { vec![fps] } else { Vec::new() };
    let detail_fps = if let Sampling::Detail { fps } = sampling { vec![fps] } else { Vec::new() };
    let plan = Plan { every_frame_small: sampling == Sampling::EveryFrame, sampled_fps, detail_fps, audio: false };
    let frames = async {
        let limits = Limits::default();
        let media = probe(file, &limits).await.unwrap();
        let mut decoding = Decoding::start(file, &media, plan, &limits).await.unwrap();
        let mut frames = Vec::new();
        while let Some(chunk) = decoding.recv().await {
            let (Chunk::Small(mut more) | Chunk::Large(mut more) | Chunk::Detail(mut more)) = chunk.unwrap() else {
                panic!("no sound was wanted")
            };
            frames.append(&mut more);
        }
        (media, frames)
    };
    let (media, frames) = tokio::runtime::Runtime::new().unwrap().block_on(frames);
    assert!(!frames.is_empty(), "no frames of {}", file.display());
    (media, frames)
}

/// What an analyser says of a video, or of a picture shown for three seconds; prints the time that it took.
pub(crate) fn analyse(name: &str, file: &str) -> Option<(Vec<Finding>, Summary)> {
    let analyser = support::analyser(name);
    let (models, mut file) = (models(analyser.spec().models)?, media(file)?);
    let folder = tempfile::tempdir().unwrap();
    if file.extension().is_some_and(|ending| ending != "mp4") {
        file = still(&file, folder.path());
    }
    let (info, frames) = decode(&file, analyser.spec().sampling);
    let mut pass = analyser.begin(&info, &models).unwrap();
    let mut findings = Vec::new();
    let started = Instant::now();
    for batch in frames.chunks(8) {
        pass.frames(batch, &mut findings).unwrap();
    }
    let summary = pass.finish(&mut findings).unwrap();
    let per_frame_ms = started.elapsed().as_secs_f64() * 1000.0 / frames.len() as f64;
    println!("{name}: {} frames, {per_frame_ms:.2} ms each", frames.len());
    assert_eq!(summary.status, AnalyserStatus::Done, "{:?}", summary.reason);
    Some((findings, summary))
}

fn frames_of(findings: &[Finding], label: &str) -> Vec<u64> {
    findings.iter().filter(|finding| finding.label == label).filter_map(|finding| finding.frame).collect()
}

fn assert_near(found: &[u64], expected: &[u64], tolerance: u64) {
    let near = found.len() == expected.len() && found.iter().zip(expected).all(|(one, other)| one.abs_diff(*other) <= tolerance);
    assert!(near, "{found:?} is not {expected:?} ± {tolerance}");
}

#[test]
fn cuts_and_fades_of_the_test_video() {
    let Some((findings, summary)) = analyse("cut_analysis", "cuts/testvideo.mp4") else { return };
    assert_near(&frames_of(&findings, "cut"), &[30, 180, 394], 1);
    assert_near(&frames_of(&findings, "fade"), &[15, 198, 377], 2);
    // TransNetV2 finds the dissolve at the end, where shots part as well.
    let dissolves = if models(&["transnetv2"]).is_some() { vec![542] } else { Vec::new() };
    assert_near(&frames_of(&findings, "dissolve"), &dissolves, 4);
    assert_near(&frames_of(&findings, "shot"), &[&[0, 30, 180, 394], dissolves.as_slice()].concat(), 4);
    assert_eq!(summary.spans.unwrap().len(), findings.len());
}

#[test]
fn cuts_of_a_moving_camera_and_of_one_shot() {
    let Some((findings, _)) = analyse("cut_analysis", "clips/bikes.mp4") else { return };
    assert_near(&frames_of(&findings, "cut"), &[30, 76, 137, 187, 242], 1);
    assert!(frames_of(&findings, "fade").is_empty());
    for file in ["clips/bigbuckbunny.mp4", "vpdq/chair-19-sd-bar.mp4", "vpdq/pattern-sd-grey-bar.mp4"] {
        let Some((findings, _)) = analyse("cut_analysis", file) else { return };
        assert_near(&frames_of(&findings, "shot"), &[0], 0);
    }
}

/// How many findings of each label the sample at `time_ms` has, by label.
fn counts(findings: &[Finding], time_ms: i64) -> Vec<(String, usize)> {
    let mut labels: Vec<String> =
        findings.iter().filter(|finding| finding.start_ms == time_ms).map(|finding| finding.label.clone()).collect();
    labels.sort();
    labels.chunk_by(|a, b| a == b).map(|same| (same[0].clone(), same.len())).collect()
}

#[test]
fn objects_of_a_picture() {
    let Some((findings, summary)) = analyse("object_detection", "clips/bus.jpg") else { return };
    assert_eq!(counts(&findings, 0), [("bus".to_owned(), 1), ("person".to_owned(), 4)]);
    let bus = findings.iter().find(|finding| finding.label == "bus").unwrap();
    // The reference (OpenCV's resize, NumPy): score 0.78, from 20, 214 to 790, 751.
    assert!((bus.confidence - 0.78).abs() < 0.02, "{}", bus.confidence);
    for (found, expected) in bus.bounds.unwrap().iter().zip([20.0, 214.0, 770.0, 537.0]) {
        assert!((found - expected).abs() < 8.0, "{:?}", bus.bounds);
    }
    assert_eq!(summary.spans.unwrap().len(), 5);
    let Some((findings, _)) = analyse("object_detection", "clips/zidane.jpg") else { return };
    assert_eq!(counts(&findings, 0), [("person".to_owned(), 2), ("tie".to_owned(), 1)]);
}

#[test]
fn objects_of_a_street_are_followed() {
    let Some((findings, summary)) = analyse("object_detection", "clips/bikes.mp4") else { return };
    let spans = summary.spans.unwrap();
    assert!(
        spans.iter().any(|span| span.finding.label == "car" || span.finding.label == "bicycle" || span.finding.label == "person")
    );
    assert_eq!(spans.iter().map(|span| span.count as usize).sum::<usize>(), findings.len());
    assert!(spans.iter().any(|span| span.count > 2), "nothing was followed");
}

#[test]
fn harmless_pictures_score_low_and_as_in_the_reference() {
    // From OpenCV's resize and the models in Python: open_nsfw and nsfwjs' drawing.
    for (file, open_nsfw, drawing) in [("clips/bus.jpg", 0.00002, 0.93), ("clips/zidane.jpg", 0.0003, 0.59)] {
        let Some((findings, summary)) = analyse("sensitive_content", file) else { return };
        assert_eq!(findings.len(), 3, "one a second");
        let spans = summary.spans.unwrap();
        assert_eq!((spans.len(), spans[0].count), (1, 3), "one shot");
        assert_eq!(spans[0].finding.value.as_ref().unwrap()["severity"], 0);
        for finding in findings {
            let value = finding.value.unwrap();
            let of = |name: &str| value[name].as_f64().unwrap();
            assert!(finding.label == "nsfw" && finding.confidence < 0.15, "{file}: {} {value}", finding.confidence);
            assert!((of("open_nsfw") - open_nsfw).abs() < 0.0005, "{file}: {value}");
            assert!((of("drawing") - drawing).abs() < 0.08, "{file}: {value}");
        }
    }
}

#[test]
fn lines_of_an_overlay_are_read_once_and_told_every_second() {
    let Some((findings, summary)) = analyse("text_overlay", "ocr/sample_overlay_text.png") else { return };
    let spans = summary.spans.unwrap();
    let knows_vietnamese = models(&["trueocr"]).is_some();
    let expected = [
        ("WAIT FOR IT...", "top"),
        ("Follow @dancer_2024 for more", "top"),
        ("Hôm nay trời đẹp quá các bạn ơi", "centre"),
        ("Đừng bao giờ bỏ cuộc", "centre"),
        ("50% OFF #sale", "bottom"),
    ];
    assert_eq!(spans.len(), expected.len(), "{spans:?}");
    for (text, position) in expected {
        let exact = spans.iter().find(|span| span.finding.text.as_deref() == Some(text));
        let Some(span) = exact else {
            assert!(!text.is_ascii() && !knows_vietnamese, "`{text}` is not in {spans:?}");
            continue;
        };
        let value = span.finding.value.as_ref().unwrap();
        let (reader, hint) = if text.is_ascii() { ("ppocr", None) } else { ("trueocr", Some("vi")) };
        assert_eq!((value["position"].as_str(), value["script"].as_str()), (Some(position), Some("latin")), "{text}");
        assert_eq!((value["reader"].as_str(), value["language_hint"].as_str()), (Some(reader), hint), "{text}");
    }
    // Found with any reader.
    for (top, bottom) in [(510.0, 575.0), (705.0, 800.0)] {
        let found = spans.iter().filter_map(|span| span.finding.bounds).filter(|bounds| {
            bounds[1] > top - 10.0 && bounds[1] + bounds[3] < bottom + 10.0 && bounds[0] < 50.0 && bounds[2] > 600.0
        });
        assert_eq!(found.count(), 1, "{spans:?}");
    }
    assert!(spans.iter().all(|span| (span.finding.start_ms, span.finding.end_ms, span.count) == (0, 2000, 3)));
    assert_eq!(findings.len(), 15);
}

#[test]
fn without_the_vietnamese_reader_lines_are_read_by_the_other_one() {
    let analyser = support::analyser("text_overlay");
    let (Some(_), Some(picture)) = (models(analyser.spec().models), media("ocr/sample_overlay_text.png")) else { return };
    let (folder, models) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in [analyser.spec().models, &["onnxruntime"]].concat() {
        std::os::unix::fs::symlink(support::model_folder().join(name), models.path().join(name)).unwrap();
    }
    let (info, frames) = decode(&still(&picture, folder.path()), analyser.spec().sampling);
    let mut pass = analyser.begin(&info, &Arc::new(Models::open(models.path(), 2))).unwrap();
    let mut findings = Vec::new();
    pass.frames(&frames[..1], &mut findings).unwrap();
    let texts: Vec<&str> = findings.iter().filter_map(|finding| finding.text.as_deref()).collect();
    assert!(
        texts.len() == 5 && texts.contains(&"WAIT FOR IT...") && texts.iter().any(|text| text.starts_with("Hôm nay")),
        "{texts:?}"
    );
    assert!(findings.iter().all(|finding| finding.value.as_ref().unwrap()["reader"] == "ppocr"));
}

#[test]
fn lines_that_stay_on_a_moving_ground_are_one_span_each() {
    let analyser = support::analyser("text_overlay");
    let (Some(models), Some(picture)) = (models(analyser.spec().models), media("ocr/sample_overlay_text.png")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (info, frames) = decode(&still(&picture, folder.path()), analyser.spec().sampling);
    let mut pass = analyser.begin(&info, &models).unwrap();
    let (mut findings, mut times) = (Vec::new(), Vec::new());
    for step in 0..4_u64 {
        let mut rgb = frames[0].rgb.to_vec();
        // Below the last line a block comes and goes.
        let from = rgb.len() * 9 / 10;
        rgb[from..].fill(60 * step as u8);
        let frame = Frame::new(step, step as i64 * 1000, frames[0].width, frames[0].height, rgb);
        let started = Instant::now();
        pass.frames(&[frame], &mut findings).unwrap();
        times.push(started.elapsed().as_millis());
    }
    println!("text_overlay: {times:?} ms for pictures whose lines stay");
    let spans = pass.finish(&mut findings).unwrap().spans.unwrap();
    assert_eq!((findings.len(), spans.len()), (20, 5), "{spans:?}");
    assert!(spans.iter().all(|span| (span.finding.start_ms, span.finding.end_ms, span.count) == (0, 3000, 4)), "{spans:?}");
}

#[test]
fn lines_of_other_pictures() {
    for (file, expected) in [
        ("ocr/en.jpg", "of this dataset are specified as follows."),
        ("ocr/latin.jpg", "Alphabetum in mundo hodie frequentissime adhibitum est alphabetum Latinum."),
        ("ocr/japan.jpg", "農村の学校で、伝統演劇の特別クラス"),
    ] {
        let Some((findings, _)) = analyse("text_overlay", file) else { return };
        let texts: Vec<&str> = findings.iter().filter_map(|finding| finding.text.as_deref()).collect();
        assert!(texts.iter().any(|text| text.contains(expected)), "{file}: {texts:?}");
    }
}

#[test]
fn a_film_without_text_has_none() {
    let Some((findings, _)) = analyse("text_overlay", "clips/bigbuckbunny.mp4") else { return };
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn nothing_to_see_is_skipped_and_a_broken_frame_is_an_error() {
    let all = analyser::all(&analyser::Options::default()).unwrap();
    let pictures = all.into_iter().filter(|analyser| !matches!(analyser.spec().sampling, Sampling::Audio | Sampling::Findings));
    for analyser in pictures {
        let name = analyser.spec().name;
        let Some(models) = models(analyser.spec().models) else { continue };
        let pass = analyser.begin(&MediaInfo::default(), &models).unwrap();
        let summary = pass.finish(&mut Vec::new()).unwrap();
        assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")), "{name}");
        let mut pass = analyser.begin(&MediaInfo::default(), &models).unwrap();
        for (width, height, bytes) in [(16, 16, 5), (0, 0, 0), (u32::MAX, u32::MAX, 3)] {
            let frame = Frame::new(0, 0, width, height, vec![0; bytes]);
            assert!(pass.frames(&[frame], &mut Vec::new()).is_err(), "{name}: {width} × {height}");
        }
        for (width, height) in [(1, 1), (1280, 2), (2, 1280)] {
            let rgb: Vec<u8> = (0..width * height * 3).map(|at| (at * 7 % 256) as u8).collect();
            let frame = Frame::new(0, 0, width, height, rgb);
            pass.frames(&[frame], &mut Vec::new()).unwrap_or_else(|error| panic!("{name}: {width} × {height}: {error:#}"));
        }
    }
}

#[test]
fn a_saved_reader_of_text_goes_on_as_if_nothing_had_been() {
    let analyser = support::analyser("text_overlay");
    let (Some(models), Some(picture)) = (models(analyser.spec().models), media("ocr/sample_overlay_text.png")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (info, frames) = decode(&still(&picture, folder.path()), analyser.spec().sampling);
    let run = |cut: Option<usize>| {
        let (mut pass, mut found) = (analyser.begin(&info, &models).unwrap(), Vec::new());
        for (at, frame) in frames.iter().enumerate() {
            if cut == Some(at) {
                pass = analyser.resume(&info, &models, &pass.save().unwrap()).unwrap();
            }
            pass.frames(std::slice::from_ref(frame), &mut found).unwrap();
        }
        let summary = pass.finish(&mut found).unwrap();
        (found, summary)
    };
    let whole = run(None);
    assert!(whole.0.len() >= 5 * frames.len(), "{whole:?}");
    (0..frames.len()).for_each(|cut| assert_eq!(run(Some(cut)), whole, "cut at {cut}"));
    assert!(analyser.resume(&info, &models, b"nonsense").is_err());
}
