//! Where one face looked over its track.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::gaze::{CAMERA, CLOSED};
use crate::analyser::round::round;

/// How many samples had which direction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    samples: u32,
    directions: BTreeMap<String, u32>,
}

impl Tally {
    /// Takes the value of a sample.
    pub(super) fn take(&mut self, value: &Value) {
        self.samples = self.samples.saturating_add(1);
        if let Some(direction) = value["direction"].as_str() {
            *self.directions.entry(direction.to_owned()).or_default() += 1;
        }
    }

    /// The shares; null where no sample had a direction.
    pub(super) fn value(&self) -> Value {
        let known: u32 = self.directions.values().sum();
        let share = |word: &str| {
            let count = self.directions.get(word).copied().unwrap_or_default();
            (known > 0).then(|| round(count as f32 / known as f32, 3))
        };
        json!({
            "samples": self.samples,
            "camera_share": share(CAMERA),
            "closed_share": share(CLOSED),
            "directions": self.directions,
            "method": "heuristic",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_samples_with_a_direction() {
        let mut tally = Tally::default();
        assert_eq!(tally.value()["camera_share"], Value::Null);
        for direction in [json!(CAMERA), json!(CAMERA), json!(CLOSED), json!("left"), Value::Null] {
            tally.take(&json!({ "direction": direction }));
        }
        let value = tally.value();
        assert_eq!((&value["samples"], &value["camera_share"], &value["closed_share"]), (&json!(5), &json!(0.5), &json!(0.25)));
        assert_eq!(value["directions"], json!({ "camera": 2, "closed": 1, "left": 1 }));
    }
}
