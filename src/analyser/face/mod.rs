//! Faces in a picture, by BlazeFace: what every analyser of faces begins with. Found once per picture, whoever asks.

mod blazeface;

use std::sync::Arc;

use super::Frame;
use super::region::Region;
use super::resize::{self, Shown};
use crate::infer::{Models, Session, Tensor};
use crate::model::Finding;

/// The model, by its name in the registry.
pub(super) const MODEL: &str = "blazeface";
/// Fainter faces are left out, where nothing else is said. At 0.5, blurred lamps and wheels are faces too; real ones, also in half profile, score
/// above 0.6.
pub(super) const SCORE_MIN: f32 = 0.6;
/// Width and height of the model's input, pixels.
const SIDE: u32 = blazeface::SIDE;

/// A face, in the frame's pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Face {
    /// 0 to 1.
    pub(super) score: f32,
    /// Left, top, right, bottom.
    pub(super) corners: [f32; 4],
    /// The eye on the picture's left, the eye on its right.
    pub(super) eyes: [[f32; 2]; 2],
}

impl Face {
    /// The longer side of its box.
    pub(super) fn side(&self) -> f32 {
        let [left, top, right, bottom] = self.corners;
        (right - left).max(bottom - top)
    }

    /// A finding of it.
    pub(super) fn finding(&self, label: &str, frame: &Frame, shown: Shown) -> Finding {
        Finding {
            start_ms: frame.time_ms,
            end_ms: frame.time_ms,
            frame: Some(frame.index),
            label: label.to_owned(),
            confidence: self.score,
            bounds: Some(shown.bounds(frame, (frame.width, frame.height), self.corners)),
            ..Finding::default()
        }
    }

    /// How far the line through the eyes is turned clockwise, radians.
    pub(super) fn roll(&self) -> f32 {
        let [one, other] = self.eyes;
        (other[1] - one[1]).atan2(other[0] - one[0])
    }
}

/// Opens the detector.
///
/// # Errors
/// When it does not load.
pub(super) fn detector(models: &Models) -> anyhow::Result<Arc<Session>> {
    Ok(models.session(MODEL, "blazeface.onnx")?)
}

/// The faces of a picture with at least this score, the surest first, at most [`blazeface::FACES_MAX`].
///
/// # Errors
/// When the frame's bytes are not its size, or the model fails.
pub(super) fn faces(detector: &Session, frame: &Frame, least: f32) -> anyhow::Result<Vec<Face>> {
    let all = frame.derived.get("faces by blazeface", || look(detector, frame))?;
    Ok(all.iter().filter(|face| face.score >= least).copied().collect())
}

fn look(detector: &Session, frame: &Frame) -> anyhow::Result<Vec<Face>> {
    resize::pixels(frame)?;
    let whole = Region::letterbox(frame, (SIDE, SIDE));
    let rgb = whole.sample(frame, (SIDE, SIDE), [0; 3])?;
    let input = rgb.iter().map(|byte| f32::from(*byte) / 127.5 - 1.0).collect();
    let outputs = detector.run(&[("input", &Tensor::f32(&[1, SIDE as usize, SIDE as usize, 3], input)?)])?;
    let tensors: Vec<&Tensor> = outputs.iter().map(|(_, tensor)| tensor).collect();
    let on_input = blazeface::decode(&tensors)?;
    Ok(on_input.iter().map(|face| in_frame(&whole, face)).collect())
}

fn in_frame(whole: &Region, face: &Face) -> Face {
    let place = |point: [f32; 2]| whole.place((SIDE, SIDE), point);
    let [left, top, right, bottom] = face.corners;
    let ([left, top], [right, bottom]) = (place([left, top]), place([right, bottom]));
    Face { score: face.score, corners: [left, top, right, bottom], eyes: face.eyes.map(place) }
}

/// Whether two faces may be of one track: any two may.
pub(super) fn same(_one: &Finding, _other: &Finding) -> bool {
    true
}
