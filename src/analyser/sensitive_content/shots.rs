//! The scores of samples, fused over each shot: how sure, and apart from it how bad.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::NAME;
use crate::analyser::round::round;
use crate::analyser::{Sampling, span};
use crate::model::{Finding, Span};

/// The score of a class over a shot is the mean of so many of its samples, the highest: one odd picture alone does not decide. Of more than one
/// sample a second it is the mean of so many seconds of them: neighbours show the same odd picture.
const HIGHEST: usize = 3;
/// Under this, all classes together are not there, and there is nothing to grade.
const THERE_MIN: f32 = 0.3;
/// Where nobody tells of shots, pieces of this length stand for them.
const PIECE_MS: i64 = 10_000;
/// Samples that are kept: 24 hours of ten a second, some 35 MB.
const SAMPLES_MAX: usize = 864_000;
/// Shots that are kept.
const SHOTS_MAX: usize = 20_000;

/// One picture's scores, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) time_ms: i64,
    pub(super) frame: u64,
    /// What its finding says.
    pub(super) confidence: f32,
    pub(super) open_nsfw: f32,
    pub(super) hentai: f32,
    pub(super) porn: f32,
    pub(super) sexy: f32,
    /// Nothing was scored.
    pub(super) blank: bool,
}

/// A shot: it ends where the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Shot {
    index: Option<u64>,
    start_ms: i64,
}

/// What is to be fused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Shots {
    samples: Vec<Sample>,
    shots: Vec<Shot>,
}

impl Shots {
    /// Takes a sample, in time order. Beyond [`SAMPLES_MAX`] they are findings only.
    pub(super) fn take(&mut self, sample: Sample) {
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(sample);
        }
    }

    /// How many there are.
    pub(super) fn samples(&self) -> usize {
        self.samples.len()
    }

    /// Takes findings of `cut_analysis`, in time order.
    pub(super) fn take_cuts(&mut self, findings: &[Finding]) {
        let shots = findings.iter().filter(|finding| finding.label == "shot").map(|finding| Shot {
            index: finding.value.as_ref().and_then(|value| value["index"].as_u64()),
            start_ms: finding.start_ms,
        });
        let room = SHOTS_MAX.saturating_sub(self.shots.len());
        self.shots.extend(shots.take(room));
    }

    /// One span for each shot that has a sample, in time order.
    pub(super) fn spans(mut self, sampling: Sampling) -> Vec<Span> {
        let highest = (sampling.fps().unwrap_or(1.0) * HIGHEST as f32).round().max(HIGHEST as f32) as usize;
        self.shots.sort_by_key(|shot| shot.start_ms);
        let mut spans: Vec<Span> = Vec::new();
        let mut rest = self.samples.as_slice();
        while let Some(first) = rest.first() {
            let (shot, end_ms) = self.around(first.time_ms);
            let count = rest.iter().take_while(|sample| sample.time_ms < end_ms).count().max(1);
            let (inside, later) = rest.split_at(count);
            spans.push(fused(shot, inside, highest));
            rest = later;
        }
        span::strongest(spans)
    }

    /// The shot at a time, and when the next one begins.
    fn around(&self, time_ms: i64) -> (Option<u64>, i64) {
        let after = self.shots.partition_point(|shot| shot.start_ms <= time_ms);
        let Some(shot) = after.checked_sub(1).and_then(|at| self.shots.get(at)) else {
            let piece = (time_ms.div_euclid(PIECE_MS) + 1) * PIECE_MS;
            return (None, self.shots.first().map_or(piece, |shot| piece.min(shot.start_ms)));
        };
        let next = self.shots.get(after).map_or(i64::MAX, |next| next.start_ms);
        (shot.index, next)
    }
}

fn fused(shot: Option<u64>, samples: &[Sample], highest: usize) -> Span {
    let shown: Vec<&Sample> = samples.iter().filter(|sample| !sample.blank).collect();
    let score = |of: fn(&Sample) -> f32| {
        let mut scores: Vec<f32> = shown.iter().map(|sample| of(sample)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(highest);
        scores.iter().sum::<f32>() / scores.len().max(1) as f32
    };
    let (open_nsfw, hentai) = (score(|sample| sample.open_nsfw), score(|sample| sample.hentai));
    let (porn, sexy) = (score(|sample| sample.porn), score(|sample| sample.sexy));
    let (class, severity) = grade(open_nsfw, hentai, porn, sexy);
    let strongest = samples.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence)).copied().unwrap_or_default();
    let time = |sample: Option<&Sample>| sample.map_or(0, |sample| sample.time_ms);
    let finding = Finding {
        start_ms: time(samples.first()),
        end_ms: time(samples.last()),
        frame: Some(strongest.frame),
        label: "nsfw".into(),
        confidence: strongest.confidence,
        value: Some(value(shot, (class, severity), [open_nsfw, hentai, porn, sexy], shown.is_empty())),
        ..Finding::default()
    };
    Span { analyser: NAME.to_owned(), finding, count: samples.len() as u32 }
}

fn value(shot: Option<u64>, (class, severity): (Option<&str>, u8), scores: [f32; 4], blank: bool) -> Value {
    let [open_nsfw, hentai, porn, sexy] = scores.map(|score| round(score, 4));
    let mut value = json!({
        "shot": shot, "class": class, "severity": severity,
        "scores": { "open_nsfw": open_nsfw, "hentai": hentai, "porn": porn, "sexy": sexy },
    });
    if blank {
        value["blank"] = json!(true);
    }
    value
}

/// What it would be, if it is there, and how bad that is: 6 pornographic, 4 drawn pornography or nudity of no told kind, 2 suggestive, 0 nothing. The
/// steps are those of Azure's content safety for pictures. How sure it is does not enter, beyond that something must be there at all.
fn grade(open_nsfw: f32, hentai: f32, porn: f32, sexy: f32) -> (Option<&'static str>, u8) {
    if open_nsfw.max(hentai + porn + sexy) < THERE_MIN {
        return (None, 0);
    }
    let kinds = [("porn", porn, 6), ("hentai", hentai, 4), ("sexy", sexy, 2)];
    let best = kinds.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, score, _)| *score >= THERE_MIN / 3.0);
    best.map_or((Some("nudity"), 4), |(class, _, severity)| (Some(class), severity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, porn: f32, sexy: f32) -> Sample {
        let (time_ms, frame) = (second * 1000, second as u64 * 25);
        Sample { time_ms, frame, confidence: porn, porn, sexy, ..Sample::default() }
    }

    fn shot(index: u64, start_ms: i64, end_ms: i64) -> Finding {
        Finding {
            start_ms,
            end_ms,
            label: "shot".into(),
            value: Some(json!({ "index": index, "frames": 1 })),
            ..Finding::default()
        }
    }

    fn fused_of(samples: &[Sample], cuts: &[Finding]) -> Vec<Span> {
        let mut shots = Shots::default();
        for sample in samples {
            shots.take(*sample);
        }
        shots.take_cuts(cuts);
        shots.spans(Sampling::Sampled { fps: 1.0 })
    }

    fn told(span: &Span) -> (i64, i64, u32, f32, Value, Value) {
        let value = span.finding.value.clone().unwrap();
        let (start, end) = (span.finding.start_ms, span.finding.end_ms);
        (start, end, span.count, span.finding.confidence, value["shot"].clone(), value["severity"].clone())
    }

    #[test]
    fn each_shot_is_graded_by_itself() {
        let samples: Vec<Sample> =
            (0..10).map(|second| if second < 4 { sample(second, 0.9, 0.05) } else { sample(second, 0.05, 0.6) }).collect();
        let cut = Finding { start_ms: 4000, end_ms: 4000, label: "cut".into(), ..Finding::default() };
        let spans = fused_of(&samples, &[shot(0, 0, 4000), cut, shot(1, 4000, 10_000)]);
        let told: Vec<_> = spans.iter().map(told).collect();
        assert_eq!(told, [(0, 3000, 4, 0.9, json!(0), json!(6)), (4000, 9000, 6, 0.05, json!(1), json!(2))]);
    }

    #[test]
    fn one_odd_picture_keeps_its_confidence_and_loses_its_grade() {
        let mut samples: Vec<Sample> = (0..9).map(|second| sample(second, 0.01, 0.0)).collect();
        samples[4] = sample(4, 0.8, 0.0);
        let spans = fused_of(&samples, &[shot(0, 0, 9000)]);
        assert_eq!(told(&spans[0]), (0, 8000, 9, 0.8, json!(0), json!(0)));
        assert_eq!(spans[0].finding.frame, Some(100));
    }

    #[test]
    fn an_odd_second_of_many_samples_loses_its_grade_too() {
        let mut shots = Shots::default();
        for at in 0..90 {
            let odd = (40..50).contains(&at);
            shots.take(Sample { time_ms: at * 100, ..sample(0, if odd { 0.8 } else { 0.01 }, 0.0) });
        }
        let spans = shots.spans(Sampling::Sampled { fps: 10.0 });
        // 10 of the 90 samples, but one of three seconds: (10 × 0.8 + 20 × 0.01) / 30 is under the limit.
        assert_eq!(spans.iter().map(|span| told(span).5).collect::<Vec<_>>(), [json!(0)]);
    }

    #[test]
    fn without_shots_there_are_pieces() {
        let samples: Vec<Sample> = (0..25).map(|second| sample(second, 0.0, 0.0)).collect();
        let spans = fused_of(&samples, &[]);
        let times: Vec<_> = spans.iter().map(|span| (span.finding.start_ms, span.finding.end_ms)).collect();
        assert_eq!(times, [(0, 9000), (10_000, 19_000), (20_000, 24_000)]);
        assert!(spans.iter().all(|span| span.finding.value.as_ref().unwrap()["shot"].is_null()));
        assert!(fused_of(&[], &[shot(0, 0, 100)]).is_empty());
    }

    #[test]
    fn samples_outside_of_every_shot_are_not_lost() {
        let samples: Vec<Sample> = (0..6).map(|second| sample(second, 0.0, 0.0)).collect();
        let spans = fused_of(&samples, &[shot(0, 2000, 4000)]);
        assert_eq!(spans.iter().map(|span| span.count).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn severity_is_of_the_kind_and_not_of_the_score() {
        assert_eq!(grade(0.1, 0.0, 0.35, 0.0), (Some("porn"), 6));
        assert_eq!(grade(0.99, 0.0, 0.99, 0.0), (Some("porn"), 6));
        assert_eq!(grade(0.0, 0.7, 0.1, 0.1), (Some("hentai"), 4));
        assert_eq!(grade(0.9, 0.0, 0.05, 0.9), (Some("sexy"), 2));
        assert_eq!(grade(0.9, 0.0, 0.0, 0.0), (Some("nudity"), 4));
        assert_eq!(grade(0.2, 0.1, 0.1, 0.05), (None, 0));
    }

    #[test]
    fn blank_pictures_do_not_dilute_and_are_told() {
        let blank = Sample { blank: true, ..sample(0, 0.0, 0.0) };
        let spans = fused_of(&[blank, blank, sample(2, 0.9, 0.0)], &[shot(0, 0, 3000)]);
        assert_eq!(told(&spans[0]).5, json!(6));
        let spans = fused_of(&[blank, blank], &[]);
        assert_eq!(spans[0].finding.value.as_ref().unwrap()["blank"], json!(true));
    }
}
