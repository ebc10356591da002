//! How fast a film is cut, and how evenly.

use serde_json::{Value, json};

/// Cuts a minute from which on a film is moderately, fast and very fast cut: rules of thumb.
const WORDS: [(f64, &str); 4] = [(40.0, "very_fast"), (20.0, "fast"), (6.0, "moderate"), (0.0, "slow")];

/// What is said of shots of these lengths, in milliseconds, in order; `changes` is the number of cuts, fades and dissolves between
/// them.
pub(super) fn rhythm(lengths: &[i64]) -> Value {
    let changes = lengths.len().saturating_sub(1);
    let total: i64 = lengths.iter().sum();
    let mean = total as f64 / lengths.len().max(1) as f64;
    let per_minute = if total > 0 { changes as f64 * 60_000.0 / total as f64 } else { 0.0 };
    let spread = lengths.iter().map(|length| (*length as f64 - mean).powi(2)).sum::<f64>() / lengths.len().max(1) as f64;
    let variation = if mean > 0.0 { spread.sqrt() / mean } else { 0.0 };
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let at = |place: usize| sorted.get(place).copied().unwrap_or(0);
    let word = WORDS.iter().find(|(least, _)| per_minute >= *least).map_or("slow", |(_, word)| *word);
    let word = if changes == 0 { "one_shot" } else { word };
    let round = |value: f64| (value * 100.0).round() / 100.0;
    json!({
        "shots": lengths.len(), "cuts_per_minute": round(per_minute), "pace": word, "variation": round(variation),
        "shot_ms": { "mean": mean.round(), "median": at(sorted.len() / 2), "shortest": at(0), "longest": at(sorted.len().saturating_sub(1)) },
        "method": "heuristic",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_and_uneven_films() {
        let even = rhythm(&[2000; 10]);
        assert_eq!((&even["cuts_per_minute"], &even["variation"], &even["pace"]), (&json!(27.0), &json!(0.0), &json!("fast")));
        let uneven = rhythm(&[500, 500, 59_000]);
        assert_eq!((&uneven["shot_ms"]["median"], &uneven["pace"]), (&json!(500), &json!("slow")));
        assert!(uneven["variation"].as_f64().unwrap() > 1.0);
    }

    #[test]
    fn one_shot_and_none() {
        assert_eq!(rhythm(&[4000])["pace"], "one_shot");
        assert_eq!(rhythm(&[])["cuts_per_minute"], 0.0);
        assert_eq!(rhythm(&[0])["shots"], 1);
    }
}
