//! What is kept of the others' findings: bounded, however long the medium is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::Finding;

/// Entries of each kind; what comes later is left out.
const KEPT_MAX: usize = 20_000;
/// Characters of one text.
const TEXT_CHARS: usize = 200;

/// Something with a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) text: String,
    pub(super) confidence: f32,
}

/// A scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scene {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) place: Option<String>,
    pub(super) setting: Option<String>,
    pub(super) time_of_day: Option<String>,
    pub(super) confidence: f32,
}

/// How many objects of a class one sample has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct AtOnce {
    /// The sample that is counted now.
    time_ms: i64,
    counted: u32,
    pub(super) most: u32,
    pub(super) confidence: f32,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Gathered {
    pub(super) scenes: Vec<Scene>,
    /// By class, then by second.
    pub(super) objects: BTreeMap<String, BTreeMap<i64, AtOnce>>,
    pub(super) camera: Vec<Told>,
    pub(super) sound: Vec<Told>,
    pub(super) texts: Vec<Told>,
    pub(super) speech: Vec<Told>,
}

impl Gathered {
    pub(super) fn take(&mut self, analyser: &str, finding: &Finding) {
        let label = finding.label.as_str();
        match (analyser, label) {
            ("object_detection", _) => self.object(finding),
            ("scene_segmentation", "scene") => push(&mut self.scenes, scene(finding)),
            ("camera_analysis", _) => push(&mut self.camera, told(finding, label)),
            ("audio_environment", "music" | "noise" | "crowd_like") => push(&mut self.sound, told(finding, label)),
            ("text_overlay", "text") => self.text(finding),
            ("speech_transcription", "speech") => {
                push(&mut self.speech, told(finding, finding.text.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
    }

    /// Findings come sample by sample.
    fn object(&mut self, finding: &Finding) {
        let seconds = self.objects.entry(finding.label.clone()).or_default();
        let (second, time_ms) = (finding.start_ms.div_euclid(1000), finding.start_ms);
        if seconds.len() >= KEPT_MAX && !seconds.contains_key(&second) {
            return;
        }
        let at_once = seconds.entry(second).or_insert(AtOnce { time_ms, counted: 0, most: 0, confidence: 0.0 });
        at_once.counted = if at_once.time_ms == time_ms { at_once.counted + 1 } else { 1 };
        at_once.time_ms = time_ms;
        at_once.most = at_once.most.max(at_once.counted);
        at_once.confidence = at_once.confidence.max(finding.confidence);
    }

    /// A text that stays is one text.
    fn text(&mut self, finding: &Finding) {
        let next = told(finding, finding.text.as_deref().unwrap_or_default());
        let same = self.texts.iter_mut().rev().take(20).find(|text| text.text == next.text);
        match same {
            Some(text) => {
                text.end_ms = text.end_ms.max(next.end_ms);
                text.confidence = text.confidence.max(next.confidence);
            }
            None => push(&mut self.texts, next),
        }
    }
}

fn push<T>(list: &mut Vec<T>, one: T) {
    if list.len() < KEPT_MAX {
        list.push(one);
    }
}

fn told(finding: &Finding, text: &str) -> Told {
    let text = text.trim().chars().take(TEXT_CHARS).collect();
    Told { start_ms: finding.start_ms, end_ms: finding.end_ms, text, confidence: finding.confidence }
}

fn scene(finding: &Finding) -> Scene {
    let word = |key: &str| finding.value.as_ref().and_then(|value| value[key].as_str()).map(str::to_owned);
    Scene {
        start_ms: finding.start_ms,
        end_ms: finding.end_ms,
        place: finding.text.clone(),
        setting: word("setting"),
        time_of_day: word("time_of_day"),
        confidence: finding.confidence,
    }
}
