use super::*;
use crate::model::AnalyserStatus;

/// 10 frames per second: still for the first half, then another picture in every frame.
fn film(seconds: i64) -> Vec<Frame> {
    let pixel = |picture: i64, x: i64, y: i64| ((x / 8 * 37 + y / 5 * 91 + picture * 53) % 200) as u8;
    let frame = |at: i64| {
        let picture = if at < seconds * 5 { 0 } else { at };
        let rgb: Vec<u8> =
            (0..36).flat_map(|y| (0..64).map(move |x| (x, y))).flat_map(|(x, y)| [pixel(picture, x, y); 3]).collect();
        Frame::new(at.unsigned_abs(), at * 100, 64, 36, rgb)
    };
    (0..seconds * 10).map(frame).collect()
}

fn pass(duration_ms: i64) -> Box<FlowPass> {
    Box::new(FlowPass { duration_ms, state: State::default() })
}

fn found(label: &str, start_ms: i64, value: Option<Value>) -> Finding {
    Finding { start_ms, end_ms: start_ms + 1000, label: label.into(), value, ..Finding::default() }
}

fn of<'a>(findings: &'a [Finding], label: &str) -> Option<&'a Finding> {
    findings.iter().find(|finding| finding.label == label)
}

#[test]
fn a_film_that_gets_going_rises_to_a_climax() {
    let mut pass = pass(12_000);
    let mut out = Vec::new();
    for batch in film(12).chunks(16) {
        pass.frames(batch, &mut out).unwrap();
    }
    let shots = [found("shot", 0, None), found("shot", 9000, None), found("cut", 9000, None)];
    pass.findings("cut_analysis", &shots, &mut out).unwrap();
    let quiet = |at: i64| {
        found("spectrum", at * 1000, Some(json!({ "momentary_lufs": if at < 6 { json!(null) } else { json!(-14.0) } })))
    };
    pass.findings("audio_analysis", &(0..12).map(quiet).collect::<Vec<_>>(), &mut out).unwrap();
    pass.findings("text_overlay", &[found("text", 5000, None)], &mut out).unwrap();
    pass.findings("object_detection", &[found("person", 1000, None)], &mut out).unwrap();
    let spans = pass.finish(&mut out).unwrap().spans.unwrap();
    assert_eq!(spans.len(), out.len());
    let pace = of(&out, "pace").unwrap().value.as_ref().unwrap();
    assert_eq!((&pace["trend"], &pace["step_ms"], pace["curve"].as_array().unwrap().len()), (&json!("rising"), &json!(500), 24));
    let climax = of(&out, "climax").unwrap();
    assert!(climax.start_ms >= 5500 && climax.end_ms - climax.start_ms == 5000, "{climax:?}");
    let hook = of(&out, "hook").unwrap();
    let value = hook.value.as_ref().unwrap();
    assert_eq!((hook.start_ms, hook.end_ms), (0, 3000));
    assert_eq!(
        (&value["cuts"], &value["text"], &value["person"], &value["sound"]),
        (&json!(0), &json!(false), &json!(true), &json!(0.0))
    );
    assert!(out.iter().all(|finding| finding.value.as_ref().unwrap()["method"] == "heuristic"));
}

#[test]
fn a_still_film_has_no_climax_and_no_loop() {
    let mut pass = pass(20_000);
    let mut out = Vec::new();
    pass.frames(&film(40)[..200], &mut out).unwrap();
    pass.finish(&mut out).unwrap();
    assert_eq!(out.iter().map(|finding| finding.label.as_str()).collect::<Vec<_>>(), ["pace", "hook"]);
    assert_eq!(out[1].value.as_ref().unwrap()["text"], json!(null), "nobody looked");
}

#[test]
fn nothing_to_see_is_skipped() {
    let summary = pass(0).finish(&mut Vec::new()).unwrap();
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")));
    let mut one = pass(40);
    one.frames(&film(1)[..1], &mut Vec::new()).unwrap();
    assert_eq!(one.finish(&mut Vec::new()).unwrap().status, AnalyserStatus::Done);
}

#[test]
fn a_pass_taken_up_again_goes_on_as_if_nothing_was() {
    let frames = film(3);
    let told = |cut: Option<usize>| {
        let mut first = pass(3000);
        let mut out = Vec::new();
        first.frames(&frames[..cut.unwrap_or(0)], &mut out).unwrap();
        if cut.is_some() {
            let mut second = pass(3000);
            second.restore(&first.save().unwrap()).unwrap();
            first = second;
        }
        first.frames(&frames[cut.unwrap_or(0)..], &mut out).unwrap();
        first.findings("cut_analysis", &[found("shot", 0, None), found("shot", 1500, None)], &mut out).unwrap();
        let summary = first.finish(&mut out).unwrap();
        (out, summary)
    };
    let whole = told(None);
    for cut in 0..=frames.len() {
        assert_eq!(told(Some(cut)), whole, "cut at {cut}");
    }
}
