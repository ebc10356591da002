//! `object_detection`: everyday objects of the 80 COCO classes, by NanoDet.
//!
//! Findings: one per object and sample; `label` is the class, `value` is `{track}`, a number that an object keeps while it is
//! followed. Spans: one per track; `value` is `{track, at_once}`, the latter the highest number of objects of the class in one
//! sample of the track.

mod coco;
mod nanodet;

use std::sync::Arc;

use self::nanodet::{Object, SIDE};
use super::resize::{self, Shown, Stretcher};
use super::track::Tracks;
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, span};
use crate::infer::{Models, Session, Tensor};
use crate::model::{Finding, MediaInfo};

const NAME: &str = "object_detection";
/// Two samples a second: the model is cheap enough, and boxes that are twice as close are far easier to follow.
const SAMPLING: Sampling = Sampling::Sampled { fps: 2.0 };
/// NanoDet's own normalisation, blue first.
const MEAN: [f32; 3] = [103.53, 116.28, 123.675];
const DEVIATION: [f32; 3] = [57.375, 57.12, 58.395];

/// The analyser.
pub struct ObjectDetection;

impl Analyser for ObjectDetection {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &["nanodet"],
            sampling: SAMPLING,
            limits: "A small detector (published COCO mAP about 23): it misses small, crowded and unusual objects, knows 80 everyday classes \
                     only, and errs more on drawings. Tracks follow overlap, so fast or crossing objects may change numbers.",
        }
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(ObjectPass {
            session: models.session("nanodet", "nanodet.onnx")?,
            shown: Shown::of(media),
            stretcher: Stretcher::default(),
            tracks: Tracks::new(NAME, span::gap_ms(SAMPLING), |one, other| one.label == other.label),
            samples: 0,
        }))
    }
}

struct ObjectPass {
    session: Arc<Session>,
    shown: Shown,
    stretcher: Stretcher,
    tracks: Tracks,
    samples: u64,
}

impl Pass for ObjectPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            let objects = self.look(frame)?;
            let mut seen: Vec<Finding> = objects.iter().map(|object| self.finding(frame, object)).collect();
            self.tracks.push(frame.time_ms, &mut seen);
            out.append(&mut seen);
            self.samples += 1;
        }
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
    fn look(&mut self, frame: &Frame) -> anyhow::Result<Vec<Object>> {
        let rgb = self.stretcher.stretch(frame, SIDE, SIDE)?;
        let input = Tensor::f32(&[1, 3, SIDE as usize, SIDE as usize], resize::bgr_planes(rgb, MEAN, DEVIATION))?;
        let outputs = self.session.run(&[("input_1", &input)])?;
        let tensors: Vec<&Tensor> = outputs.iter().map(|(_, tensor)| tensor).collect();
        nanodet::decode(&tensors)
    }

    fn finding(&self, frame: &Frame, object: &Object) -> Finding {
        Finding {
            start_ms: frame.time_ms,
            end_ms: frame.time_ms,
            frame: Some(frame.index),
            label: coco::NAMES.get(object.class).copied().unwrap_or("object").to_owned(),
            confidence: object.score,
            bounds: Some(self.shown.bounds(frame, (SIDE, SIDE), object.corners)),
            ..Finding::default()
        }
    }
}
