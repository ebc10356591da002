//! From what was gathered to sentences.

use serde_json::json;

use super::gather::{Gathered, Scene, Told};
use crate::model::Finding;

/// Length of a part where there are no scenes, milliseconds.
const PIECE_MS: i64 = 30_000;
/// Classes, texts and utterances that one part names.
const NAMED: usize = 4;
/// Confidence below which an object is not worth a word.
const OBJECT_MIN: f32 = 0.4;

/// One finding per part, in order, at most `most`; parts of which nothing is known are left out.
pub(super) fn describe(gathered: &Gathered, duration_ms: i64, most: usize) -> Vec<Finding> {
    parts(gathered, duration_ms, most).into_iter().filter_map(|part| part.describe(gathered)).collect()
}

/// One finding of what is known between two times, milliseconds; none when nothing is.
pub(super) fn describe_between(gathered: &Gathered, start_ms: i64, end_ms: i64) -> Option<Finding> {
    let shared_ms = |scene: &&Scene| scene.end_ms.min(end_ms) - scene.start_ms.max(start_ms);
    let scene = gathered.scenes.iter().filter(|scene| shared_ms(scene) > 0).max_by_key(shared_ms).cloned();
    Part { start_ms, end_ms, scene }.describe(gathered)
}

struct Part {
    start_ms: i64,
    end_ms: i64,
    scene: Option<Scene>,
}

fn parts(gathered: &Gathered, duration_ms: i64, most: usize) -> Vec<Part> {
    if gathered.scenes.is_empty() {
        let pieces = (duration_ms.max(1) + PIECE_MS - 1) / PIECE_MS;
        let step = PIECE_MS * (pieces.max(1) + most as i64 - 1).div_euclid(most as i64);
        let starts = (0..most as i64).map(|piece| piece * step).take_while(|start| *start < duration_ms.max(1));
        return starts.map(|start_ms| Part { start_ms, end_ms: (start_ms + step).min(duration_ms), scene: None }).collect();
    }
    let together = gathered.scenes.len().div_ceil(most).max(1);
    let groups = gathered.scenes.chunks(together);
    let part = |scenes: &[Scene]| {
        let (first, last) = (scenes.first()?, scenes.last()?);
        let longest = scenes.iter().max_by_key(|scene| scene.end_ms - scene.start_ms)?;
        Some(Part { start_ms: first.start_ms, end_ms: last.end_ms, scene: Some(longest.clone()) })
    };
    groups.filter_map(part).collect()
}

/// Sentences, and what they stand on.
#[derive(Default)]
struct Story {
    sentences: Vec<String>,
    from: Vec<&'static str>,
    confidences: Vec<f32>,
}

impl Story {
    fn tell(&mut self, from: &'static str, confidences: impl IntoIterator<Item = f32>, sentence: Option<String>) {
        if let Some(sentence) = sentence {
            self.sentences.push(sentence);
            self.from.push(from);
            self.confidences.extend(confidences);
        }
    }
}

impl Part {
    fn describe(&self, gathered: &Gathered) -> Option<Finding> {
        let mut story = Story::default();
        story.tell("scene_segmentation", self.scene.as_ref().map(|scene| scene.confidence), self.place());
        let objects = self.objects(gathered);
        story.tell("object_detection", objects.iter().map(|object| object.2), seen(&objects));
        let camera = self.longest(&gathered.camera);
        let moves = camera.and_then(|told| motion(&told.text)).map(|words| format!("The camera {words}."));
        story.tell("camera_analysis", camera.map(|told| told.confidence), moves);
        let texts = self.within(&gathered.texts);
        let quoted = list(texts.iter().take(NAMED).map(|told| format!("“{}”", told.text)).collect());
        let stands = quoted.map(|quoted| format!("On the screen stands {quoted}."));
        story.tell("text_overlay", texts.iter().map(|told| told.confidence), stands);
        let speech = self.within(&gathered.speech);
        story.tell("speech_transcription", speech.iter().map(|told| told.confidence), says(&speech));
        let sound = self.longest(&gathered.sound);
        let heard = sound.and_then(|told| heard(&told.text)).map(str::to_owned);
        story.tell("audio_environment", sound.map(|told| told.confidence), heard);
        if story.sentences.is_empty() {
            return None;
        }
        Some(Finding {
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            label: "description".into(),
            confidence: story.confidences.iter().sum::<f32>() / story.confidences.len().max(1) as f32,
            text: Some(story.sentences.join(" ")),
            value: Some(json!({ "method": "composed", "from": story.from })),
            ..Finding::default()
        })
    }

    fn place(&self) -> Option<String> {
        let scene = self.scene.as_ref()?;
        let setting = match scene.setting.as_deref() {
            Some("indoor") => Some("Indoors"),
            Some("outdoor") => Some("Outdoors"),
            _ => None,
        };
        let time = match scene.time_of_day.as_deref() {
            Some("day") => Some("by day"),
            Some("night") => Some("by night"),
            _ => None,
        };
        let words: Vec<&str> = setting.into_iter().chain(time).collect();
        match (words.join(" "), scene.place.as_deref()) {
            (words, Some(place)) if words.is_empty() => Some(format!("It looks like: {place}.")),
            (words, Some(place)) => Some(format!("{}, it looks like: {place}.", upper(&words))),
            (words, None) if !words.is_empty() => Some(format!("{}.", upper(&words))),
            _ => None,
        }
    }

    /// Class, the most at once, confidence: those seen most surely first.
    fn objects<'a>(&self, gathered: &'a Gathered) -> Vec<(&'a str, u32, f32)> {
        let seconds = self.start_ms.div_euclid(1000)..=(self.end_ms - 1).max(self.start_ms).div_euclid(1000);
        let mut objects: Vec<(&str, u32, f32)> = Vec::new();
        for (class, by_second) in &gathered.objects {
            let here = by_second.range(seconds.clone()).map(|(_, at_once)| at_once);
            let (most, surest) = here.fold((0, 0.0_f32), |(most, surest), at| (most.max(at.most), surest.max(at.confidence)));
            if surest >= OBJECT_MIN {
                objects.push((class, most, surest));
            }
        }
        objects.sort_by(|a, b| b.1.cmp(&a.1).then(b.2.total_cmp(&a.2)));
        objects.truncate(NAMED);
        objects
    }

    fn within<'a>(&self, told: &'a [Told]) -> Vec<&'a Told> {
        let within = |told: &&Told| self.shared_ms(told) > 0 || (self.start_ms..self.end_ms).contains(&told.start_ms);
        told.iter().filter(within).filter(|told| !told.text.is_empty()).collect()
    }

    fn longest<'a>(&self, told: &'a [Told]) -> Option<&'a Told> {
        self.within(told).into_iter().max_by_key(|told| self.shared_ms(told))
    }

    fn shared_ms(&self, told: &Told) -> i64 {
        told.end_ms.min(self.end_ms) - told.start_ms.max(self.start_ms)
    }
}

fn seen(objects: &[(&str, u32, f32)]) -> Option<String> {
    let names = objects.iter().map(|&(class, most, _)| if most == 1 { one(class) } else { format!("{most} {}", several(class)) });
    let are = if objects.len() == 1 && objects.iter().all(|object| object.1 == 1) { "is" } else { "are" };
    list(names.collect()).map(|names| format!("{} {are} seen.", upper(&names)))
}

fn one(class: &str) -> String {
    let vowel = class.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {class}", if vowel { "an" } else { "a" })
}

fn several(class: &str) -> String {
    let hisses = ["s", "sh", "ch", "x"].iter().any(|end| class.ends_with(end));
    match class {
        "sheep" | "scissors" | "skis" => class.to_owned(),
        "mouse" => "mice".to_owned(),
        "knife" => "knives".to_owned(),
        _ if hisses => format!("{class}es"),
        _ => format!("{class}s"),
    }
}

fn says(speech: &[&Told]) -> Option<String> {
    let words: Vec<&str> = speech.iter().take(NAMED).map(|told| told.text.as_str()).collect();
    let more = if speech.len() > NAMED { " …" } else { "" };
    (!words.is_empty()).then(|| format!("Somebody says: “{}{more}”", words.join(" ")))
}

fn motion(label: &str) -> Option<&'static str> {
    Some(match label {
        "static" => "stands still",
        "pan_left" => "pans to the left",
        "pan_right" => "pans to the right",
        "tilt_up" => "tilts upwards",
        "tilt_down" => "tilts downwards",
        "zoom_in" => "zooms in",
        "zoom_out" => "zooms out",
        "roll" => "rolls",
        "handheld" => "is held by hand",
        _ => return None,
    })
}

fn heard(label: &str) -> Option<&'static str> {
    Some(match label {
        "music" => "There is music.",
        "noise" => "There is noise.",
        "crowd_like" => "There is a sound like a crowd.",
        _ => return None,
    })
}

fn list(mut words: Vec<String>) -> Option<String> {
    let last = words.pop()?;
    Some(if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) })
}

fn upper(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
