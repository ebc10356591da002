use super::*;
use crate::model::AnalyserStatus;

fn frame(second: i64, color: [u8; 3]) -> Frame {
    let pixel = |x: u32, y: u32| color.map(|part| part.saturating_add(((x * 7 + y * 5) % 40) as u8));
    let rgb: Vec<u8> = (0..36).flat_map(|y| (0..64).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    Frame::new(second.unsigned_abs() * 25, second * 1000, 64, 36, rgb)
}

fn pass() -> Box<ScenePass> {
    Box::new(ScenePass { duration_ms: 12_000, network: None, state: State::default() })
}

/// Twelve seconds: six that change between red and green every two, then six of blue.
fn film() -> Vec<Frame> {
    (0..12)
        .map(|at| {
            frame(
                at,
                if at >= 6 {
                    [10, 30, 180]
                } else if at / 2 % 2 == 0 {
                    [180, 20, 20]
                } else {
                    [20, 150, 20]
                },
            )
        })
        .collect()
}

fn shots() -> Vec<Finding> {
    let shot = |(start_ms, end_ms): (i64, i64)| Finding { start_ms, end_ms, label: "shot".into(), ..Finding::default() };
    [(0, 2000), (2000, 4000), (4000, 6000), (6000, 12_000)].map(shot).to_vec()
}

#[test]
fn shots_that_look_alike_are_one_scene() {
    let mut pass = pass();
    let mut out = Vec::new();
    pass.frames(&film(), &mut out).unwrap();
    pass.findings("cut_analysis", &shots()[..2], &mut out).unwrap();
    pass.findings("cut_analysis", &shots()[2..], &mut out).unwrap();
    pass.findings("audio_analysis", &shots(), &mut out).unwrap();
    let spans = pass.finish(&mut out).unwrap().spans.unwrap();
    let told: Vec<_> = out.iter().map(|scene| (scene.label.as_str(), scene.start_ms, scene.end_ms)).collect();
    assert_eq!(told, [("scene", 0, 6000), ("scene", 6000, 12_000)]);
    assert_eq!(out[0].value.as_ref().unwrap()["shots"], 3);
    assert_eq!(spans.len(), 2);
}

#[test]
fn without_cuts_there_is_one_scene_and_without_frames_none() {
    let mut one = pass();
    let mut out = Vec::new();
    one.frames(&film(), &mut out).unwrap();
    one.finish(&mut out).unwrap();
    assert_eq!(out.len(), 1);
    let summary = pass().finish(&mut Vec::new()).unwrap();
    assert_eq!((summary.status, summary.reason.as_deref()), (AnalyserStatus::Skipped, Some("no frames")));
}

#[test]
fn pictures_are_looked_at_when_they_change_and_not_every_second() {
    let mut state = State::default();
    let mut looked = Vec::new();
    for frame in film() {
        let looks = Looks::of(&small::thumb(&frame).unwrap());
        let due = is_due(state.tagged.as_ref(), frame.time_ms, &looks);
        looked.extend(due.then_some(frame.time_ms / 1000));
        state.push(frame.time_ms, looks, due.then(Content::default));
    }
    assert_eq!(looked, [0, 2, 4, 6]);
    assert_eq!(state.entries.len(), 4);
}

#[test]
fn a_pass_taken_up_again_goes_on_as_if_nothing_was() {
    let frames = film();
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
        first.findings("cut_analysis", &shots(), &mut out).unwrap();
        let summary = first.finish(&mut out).unwrap();
        (out, summary)
    };
    let whole = told(None);
    for cut in 0..=frames.len() {
        assert_eq!(told(Some(cut)), whole, "cut at {cut}");
    }
}
