use super::*;
use crate::model::AnalyserStatus;

fn frame(time_ms: i64, paint: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
    let rgb: Vec<u8> = (0..36).flat_map(|y| (0..64).map(move |x| (x, y))).flat_map(|(x, y)| paint(x, y)).collect();
    Frame::new((time_ms / 40) as u64, time_ms, 64, 36, rgb)
}

fn pass(duration_ms: i64) -> Box<ColorPass> {
    Box::new(ColorPass { duration_ms, state: State::default() })
}

/// A second of red, then one of blue, 25 frames per second, between black bars.
fn film() -> Vec<Frame> {
    let color = |at: i64| if at < 25 { [200, 30, 30] } else { [30, 60, 200] };
    (0..50).map(|at| frame(at * 40, |_, y| if (4..32).contains(&y) { color(at) } else { [16; 3] })).collect()
}

fn value(finding: &Finding) -> &Value {
    finding.value.as_ref().unwrap()
}

#[test]
fn two_samples_a_second_and_the_whole() {
    let mut pass = pass(2000);
    let mut out = Vec::new();
    for batch in film().chunks(7) {
        pass.frames(batch, &mut out).unwrap();
    }
    let spans = pass.finish(&mut out).unwrap().spans.unwrap();
    let times: Vec<i64> = out.iter().filter(|finding| finding.label == "color").map(|finding| finding.start_ms).collect();
    assert_eq!(times, [0, 520, 1000, 1520]);
    assert_eq!(spans.iter().map(|span| span.finding.label.as_str()).collect::<Vec<_>>(), ["palette", "color_strip"]);
    let palette = value(&spans[0].finding);
    assert_eq!(palette["bars"], json!([0.111, 0.0, 0.111, 0.0]), "{palette}");
    let colors = palette["palette"].as_array().unwrap();
    assert_eq!(colors.len(), 2, "the bars are no colour: {palette}");
    assert!(colors.iter().all(|color| (color["share"].as_f64().unwrap() - 0.5).abs() < 0.01), "{palette}");
    let strip = value(&spans[1].finding);
    assert_eq!((&strip["step_ms"], strip["colors"].as_array().unwrap().len()), (&json!(500), 4));
    assert_eq!(strip["colors"][0], "#c81e1e");
    assert_eq!((spans[0].finding.start_ms, spans[0].finding.end_ms), (0, 2000));
}

#[test]
fn a_change_is_told_against_the_sample_before() {
    let mut pass = pass(2000);
    let mut out = Vec::new();
    pass.frames(&film(), &mut out).unwrap();
    let changes: Vec<&Value> = out.iter().map(|finding| &value(finding)["change"]).collect();
    assert_eq!((changes[0], changes[1], changes[3]), (&json!(null), &json!(0.0), &json!(0.0)));
    assert!(changes[2].as_f64().unwrap() > 90.0, "{changes:?}");
}

#[test]
fn nothing_to_see_is_skipped_and_a_black_film_has_no_bars() {
    let summary = pass(0).finish(&mut Vec::new()).unwrap();
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")));
    let mut pass = pass(1000);
    let mut out = Vec::new();
    pass.frames(&[frame(0, |_, _| [0; 3])], &mut out).unwrap();
    pass.finish(&mut out).unwrap();
    assert_eq!(value(&out[1])["bars"], json!(null));
    assert_eq!(value(&out[0])["temperature_k"], json!(null));
}

#[test]
fn a_pass_taken_up_again_goes_on_as_if_nothing_was() {
    let frames = film();
    let told = |cut: Option<usize>| {
        let mut first = pass(2000);
        let mut out = Vec::new();
        first.frames(&frames[..cut.unwrap_or(0)], &mut out).unwrap();
        if cut.is_some() {
            let mut second = pass(2000);
            second.restore(&first.save().unwrap()).unwrap();
            first = second;
        }
        first.frames(&frames[cut.unwrap_or(0)..], &mut out).unwrap();
        let summary = first.finish(&mut out).unwrap();
        (out, summary)
    };
    let whole = told(None);
    for cut in 0..=frames.len() {
        assert_eq!(told(Some(cut)), whole, "cut at {cut}");
    }
}
