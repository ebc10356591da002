use super::*;
use crate::model::AnalyserStatus;

/// A texture without repetition that can be looked at from anywhere: waves that do not share a period.
fn texture(x: f32, y: f32) -> u8 {
    let waves = (x * 0.211 + y * 0.053).sin()
        + (y * 0.173 - x * 0.071).sin()
        + (x * 0.397 + y * 0.311).sin() * 0.7
        + (y * 0.463).sin() * 0.5;
    (waves * 36.0 + 128.0) as u8
}

/// A frame of 128 × 72 that looks at the texture: from the middle at (x, y), turned and scaled.
fn frame(time_ms: i64, x: f32, y: f32, turn: f32, scale: f32) -> Frame {
    let (sin, cos) = turn.to_radians().sin_cos();
    let pixel = |column: u32, row: u32| {
        let (dx, dy) = ((column as f32 - 63.5) / scale, (row as f32 - 35.5) / scale);
        [texture(x + dx * cos - dy * sin, y + dx * sin + dy * cos); 3]
    };
    let rgb: Vec<u8> = (0..72).flat_map(|row| (0..128).flat_map(move |column| pixel(column, row))).collect();
    Frame::new((time_ms / 50) as u64, time_ms, 128, 72, rgb)
}

/// 20 frames per second.
fn film(seconds: f32, at: impl Fn(f32) -> (f32, f32, f32, f32)) -> Vec<Frame> {
    let frames = 0..(seconds * 20.0) as i64;
    frames
        .map(|number| {
            let (x, y, turn, scale) = at(number as f32 / 20.0);
            frame(number * 50, x, y, turn, scale)
        })
        .collect()
}

fn findings_of(frames: &[Frame]) -> Vec<Finding> {
    let mut pass = Box::<CameraPass>::default();
    let mut out = Vec::new();
    pass.frames(frames, &mut out).unwrap();
    pass.finish(&mut out).unwrap();
    out
}

fn assert_one(frames: &[Frame], label: &str, speed: f64) {
    let found = findings_of(frames);
    let labels: Vec<&str> = found.iter().map(|finding| finding.label.as_str()).collect();
    assert_eq!(labels, [label], "{found:?}");
    let told = found[0].value.as_ref().unwrap()["speed"].as_f64().unwrap();
    assert!((told - speed).abs() <= speed * 0.1 + 0.1, "{label}: {told} is not {speed}");
}

#[test]
fn every_word_has_its_direction_and_speed() {
    // 12.8 pixels are 10 % of the width.
    assert_one(&film(1.5, |_| (200.0, 200.0, 0.0, 1.0)), "static", 0.0);
    assert_one(&film(1.5, |t| (200.0 + 12.8 * t, 200.0, 0.0, 1.0)), "pan_right", 10.0);
    assert_one(&film(1.5, |t| (200.0 - 25.6 * t, 200.0, 0.0, 1.0)), "pan_left", 20.0);
    assert_one(&film(1.5, |t| (200.0, 200.0 - 6.4 * t, 0.0, 1.0)), "tilt_up", 5.0);
    assert_one(&film(1.5, |t| (200.0, 200.0 + 12.8 * t, 0.0, 1.0)), "tilt_down", 10.0);
    assert_one(&film(1.5, |t| (200.0, 200.0, 0.0, 1.1_f32.powf(t))), "zoom_in", 10.0);
    assert_one(&film(1.5, |t| (200.0, 200.0, 0.0, 0.8_f32.powf(t))), "zoom_out", 20.0);
    assert_one(&film(1.5, |t| (200.0, 200.0, 6.0 * t, 1.0)), "roll", 6.0);
}

#[test]
fn a_roll_is_positive_clockwise() {
    let found = findings_of(&film(1.0, |t| (200.0, 200.0, 8.0 * t, 1.0)));
    assert!(found[0].value.as_ref().unwrap()["roll"].as_f64().unwrap() > 7.0, "{found:?}");
}

#[test]
fn a_trembling_hand_is_neither_a_pan_nor_static() {
    let found = findings_of(&film(2.0, |t| (200.0 + 2.0 * (t * 17.3).sin(), 200.0 + 1.5 * (t * 23.1).sin(), 0.0, 1.0)));
    assert_eq!(found.iter().map(|finding| finding.label.as_str()).collect::<Vec<_>>(), ["handheld"], "{found:?}");
}

#[test]
fn words_follow_on_each_other_and_a_cut_parts_them() {
    let mut frames = film(3.0, |t| (200.0 + 25.6 * (t - 1.5).max(0.0), 200.0, 0.0, 1.0));
    frames.extend(
        film(1.5, |_| (9000.0, 700.0, 0.0, 1.0)).into_iter().map(|frame| Frame { time_ms: frame.time_ms + 3000, ..frame }),
    );
    let found = findings_of(&frames);
    let told: Vec<_> = found.iter().map(|finding| (finding.label.as_str(), finding.start_ms, finding.end_ms)).collect();
    assert_eq!(told.iter().map(|word| word.0).collect::<Vec<_>>(), ["static", "pan_right", "static"], "{told:?}");
    assert!((told[1].1 - 1500).abs() <= 100 && (told[1].2 - 2950).abs() <= 100 && told[2].1 >= 2950, "{told:?}");
}

#[test]
fn what_has_no_texture_is_static_or_unsaid() {
    let grey = |time_ms: i64, level: u8| Frame::new(0, time_ms, 64, 36, vec![level; 64 * 36 * 3]);
    let still: Vec<Frame> = (0..10).map(|at| grey(at * 100, 90)).collect();
    assert_eq!(findings_of(&still)[0].label, "static");
    let fading: Vec<Frame> = (0..10_u8).map(|at| grey(i64::from(at) * 100, at * 20)).collect();
    assert_eq!(findings_of(&fading), []);
    let summary = Box::<CameraPass>::default().finish(&mut Vec::new()).unwrap();
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")));
}

#[test]
fn a_pass_taken_up_again_goes_on_as_if_nothing_was() {
    let frames = film(1.6, |t| (200.0 + 25.6 * (t - 0.8).max(0.0), 200.0, 0.0, 1.0));
    let whole = findings_of(&frames);
    assert!(!whole.is_empty());
    for cut in 0..=frames.len() {
        let mut first = CameraPass::default();
        let mut out = Vec::new();
        first.frames(&frames[..cut], &mut out).unwrap();
        let mut second = Box::<CameraPass>::default();
        second.restore(&first.save().unwrap()).unwrap();
        second.frames(&frames[cut..], &mut out).unwrap();
        second.finish(&mut out).unwrap();
        assert_eq!(out, whole, "cut at {cut}");
    }
}
