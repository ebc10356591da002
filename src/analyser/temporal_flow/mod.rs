//! `temporal_flow`: how a film moves along: its pace, its beginning, its climax, and what comes again. Rules over motion, cuts, loudness,
//! text and persons; no model. `value` says `method: "heuristic"` everywhere.
//!
//! Findings, each also a span:
//! * `pace`, over the whole: `value` is `{step_ms, curve, mean, trend}`; `curve` is the energy of each step, 0 to 1 (formula in [`energy`]), at
//!   most 240 steps; `trend` is `rising`, `falling` or `steady`, the last third against the first.
//! * `hook`, the first three seconds: `value` is `{score, motion, cuts, sound, text, person}` (formula in [`hook`]); `confidence` is the score.
//! * `climax`, the five seconds (or the tenth of the film, if that is more) with the most energy, when that is one and a half times the
//!   film's mean: `value` is `{energy, mean, at}`, `at` being where its middle lies, 0 to 1. Films under ten seconds have none.
//! * `loop`, over the whole: the film goes round (`value` is `{kind: "round", period_ms, share}`), or its last picture is its first again, with others in
//!   between (`{kind: "back", distance}`), told by hashes of 64 bits, of which at most 8 differ.
//! * `repetition`: a shot like an earlier one, by the same hashes at its beginning, middle and end: `value` is `{of_start_ms, of_end_ms, distance}`.

mod again;
mod bins;
mod energy;
mod hook;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::bins::Bins;
use self::energy::Parts;
use self::hook::{HOOK_MS, Hook};
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, resize, small, span, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

const NAME: &str = "temporal_flow";
const CUTS: &str = "cut_analysis";
const SOUND: &str = "audio_analysis";
const OBJECTS: &str = "object_detection";
const TEXT: &str = "text_overlay";
/// Points of the curve that is told.
const CURVE_POINTS: usize = 240;
/// A climax lasts so long, or a tenth of the film.
const CLIMAX_MS: i64 = 5000;
const CLIMAX_PART: usize = 10;
/// Shorter films have no climax.
const CLIMAX_FILM_MS: i64 = 10_000;
/// So many times the mean energy is a climax.
const CLIMAX_OVER: f32 = 1.5;
/// … when it is at least this much.
const CLIMAX_MIN: f32 = 0.15;
/// The last third has so much more or less energy than the first: rising or falling.
const TREND: f32 = 0.1;
/// Shots and cuts that are remembered.
const SHOTS_MAX: usize = 20_000;

/// The analyser.
pub struct TemporalFlow;

impl Analyser for TemporalFlow {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[],
            sampling: Sampling::EveryFrame,
            after: &[CUTS, SOUND, OBJECTS, TEXT],
            limits: "Rules of thumb over motion, cuts, loudness, text and persons: they say what happens when, not what holds anybody's \
                     attention. Repetition and loops compare coarse pictures; still scenes from one camera look alike.",
        }
    }

    fn begin(&self, media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(FlowPass { duration_ms: media.duration_ms, state: State::default() }))
    }
}

struct FlowPass {
    duration_ms: i64,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    bins: Bins,
    times: Option<(i64, i64)>,
    /// None until `cut_analysis` told something: it always tells at least one shot.
    shots: Option<Vec<(i64, i64)>>,
    loudness: Vec<(i64, f32)>,
    /// Whether text and a person were seen in the hook; none when nobody told anything.
    text: Option<bool>,
    person: Option<bool>,
}

impl Pass for FlowPass {
    fn frames(&mut self, batch: &[Frame], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            resize::pixels(frame)?;
            self.state.bins.push(frame.time_ms, &*small::thumb(frame)?);
            self.state.times = Some((self.state.times.map_or(frame.time_ms, |times| times.0), frame.time_ms));
        }
        Ok(())
    }

    fn findings(&mut self, analyser: &str, findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let state = &mut self.state;
        let early = |label: &str| findings.iter().any(|finding| finding.label == label && finding.start_ms < HOOK_MS);
        match analyser {
            CUTS => {
                let shots = state.shots.get_or_insert_default();
                let more = findings.iter().filter(|finding| finding.label == "shot").map(|shot| (shot.start_ms, shot.end_ms));
                shots.extend(more.take(SHOTS_MAX.saturating_sub(shots.len())));
            }
            SOUND => state.loudness.extend(findings.iter().filter_map(loudness)),
            TEXT => state.text = Some(state.text.unwrap_or_default() || early("text")),
            OBJECTS => state.person = Some(state.person.unwrap_or_default() || early("person")),
            _ => {}
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

    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        let Self { duration_ms, mut state } = *self;
        let Some((start_ms, last_ms)) = state.times else {
            return Ok(Summary::skipped("no frames"));
        };
        state.loudness.sort_by_key(|(time_ms, _)| *time_ms);
        let film = Film { start_ms, end_ms: duration_ms.max(last_ms), state };
        let energy = film.energy();
        let mut findings = vec![film.pace(&energy), film.hook()];
        findings.extend(film.climax(&energy));
        findings.extend(film.loops());
        findings.extend(film.repetitions());
        let spans = findings.iter().map(|finding| span::begin(NAME, finding)).collect();
        out.append(&mut findings);
        Ok(Summary { spans: Some(span::strongest(spans)), ..Summary::done() })
    }
}

/// The momentary loudness of a second; silence is the lowest there is.
fn loudness(finding: &Finding) -> Option<(i64, f32)> {
    let value = finding.value.as_ref().filter(|_| finding.label == "spectrum")?;
    let lufs = value.get("momentary_lufs")?.as_f64().unwrap_or(-70.0);
    Some((finding.start_ms, lufs as f32))
}

/// A film that is over.
struct Film {
    start_ms: i64,
    end_ms: i64,
    state: State,
}

impl Film {
    fn finding(&self, label: &str, confidence: f32, mut value: Value) -> Finding {
        value["method"] = json!("heuristic");
        Finding {
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            label: label.into(),
            confidence: confidence.clamp(0.0, 1.0),
            value: Some(value),
            ..Finding::default()
        }
    }

    fn shots(&self) -> &[(i64, i64)] {
        self.state.shots.as_deref().unwrap_or_default()
    }

    fn cuts(&self) -> Option<Vec<i64>> {
        self.state.shots.as_ref().map(|shots| shots.iter().skip(1).map(|shot| shot.0).collect())
    }

    fn energy(&self) -> Vec<f32> {
        let motion: Vec<f32> = self.state.bins.all().iter().map(bins::Bin::motion).collect();
        let cuts = self.cuts();
        let step_ms = self.state.bins.step_ms();
        energy::energy(&Parts { step_ms, motion: &motion, cuts: cuts.as_deref(), loudness: &self.state.loudness })
    }

    fn pace(&self, energy: &[f32]) -> Finding {
        let third = energy.len() / 3;
        let (first, last) = (energy::mean(&energy[..third]), energy::mean(&energy[energy.len() - third..]));
        let trend = match last - first {
            TREND.. => "rising",
            change if change <= -TREND => "falling",
            _ => "steady",
        };
        let (steps, points) = energy::thinned(energy, CURVE_POINTS);
        let curve: Vec<f64> = points.into_iter().map(hundredths).collect();
        let step_ms = self.state.bins.step_ms() * steps as i64;
        let mean = energy::mean(energy);
        self.finding("pace", 1.0, json!({ "step_ms": step_ms, "curve": curve, "mean": hundredths(mean), "trend": trend }))
    }

    fn hook(&self) -> Finding {
        let steps = usize::try_from(HOOK_MS / self.state.bins.step_ms()).unwrap_or_default().max(1);
        let motion: Vec<f32> = self.state.bins.all().iter().take(steps).map(bins::Bin::motion).collect();
        let early = |time_ms: &&i64| **time_ms < HOOK_MS;
        let loudest = self.state.loudness.iter().filter(|(time_ms, _)| *time_ms < HOOK_MS);
        let hook = Hook {
            motion: energy::mean(&motion),
            cuts: self.cuts().map(|cuts| cuts.iter().filter(early).count()),
            sound: loudest.filter_map(|(time_ms, _)| energy::loud(&self.state.loudness, *time_ms)).reduce(f32::max),
            text: self.state.text,
            person: self.state.person,
        };
        let end_ms = self.end_ms.min(self.start_ms + HOOK_MS);
        Finding { end_ms, ..self.finding("hook", hook.score(), hook.value()) }
    }

    fn climax(&self, energy: &[f32]) -> Option<Finding> {
        let step_ms = self.state.bins.step_ms();
        let length = usize::try_from(CLIMAX_MS / step_ms).unwrap_or_default().max(energy.len() / CLIMAX_PART).max(1);
        if self.end_ms - self.start_ms < CLIMAX_FILM_MS {
            return None;
        }
        let (at, most) = energy::peak(energy, length)?;
        let mean = energy::mean(energy);
        if most < CLIMAX_MIN.max(CLIMAX_OVER * mean) {
            return None;
        }
        let place = (at as f32 + length as f32 / 2.0) / energy.len() as f32;
        let told = self.finding(
            "climax",
            most,
            json!({ "energy": hundredths(most), "mean": hundredths(mean), "at": hundredths(place) }),
        );
        let start_ms = at as i64 * step_ms;
        Some(Finding { start_ms, end_ms: (start_ms + length as i64 * step_ms).min(self.end_ms), ..told })
    }

    fn loops(&self) -> Option<Finding> {
        let bins = self.state.bins.all();
        if let Some((period, share)) = again::round(bins) {
            let period_ms = period as i64 * self.state.bins.step_ms();
            return Some(self.finding(
                "loop",
                share,
                json!({ "kind": "round", "period_ms": period_ms, "share": hundredths(share) }),
            ));
        }
        let distance = again::back_at_the_start(bins)?;
        Some(self.finding("loop", 1.0 - distance as f32 / 16.0, json!({ "kind": "back", "distance": distance })))
    }

    fn repetitions(&self) -> Vec<Finding> {
        let found = again::repetitions(self.shots(), &self.state.bins);
        let told = found.into_iter().map(|one| {
            let value = json!({ "of_start_ms": one.of.0, "of_end_ms": one.of.1, "distance": hundredths(one.distance) });
            Finding { start_ms: one.shot.0, end_ms: one.shot.1, ..self.finding("repetition", 1.0 - one.distance / 16.0, value) }
        });
        told.collect()
    }
}

fn hundredths(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}
