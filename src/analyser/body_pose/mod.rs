//! `body_pose`: persons by NanoDet (the boxes of `object_detection`), 17 points of each by MoveNet, and what the points look like.
//!
//! Findings: one per person and sample, label `pose`; `confidence` is the detector's; `value` is `{track, score,
//! points, gestures}`.
//! `track` is a number that a person keeps while followed; `score` is the mean of the points'. `points` are 17 of `[x, y, score]` in source pixels, in COCO's order: nose, left and
//! right eye, left and right ear, then left and right shoulder, elbow, wrist, hip, knee, ankle (the person's own left). A point with a score
//! under 0.3 is a guess. `gestures` are the words of [`gesture`], which states the rule of each. Spans: one per track; `value` is `{track, at_once,
//! gestures}`, where `gestures` is an object of how many of the track's samples have each word.
//!
//! The crop is the square about the person's box, 1.25 times its longer side, borders black. At most six persons of a sample are looked at, the
//! largest. Where neither box nor picture changed since the last sample, its points stand.

mod gesture;
mod movenet;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::movenet::Point;
use super::object_detection::{self, Object};
use super::region::Region;
use super::resize::{self, Shown};
use super::round::round;
use super::thumbnail::Thumbnail;
use super::track::Tracks;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, options, span, state};
use crate::infer::{Models, Session};
use crate::model::{Finding, MediaInfo, Span};

const NAME: &str = "body_pose";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };
/// Persons that are looked at in one sample.
const PERSONS_MAX: usize = 6;
/// MoveNet sees a square this much wider than the longer side of the box.
const SCALE: f32 = 1.25;
/// A box that overlaps the last one at least this much has not moved.
const STILL_OVERLAP: f32 = 0.9;
/// Records beyond this are looked through for tracks that are gone.
const RECORDS_MAX: usize = 4096;

/// The analyser.
pub struct BodyPose {
    sampling: Sampling,
    /// Of the person detector: the least score.
    threshold: f32,
}

impl BodyPose {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        let mut own = options.own(NAME);
        let (sampling, threshold) = (own.sampling(SAMPLING)?, own.threshold(object_detection::SCORE_MIN)?);
        own.end()?;
        Ok(Box::new(Self { sampling, threshold }))
    }
}

impl Analyser for BodyPose {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &["movenet", object_detection::MODEL],
            optional: &[],
            sampling: self.sampling,
            after: &[],
            limits: "At most six persons a sample, found by a small detector; hidden joints, hands and feet are rough, and persons that overlap are \
                     mixed up. Gesture words are rules on flat points, not learned: they tell what a pose looks like, not what it means.",
        }
    }

    fn parameters(&self) -> String {
        options::parameter("threshold", self.threshold, object_detection::SCORE_MIN)
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(PosePass {
            detector: object_detection::detector(models)?,
            threshold: self.threshold,
            movenet: models.session("movenet", "movenet.onnx")?,
            shown: Shown::of(media),
            tracks: Tracks::new(NAME, span::gap_ms(self.sampling, media), |_, _| true),
            last: BTreeMap::new(),
            words: BTreeMap::new(),
            samples: 0,
        }))
    }
}

struct PosePass {
    detector: Arc<Session>,
    threshold: f32,
    movenet: Arc<Session>,
    shown: Shown,
    tracks: Tracks,
    /// What each track looked like in the sample before.
    last: BTreeMap<u64, Seen>,
    /// How many samples of each track have each word.
    words: BTreeMap<u64, BTreeMap<String, u32>>,
    samples: u64,
}

/// A person in one sample, in the frame's pixels.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seen {
    corners: [f32; 4],
    thumbnail: Thumbnail,
    points: Vec<Point>,
}

impl Pass for PosePass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            self.samples += 1;
            self.sample(frame, out)?;
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.tracks.followed(), &self.last, &self.words, self.samples))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let followed;
        (followed, self.last, self.words, self.samples) = state::restore(saved)?;
        self.tracks.go_on(followed);
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.samples == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        let words = self.words;
        let mut spans = self.tracks.finish();
        for Span { finding, .. } in &mut spans {
            let gestures = words.get(&Tracks::number(finding));
            if let Some(value) = &mut finding.value {
                value["gestures"] = json!(gestures.cloned().unwrap_or_default());
            }
        }
        Ok(Summary { spans: Some(spans), ..Summary::done() })
    }
}

impl PosePass {
    fn sample(&mut self, frame: &Frame, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let mut persons = object_detection::persons(&self.detector, frame, self.threshold)?;
        let area = |[left, top, right, bottom]: [f32; 4]| (right - left) * (bottom - top);
        persons.sort_by(|a, b| area(b.corners).total_cmp(&area(a.corners)));
        persons.truncate(PERSONS_MAX);
        let boxes: Vec<[f32; 4]> = persons.iter().map(|person| person.corners).collect();
        let mut findings: Vec<Finding> = persons.iter().map(|person| self.finding(frame, person)).collect();
        self.tracks.push(frame.time_ms, &mut findings);
        let numbers: Vec<u64> = findings.iter().map(Tracks::number).collect();
        let seen = self.look(frame, &boxes, &numbers)?;
        for ((finding, number), seen) in findings.iter_mut().zip(&numbers).zip(&seen) {
            self.tell(frame, finding, *number, &seen.points);
        }
        self.last = numbers.into_iter().zip(seen).collect();
        out.append(&mut findings);
        if self.words.len() > RECORDS_MAX {
            let tracks = &self.tracks;
            self.words.retain(|number, _| tracks.has(*number));
        }
        Ok(())
    }

    fn finding(&self, frame: &Frame, person: &Object) -> Finding {
        Finding {
            start_ms: frame.time_ms,
            end_ms: frame.time_ms,
            frame: Some(frame.index),
            label: "pose".into(),
            confidence: person.score,
            bounds: Some(self.shown.bounds(frame, (frame.width, frame.height), person.corners)),
            ..Finding::default()
        }
    }

    /// The points of each person: those of the sample before where nothing moved.
    fn look(&self, frame: &Frame, boxes: &[[f32; 4]], numbers: &[u64]) -> anyhow::Result<Vec<Seen>> {
        let mut seen = Vec::with_capacity(boxes.len());
        for (corners, number) in boxes.iter().zip(numbers) {
            let region = Region::square(*corners, SCALE);
            let thumbnail = Thumbnail::of(&region, frame)?;
            let before = self.last.get(number).filter(|last| is_still(last, *corners, &thumbnail));
            seen.push(match before {
                Some(last) => last.clone(),
                None => Seen { corners: *corners, thumbnail, points: movenet::look(&self.movenet, frame, &region)? },
            });
        }
        Ok(seen)
    }

    fn tell(&mut self, frame: &Frame, finding: &mut Finding, number: u64, points: &[Point]) {
        let gestures = gesture::words(points);
        let words = self.words.entry(number).or_default();
        for word in &gestures {
            *words.entry((*word).to_owned()).or_default() += 1;
        }
        let shown = |point: &Point| {
            let [x, y] = self.shown.point(frame, point.at);
            json!([x, y, round(point.score, 2)])
        };
        let score = points.iter().map(|point| point.score).sum::<f32>() / points.len().max(1) as f32;
        let points: Vec<_> = points.iter().map(shown).collect();
        finding.value = Some(json!({ "track": number, "score": round(score, 2), "points": points, "gestures": gestures }));
    }
}

fn is_still(last: &Seen, corners: [f32; 4], thumbnail: &Thumbnail) -> bool {
    let sides = |[left, top, right, bottom]: [f32; 4]| [left, top, right - left, bottom - top];
    resize::overlap(sides(last.corners), sides(corners)) >= STILL_OVERLAP && last.thumbnail.is_like(thumbnail)
}
