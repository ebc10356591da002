//! What is known of one face over its track.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reading::{EXPRESSIONS, Reading};
use crate::analyser::round::round;

/// A face is read again after this time.
const AGAIN_MS: i64 = 3000;
/// The band is never narrower than this to either side, years.
const BAND_MIN: f32 = 8.0;
/// Readings of the age that are kept: the latest.
const AGES_MAX: usize = 15;
/// An expression is named when it has at least this score.
const EXPRESSION_MIN: f32 = 0.5;

/// The readings of one face.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    read_ms: Option<i64>,
    ages: Vec<f32>,
    spreads: Vec<f32>,
    last: Option<[f32; EXPRESSIONS.len()]>,
    /// Sums of all readings' scores.
    expressions: [f32; EXPRESSIONS.len()],
    readings: u32,
}

impl Record {
    /// Whether the face is to be read at this time.
    pub(super) fn is_due(&self, time_ms: i64) -> bool {
        self.read_ms.is_none_or(|read_ms| time_ms - read_ms >= AGAIN_MS)
    }

    /// Takes a reading in.
    pub(super) fn take(&mut self, time_ms: i64, reading: Reading) {
        self.read_ms = Some(time_ms);
        for (list, value) in [(&mut self.ages, reading.age), (&mut self.spreads, reading.spread)] {
            if list.len() == AGES_MAX {
                list.remove(0);
            }
            list.push(value);
        }
        self.last = Some(reading.expression);
        self.expressions.iter_mut().zip(reading.expression).for_each(|(sum, score)| *sum += score);
        self.readings = self.readings.saturating_add(1);
    }

    /// What a sample says of the face.
    pub(super) fn now(&self) -> Value {
        self.value(self.last)
    }

    /// What the whole track says of the face.
    pub(super) fn whole(&self) -> Value {
        let mean = self.last.map(|_| self.expressions.map(|sum| sum / self.readings.max(1) as f32));
        let mut value = self.value(mean);
        value["readings"] = json!(self.readings);
        value
    }

    fn value(&self, expression: Option<[f32; EXPRESSIONS.len()]>) -> Value {
        let age = median(&self.ages);
        let band = median(&self.spreads).unwrap_or_default().max(BAND_MIN);
        json!({
            "age": age.map(|age| round(age, 1)),
            "age_low": age.map(|age| round((age - band).max(0.0), 0)),
            "age_high": age.map(|age| round(age + band, 0)),
            "expression": expression.and_then(named),
        })
    }
}

fn named(scores: [f32; EXPRESSIONS.len()]) -> Option<Value> {
    let (label, score) = EXPRESSIONS.into_iter().zip(scores).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (score >= EXPRESSION_MIN).then(|| json!({ "label": label, "score": round(score, 2) }))
}

/// The middle value; of an even number the mean of both in the middle.
fn median(values: &[f32]) -> Option<f32> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f32::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(age: f32, spread: f32, happy: f32) -> Reading {
        Reading { age, spread, expression: [0.0, 0.0, 0.0, happy, 0.0, 0.0, 1.0 - happy] }
    }

    #[test]
    fn nothing_read_is_null() {
        let expected = json!({ "age": null, "age_low": null, "age_high": null, "expression": null });
        assert_eq!(Record::default().now(), expected);
        assert!(Record::default().is_due(0));
    }

    #[test]
    fn one_odd_reading_does_not_move_the_age() {
        let mut record = Record::default();
        for (at, age) in [31.0, 70.0, 30.0].into_iter().enumerate() {
            assert!(record.is_due(at as i64 * 3000));
            record.take(at as i64 * 3000, reading(age, 4.0, 0.7));
            assert!(!record.is_due(at as i64 * 3000 + 2999));
        }
        let value = record.now();
        assert_eq!((&value["age"], &value["age_low"], &value["age_high"]), (&json!(31.0), &json!(23.0), &json!(39.0)));
        assert_eq!(value["expression"]["label"], "happy");
        assert_eq!(record.whole()["readings"], 3);
    }

    #[test]
    fn a_wide_distribution_is_a_wide_band() {
        let mut record = Record::default();
        record.take(0, reading(10.0, 14.0, 0.5));
        assert_eq!((&record.now()["age_low"], &record.now()["age_high"]), (&json!(0.0), &json!(24.0)));
    }

    #[test]
    fn a_sample_has_its_own_expression_and_the_track_their_mean() {
        let mut record = Record::default();
        for happy in [0.9, 0.9, 0.1] {
            record.take(0, reading(30.0, 5.0, happy));
        }
        assert_eq!(record.now()["expression"]["label"], "neutral");
        assert_eq!(record.whole()["expression"], json!({ "label": "happy", "score": 0.63 }));
        let mut torn = Record::default();
        torn.take(0, Reading { age: 30.0, spread: 5.0, expression: [1.0 / 7.0; 7] });
        assert_eq!(torn.now()["expression"], Value::Null);
    }

    #[test]
    fn memory_is_bounded() {
        let mut record = Record::default();
        (0..1000).for_each(|at| record.take(at, reading(at as f32 / 20.0, 5.0, 0.5)));
        assert_eq!(record.ages.len(), AGES_MAX);
        assert_eq!(median(&[1.0, 4.0]), Some(2.5));
    }
}
