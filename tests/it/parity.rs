//! weir's answers beside those of the plain Python pipeline (`bench/reference`) with the same models, on the same pictures and sound. The answers are
//! stored in `bench/reference/outputs`; `python -m reference.write` in `bench` writes them anew.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use weir::analyser::speech_transcription::vad::Vad;
use weir::analyser::{self, Analyser, Frame, SAMPLE_RATE};
use weir::infer::Tensor;
use weir::model::{Finding, MediaInfo};

use crate::support::{media, models, pieces};

/// The detectors' own threshold, and how far from it a score must be so that both sides must have found the thing.
const THRESHOLD: f64 = 0.3;
const SCORE_MARGIN: f64 = 0.02;
const OVERLAP_MIN: f64 = 0.9;
const MATCHED_MIN: f64 = 0.99;

/// The cases of one stored file.
fn cases(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("bench/reference/outputs/{name}.json"));
    let stored: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    stored["cases"].as_array().unwrap().clone()
}

/// The analyser, when this program has it.
fn here(name: &str) -> Option<Box<dyn Analyser>> {
    let all = analyser::all(&analyser::Options::default()).unwrap();
    let found = all.into_iter().find(|analyser| analyser.spec().name == name);
    if found.is_none() {
        println!("skipped: analyser `{name}` is not in this program");
    }
    found
}

/// The bytes that ffmpeg gives for a case, taken as the reference took them.
fn taken(case: &Value, form: &[&str]) -> Option<Vec<u8>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]);
    match case["lavfi"].as_str() {
        Some(source) => ffmpeg.args(["-f", "lavfi", "-i", source]),
        None => ffmpeg.arg("-i").arg(media(case["media"].as_str().unwrap())?),
    };
    ffmpeg.args(case["ffmpeg"].as_array().into_iter().flatten().filter_map(Value::as_str));
    let output = ffmpeg.args(form).arg("-").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

fn pictures(case: &Value) -> Option<Vec<Frame>> {
    let side = |name: &str| u32::try_from(case[name].as_u64().unwrap()).unwrap();
    let (width, height) = (side("width"), side("height"));
    let bytes = taken(case, &["-pix_fmt", "rgb24", "-f", "rawvideo"])?;
    let pictures = bytes.chunks_exact((width * height * 3) as usize).enumerate();
    let frames: Vec<Frame> = pictures.map(|(i, rgb)| Frame::new(i as u64, i as i64 * 1000, width, height, rgb)).collect();
    assert_eq!(frames.len(), case["frames"].as_array().unwrap().len(), "{case}");
    Some(frames)
}

fn sound(case: &Value) -> Option<Vec<f32>> {
    let rate = SAMPLE_RATE.to_string();
    let bytes = taken(case, &["-map", "0:a:0", "-ac", "1", "-ar", &rate, "-f", "f32le"])?;
    Some(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// What the analyser says of each picture, beside what the reference said.
fn beside(name: &str, analyser: &dyn Analyser) -> Option<Vec<(Value, Vec<Finding>)>> {
    let models = models(&[analyser.spec().models, analyser.spec().optional].concat())?;
    let mut pairs = Vec::new();
    for case in cases(name) {
        let frames = pictures(&case)?;
        let mut pass = analyser.begin(&MediaInfo::default(), &models).unwrap();
        for (frame, expected) in frames.iter().zip(case["frames"].as_array().unwrap()) {
            let mut findings = Vec::new();
            pass.frames(std::slice::from_ref(frame), &mut findings).unwrap();
            findings.retain(|finding| finding.start_ms == frame.time_ms);
            pairs.push((expected.clone(), findings));
        }
    }
    Some(pairs)
}

/// What the analyser says of a sound.
fn heard(analyser: &dyn Analyser, samples: &[f32]) -> Option<Vec<Finding>> {
    let models = models(analyser.spec().models)?;
    let mut pass = analyser.begin(&MediaInfo::default(), &models).unwrap();
    let mut findings = Vec::new();
    for piece in pieces(samples) {
        pass.audio(&piece, &mut findings).unwrap();
    }
    pass.finish(&mut findings).unwrap();
    Some(findings)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("`{value}` is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Intersection over union of a stored box and a finding's.
fn overlap(stored: &Value, finding: &Finding) -> f64 {
    let (one, other) = (numbers(stored), finding.bounds.unwrap().map(f64::from));
    let along = |axis: usize| {
        let end = (one[axis] + one[axis + 2]).min(other[axis] + other[axis + 2]);
        (end - one[axis].max(other[axis])).max(0.0)
    };
    let both = along(0) * along(1);
    both / (one[2] * one[3] + other[2] * other[3] - both)
}

/// A stored detection and a finding are the same thing.
fn same(stored: &Value, finding: &Finding) -> bool {
    let score = number(&stored["score"]) - f64::from(finding.confidence);
    overlap(&stored["box"], finding) >= OVERLAP_MIN && score.abs() <= SCORE_MARGIN
}

/// The share of the detections that both sides have, among those that both must have.
fn matched(pairs: &[(Value, Vec<Finding>)], threshold: f64) -> f64 {
    let (mut all, mut good) = (0_u32, 0_u32);
    for (stored, findings) in pairs {
        let stored = stored.as_array().unwrap();
        for detection in stored.iter().filter(|detection| number(&detection["score"]) >= threshold + SCORE_MARGIN) {
            let found = findings.iter().any(|finding| same(detection, finding));
            (all, good) = (all + 1, good + u32::from(found));
            if !found {
                println!("only the reference: {detection}");
            }
        }
        for finding in findings.iter().filter(|finding| f64::from(finding.confidence) >= threshold + SCORE_MARGIN) {
            let found = stored.iter().any(|detection| same(detection, finding));
            (all, good) = (all + 1, good + u32::from(found));
            if !found {
                println!("only here: {finding:?}");
            }
        }
    }
    assert!(all > 0, "nothing was compared");
    println!("{good} of {all} detections agree");
    f64::from(good) / f64::from(all)
}

#[test]
fn objects_are_those_of_the_reference() {
    let Some(analyser) = here("object_detection") else { return };
    let Some(pairs) = beside("objects", &*analyser) else { return };
    assert!(matched(&pairs, THRESHOLD) >= MATCHED_MIN);
    let mut labels = BTreeMap::new();
    for (stored, findings) in &pairs {
        for detection in stored.as_array().unwrap() {
            // Two things of equal score may lie in one place.
            let mut alike = findings.iter().filter(|finding| same(detection, finding));
            let (Some(finding), None) = (alike.next(), alike.next()) else { continue };
            if stored.as_array().unwrap().iter().filter(|other| same(other, finding)).count() == 1 {
                let label = labels.entry(detection["class"].as_u64().unwrap()).or_insert(&finding.label);
                assert_eq!(*label, &finding.label, "{detection}");
            }
        }
    }
    assert_eq!(labels[&0], "person");
    assert_eq!(labels[&5], "bus");
}

#[test]
fn faces_and_ages_are_those_of_the_reference() {
    let Some(analyser) = here("age_estimation") else { return };
    let Some(pairs) = beside("faces", &*analyser) else { return };
    assert!(matched(&pairs, 0.5) >= MATCHED_MIN);
    for (stored, findings) in &pairs {
        for finding in findings {
            let face = stored.as_array().unwrap().iter().find(|face| same(face, finding)).unwrap();
            let age = number(&finding.value.as_ref().unwrap()["age"]);
            assert!((age - number(&face["age"])).abs() <= 0.5, "{age} years, the reference says {}", face["age"]);
        }
    }
}

#[test]
fn lines_of_text_are_those_of_the_reference() {
    let Some(analyser) = here("text_overlay") else { return };
    let spec = analyser.spec();
    let knows_vietnamese = [spec.models, spec.optional].concat().contains(&"trueocr");
    let Some(pairs) = beside("text", &*analyser) else { return };
    for (stored, findings) in &pairs {
        for line in stored.as_array().unwrap() {
            let text = line["text"].as_str().unwrap();
            if !knows_vietnamese && !text.is_ascii() {
                continue;
            }
            let found = findings.iter().max_by(|a, b| overlap(&line["box"], a).total_cmp(&overlap(&line["box"], b))).unwrap();
            assert_eq!(found.text.as_deref(), Some(text));
        }
        assert_eq!(findings.len(), stored.as_array().unwrap().len());
    }
}

#[test]
fn sensitive_pictures_score_as_in_the_reference() {
    let Some(analyser) = here("sensitive_content") else { return };
    let Some(pairs) = beside("sensitive", &*analyser) else { return };
    for (stored, findings) in &pairs {
        let value = findings.first().and_then(|finding| finding.value.as_ref()).unwrap();
        for (name, expected) in stored.as_object().unwrap() {
            let found = number(&value[name]);
            assert!((found - number(expected)).abs() <= 0.01, "{name}: {found}, the reference says {expected}");
        }
    }
}

#[test]
fn quality_is_that_of_the_package() {
    let Some(analyser) = here("content_quality") else { return };
    let Some(pairs) = beside("brisque", &*analyser) else { return };
    for (expected, findings) in &pairs {
        let quality = findings.iter().find(|finding| finding.label == "quality").unwrap();
        let found = number(&quality.value.as_ref().unwrap()["brisque"]);
        assert!((found - number(expected)).abs() <= 0.5, "{found}, the package says {expected}");
    }
}

/// TransNetV2 in windows of 100 frames that advance by 50, with the ends repeated.
#[test]
fn cuts_are_as_likely_as_in_the_reference() {
    let Some(models) = models(&["transnetv2"]) else { return };
    let session = models.session("transnetv2", "transnetv2.onnx").unwrap();
    for case in cases("transnet") {
        let Some(frames) = pictures(&case) else { return };
        let expected = numbers(&case["frames"]);
        for start in (0..frames.len()).step_by(50) {
            let place = |i: usize| (start + i).saturating_sub(25).min(frames.len() - 1);
            let window = (0..100).flat_map(|i| frames[place(i)].rgb.iter().map(|byte| f32::from(*byte)));
            let input = Tensor::f32(&[1, 100, 27, 48, 3], window.collect()).unwrap();
            let outputs = session.run(&[("frames", &input)]).unwrap();
            let found = outputs.get("single_frame").unwrap().as_f32().unwrap();
            for (found, expected) in found[25..75].iter().zip(&expected[start..]) {
                assert!(
                    (f64::from(*found) - expected).abs() <= 1e-3,
                    "from frame {start}: {found}, the reference says {expected}"
                );
            }
        }
    }
}

#[test]
fn speech_is_where_the_reference_hears_it() {
    const WINDOW: usize = 512;
    let Some(models) = models(&["silero_vad"]) else { return };
    for case in cases("voice") {
        let Some(samples) = sound(&case) else { return };
        let (mut vad, mut found) = (Vad::open(&models).unwrap(), Vec::<Range<usize>>::new());
        vad.hear(&samples, &mut found).unwrap();
        vad.finish(&mut found).unwrap();
        let expected: Vec<Vec<f64>> = case["answer"].as_array().unwrap().iter().map(numbers).collect();
        let near = |found: usize, expected: f64| found.abs_diff(expected as usize) <= WINDOW;
        let equal =
            |(found, expected): (&Range<usize>, &Vec<f64>)| near(found.start, expected[0]) && near(found.end, expected[1]);
        assert_eq!(found.len(), expected.len(), "{}", case["media"]);
        assert!(found.iter().zip(&expected).all(equal), "{}: {found:?} is not {expected:?}", case["media"]);
    }
}

/// The words of a text, without what a reader would not say.
fn words(text: &str) -> Vec<String> {
    let plain: String =
        text.chars().map(|c| if c.is_alphanumeric() || c == '\'' { c.to_ascii_lowercase() } else { ' ' }).collect();
    plain.split_whitespace().map(str::to_owned).collect()
}

/// Words to change, add or leave out.
fn distance(one: &[String], other: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, word) in one.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for j in 0..other.len() {
            let changed = corner + usize::from(*word != other[j]);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

#[test]
fn what_is_said_is_what_the_reference_writes() {
    let Some(analyser) = here("speech_transcription") else { return };
    let model = analyser.spec().models.iter().copied().find(|name| name.starts_with("whisper")).unwrap();
    for case in cases("said") {
        let Some(samples) = sound(&case) else { return };
        let Some(findings) = heard(&*analyser, &samples) else { return };
        let said: Vec<&str> = findings.iter().filter_map(|finding| finding.text.as_deref()).collect();
        let (found, expected) = (words(&said.join(" ")), words(case["answer"][model].as_str().unwrap()));
        let wrong = distance(&found, &expected);
        assert!(wrong * 20 <= expected.len(), "{wrong} of {} words differ: {}", expected.len(), found.join(" "));
    }
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs()
}

#[test]
fn sounds_are_measured_as_by_librosa() {
    let Some(analyser) = here("audio_analysis") else { return };
    for case in cases("sound") {
        let Some(samples) = sound(&case) else { return };
        let Some(findings) = heard(&*analyser, &samples) else { return };
        let of = |label: &str| {
            findings
                .iter()
                .filter(|finding| finding.label == label)
                .filter_map(|finding| finding.value.clone())
                .collect::<Vec<_>>()
        };
        if let Some(timbre) = case.get("timbre") {
            compare_timbre(&of("spectrum"), timbre);
        }
        if let Some(expected) = case.get("tempo").map(number) {
            let found = number(&of("tempo").first().unwrap()["bpm"]);
            // librosa's tempi are far apart (117.2, then 123.0), and it takes the half of fast ones.
            let nearest =
                [expected, 2.0 * expected].map(|tempo| relative(found, tempo)).into_iter().fold(f64::INFINITY, f64::min);
            assert!(nearest < 0.03, "{found} beats per minute, librosa says {expected}");
        }
        if let Some(expected) = case.get("chroma").map(numbers) {
            let found = numbers(&of("key").first().unwrap()["chroma"]);
            assert_eq!(strongest(&found), strongest(&expected), "{found:?}");
        }
    }
}

/// The means of each second that is not silent.
fn compare_timbre(seconds: &[Value], expected: &Value) {
    for (name, expected) in expected.as_object().unwrap() {
        let found: Vec<f64> = seconds.iter().filter_map(|second| second[name].as_f64()).collect();
        let expected = numbers(expected);
        assert_eq!(found.len(), expected.len(), "{name}: {seconds:?}");
        for (found, expected) in found.iter().zip(&expected) {
            let near = relative(*found, *expected) < 0.02 || (found - expected).abs() < 0.0005;
            assert!(near, "{name}: {found}, librosa says {expected}");
        }
    }
}

/// The three pitch classes that sound most.
fn strongest(chroma: &[f64]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..chroma.len()).collect();
    classes.sort_by(|a, b| chroma[*b].total_cmp(&chroma[*a]));
    classes.truncate(3);
    classes.sort_unstable();
    classes
}
