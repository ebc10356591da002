//! The vision analysers on real media with known answers, with real models. What is not here is said and passed over.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use weir::analyser::{self, Analyser, Frame, Sampling, Summary};
use weir::config;
use weir::infer::Models;
use weir::model::{AnalyserStatus, Finding, MediaInfo, VideoTrack};

/// The models, when all that `analyser` needs are here.
fn models(analyser: &dyn Analyser) -> Option<Arc<Models>> {
    let directory = config::load(&config::Sources::of_process()).unwrap().models.dir;
    let models = Models::open(directory, 2);
    let needed = analyser.spec().models;
    if !needed.is_empty()
        && let Err(error) = models.require(needed)
    {
        println!("skipped: {error}");
        return None;
    }
    Some(Arc::new(models))
}

/// A file of the known test media, which lie beside the project.
fn media(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata").join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: `{}` is not here", file.display());
    None
}

fn command(program: &str, arguments: &[&str], file: &Path) -> Vec<u8> {
    let (before, after) = arguments.split_at(arguments.iter().position(|argument| *argument == "FILE").unwrap());
    let output = Command::new(program).args(before).arg(file).args(&after[1..]).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Width, height and frames per second.
fn probe(file: &Path) -> (u32, u32, f64) {
    let entries = "stream=width,height,r_frame_rate";
    let arguments = ["-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0", "FILE"];
    let text = String::from_utf8(command("ffprobe", &arguments, file)).unwrap();
    let parts: Vec<&str> = text.trim().split(',').collect();
    let (frames, seconds) = parts[2].split_once('/').unwrap();
    (parts[0].parse().unwrap(), parts[1].parse().unwrap(), frames.parse::<f64>().unwrap() / seconds.parse::<f64>().unwrap())
}

/// Three seconds of video that show a picture.
fn still(picture: &Path, folder: &Path) -> PathBuf {
    let video = folder.join("still.mp4");
    let even = "scale=trunc(iw/2)*2:trunc(ih/2)*2";
    let coding =
        ["-vf", even, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", video.to_str().unwrap()];
    command(
        "ffmpeg",
        &[["-v", "error", "-loop", "1", "-r", "25", "-t", "3", "-i", "FILE"].as_slice(), &coding].concat(),
        picture,
    );
    video
}

/// The frames that an analyser asks for.
fn decode(file: &Path, sampling: Sampling) -> (MediaInfo, Vec<Frame>) {
    let (width, height, rate) = probe(file);
    let (filter, rate, shown) = match sampling {
        Sampling::EveryFrame => {
            let small = f64::from(analyser::SMALL_WIDTH);
            let high = ((small * f64::from(height) / f64::from(width) / 2.0).round() * 2.0) as u32;
            (format!("scale={}:{high}", analyser::SMALL_WIDTH), rate, (analyser::SMALL_WIDTH, high))
        }
        Sampling::Sampled { fps } => {
            let scale = (f64::from(analyser::LARGE_SIDE) / f64::from(width.max(height))).min(1.0);
            let shown = ((f64::from(width) * scale).round() as u32, (f64::from(height) * scale).round() as u32);
            (format!("fps={fps},scale={}:{}", shown.0, shown.1), f64::from(fps), shown)
        }
        Sampling::Audio => panic!("no picture analyser listens"),
    };
    let arguments =
        ["-v", "error", "-i", "FILE", "-vf", &filter, "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
    let raw = command("ffmpeg", &arguments, file);
    let frames = raw.chunks_exact((shown.0 * shown.1 * 3) as usize).enumerate().map(|(index, rgb)| Frame {
        index: index as u64,
        time_ms: (index as f64 * 1000.0 / rate).round() as i64,
        width: shown.0,
        height: shown.1,
        rgb: rgb.into(),
    });
    let frames: Vec<Frame> = frames.collect();
    assert!(!frames.is_empty(), "no frames of {}", file.display());
    let duration_ms = (frames.len() as f64 * 1000.0 / rate).round() as i64;
    let video = Some(VideoTrack { width, height, ..VideoTrack::default() });
    (MediaInfo { duration_ms, video, ..MediaInfo::default() }, frames)
}

/// What an analyser says of a video, or of a picture shown for three seconds; prints the time that it took.
fn analyse(name: &str, file: &str) -> Option<(Vec<Finding>, Summary)> {
    let analyser = analyser::all().into_iter().find(|analyser| analyser.spec().name == name).unwrap();
    let (models, mut file) = (models(analyser.as_ref())?, media(file)?);
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
    assert_near(&frames_of(&findings, "shot"), &[0, 30, 180, 394], 1);
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
        assert_eq!(summary.spans, None, "the runner merges");
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
    let texts: Vec<&str> = spans.iter().filter_map(|span| span.finding.text.as_deref()).collect();
    for exact in ["WAIT FOR IT...", "Follow @dancer_2024 for more", "50% OFF #sale"] {
        assert!(texts.contains(&exact), "`{exact}` is not in {texts:?}");
    }
    // The Vietnamese lines are found; their letters may be wrong.
    for (top, bottom) in [(510.0, 575.0), (705.0, 800.0)] {
        let found = spans.iter().filter_map(|span| span.finding.bounds).filter(|bounds| {
            bounds[1] > top - 10.0 && bounds[1] + bounds[3] < bottom + 10.0 && bounds[0] < 50.0 && bounds[2] > 600.0
        });
        assert_eq!(found.count(), 1, "{spans:?}");
    }
    assert_eq!(spans.len(), 5);
    assert!(spans.iter().all(|span| (span.finding.start_ms, span.finding.end_ms, span.count) == (0, 2000, 3)));
    assert_eq!(findings.len(), 15);
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
