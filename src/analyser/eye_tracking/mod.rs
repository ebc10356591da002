//! `eye_tracking`: where a face looks, from the points of its mesh and its irises. No gaze model is learned: [`gaze`] states the rule.
//!
//! Findings: one per face and sample, label `gaze`; `confidence` is the face detector's; `value` is `{track, direction, looking_at_camera, yaw,
//! pitch, head, eyes, method}`. `track` is a number that a face keeps while it is followed: the same as in `age_estimation` with the same
//! `fps` and `threshold`. `direction` is `camera`, `left`, `right`, `up`, `down` (as the viewer sees it) or `closed`; null, like `yaw`, `pitch` and `head`, where the mesh does not fit
//! the face. `yaw` and `pitch` are degrees to the right and up, `head` is `{yaw, pitch, roll}` of the head alone (roll clockwise). `eyes` are none or
//! two, the one on the picture's left first, each `{iris, corners, openness, closed}`: the middle of the iris and both corners in source pixels, and
//! the eye's height by its width. `method` is `heuristic`. Spans: one per track; `value` is `{track, at_once, samples, camera_share, closed_share,
//! directions, method}`, the shares being of the samples with a direction, whose numbers per word `directions` holds.
//!
//! At most four faces of a sample are looked at, the largest, none under 32 pixels. Where the picture of a face did not change since the last
//! sample, its gaze stands.

mod gaze;
mod iris;
mod mesh;
mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::gaze::Gaze;
use self::iris::{Eye, Irises};
use self::mesh::Meshes;
use self::tally::Tally;
use super::face::{self, Face};
use super::region::Region;
use super::resize::Shown;
use super::round::round;
use super::thumbnail::Thumbnail;
use super::track::Tracks;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, options, span, state};
use crate::infer::{Models, Session};
use crate::model::{Finding, MediaInfo, Span};

const NAME: &str = "eye_tracking";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };
/// Faces that are looked at in one sample.
const FACES_MAX: usize = 4;
/// Smaller faces are not looked at, pixels.
const SIDE_MIN: f32 = 32.0;
/// Tallies beyond this are looked through for tracks that are gone.
const TALLIES_MAX: usize = 4096;

/// The analyser.
pub struct EyeTracking {
    sampling: Sampling,
    /// Of the face detector: the least score.
    threshold: f32,
}

impl EyeTracking {
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

impl Analyser for EyeTracking {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &[face::MODEL, "facemesh", "iris"],
            optional: &[],
            sampling: self.sampling,
            after: &[],
            limits: "A heuristic, no learned gaze model: the head's turn and the iris between the eye's corners, good to some 10 to 20 degrees on a \
                     frontal face of 100 pixels, worse on smaller and turned ones. Samples show a share of closed eyes, not single blinks. It \
                     does not tell attention or intent, and decides nothing.",
        }
    }

    fn parameters(&self) -> String {
        options::parameter("threshold", self.threshold, face::SCORE_MIN)
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(EyePass {
            detector: face::detector(models)?,
            threshold: self.threshold,
            meshes: Meshes::open(models)?,
            irises: Irises::open(models)?,
            shown: Shown::of(media),
            tracks: Tracks::new(NAME, span::gap_ms(self.sampling, media), face::same),
            last: BTreeMap::new(),
            tallies: BTreeMap::new(),
            samples: 0,
        }))
    }
}

struct EyePass {
    detector: Arc<Session>,
    threshold: f32,
    meshes: Meshes,
    irises: Irises,
    shown: Shown,
    tracks: Tracks,
    /// What each track looked like in the sample before.
    last: BTreeMap<u64, Seen>,
    tallies: BTreeMap<u64, Tally>,
    samples: u64,
}

/// A face in one sample.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seen {
    thumbnail: Thumbnail,
    /// Less `track`.
    value: Value,
}

impl Pass for EyePass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            self.samples += 1;
            self.sample(frame, out)?;
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.tracks.followed(), &self.last, &self.tallies, self.samples))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let followed;
        (followed, self.last, self.tallies, self.samples) = state::restore(saved)?;
        self.tracks.go_on(followed);
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.samples == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        let tallies = self.tallies;
        let looked_at = |mut span: Span| {
            let tally = tallies.get(&Tracks::number(&span.finding))?;
            if let (Some(Value::Object(value)), Value::Object(more)) = (&mut span.finding.value, tally.value()) {
                value.extend(more);
            }
            Some(span)
        };
        Ok(Summary { spans: Some(self.tracks.finish().into_iter().filter_map(looked_at).collect()), ..Summary::done() })
    }
}

impl EyePass {
    fn sample(&mut self, frame: &Frame, out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let faces = face::faces(&self.detector, frame, self.threshold)?;
        // Every face is followed, so that the numbers are those of the other analyser of faces.
        let mut findings: Vec<Finding> = faces.iter().map(|face| face.finding("gaze", frame, self.shown)).collect();
        self.tracks.push(frame.time_ms, &mut findings);
        let mut wanted: Vec<(&Face, Finding)> = faces.iter().zip(findings).filter(|(face, _)| face.side() >= SIDE_MIN).collect();
        wanted.sort_by(|a, b| b.0.side().total_cmp(&a.0.side()));
        wanted.truncate(FACES_MAX);
        let mut now = BTreeMap::new();
        for (face, mut finding) in wanted {
            let number = Tracks::number(&finding);
            let region = mesh::region(face);
            let thumbnail = Thumbnail::of(&region, frame)?;
            let before = self.last.get(&number).filter(|last| last.thumbnail.is_like(&thumbnail));
            let seen = match before {
                Some(last) => last.clone(),
                None => Seen { thumbnail, value: self.look(frame, face, &region)? },
            };
            self.tallies.entry(number).or_default().take(&seen.value);
            let mut value = seen.value.clone();
            value["track"] = json!(number);
            finding.value = Some(value);
            out.push(finding);
            now.insert(number, seen);
        }
        self.last = now;
        if self.tallies.len() > TALLIES_MAX {
            let tracks = &self.tracks;
            self.tallies.retain(|number, _| tracks.has(*number));
        }
        Ok(())
    }

    fn look(&self, frame: &Frame, face: &Face, region: &Region) -> anyhow::Result<Value> {
        let Some(mesh) = self.meshes.look(frame, region)? else { return Ok(told(None, &[])) };
        let head = mesh.head(face.roll());
        let eyes = self.irises.look(frame, &mesh)?;
        let gaze = gaze::of(head, eyes.as_ref());
        let eyes: Vec<Value> = eyes.iter().flatten().map(|eye| self.eye(frame, eye)).collect();
        Ok(told(Some(&gaze), &eyes))
    }

    fn eye(&self, frame: &Frame, eye: &Eye) -> Value {
        json!({
            "iris": self.shown.point(frame, eye.iris),
            "corners": eye.corners.map(|corner| self.shown.point(frame, corner)),
            "openness": round(eye.openness, 2),
            "closed": eye.is_closed(),
        })
    }
}

fn told(gaze: Option<&Gaze>, eyes: &[Value]) -> Value {
    json!({
        "direction": gaze.map(|gaze| gaze.direction),
        "looking_at_camera": gaze.is_some_and(|gaze| gaze.direction == gaze::CAMERA),
        "yaw": gaze.map(|gaze| round(gaze.yaw, 0)),
        "pitch": gaze.map(|gaze| round(gaze.pitch, 0)),
        "head": gaze.map(|gaze| json!({
            "yaw": round(gaze.head.yaw, 0), "pitch": round(gaze.head.pitch, 0), "roll": round(gaze.head.roll, 0),
        })),
        "eyes": eyes,
        "method": "heuristic",
    })
}
