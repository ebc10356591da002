//! `cut_analysis`: hard cuts, fades through black, dissolves, the shots between them and their rhythm. Every frame, small.
//!
//! Cuts and fades need no model. Where TransNetV2 is here, it gives a second opinion on the few doubtful places: a weak cut that it
//! denies is dropped, what is nearly a cut and it sees as one is added, and gradual transitions that it confirms are dissolves.
//!
//! Findings:
//! * `cut`: `frame` is the first frame of the new shot; `value` is `{transnetv2}`, the model's probability, where it was asked.
//! * `fade`: `frame` is the middle of the black span; `value` is `{black_start_ms, black_end_ms, black_start_frame, black_end_frame}`, the ends being
//!   the first frame with a picture again.
//! * `dissolve`: a span; `frame` is its middle, `value` is `{start_frame, end_frame, transnetv2}`.
//! * `shot`: a span; `frame` is its first frame, `value` is `{index, frames}`, counted from 0. Shots end where the next begins. A fade that a
//!   cut touches opens no shot of its own: the cut does. A dissolve opens one in its middle.
//! * `rhythm`: one over the whole; `value` is `{shots, cuts_per_minute, pace, variation, shot_ms: {mean, median, shortest, longest}, method}`: `pace` is `one_shot`,
//!   `slow`, `moderate` (from 6 changes of shot a minute), `fast` (20) or `very_fast` (40); `variation` the deviation of the lengths over their mean.

mod cuts;
mod fades;
pub(super) mod hsv;
mod mixture;
mod rhythm;
mod second;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::cuts::{Cut, Cuts};
use self::fades::{Fade, Fades};
use self::second::{Doubt, End, HEIGHT, Second, WIDTH};
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, resize, small, span, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "cut_analysis";
const MODEL: &str = "transnetv2";
/// A weak cut whose probability is below this is none.
const DENIED: f32 = 0.1;
/// What is nearly a cut becomes one from this probability on.
const CONFIRMED: f32 = 0.5;
/// A gradual transition is a dissolve from this probability on: the model's own threshold.
const DISSOLVE: f32 = 0.5;

/// The analyser.
pub struct CutAnalysis;

impl Analyser for CutAnalysis {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 2,
            models: &[],
            optional: &[MODEL],
            sampling: Sampling::EveryFrame,
            after: &[],
            limits: "Finds hard cuts and fades through black, and dissolves where TransNetV2 is here; no wipes or fades through white. Shots \
                     under 0.3 s are merged, and cuts between two nearly black pictures may be missed. A night scene may count as black. \
                     In films with a dissolve more often than every 15 s some are not looked at.",
        }
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let model = models.require(&[MODEL]).is_ok().then(|| models.clone());
        Ok(Box::new(CutPass { duration_ms: media.duration_ms, model, ..CutPass::default() }))
    }
}

#[derive(Default)]
struct CutPass {
    duration_ms: i64,
    hsv: Vec<u8>,
    /// Where the second opinion comes from. It is opened when it is asked, because many films never need it.
    model: Option<Arc<Models>>,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    cuts: Cuts,
    fades: Fades,
    second: Second,
    seen: Option<Seen>,
}

/// The first and the last frame so far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seen {
    first: (u64, i64),
    last: (u64, i64),
}

/// A gradual transition that was confirmed: its first and last frame with their times.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Dissolve {
    first: (u64, i64),
    last: (u64, i64),
    probability: f32,
}

impl Pass for CutPass {
    fn frames(&mut self, batch: &[Frame], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            let State { cuts, fades, second, seen } = &mut self.state;
            let brightness = hsv::convert(resize::pixels(frame)?, &mut self.hsv);
            fades.push(frame.index, frame.time_ms, brightness);
            cuts.push(frame.index, frame.time_ms, &mut self.hsv);
            let at = (frame.index, frame.time_ms);
            *seen = Some(Seen { first: seen.map_or(at, |seen| seen.first), last: at });
            let suspects = cuts.take_suspects();
            if self.model.is_some() {
                second.push(frame.index, frame.time_ms, small::shrink(frame, WIDTH, HEIGHT)?);
                for cut in suspects {
                    second.doubt(cut);
                }
                self.ask(End::NotYet)?;
            }
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        let Some(seen) = self.state.seen else {
            return Ok(Summary::skipped("no frames"));
        };
        self.state.cuts.end();
        if self.model.is_some() {
            for cut in self.state.cuts.take_suspects() {
                self.state.second.doubt(cut);
            }
            self.state.second.end();
            self.ask(End::Reached)?;
        }
        let State { cuts, fades, second, .. } = self.state;
        let opinions = Opinions::of(&second);
        let fades = fades.finish();
        let gradual =
            |cut: Cut| opinions.dissolves.iter().any(|dissolve| (dissolve.first.0..=dissolve.last.0).contains(&cut.frame));
        let confirmed =
            opinions.cuts.iter().filter(|(cut, probability)| *probability >= CONFIRMED && !gradual(*cut)).map(|(cut, _)| *cut);
        let cuts =
            cuts.finish(|cut| cut.is_weak() && opinions.of_cut(cut).is_some_and(|probability| probability < DENIED), confirmed);
        let dissolves = alone(&opinions.dissolves, &cuts, &fades);
        let end_ms = self.duration_ms.max(seen.last.1);
        let mut findings: Vec<Finding> = cuts.iter().map(|&cut| cut_finding(cut, opinions.of_cut(cut))).collect();
        findings.extend(fades.iter().map(|&fade| fade_finding(fade)));
        findings.extend(dissolves.iter().map(|&dissolve| dissolve_finding(dissolve)));
        let shots = shots(&cuts, &fades, &dissolves, seen, end_ms);
        let lengths: Vec<i64> = shots.iter().map(|shot| shot.end_ms - shot.start_ms).collect();
        findings.extend(shots);
        findings.push(Finding {
            start_ms: seen.first.1,
            end_ms,
            label: "rhythm".into(),
            confidence: 1.0,
            value: Some(rhythm::rhythm(&lengths)),
            ..Finding::default()
        });
        let spans = span::strongest(findings.iter().map(|finding| span::begin(NAME, finding)).collect());
        out.append(&mut findings);
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl CutPass {
    /// Asks the model about the blocks that are due.
    fn ask(&mut self, end: End) -> anyhow::Result<()> {
        let Some(models) = &self.model else { return Ok(()) };
        while let Some(due) = self.state.second.due(end) {
            self.state.second.look(&due, &*models.session(MODEL, "transnetv2.onnx")?)?;
        }
        Ok(())
    }
}

/// What the model said.
struct Opinions {
    cuts: Vec<(Cut, f32)>,
    dissolves: Vec<Dissolve>,
}

impl Opinions {
    fn of(second: &Second) -> Self {
        let mut told = Self { cuts: Vec::new(), dissolves: Vec::new() };
        for opinion in second.opinions() {
            match opinion.doubt {
                Doubt::Cut(cut) => told.cuts.push((cut, opinion.probability)),
                Doubt::Gradual(first, last) if opinion.probability >= DISSOLVE => {
                    told.dissolves.push(Dissolve { first, last, probability: opinion.probability });
                }
                Doubt::Gradual(..) => {}
            }
        }
        told
    }

    fn of_cut(&self, cut: Cut) -> Option<f32> {
        self.cuts.iter().find(|(other, _)| other.frame == cut.frame).map(|(_, probability)| *probability)
    }
}

/// The dissolves that no cut and no fade explains.
fn alone(dissolves: &[Dissolve], cuts: &[Cut], fades: &[Fade]) -> Vec<Dissolve> {
    let explained = |dissolve: &&Dissolve| {
        let (first, last) = (dissolve.first.0, dissolve.last.0);
        cuts.iter().any(|cut| (first..=last).contains(&cut.frame))
            || fades.iter().any(|fade| first <= fade.end.0 && fade.first.0 <= last)
    };
    dissolves.iter().filter(|dissolve| !explained(dissolve)).copied().collect()
}

fn cut_finding(cut: Cut, probability: Option<f32>) -> Finding {
    Finding {
        start_ms: cut.time_ms,
        end_ms: cut.time_ms,
        frame: Some(cut.frame),
        label: "cut".into(),
        confidence: probability.map_or(cut.confidence(), |probability| probability.max(cut.confidence())),
        value: probability.map(|probability| json!({ "transnetv2": probability })),
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

fn dissolve_finding(dissolve: Dissolve) -> Finding {
    Finding {
        start_ms: dissolve.first.1,
        end_ms: dissolve.last.1,
        frame: Some(u64::midpoint(dissolve.first.0, dissolve.last.0)),
        label: "dissolve".into(),
        confidence: dissolve.probability,
        value: Some(json!({
            "start_frame": dissolve.first.0, "end_frame": dissolve.last.0, "transnetv2": dissolve.probability,
        })),
        ..Finding::default()
    }
}

/// The shots: they begin at the first frame, at every cut, and in the middle of every dissolve and of every fade that no cut touches.
fn shots(cuts: &[Cut], fades: &[Fade], dissolves: &[Dissolve], seen: Seen, end_ms: i64) -> Vec<Finding> {
    let mut starts: Vec<(u64, i64, f32)> = vec![(seen.first.0, seen.first.1, 1.0)];
    starts.extend(cuts.iter().map(|cut| (cut.frame, cut.time_ms, cut.confidence())));
    let alone = fades.iter().filter(|fade| !cuts.iter().any(|cut| fade.touches(cut.frame)));
    // Black at the very beginning is the first shot's beginning.
    let alone = alone.filter(|fade| fade.first.0 > seen.first.0);
    starts.extend(alone.map(|fade| (fade.frame(), fade.time_ms(), fade.confidence())));
    let middle = |one: (u64, i64), other: (u64, i64)| (u64::midpoint(one.0, other.0), i64::midpoint(one.1, other.1));
    starts.extend(dissolves.iter().map(|dissolve| {
        let (frame, time_ms) = middle(dissolve.first, dissolve.last);
        (frame, time_ms, dissolve.probability)
    }));
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
