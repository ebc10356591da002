//! `age_estimation`: faces by BlazeFace, followed; the age of each by FaceRes, its expression by a small classifier.
//!
//! Findings: one per face and sample, label `face`; `confidence` is the detector's; `value` is `{track, age, age_low, age_high, expression}`.
//! `track` is a number that a face keeps while it is followed. `age` is in years: the median of the readings so far; `age_low` and `age_high` are
//! `age` less and plus the band. `expression` is `{label, score}` as last read, where one of `angry`, `disgust`, `fear`, `happy`, `sad`,
//! `surprise`, `neutral` has at least half of the score. Each is null where it is not known: no reading is made of a face under 32 pixels.
//! Spans: one per track; `value` is `{track, at_once, age, age_low, age_high, expression, readings}` over the whole track.
//!
//! A face is read when its track is new and every three seconds after that, not in every sample. The band is the standard deviation of the
//! model's own distribution over the years (the median of the readings), and never less than eight years.

mod reading;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use self::reading::Readers;
use self::record::Record;
use super::face::{self, Face};
use super::resize::Shown;
use super::track::Tracks;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, options, span, state};
use crate::infer::{Models, Session};
use crate::model::{Finding, MediaInfo, Span};

const NAME: &str = "age_estimation";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };
/// Faces that are read in one sample: the largest of those whose turn it is. The others have theirs in the next.
const READ_MAX: usize = 4;
/// Records beyond this are looked through for tracks that are gone.
const RECORDS_MAX: usize = 4096;

/// The analyser.
pub struct AgeEstimation {
    sampling: Sampling,
    /// Of the face detector: the least score.
    threshold: f32,
}

impl AgeEstimation {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        let mut own = options.own(NAME);
        let (sampling, threshold) = (own.sampling(SAMPLING)?, own.threshold(face::SCORE_MIN)?);
        own.end()?;
        Ok(Box::new(Self { sampling, threshold }))
    }
}

impl Analyser for AgeEstimation {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[face::MODEL, "emotion", "faceres"],
            optional: &[],
            sampling: self.sampling,
            after: &[],
            limits: "Ages are guesses from one face: the band of 8 years and more is the model's own spread, not a measured error, and is \
                     worst for children, the old and small or turned faces. An expression is how a face looks, not what a person feels. \
                     Neither decides anything: no verdict uses them, and no person may be judged by them.",
        }
    }

    fn parameters(&self) -> String {
        options::parameter("threshold", self.threshold, face::SCORE_MIN)
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(AgePass {
            detector: face::detector(models)?,
            threshold: self.threshold,
            readers: Readers::open(models)?,
            shown: Shown::of(media),
            tracks: Tracks::new(NAME, span::gap_ms(self.sampling, media), face::same),
            records: BTreeMap::new(),
            samples: 0,
        }))
    }
}

struct AgePass {
    detector: Arc<Session>,
    threshold: f32,
    readers: Readers,
    shown: Shown,
    tracks: Tracks,
    records: BTreeMap<u64, Record>,
    samples: u64,
}

impl Pass for AgePass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            let faces = face::faces(&self.detector, frame, self.threshold)?;
            let mut seen: Vec<Finding> = faces.iter().map(|face| face.finding("face", frame, self.shown)).collect();
            self.tracks.push(frame.time_ms, &mut seen);
            let numbers: Vec<u64> = seen.iter().map(Tracks::number).collect();
            self.read(frame, &faces, &numbers)?;
            for (finding, number) in seen.iter_mut().zip(numbers) {
                let record = self.records.entry(number).or_default();
                finding.value = Some(with(json!({ "track": number }), record.now()));
            }
            out.append(&mut seen);
            self.samples += 1;
            if self.records.len() > RECORDS_MAX {
                let tracks = &self.tracks;
                self.records.retain(|number, _| tracks.has(*number));
            }
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.tracks.followed(), &self.records, self.samples))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let followed;
        (followed, self.records, self.samples) = state::restore(saved)?;
        self.tracks.go_on(followed);
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.samples == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        let records = self.records;
        let mut spans = self.tracks.finish();
        for Span { finding, .. } in &mut spans {
            let number = Tracks::number(finding);
            if let (Some(record), Some(value)) = (records.get(&number), finding.value.take()) {
                finding.value = Some(with(value, record.whole()));
            }
        }
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl AgePass {
    /// Reads the faces whose turn it is.
    fn read(&mut self, frame: &Frame, faces: &[Face], numbers: &[u64]) -> anyhow::Result<()> {
        let due = |number: &u64| self.records.get(number).is_none_or(|record| record.is_due(frame.time_ms));
        let pairs = faces.iter().zip(numbers);
        let mut wanted: Vec<(&Face, u64)> = pairs
            .filter(|(face, number)| face.side() >= reading::SIDE_MIN && due(number))
            .map(|(face, number)| (face, *number))
            .collect();
        wanted.sort_by(|a, b| b.0.side().total_cmp(&a.0.side()));
        wanted.truncate(READ_MAX);
        let faces: Vec<&Face> = wanted.iter().map(|(face, _)| *face).collect();
        let readings = self.readers.read(frame, &faces)?;
        for ((_, number), reading) in wanted.into_iter().zip(readings) {
            self.records.entry(number).or_default().take(frame.time_ms, reading);
        }
        Ok(())
    }
}

/// The keys of both objects.
fn with(mut value: Value, more: Value) -> Value {
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}
