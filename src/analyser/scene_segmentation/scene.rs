//! What is said of one scene: its tags, whether it has a roof, day or night. Rules over what was seen in it.

use std::collections::BTreeMap;

use serde_json::json;

use super::group::{self, Group};
use super::{Entry, Shot};
use crate::model::Finding;

/// So much more must speak for a roof than against one, or the other way around.
const SETTING_MIN: f32 = 0.15;
/// What a wholly sky-coloured upper third says for the open air.
const SKY_WEIGHT: f32 = 0.3;
/// Night: at least so many dark pixels, and at most this bright. Day, in the open air: at least this bright.
const NIGHT_DARK: f32 = 0.6;
const NIGHT_BRIGHTNESS: f32 = 0.2;
const DAY_BRIGHTNESS: f32 = 0.3;
/// Tags of a scene at most, each with at least this confidence.
const TAGS: usize = 3;
const TAG_MIN: f32 = 0.2;

/// Means over the entries of a scene.
#[derive(Default)]
struct Stats {
    weight: f32,
    brightness: f32,
    sky: f32,
    dark: f32,
    /// Over the entries that the model looked at.
    looked: f32,
    indoor: f32,
    outdoor: f32,
    tags: BTreeMap<String, f32>,
}

/// The scene's finding, and one for each of its tags over its length.
pub(super) fn told(index: usize, group: &Group, shots: &[Shot], entries: &[Entry]) -> (Finding, Vec<Finding>) {
    let shots = shots.get(group.shots.clone()).unwrap_or_default();
    let whole =
        Shot { start_ms: shots.first().map_or(0, |shot| shot.start_ms), end_ms: shots.last().map_or(0, |shot| shot.end_ms) };
    let stats = stats(whole, entries);
    let tags = tags(&stats);
    let (setting, time_of_day) = (stats.setting(), stats.time_of_day());
    let round = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
    let told: Vec<_> = tags.iter().map(|(tag, confidence)| json!({ "tag": tag, "confidence": round(*confidence) })).collect();
    let scene = Finding {
        start_ms: whole.start_ms,
        end_ms: whole.end_ms,
        label: "scene".into(),
        confidence: group.unlike,
        text: tags.first().map(|(tag, _)| tag.clone()),
        value: Some(json!({
            "index": index, "shots": shots.len(), "tags": told, "setting": setting, "time_of_day": time_of_day,
            "stats": {
                "indoor": round(stats.indoor), "outdoor": round(stats.outdoor), "sky": round(stats.sky),
                "brightness": round(stats.brightness), "dark": round(stats.dark),
            },
            "method": "heuristic",
        })),
        ..Finding::default()
    };
    let spread = tags.into_iter().map(|(tag, confidence)| Finding {
        start_ms: whole.start_ms,
        end_ms: whole.end_ms,
        label: "tag".into(),
        confidence,
        text: Some(tag),
        value: Some(json!({ "scene": index, "method": "heuristic" })),
        ..Finding::default()
    });
    (scene, spread.collect())
}

fn stats(whole: Shot, entries: &[Entry]) -> Stats {
    let mut stats = Stats::default();
    for (entry, weight) in group::during(whole, entries) {
        stats.weight += weight;
        stats.brightness += entry.looks.brightness * weight;
        stats.sky += entry.looks.sky * weight;
        stats.dark += entry.looks.dark * weight;
        let Some(content) = &entry.content else { continue };
        stats.looked += 1.0;
        stats.indoor += content.indoor;
        stats.outdoor += content.outdoor;
        if let Some((tag, confidence)) = content.place.as_ref().or_else(|| content.classes.first()) {
            *stats.tags.entry(tag.clone()).or_default() += confidence;
        }
    }
    let (weight, looked) = (stats.weight.max(1.0), stats.looked.max(1.0));
    for sum in [&mut stats.brightness, &mut stats.sky, &mut stats.dark] {
        *sum /= weight;
    }
    for sum in [&mut stats.indoor, &mut stats.outdoor].into_iter().chain(stats.tags.values_mut()) {
        *sum = (*sum / looked).min(1.0);
    }
    stats
}

fn tags(stats: &Stats) -> Vec<(String, f32)> {
    let mut tags: Vec<(String, f32)> =
        stats.tags.iter().filter(|(_, mean)| **mean >= TAG_MIN).map(|(tag, mean)| (tag.clone(), *mean)).collect();
    tags.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    tags.truncate(TAGS);
    tags
}

impl Stats {
    fn setting(&self) -> Option<&'static str> {
        let open = self.outdoor + SKY_WEIGHT * self.sky - self.indoor;
        match open {
            SETTING_MIN.. => Some("outdoor"),
            _ if open <= -SETTING_MIN => Some("indoor"),
            _ => None,
        }
    }

    fn time_of_day(&self) -> Option<&'static str> {
        match self.setting() {
            Some("indoor") => None,
            _ if self.dark >= NIGHT_DARK && self.brightness <= NIGHT_BRIGHTNESS => Some("night"),
            Some("outdoor") if self.brightness >= DAY_BRIGHTNESS => Some("day"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::looks::Looks;
    use super::super::network::Content;
    use super::*;

    fn entry(at: i64, place: &str, indoor: f32, outdoor: f32, looks: Looks) -> Entry {
        let content = Content { place: Some((place.to_owned(), 0.8)), indoor, outdoor, ..Content::default() };
        Entry { start_ms: at, end_ms: at + 1000, looks, content: Some(content) }
    }

    fn light(brightness: f32, dark: f32, sky: f32) -> Looks {
        Looks { brightness, dark, sky, ..Looks::default() }
    }

    fn value_of(entries: &[Entry]) -> (Finding, serde_json::Value) {
        let group = Group { shots: 0..1, unlike: 0.7 };
        let (scene, tags) = told(0, &group, &[Shot { start_ms: 0, end_ms: 9000 }], entries);
        assert!(tags.iter().all(|tag| (tag.start_ms, tag.end_ms) == (0, 9000)));
        let value = scene.value.clone().unwrap();
        (scene, value)
    }

    #[test]
    fn a_street_by_day_a_kitchen_and_a_street_by_night() {
        let (scene, value) = value_of(&[
            entry(0, "street", 0.1, 0.7, light(0.5, 0.1, 0.8)),
            entry(3000, "street", 0.0, 0.6, light(0.5, 0.1, 0.5)),
        ]);
        assert_eq!((scene.text.as_deref(), scene.confidence), (Some("street"), 0.7));
        assert_eq!(
            (&value["setting"], &value["time_of_day"], &value["method"]),
            (&json!("outdoor"), &json!("day"), &json!("heuristic"))
        );
        let (_, value) = value_of(&[entry(0, "kitchen", 0.8, 0.0, light(0.1, 0.8, 0.0))]);
        assert_eq!((&value["setting"], &value["time_of_day"]), (&json!("indoor"), &json!(null)));
        let (_, value) = value_of(&[entry(0, "street", 0.1, 0.7, light(0.1, 0.8, 0.0))]);
        assert_eq!(value["time_of_day"], "night");
    }

    #[test]
    fn what_nothing_speaks_for_is_not_said() {
        let bare = Entry { looks: light(0.4, 0.1, 0.1), ..Entry::default() };
        let (scene, value) = value_of(&[bare]);
        assert_eq!(
            (scene.text, &value["setting"], &value["time_of_day"], &value["tags"]),
            (None, &json!(null), &json!(null), &json!([]))
        );
    }
}
