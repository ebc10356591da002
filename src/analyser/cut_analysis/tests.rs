use super::*;
use crate::model::AnalyserStatus;

/// Frames of 16 × 9 pixels at 25 per second, in batches of 7.
fn analyse(greys: &[u8], duration_ms: i64) -> (Vec<Finding>, Summary) {
    let mut pass = Box::new(CutPass { duration_ms, ..CutPass::default() });
    let mut out = Vec::new();
    let frames: Vec<Frame> = greys
        .iter()
        .enumerate()
        .map(|(index, &grey)| Frame::new(index as u64, index as i64 * 40, 16, 9, vec![grey; 16 * 9 * 3]))
        .collect();
    for batch in frames.chunks(7) {
        pass.frames(batch, &mut out).unwrap();
    }
    let summary = pass.finish(&mut out).unwrap();
    (out, summary)
}

fn frames_of(findings: &[Finding], label: &str) -> Vec<u64> {
    findings.iter().filter(|finding| finding.label == label).filter_map(|finding| finding.frame).collect()
}

fn ramp(from: u8, to: u8, frames: u8) -> Vec<u8> {
    (0..frames)
        .map(|at| (f32::from(from) + (f32::from(to) - f32::from(from)) * f32::from(at) / f32::from(frames)) as u8)
        .collect()
}

#[test]
fn a_cut_wins_over_the_fade_that_it_touches() {
    // Black with a hard cut out of it, then a fade through black of its own, then the end.
    let greys = [vec![0; 10], vec![100; 20], ramp(100, 0, 20), vec![0; 10], ramp(0, 100, 20), vec![100; 20]].concat();
    let (findings, summary) = analyse(&greys, 4000);
    assert_eq!(frames_of(&findings, "cut"), [10]);
    let fades = frames_of(&findings, "fade");
    assert_eq!(fades.len(), 2);
    assert_eq!(fades[0], 5);
    assert!(fades[1].abs_diff(55) <= 2, "{fades:?}");
    assert_eq!(frames_of(&findings, "shot"), [0, 10, fades[1]]);
    let shots: Vec<_> = findings.iter().filter(|finding| finding.label == "shot").collect();
    assert_eq!(shots[2].end_ms, 4000);
    assert_eq!(shots[1].value, Some(json!({ "index": 1, "frames": fades[1] - 10 })));
    assert_eq!(summary.spans.unwrap().len(), findings.len());
}

#[test]
fn one_frame_is_one_shot() {
    let (findings, summary) = analyse(&[90], 40);
    assert_eq!(findings.len(), 2);
    assert_eq!((findings[0].label.as_str(), findings[0].start_ms, findings[0].end_ms), ("shot", 0, 40));
    assert_eq!((findings[1].label.as_str(), &findings[1].value.as_ref().unwrap()["pace"]), ("rhythm", &json!("one_shot")));
    assert_eq!(summary.status, AnalyserStatus::Done);
}

#[test]
fn a_black_video_is_one_shot_without_fades() {
    let (findings, _) = analyse(&[0; 50], 2000);
    assert_eq!(findings.iter().map(|finding| finding.label.as_str()).collect::<Vec<_>>(), ["shot", "rhythm"]);
}

#[test]
fn no_frames_are_skipped_and_said() {
    let (findings, summary) = analyse(&[], 0);
    assert!(findings.is_empty());
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")));
}

#[test]
fn a_frame_without_its_pixels_is_an_error() {
    let mut pass = CutPass::default();
    let frame = Frame::new(0, 0, 16, 9, vec![0; 5]);
    assert!(pass.frames(&[frame], &mut Vec::new()).is_err());
}

#[test]
fn a_pass_taken_up_again_goes_on_as_if_nothing_was() {
    let greys = [vec![0; 10], vec![100; 20], ramp(100, 0, 10), vec![0; 5], ramp(0, 100, 10), vec![240; 2], vec![30; 15]].concat();
    let frames: Vec<Frame> =
        (0..).zip(&greys).map(|(index, &grey)| Frame::new(index, index as i64 * 40, 16, 9, vec![grey; 16 * 9 * 3])).collect();
    let whole = analyse(&greys, 3000);
    for cut in 0..=frames.len() {
        let mut first = CutPass { duration_ms: 3000, ..CutPass::default() };
        let mut out = Vec::new();
        first.frames(&frames[..cut], &mut out).unwrap();
        let mut second = Box::new(CutPass { duration_ms: 3000, ..CutPass::default() });
        second.restore(&first.save().unwrap()).unwrap();
        second.frames(&frames[cut..], &mut out).unwrap();
        let summary = second.finish(&mut out).unwrap();
        assert_eq!((out, summary), whole, "cut at {cut}");
    }
}

#[test]
fn a_dissolve_is_told_where_no_cut_and_no_fade_explains_it() {
    let dissolve =
        |first: u64, last: u64| Dissolve { first: (first, first as i64 * 40), last: (last, last as i64 * 40), probability: 0.9 };
    let cut = Cut { frame: 100, time_ms: 4000, score: 50.0 };
    let fade = Fade { first: (200, 8000), end: (210, 8400), darkest: 0.0 };
    let all = [dissolve(10, 30), dissolve(90, 110), dissolve(205, 230), dissolve(300, 320)];
    assert_eq!(alone(&all, &[cut], &[fade]), [all[0], all[3]]);
    let seen = Seen { first: (0, 0), last: (400, 16_000) };
    let found = shots(&[cut], &[fade], &[all[0]], seen, 16_000);
    assert_eq!(found.iter().filter_map(|shot| shot.frame).collect::<Vec<_>>(), [0, 20, 100, 205]);
    let told = dissolve_finding(all[0]);
    assert_eq!((told.start_ms, told.end_ms, told.frame), (400, 1200, Some(20)));
}
