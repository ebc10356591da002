//! `object_detection`: objects of the 80 everyday COCO classes by NanoDet, or of a user's own classes by a YOLO-family model.
//!
//! Findings: one per object and sample; `label` is the class, `value` is `{track}`, a number that an object keeps while it is
//! followed. Spans: one per track; `value` is `{track, at_once}`, the latter the highest number of objects of the class in one
//! sample of the track.
//!
//! Options: `model`, an ONNX file in place of NanoDet (see [`yolo`] for the heads that are known); `labels`, the names of its classes, one
//! a line, where its own metadata have no `names`; `size`, the width and height of its input, where it leaves them open.

mod coco;
mod given;
mod labels;
mod nanodet;
mod object;
mod yolo;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::ensure;
use serde::Deserialize;

use self::given::{Given, Yolo};
pub(super) use self::object::Object;
use super::resize::Shown;
use super::track::{Followed, Tracks};
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, options, resize, span, state};
use crate::infer::{GivenFile, Models, Session};
use crate::model::{Finding, MediaInfo};

const NAME: &str = "object_detection";
/// NanoDet, by its name in the registry.
pub(super) const MODEL: &str = "nanodet";
/// Two samples a second: the model is cheap enough, and boxes that are twice as close are far easier to follow.
const SAMPLING: Sampling = Sampling::Sampled { fps: 2.0 };
/// Objects with a lower score are left out, where nothing else is said.
pub(super) const SCORE_MIN: f32 = 0.3;

/// The analyser.
pub struct ObjectDetection {
    sampling: Sampling,
    threshold: f32,
    given: Option<Given>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    model: PathBuf,
    labels: PathBuf,
}

impl ObjectDetection {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        let mut own = options.own(NAME);
        let (sampling, threshold, size) = (own.sampling(SAMPLING)?, own.threshold(SCORE_MIN)?, own.size()?);
        let Settings { model, labels } = own.rest()?;
        let file = |path: PathBuf| (!path.as_os_str().is_empty()).then(|| GivenFile::new(path));
        let (model, labels) = (file(model), file(labels));
        ensure!(model.is_some() || labels.is_none(), "`analyser.{NAME}.labels` needs a `model` that they are the labels of");
        ensure!(
            model.is_some() || size.is_none(),
            "`analyser.{NAME}.size` needs a `model` that leaves the size of its input open"
        );
        Ok(Box::new(Self { sampling, threshold, given: model.map(|model| Given { model, labels, size }) }))
    }
}

impl Analyser for ObjectDetection {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 2,
            models: if self.given.is_some() { &[] } else { &[MODEL] },
            optional: &[],
            sampling: self.sampling,
            after: &[],
            limits: if self.given.is_some() {
                "A detector that the configuration names: what it knows and how often it errs was not measured here. Tracks follow overlap, \
                 so fast or crossing objects may change numbers."
            } else {
                "A small detector (published COCO mAP about 23): it misses small, crowded and unusual objects, knows 80 everyday classes \
                 only, and errs more on drawings. Tracks follow overlap, so fast or crossing objects may change numbers."
            },
        }
    }

    fn parameters(&self) -> String {
        let given = self.given.as_ref().map_or_else(String::new, Given::parameters);
        given + &options::parameter("threshold", self.threshold, SCORE_MIN)
    }

    /// NanoDet takes far less memory than any YOLO.
    fn fallback(&self) -> Option<Box<dyn Analyser>> {
        self.given.is_some().then(|| Box::new(Self { given: None, ..*self }) as _)
    }

    fn batches(&self) -> bool {
        true
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let detector = match &self.given {
            Some(given) => Detector::Yolo(Box::new(Yolo::open(given, models)?)),
            None => Detector::Nanodet(detector(models)?),
        };
        Ok(Box::new(ObjectPass {
            detector,
            threshold: self.threshold,
            shown: Shown::of(media),
            tracks: Tracks::new(NAME, span::gap_ms(self.sampling, media), |one, other| one.label == other.label),
            samples: 0,
        }))
    }
}

/// Opens NanoDet.
///
/// # Errors
/// When it does not load.
pub(super) fn detector(models: &Models) -> anyhow::Result<Arc<Session>> {
    Ok(models.session(MODEL, "nanodet.onnx")?)
}

/// The persons of a picture with at least this score in the frame's pixels, by NanoDet, the surest first.
///
/// # Errors
/// When the frame's bytes are not its size, or the model fails.
pub(super) fn persons(detector: &Session, frame: &Frame, least: f32) -> anyhow::Result<Vec<Object>> {
    let objects = nanodet::objects(detector, frame)?;
    let sure = objects.iter().filter(|object| object.score >= least);
    Ok(sure.filter(|object| coco::NAMES.get(object.class) == Some(&"person")).copied().collect())
}

enum Detector {
    Nanodet(Arc<Session>),
    Yolo(Box<Yolo>),
}

impl Detector {
    fn objects(&self, frames: &[Frame]) -> anyhow::Result<Vec<Arc<Vec<Object>>>> {
        frames.iter().try_for_each(|frame| resize::pixels(frame).map(drop))?;
        match self {
            Self::Nanodet(session) => nanodet::objects_of_all(session, frames),
            Self::Yolo(yolo) => Ok(yolo.objects(frames)?.into_iter().map(Arc::new).collect()),
        }
    }

    /// Pictures that it takes best at a time.
    fn batch(&self) -> usize {
        match self {
            Self::Nanodet(session) => session.best_batch(),
            Self::Yolo(yolo) => yolo.batch(),
        }
    }

    fn name(&self, class: usize) -> String {
        match self {
            Self::Nanodet(_) => coco::NAMES.get(class).copied().unwrap_or("object").to_owned(),
            Self::Yolo(yolo) => yolo.name(class),
        }
    }
}

struct ObjectPass {
    detector: Detector,
    threshold: f32,
    shown: Shown,
    tracks: Tracks,
    samples: u64,
}

impl Pass for ObjectPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for (frame, objects) in batch.iter().zip(self.detector.objects(batch)?) {
            let sure = objects.iter().filter(|object| object.score >= self.threshold);
            let mut seen: Vec<Finding> = sure.map(|object| self.finding(frame, object)).collect();
            self.tracks.push(frame.time_ms, &mut seen);
            out.append(&mut seen);
            self.samples += 1;
        }
        Ok(())
    }

    fn batch(&self) -> usize {
        self.detector.batch()
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.tracks.followed(), self.samples))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let (followed, samples): (Followed, u64) = state::restore(saved)?;
        self.tracks.go_on(followed);
        self.samples = samples;
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.samples == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        Ok(Summary { spans: Some(self.tracks.finish()), ..Summary::done() })
    }
}

impl ObjectPass {
    fn finding(&self, frame: &Frame, object: &Object) -> Finding {
        Finding {
            start_ms: frame.time_ms,
            end_ms: frame.time_ms,
            frame: Some(frame.index),
            label: self.detector.name(object.class),
            confidence: object.score,
            bounds: Some(self.shown.bounds(frame, (frame.width, frame.height), object.corners)),
            ..Finding::default()
        }
    }
}
