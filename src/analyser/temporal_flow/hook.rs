//! The first three seconds: what there is that makes one stay. A rule, not a measurement of anybody.

use serde_json::{Value, json};

/// How long a hook has.
pub(super) const HOOK_MS: i64 = 3000;

/// What happens in the hook; a part is none where nobody looked or listened.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hook {
    /// Mean change from frame to frame, levels of 255.
    pub(super) motion: f32,
    /// Changes of shot.
    pub(super) cuts: Option<usize>,
    /// Loudest second, 0 to 1.
    pub(super) sound: Option<f32>,
    /// Whether text is shown.
    pub(super) text: Option<bool>,
    /// Whether a person is seen.
    pub(super) person: Option<bool>,
}

impl Hook {
    /// 0 to 1: motion (over 8) × 0.3, cuts (over 2) × 0.2, sound × 0.2, text × 0.15, person × 0.15, over the weights of what is known.
    pub(super) fn score(&self) -> f32 {
        let parts = [
            (0.3, Some((self.motion / 8.0).min(1.0))),
            (0.2, self.cuts.map(|cuts| (cuts as f32 / 2.0).min(1.0))),
            (0.2, self.sound),
            (0.15, self.text.map(|shown| if shown { 1.0 } else { 0.0 })),
            (0.15, self.person.map(|seen| if seen { 1.0 } else { 0.0 })),
        ];
        let known = parts.iter().filter_map(|(weight, part)| part.map(|part| (weight * part, weight)));
        let (sum, weights) = known.fold((0.0, 0.0), |(sum, weights), (part, weight)| (sum + part, weights + weight));
        sum / weights
    }

    /// As the finding tells it.
    pub(super) fn value(&self) -> Value {
        let round = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
        json!({
            "score": round(self.score()), "motion": round(self.motion), "cuts": self.cuts, "sound": self.sound.map(round), "text": self.text,
            "person": self.person, "method": "heuristic",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lively_beginning_scores_more_than_a_still_one() {
        let lively = Hook { motion: 9.0, cuts: Some(3), sound: Some(0.9), text: Some(true), person: Some(true) };
        let still = Hook { motion: 0.1, cuts: Some(0), sound: Some(0.1), text: Some(false), person: Some(false) };
        assert!(lively.score() > 0.95 && still.score() < 0.1);
        assert!((Hook { motion: 4.0, ..Hook::default() }.score() - 0.5).abs() < 1e-6, "only what is known counts");
        assert_eq!(still.value()["method"], "heuristic");
    }
}
