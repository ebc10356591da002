//! `audio_environment`: where there is speech, music, noise and silence; hum, reverberation, crowds.
//!
//! Findings:
//! * `speech`, `music`, `noise`, `silence`: spans; the confidence is the mean probability.
//! * `environment`, one per second: `{speech, music, noise, silence}`, the mean probabilities before smoothing.
//! * `hum`: `{mains_hz, above_db, method: "heuristic"}`; how far the strongest line stands out of what is beside it.
//! * `crowd_like`: `{method: "heuristic"}`: applause, babble, cheering.
//! * `reverb`, the whole sound, where enough sounds die away: `{rt60_s, room: "dry" | "room" | "hall", decays, method: "heuristic"}`.
//!
//! The classes come from the network of inaSpeechSegmenter every 100 ms, smoothed by [`smooth::Path`]. Without it the rest is told.

mod crowd;
mod hum;
mod patches;
mod reverb;
mod smooth;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::crowd::Crowd;
use self::hum::Hum;
use self::patches::{Eyes, FRAMES, LOWER, Patch, STEP};
use self::smooth::{CLASSES, Path};
use super::hearing::spectrum::Spectrum;
use super::hearing::{Clock, HOP, SECOND, clean, round};
use super::{Analyser, Pass, Pcm, Sampling, Spec, Summary, span, state};
use crate::infer::{Models, Session, Tensor};
use crate::model::{AnalyserResult, AnalyserStatus, Finding, MediaInfo, Span};

const NAME: &str = "audio_environment";
const MODEL: &str = "ina";
const LABELS: [&str; CLASSES] = ["speech", "music", "noise", "silence"];
/// Patches whose middle is softer hold no sound, dBFS.
const QUIET: f64 = -60.0;
/// What a heuristic is sure of at most.
const HEURISTIC_MAX: f64 = 0.6;

/// Tells what kind of sound there is.
pub struct AudioEnvironment;

impl Analyser for AudioEnvironment {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[],
            optional: &[MODEL],
            sampling: Sampling::Audio,
            after: &[],
            limits: "One class at a time: speech over music is told as one of them. Many voices at once are often taken for music. Made for \
                     broadcasts; `noise` was not evaluated by its makers. Hum, crowds and reverberation are heuristics on the mono mix at 16 kHz.",
        }
    }

    fn begin(&self, _media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let model = if models.has(MODEL) { Some(models.session(MODEL, "speech_music_noise.onnx")?) } else { None };
        Ok(Box::new(Listening { model, eyes: Eyes::new(), slow: Spectrum::hann(hum::WINDOW), state: State::new() }))
    }
}

struct Listening {
    model: Option<Arc<Session>>,
    eyes: Eyes,
    slow: Spectrum,
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    clock: Clock,
    patches: patches::State,
    hum: hum::State,
    reverb: reverb::State,
    crowd: crowd::State,
    classes: Classes,
    /// What becomes spans.
    spans: Vec<Span>,
}

/// What the network said, step by step.
#[derive(Default, Serialize, Deserialize)]
struct Classes {
    path: Path,
    /// Probabilities of the steps that have no class yet.
    undecided: Vec<[f64; CLASSES]>,
    decided: usize,
    open: Option<Open>,
    /// Of the second that the last steps lie in: its number, sums, count.
    second: (usize, [f64; CLASSES], u32),
    steps: usize,
}

/// A span that is still growing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Open {
    class: usize,
    from: usize,
    sum: f64,
}

impl Pass for Listening {
    fn audio(&mut self, pcm: &Pcm, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let Self { model, eyes, slow, state } = self;
        state.clock.hear(pcm);
        let sound = clean(pcm);
        let (mut hums, mut crowds, mut told) = (Vec::new(), Vec::new(), Vec::new());
        state.hum.hear(slow, &sound, &mut hums)?;
        state.reverb.hear(&sound)?;
        let (crowd, classes) = (&mut state.crowd, &mut state.classes);
        state.patches.hear(eyes, &sound, |patch| {
            crowds.extend(crowd.push(patch));
            if let Some(model) = model {
                classes.push(probabilities(model, patch)?, &mut told);
            }
            Ok(())
        })?;
        state.tell(told, out);
        state.tell_heuristics(&hums, &crowds, out);
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
        let Self { model, mut state, .. } = *self;
        if state.clock.heard() == 0 {
            return Ok(Summary::skipped("no sound"));
        }
        let mut told = Vec::new();
        if let Some(model) = &model {
            if let Some(patch) = state.patches.short() {
                state.classes.push(probabilities(model, &patch)?, &mut told);
            }
            state.classes.finish(&mut told);
        }
        state.tell(told, out);
        let (hum, crowd) = (state.hum.finish(), state.crowd.finish());
        state.tell_heuristics(hum.as_slice(), crowd.as_slice(), out);
        state.tell_room(out);
        let spans = Some(span::strongest(state.spans));
        if model.is_none() {
            let reason = Some("the model ina is not here: hum, crowds and reverberation only".to_owned());
            return Ok(Summary { status: AnalyserStatus::Degraded, reason, spans });
        }
        Ok(Summary { spans, ..Summary::done() })
    }
}

/// What the network says of a patch; a silent one is not shown to it.
fn probabilities(model: &Session, patch: &Patch) -> anyhow::Result<[f64; CLASSES]> {
    if patch.level < QUIET {
        return Ok([0.0, 0.0, 0.0, 1.0]);
    }
    let input = Tensor::f32(&[1, FRAMES, LOWER], patch.values.clone())?;
    let outputs = model.run(&[("mel", &input)])?;
    classes_of(outputs.first()?)
}

/// The network's output as probabilities of all classes.
///
/// # Errors
/// When it is of another shape or no probabilities.
fn classes_of(output: &Tensor) -> anyhow::Result<[f64; CLASSES]> {
    anyhow::ensure!(output.shape() == [1, CLASSES - 1], "`{MODEL}` gives an output of shape {:?}", output.shape());
    let mut classes = [0.0; CLASSES];
    for (class, probability) in classes.iter_mut().zip(output.as_f32()?) {
        anyhow::ensure!((-0.001..=1.001).contains(probability), "`{MODEL}` gives {probability}, which is no probability");
        *class = f64::from(probability.clamp(0.0, 1.0));
    }
    Ok(classes)
}

/// What [`Classes`] has to tell.
enum Told {
    /// A span of steps of one class, with its confidence.
    Span { class: usize, from: usize, to: usize, confidence: f64 },
    /// The means of a second.
    Second { second: usize, means: [f64; CLASSES] },
}

impl Classes {
    fn push(&mut self, probabilities: [f64; CLASSES], told: &mut Vec<Told>) {
        self.add_to_second(probabilities, told);
        self.undecided.push(probabilities);
        if let Some(class) = self.path.push(probabilities) {
            self.decide(class, told);
        }
    }

    fn finish(&mut self, told: &mut Vec<Told>) {
        for class in self.path.finish() {
            self.decide(class, told);
        }
        self.close(told);
        self.end_second(told);
    }

    fn add_to_second(&mut self, probabilities: [f64; CLASSES], told: &mut Vec<Told>) {
        let second = middle(self.steps) / SECOND;
        self.steps += 1;
        if second != self.second.0 {
            self.end_second(told);
            self.second = (second, [0.0; CLASSES], 0);
        }
        self.second.1.iter_mut().zip(probabilities).for_each(|(sum, probability)| *sum += probability);
        self.second.2 += 1;
    }

    fn end_second(&mut self, told: &mut Vec<Told>) {
        let (second, sums, count) = self.second;
        if count > 0 {
            told.push(Told::Second { second, means: sums.map(|sum| sum / f64::from(count)) });
        }
    }

    /// Gives the oldest undecided step its class.
    fn decide(&mut self, class: usize, told: &mut Vec<Told>) {
        if self.undecided.is_empty() {
            return;
        }
        let probability = self.undecided.remove(0)[class];
        if self.open.is_some_and(|open| open.class != class) {
            self.close(told);
        }
        let open = self.open.get_or_insert(Open { class, from: self.decided, sum: 0.0 });
        open.sum += probability;
        self.decided += 1;
    }

    fn close(&mut self, told: &mut Vec<Told>) {
        if let Some(Open { class, from, sum }) = self.open.take() {
            let to = self.decided;
            told.push(Told::Span { class, from, to, confidence: sum / (to - from).max(1) as f64 });
        }
    }
}

/// The sample in the middle of the patch of a step.
fn middle(step: usize) -> usize {
    (step * STEP + FRAMES / 2) * HOP
}

/// The sample that a step's class holds from.
fn border(step: usize) -> usize {
    if step == 0 { 0 } else { middle(step) - STEP / 2 * HOP }
}

impl State {
    fn new() -> Self {
        Self {
            clock: Clock::default(),
            patches: patches::State::new(),
            hum: hum::State::new(),
            reverb: reverb::State::new(),
            crowd: crowd::State::default(),
            classes: Classes::default(),
            spans: Vec::new(),
        }
    }

    fn finding(&self, label: &str, samples: std::ops::Range<usize>, confidence: f64) -> Finding {
        Finding {
            start_ms: self.clock.ms(samples.start),
            end_ms: self.clock.ms(samples.end.min(self.clock.heard())),
            label: label.to_owned(),
            confidence: confidence.clamp(0.0, 1.0) as f32,
            ..Finding::default()
        }
    }

    fn keep(&mut self, finding: &Finding) {
        self.spans.push(span::begin(NAME, finding));
        if self.spans.len() > 4 * AnalyserResult::SPANS_MAX {
            self.spans = span::strongest(std::mem::take(&mut self.spans));
        }
    }

    fn tell(&mut self, told: Vec<Told>, out: &mut Vec<Finding>) {
        for told in told {
            match told {
                Told::Span { class, from, to, confidence } => {
                    // The last span lasts to the sound's end.
                    let end = if to == self.classes.steps { self.clock.heard() } else { border(to) };
                    let finding = self.finding(LABELS[class], border(from)..end, confidence);
                    self.keep(&finding);
                    out.push(finding);
                }
                Told::Second { second, means } => {
                    let [speech, music, noise, silence] = means.map(|mean| round(mean, 3));
                    let value = json!({ "speech": speech, "music": music, "noise": noise, "silence": silence });
                    let finding = self.finding("environment", second * SECOND..(second + 1) * SECOND, 1.0);
                    out.push(Finding { value: Some(value), ..finding });
                }
            }
        }
    }

    fn tell_heuristics(&mut self, hums: &[Hum], crowds: &[Crowd], out: &mut Vec<Finding>) {
        for hum in hums {
            let finding = self.finding("hum", hum.from..hum.to, (hum.above_db / 60.0).min(HEURISTIC_MAX));
            let value = json!({ "mains_hz": hum.mains_hz, "above_db": round(hum.above_db, 1), "method": "heuristic" });
            self.tell_one(Finding { value: Some(value), ..finding }, out);
        }
        for crowd in crowds {
            let finding = self.finding("crowd_like", border(crowd.from)..border(crowd.to), crowd.share * HEURISTIC_MAX);
            self.tell_one(Finding { value: Some(json!({ "method": "heuristic" })), ..finding }, out);
        }
    }

    fn tell_room(&mut self, out: &mut Vec<Finding>) {
        let Some(room) = self.reverb.room() else { return };
        let finding = self.finding("reverb", 0..self.clock.heard(), (f64::from(room.decays) / 50.0).min(HEURISTIC_MAX));
        let value = json!({ "rt60_s": round(room.rt60, 2), "room": room.word(), "decays": room.decays, "method": "heuristic" });
        self.tell_one(Finding { value: Some(value), ..finding }, out);
    }

    fn tell_one(&mut self, finding: Finding, out: &mut Vec<Finding>) {
        self.keep(&finding);
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyser::hearing::synth::{self, Saving, labelled, number};

    #[test]
    fn without_the_network_hum_and_reverberation_are_told() {
        let hum = synth::mix(&synth::tone(50.0, 0.02, 8.0), &synth::tone(100.0, 0.01, 8.0));
        let (found, summary) = synth::listen(&AudioEnvironment, &synth::mix(&hum, &synth::pink(0.02, 8.0)), 5000, Saving::Never);
        let hums = labelled(&found, "hum");
        assert_eq!(hums.len(), 1, "{found:?}");
        assert!((number(hums[0], "mains_hz") - 50.0).abs() < 0.1 && hums[0].value.as_ref().unwrap()["method"] == "heuristic");
        assert!(hums[0].start_ms <= 1000 && hums[0].end_ms >= 7000, "{hums:?}");
        assert_eq!(summary.status, AnalyserStatus::Degraded);
        assert!(summary.reason.unwrap().contains("ina"));
        assert_eq!(summary.spans.unwrap().len(), found.len());
    }

    #[test]
    fn neither_the_pieces_nor_saving_matter() {
        let hum = synth::tone(60.0, 0.02, 6.5);
        let sound = [synth::mix(&hum, &synth::pink(0.02, 6.5)), synth::voice(120.0, 0.3, 0.7), vec![0.0; 9000]].concat();
        synth::assert_cut_does_not_matter(&AudioEnvironment, &sound);
    }

    #[test]
    fn steps_become_spans_and_seconds() {
        let (mut classes, mut told) = (Classes::default(), Vec::new());
        for step in 0..200 {
            classes.push(if step < 90 { [0.9, 0.05, 0.05, 0.0] } else { [0.0, 0.8, 0.2, 0.0] }, &mut told);
        }
        classes.finish(&mut told);
        let spans = told.iter().filter_map(|told| match told {
            Told::Span { class, from, to, confidence } => Some((*class, *from, *to, (confidence * 100.0).round())),
            Told::Second { .. } => None,
        });
        assert_eq!(spans.collect::<Vec<_>>(), [(0, 0, 90, 90.0), (1, 90, 200, 80.0)]);
        let seconds: Vec<usize> = told
            .iter()
            .filter_map(|told| match told {
                Told::Second { second, .. } => Some(*second),
                Told::Span { .. } => None,
            })
            .collect();
        assert_eq!(seconds, (0..=20).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn no_output_of_the_network_makes_a_panic(
            shape in prop::collection::vec(0_usize..5, 0..4),
            value in prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(-1.0_f32), Just(0.3_f32), any::<f32>()],
        ) {
            let output = Tensor::f32(&shape, vec![value; shape.iter().product()]).unwrap();
            let decoded = classes_of(&output);
            prop_assert_eq!(decoded.is_ok(), shape == [1, 3] && (-0.001..=1.001).contains(&value));
        }
    }
}
