use super::*;
use crate::model::AnalyserStatus;

fn pass() -> Box<QualityPass> {
    Box::new(QualityPass {
        size: (1920, 1080),
        duration_ms: 8000,
        regression: None,
        spectrum: Spectrum::default(),
        state: State::default(),
    })
}

/// A picture of 288 × 64 with a texture that is fine, or soft: the same with each pixel four wide.
fn frame(time_ms: i64, soft: usize) -> Frame {
    let mut state = 7_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        ((state >> 16) % 120) as u8 + 60
    })
    .take(288 * 64)
    .collect();
    let pixel = |x: usize, y: usize| {
        let (x, y) = (x as f64 / soft as f64, y / soft);
        let at = |column: usize| f64::from(noise[y * 288 + column]);
        let part = x.fract();
        [(at(x as usize) * (1.0 - part) + at(x as usize + 1) * part) as u8; 3]
    };
    let rgb: Vec<u8> = (0..64).flat_map(|y| (0..287).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    Frame::new((time_ms / 40) as u64, time_ms, 287, 64, rgb)
}

fn colors(time_ms: i64, brightness: f64, change: Value) -> Finding {
    let value = json!({ "brightness": brightness, "contrast": 0.01, "change": change });
    Finding { start_ms: time_ms, end_ms: time_ms, label: "color".into(), value: Some(value), ..Finding::default() }
}

fn told(findings: &[Finding], label: &str) -> Vec<(i64, i64)> {
    findings.iter().filter(|finding| finding.label == label).map(|finding| (finding.start_ms, finding.end_ms)).collect()
}

#[test]
fn black_and_frozen_stretches_come_from_the_colours() {
    let mut pass = pass();
    let mut out = Vec::new();
    pass.frames(&[frame(0, 1)], &mut out).unwrap();
    let black = |at: i64| if (2..4).contains(&at) { 0.01 } else { 0.4 };
    let change = |at: i64| if at == 0 { Value::Null } else { json!(if (6..=11).contains(&at) { 0.0 } else { 9.0 }) };
    let given: Vec<Finding> = (0..16).map(|at| colors(at * 500, black(at), change(at))).collect();
    for part in given.chunks(5) {
        pass.findings("color_analysis", part, &mut out).unwrap();
    }
    let spans = pass.finish(&mut out).unwrap().spans.unwrap();
    assert_eq!(told(&out, "black"), [(1000, 2000)]);
    assert_eq!(told(&out, "frozen"), [(2500, 5500)]);
    assert_eq!(spans.len() + 1, out.len());
    assert!(
        spans.iter().all(|span| span.finding.label == "summary" || span.finding.value.as_ref().unwrap()["method"] == "heuristic")
    );
}

#[test]
fn bars_become_the_box_of_the_picture() {
    let mut pass = pass();
    let mut out = Vec::new();
    pass.frames(&[frame(0, 1)], &mut out).unwrap();
    let palette =
        Finding { label: "palette".into(), value: Some(json!({ "bars": [0.125, 0.0, 0.125, 0.0] })), ..Finding::default() };
    pass.findings("color_analysis", &[palette], &mut out).unwrap();
    pass.finish(&mut out).unwrap();
    let found: Vec<_> = out.iter().filter(|finding| finding.bounds.is_some()).collect();
    assert_eq!((found.len(), found[0].label.as_str(), found[0].bounds), (1, "letterbox", Some([0.0, 135.0, 1920.0, 810.0])));
    assert_eq!(boxed([0.1, 0.2, 0.1, 0.2], (100, 100)).len(), 2);
    assert_eq!(boxed([0.3, 0.0, 0.1, 0.0], (100, 100)), []);
}

#[test]
fn what_was_enlarged_has_no_fine_detail() {
    for (soft, expected) in [(1, 0), (3, 1)] {
        let mut pass = pass();
        let mut out = Vec::new();
        pass.frames(&[frame(0, soft), frame(2000, soft)], &mut out).unwrap();
        pass.finish(&mut out).unwrap();
        assert_eq!(told(&out, "upscaled").len(), expected, "{out:?}");
    }
}

#[test]
fn nothing_to_see_is_skipped() {
    let summary = pass().finish(&mut Vec::new()).unwrap();
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")));
}

#[test]
fn a_pass_taken_up_again_goes_on_as_if_nothing_was() {
    let frames: Vec<Frame> = (0..4).map(|at| frame(at * 2000, if at < 2 { 1 } else { 4 })).collect();
    let given: Vec<Finding> = (0..16).map(|at| colors(at * 500, 0.01, json!(0.0))).collect();
    let told = |cut: Option<usize>| {
        let mut first = pass();
        let mut out = Vec::new();
        first.frames(&frames[..cut.unwrap_or(0)], &mut out).unwrap();
        if cut.is_some() {
            let mut second = pass();
            second.restore(&first.save().unwrap()).unwrap();
            first = second;
        }
        first.frames(&frames[cut.unwrap_or(0)..], &mut out).unwrap();
        first.findings("color_analysis", &given, &mut out).unwrap();
        let summary = first.finish(&mut out).unwrap();
        (out, summary)
    };
    let whole = told(None);
    for cut in 0..=frames.len() {
        assert_eq!(told(Some(cut)), whole, "cut at {cut}");
    }
}
