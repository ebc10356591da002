//! Which stretches of a film are black, frozen, blurred …, from samples in order of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::analyser::span;
use crate::model::{AnalyserResult, Finding};

/// Findings that are held before the weakest are let go.
const HELD_MAX: usize = 4 * AnalyserResult::SPANS_MAX;

/// Open and ended stretches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stretches {
    open: BTreeMap<String, Open>,
    ended: Vec<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Open {
    start_ms: i64,
    last_ms: i64,
    samples: u32,
    /// How far beyond the rule, summed, 0 to 1 each.
    beyond: f64,
    worst: f64,
}

impl Stretches {
    /// Tells of a sample how far it is beyond the rule `label`: none ends the stretch. Over 0 to 1, `worst` being the measure itself.
    pub(super) fn push(&mut self, label: &str, time_ms: i64, beyond: Option<(f64, f64)>) {
        let Some((beyond, worst)) = beyond else {
            if let Some(open) = self.open.remove(label) {
                self.end(label, open, time_ms);
            }
            return;
        };
        let fresh = Open { start_ms: time_ms, last_ms: time_ms, samples: 0, beyond: 0.0, worst };
        let open = self.open.entry(label.to_owned()).or_insert(fresh);
        open.last_ms = time_ms;
        open.samples += 1;
        open.beyond += beyond.clamp(0.0, 1.0);
        open.worst = if beyond > 0.0 { open.worst.max(worst) } else { open.worst };
    }

    /// All stretches, ending the open ones at `end_ms`.
    pub(super) fn finish(mut self, end_ms: i64) -> Vec<Finding> {
        for (label, open) in std::mem::take(&mut self.open) {
            self.end(&label, open, end_ms.max(open.last_ms));
        }
        self.ended
    }

    /// A stretch of one sample is chance, unless it is all there is.
    fn end(&mut self, label: &str, open: Open, end_ms: i64) {
        self.ended.push(Finding {
            start_ms: open.start_ms,
            end_ms,
            label: label.to_owned(),
            confidence: (0.5 + 0.5 * open.beyond / f64::from(open.samples.max(1))) as f32,
            value: Some(rule(json!({ "worst": (open.worst * 1000.0).round() / 1000.0, "samples": open.samples }))),
            ..Finding::default()
        });
        if self.ended.len() > HELD_MAX {
            let spans = self.ended.iter().map(|finding| span::begin("content_quality", finding)).collect();
            self.ended = span::strongest(spans).into_iter().map(|span| span.finding).collect();
        }
    }
}

/// What comes from a rule says so.
pub(super) fn rule(mut value: Value) -> Value {
    value["method"] = json!("heuristic");
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_ends_where_the_rule_no_longer_holds() {
        let mut stretches = Stretches::default();
        for (at, beyond) in [None, Some((0.2, 0.7)), Some((0.6, 0.9)), None, Some((0.1, 0.6))].into_iter().enumerate() {
            stretches.push("blurry", at as i64 * 2000, beyond);
        }
        let found = stretches.finish(9500);
        let told: Vec<_> = found.iter().map(|finding| (finding.start_ms, finding.end_ms, finding.confidence)).collect();
        assert_eq!(told, [(2000, 6000, 0.7), (8000, 9500, 0.55)]);
        assert_eq!(found[0].value, Some(json!({ "worst": 0.9, "samples": 2, "method": "heuristic" })));
    }

    #[test]
    fn memory_is_bounded() {
        let mut stretches = Stretches::default();
        for at in 0..20_000_i64 {
            stretches.push("noisy", at, (at % 2 == 0).then_some((0.5, 1.0)));
            assert!(stretches.ended.len() <= HELD_MAX);
        }
    }
}
