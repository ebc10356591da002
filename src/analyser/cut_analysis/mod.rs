//! `cut_analysis`: hard cuts, fades through black, and the shots between them. No model; every frame, small.
//!
//! Findings: `cut` (`frame` is the first frame of the new shot), `fade` (`frame` is the middle of the black span; `value` is
//! `{black_start_ms, black_end_ms, black_start_frame, black_end_frame}`, the ends being the first frame with a picture again) and
//! `shot` (a span; `frame` is its first frame, `value` is `{index, frames}`, counted from 0). Shots end where the next begins. A fade
//! that a cut touches opens no shot of its own: the cut does.

mod cuts;
mod fades;
mod hsv;

use std::sync::Arc;

use serde_json::json;

use self::cuts::{Cut, Cuts};
use self::fades::{Fade, Fades};
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, resize, span};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "cut_analysis";

/// The analyser.
pub struct CutAnalysis;

impl Analyser for CutAnalysis {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            sampling: Sampling::EveryFrame,
            limits: "Finds hard cuts and fades through black; no dissolves, wipes or fades through white. Shots under 0.3 s are merged, and \
                     cuts between two nearly black pictures may be missed. A night scene may count as black.",
        }
    }

    fn begin(&self, media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(CutPass { duration_ms: media.duration_ms, ..CutPass::default() }))
    }
}

#[derive(Default)]
struct CutPass {
    duration_ms: i64,
    hsv: Vec<u8>,
    cuts: Cuts,
    fades: Fades,
    seen: Option<Seen>,
}

/// The first and the last frame so far.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: (u64, i64),
    last: (u64, i64),
}

impl Pass for CutPass {
    fn frames(&mut self, batch: &[Frame], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            let brightness = hsv::convert(resize::pixels(frame)?, &mut self.hsv);
            self.fades.push(frame.index, frame.time_ms, brightness);
            self.cuts.push(frame.index, frame.time_ms, &mut self.hsv);
            let at = (frame.index, frame.time_ms);
            self.seen = Some(Seen { first: self.seen.map_or(at, |seen| seen.first), last: at });
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        let Some(seen) = self.seen else {
            return Ok(Summary::skipped("no frames"));
        };
        let (cuts, fades) = (self.cuts.finish(), self.fades.finish());
        let mut findings: Vec<Finding> = cuts.iter().map(|&cut| cut_finding(cut)).collect();
        findings.extend(fades.iter().map(|&fade| fade_finding(fade)));
        findings.extend(shots(&cuts, &fades, seen, self.duration_ms.max(seen.last.1)));
        let spans = span::strongest(findings.iter().map(|finding| span::begin(NAME, finding)).collect());
        out.append(&mut findings);
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

fn cut_finding(cut: Cut) -> Finding {
    Finding {
        start_ms: cut.time_ms,
        end_ms: cut.time_ms,
        frame: Some(cut.frame),
        label: "cut".into(),
        confidence: cut.confidence(),
        ..Finding::default()
    }
}

fn fade_finding(fade: Fade) -> Finding {
    Finding {
        start_ms: fade.time_ms(),
        end_ms: fade.time_ms(),
        frame: Some(fade.frame()),
        label: "fade".into(),
        confidence: fade.confidence(),
        value: Some(json!({
            "black_start_ms": fade.first.1, "black_end_ms": fade.end.1, "black_start_frame": fade.first.0, "black_end_frame": fade.end.0,
        })),
        ..Finding::default()
    }
}

/// The shots: they begin at the first frame, at every cut, and in the middle of every fade that no cut touches.
fn shots(cuts: &[Cut], fades: &[Fade], seen: Seen, end_ms: i64) -> Vec<Finding> {
    let mut starts: Vec<(u64, i64, f32)> = vec![(seen.first.0, seen.first.1, 1.0)];
    starts.extend(cuts.iter().map(|cut| (cut.frame, cut.time_ms, cut.confidence())));
    let alone = fades.iter().filter(|fade| !cuts.iter().any(|cut| fade.touches(cut.frame)));
    // Black at the very beginning is the first shot's beginning.
    let alone = alone.filter(|fade| fade.first.0 > seen.first.0);
    starts.extend(alone.map(|fade| (fade.frame(), fade.time_ms(), fade.confidence())));
    starts.sort_by_key(|start| start.0);
    let ends = starts.iter().skip(1).map(|&(frame, time_ms, _)| (frame, time_ms)).chain([(seen.last.0 + 1, end_ms)]);
    let shots = starts.iter().zip(ends).enumerate();
    shots.map(|(index, (&start, end))| shot_finding(index, start, end)).collect()
}

fn shot_finding(index: usize, start: (u64, i64, f32), end: (u64, i64)) -> Finding {
    Finding {
        start_ms: start.1,
        end_ms: end.1,
        frame: Some(start.0),
        label: "shot".into(),
        confidence: start.2,
        value: Some(json!({ "index": index, "frames": end.0.saturating_sub(start.0) })),
        ..Finding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AnalyserStatus;

    /// Frames of 16 × 9 pixels at 25 per second, in batches of 7.
    fn analyse(greys: &[u8], duration_ms: i64) -> (Vec<Finding>, Summary) {
        let mut pass = Box::new(CutPass { duration_ms, ..CutPass::default() });
        let mut out = Vec::new();
        let frames: Vec<Frame> = greys
            .iter()
            .enumerate()
            .map(|(index, &grey)| Frame {
                index: index as u64,
                time_ms: index as i64 * 40,
                width: 16,
                height: 9,
                rgb: vec![grey; 16 * 9 * 3].into(),
            })
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
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].label.as_str(), findings[0].start_ms, findings[0].end_ms), ("shot", 0, 40));
        assert_eq!(summary.status, AnalyserStatus::Done);
    }

    #[test]
    fn a_black_video_is_one_shot_without_fades() {
        let (findings, _) = analyse(&[0; 50], 2000);
        assert_eq!(findings.len(), 1);
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
        let frame = Frame { index: 0, time_ms: 0, width: 16, height: 9, rgb: vec![0; 5].into() };
        assert!(pass.frames(&[frame], &mut Vec::new()).is_err());
    }
}
