//! Following what has a box (objects, lines of text) from sample to sample by the overlap of its boxes.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{resize, span};
use crate::model::{AnalyserResult, Finding, Span};

/// A box that overlaps a track's last box at least this much continues it.
const OVERLAP_MIN: f32 = 0.3;
/// Ended tracks that are held before the weakest are let go: a bound for long videos.
const ENDED_MAX: usize = 4 * AnalyserResult::SPANS_MAX;

/// The tracks of one pass.
pub(super) struct Tracks {
    analyser: &'static str,
    gap_ms: i64,
    same: fn(&Finding, &Finding) -> bool,
    rank: fn(&Finding) -> u8,
    state: Followed,
}

/// What was followed so far: the part of [`Tracks`] that a saved pass holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Followed {
    next: u64,
    open: Vec<Track>,
    ended: Vec<Span>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Track {
    number: u64,
    last: [f32; 4],
    span: Span,
    at_once: usize,
}

impl Tracks {
    /// Tracks end when nothing continued them for more than `gap_ms`. `same` says whether two findings may be of one track, wherever
    /// they are.
    pub(super) fn new(analyser: &'static str, gap_ms: i64, same: fn(&Finding, &Finding) -> bool) -> Self {
        Self { analyser, gap_ms, same, rank: |_| 0, state: Followed::default() }
    }

    /// A finding of higher rank stands for its track before any of lower rank; among equals the most confident does.
    pub(super) fn ranked(self, rank: fn(&Finding) -> u8) -> Self {
        Self { rank, ..self }
    }

    /// What is to be saved.
    pub(super) fn followed(&self) -> &Followed {
        &self.state
    }

    /// Goes on from what was saved.
    pub(super) fn go_on(&mut self, followed: Followed) {
        self.state = followed;
    }

    /// The number that [`push`](Self::push) wrote into a finding, or that a span of [`finish`](Self::finish) has.
    pub(super) fn number(finding: &Finding) -> u64 {
        finding.value.as_ref().and_then(|value| value["track"].as_u64()).unwrap_or(u64::MAX)
    }

    /// Whether the track of this number may still come out of [`finish`](Self::finish).
    pub(super) fn has(&self, number: u64) -> bool {
        let ended = |span: &Span| Self::number(&span.finding) == number;
        self.state.open.iter().any(|track| track.number == number) || self.state.ended.iter().any(ended)
    }

    /// Takes the findings of one sample, which all have boxes, and writes their tracks' numbers into their values.
    pub(super) fn push(&mut self, time_ms: i64, seen: &mut [Finding]) {
        self.end(|track, gap_ms| time_ms - track.span.finding.end_ms > gap_ms);
        let counts: Vec<usize> = seen.iter().map(|one| seen.iter().filter(|other| other.label == one.label).count()).collect();
        let continued = self.continued(seen);
        for ((finding, at_once), open) in seen.iter_mut().zip(counts).zip(continued) {
            let number = open.and_then(|at| self.state.open.get(at)).map_or(self.state.next, |track| track.number);
            note(finding, "track", json!(number));
            let last = finding.bounds.unwrap_or_default();
            if let Some(track) = open.and_then(|at| self.state.open.get_mut(at)) {
                match (self.rank)(finding).cmp(&(self.rank)(&track.span.finding)) {
                    Ordering::Less => span::cover(&mut track.span, finding),
                    Ordering::Equal => span::extend(&mut track.span, finding),
                    Ordering::Greater => {
                        span::cover(&mut track.span, finding);
                        span::stand(&mut track.span, finding);
                    }
                }
                track.last = last;
                track.at_once = track.at_once.max(at_once);
            } else {
                self.state.open.push(Track { number, last, span: span::begin(self.analyser, finding), at_once });
                self.state.next += 1;
            }
        }
    }

    /// One span per track; `value` has `{track, at_once}` beside what its finding has, the latter the highest number of findings with the track's label in one of
    /// its samples.
    pub(super) fn finish(mut self) -> Vec<Span> {
        self.end(|_, _| true);
        span::strongest(self.state.ended)
    }

    /// For each finding the place of the open track that it continues; the closest pairs first, each track at most once.
    fn continued(&self, seen: &[Finding]) -> Vec<Option<usize>> {
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (at, finding) in seen.iter().enumerate() {
            for (open, track) in self.state.open.iter().enumerate() {
                let overlap = resize::overlap(track.last, finding.bounds.unwrap_or_default());
                if overlap >= OVERLAP_MIN && (self.same)(&track.span.finding, finding) {
                    pairs.push((overlap, at, open));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut continued = vec![None; seen.len()];
        let mut taken = vec![false; self.state.open.len()];
        for (_, at, open) in pairs {
            if continued[at].is_none() && !taken[open] {
                continued[at] = Some(open);
                taken[open] = true;
            }
        }
        continued
    }

    fn end(&mut self, over: impl Fn(&Track, i64) -> bool) {
        let gap_ms = self.gap_ms;
        for track in self.state.open.extract_if(.., |track| over(track, gap_ms)) {
            let mut span = track.span;
            note(&mut span.finding, "track", json!(track.number));
            note(&mut span.finding, "at_once", json!(track.at_once));
            self.state.ended.push(span);
        }
        if self.state.ended.len() > ENDED_MAX {
            self.state.ended = span::strongest(std::mem::take(&mut self.state.ended));
        }
    }
}

/// Writes one entry of a finding's value.
fn note(finding: &mut Finding, key: &str, entry: Value) {
    let mut value = match finding.value.take() {
        Some(Value::Object(value)) => value,
        _ => Map::new(),
    };
    value.insert(key.to_owned(), entry);
    finding.value = Some(Value::Object(value));
}

#[cfg(test)]
mod tests {
    use super::super::state;
    use super::*;

    fn tracks() -> Tracks {
        Tracks::new("object_detection", 750, |one, other| one.label == other.label)
    }

    fn seen(label: &str, time_ms: i64, x: f32) -> Finding {
        Finding {
            start_ms: time_ms,
            end_ms: time_ms,
            label: label.into(),
            confidence: 0.5,
            bounds: Some([x, 0.0, 100.0, 100.0]),
            ..Finding::default()
        }
    }

    fn numbers(findings: &[Finding]) -> Vec<u64> {
        findings.iter().map(|finding| finding.value.as_ref().unwrap()["track"].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_moving_object_keeps_its_number_beside_another() {
        let mut tracks = tracks();
        let mut told = Vec::new();
        for step in 0..10_i64 {
            let time_ms = step * 500;
            let mut sample =
                [seen("person", time_ms, 1000.0), seen("person", time_ms, step as f32 * 30.0), seen("dog", time_ms, 1000.0)];
            tracks.push(time_ms, &mut sample);
            told.push(numbers(&sample));
        }
        assert!(told.iter().all(|sample| *sample == [0, 1, 2]), "{told:?}");
        let spans = tracks.finish();
        assert_eq!(spans.len(), 3);
        assert!(spans.iter().all(|span| span.count == 10 && span.finding.start_ms == 0 && span.finding.end_ms == 4500));
        let at_once: Vec<_> =
            spans.iter().map(|span| span.finding.value.as_ref().unwrap()["at_once"].as_u64().unwrap()).collect();
        assert_eq!(at_once, [2, 2, 1]);
    }

    #[test]
    fn an_object_that_was_away_is_another() {
        let mut tracks = tracks();
        for time_ms in [0, 500, 3000, 3500] {
            tracks.push(time_ms, &mut [seen("person", time_ms, 0.0)]);
        }
        let spans = tracks.finish();
        assert_eq!(
            spans.iter().map(|span| (span.finding.start_ms, span.finding.end_ms)).collect::<Vec<_>>(),
            [(0, 500), (3000, 3500)]
        );
    }

    #[test]
    fn two_objects_do_not_share_a_track() {
        let mut tracks = tracks();
        tracks.push(0, &mut [seen("person", 0, 0.0)]);
        let mut sample = [seen("person", 500, 10.0), seen("person", 500, 5.0)];
        tracks.push(500, &mut sample);
        assert_eq!(numbers(&sample), [1, 0]);
    }

    #[test]
    fn rank_stands_before_confidence_and_values_stay() {
        let mut tracks = tracks().ranked(|finding| u8::from(finding.text.as_deref() == Some("right")));
        for (at, (text, confidence)) in [("wrong", 0.9), ("right", 0.5), ("right", 0.6), ("wrong", 0.99)].into_iter().enumerate()
        {
            let mut finding = seen("text", at as i64 * 500, 0.0);
            (finding.text, finding.confidence) = (Some(text.to_owned()), confidence);
            finding.value = Some(json!({ "script": "latin" }));
            let mut sample = [finding];
            tracks.push(at as i64 * 500, &mut sample);
            assert_eq!(sample[0].value, Some(json!({ "script": "latin", "track": 0 })));
        }
        let spans = tracks.finish();
        let stands = &spans[0].finding;
        assert_eq!((stands.text.as_deref(), stands.confidence), (Some("right"), 0.6));
        assert_eq!((stands.start_ms, stands.end_ms, spans[0].count), (0, 1500, 4));
        assert_eq!(stands.value, Some(json!({ "script": "latin", "track": 0, "at_once": 1 })));
    }

    #[test]
    fn what_is_saved_goes_on_as_if_nothing_had_been() {
        let times: Vec<i64> = (0..8).map(|at| at * 500 + if at > 4 { 2000 } else { 0 }).collect();
        let follow = |tracks: &mut Tracks, times: &[i64]| {
            let sample = |time: &i64| [seen("person", *time, *time as f32 / 50.0), seen("dog", *time, 700.0)];
            let samples = times.iter().map(|time| (*time, sample(time)));
            samples.for_each(|(time, mut sample)| tracks.push(time, &mut sample));
        };
        let mut whole = tracks();
        follow(&mut whole, &times);
        let whole = whole.finish();
        assert_eq!(whole.len(), 4);
        for cut in 0..=times.len() {
            let mut first = tracks();
            follow(&mut first, &times[..cut]);
            let saved = state::save(first.followed()).unwrap();
            let mut second = tracks();
            second.go_on(state::restore(&saved).unwrap());
            follow(&mut second, &times[cut..]);
            assert_eq!(second.finish(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn memory_is_bounded_in_a_long_video() {
        let mut tracks = tracks();
        for step in 0..20_000_i64 {
            tracks.push(step * 1000, &mut [seen("person", step * 1000, 0.0)]);
            assert!(tracks.state.ended.len() <= ENDED_MAX);
        }
        assert_eq!(tracks.finish().len(), AnalyserResult::SPANS_MAX);
    }
}
