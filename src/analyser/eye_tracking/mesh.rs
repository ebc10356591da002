//! MediaPipe's face mesh: 468 points of a face in three dimensions.

use std::sync::Arc;

use anyhow::{Context as _, ensure};

use crate::analyser::Frame;
use crate::analyser::face::Face;
use crate::analyser::region::Region;
use crate::infer::{Models, Session, Tensor};

/// Points of a face.
const POINTS: usize = 468;
/// Width and height of the model's input, pixels.
const SIDE: u32 = 192;
/// The model sees a square this much wider than the face's box.
const SCALE: f32 = 1.5;
/// A mesh with a lower score does not fit the face.
const SCORE_MIN: f32 = 0.5;
/// The top of the forehead, the chin; the sides of the face on the picture's left and right.
const TOP: usize = 10;
const CHIN: usize = 152;
const SIDES: [usize; 2] = [234, 454];
/// Outer and inner corner of each eye, the eye on the picture's left first.
const EYES: [[usize; 2]; 2] = [[33, 133], [263, 362]];

/// What the model is shown of a face: turned so that the eyes are level.
pub(super) fn region(face: &Face) -> Region {
    Region::square(face.corners, SCALE).turned(face.roll())
}

/// How a head is turned, degrees: to the picture's right, up, clockwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Head {
    pub(super) yaw: f32,
    pub(super) pitch: f32,
    pub(super) roll: f32,
}

/// The mesh of one face.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mesh {
    /// x, y and z on the region's 192 × 192 pixels; z grows away from the viewer.
    points: Box<[[f32; 3]; POINTS]>,
    region: Region,
}

/// The opened model.
pub(super) struct Meshes {
    session: Arc<Session>,
}

impl Meshes {
    /// Opens it.
    ///
    /// # Errors
    /// When it does not load.
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        Ok(Self { session: models.session("facemesh", "facemesh.onnx")? })
    }

    /// The mesh of the face in a region; none where it does not fit.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, or the model fails.
    pub(super) fn look(&self, frame: &Frame, region: &Region) -> anyhow::Result<Option<Mesh>> {
        let rgb = region.sample(frame, (SIDE, SIDE), [0; 3])?;
        let side = SIDE as usize;
        let input = Tensor::f32(&[1, side, side, 3], rgb.iter().map(|byte| f32::from(*byte) / 255.0).collect())?;
        let outputs = self.session.run(&[("input_1", &input)])?;
        let tensors: Vec<&Tensor> = outputs.iter().map(|(_, tensor)| tensor).collect();
        Ok(decode(&tensors)?.map(|points| Mesh { points, region: *region }))
    }
}

/// The points, where the model says that there is a face.
///
/// # Errors
/// When an output is missing, or holds what is no number.
fn decode(outputs: &[&Tensor]) -> anyhow::Result<Option<Box<[[f32; 3]; POINTS]>>> {
    let by_shape = |shape: [usize; 2]| {
        let found = outputs.iter().find(|tensor| tensor.shape() == shape);
        found.with_context(|| format!("`facemesh` gives no output of shape {shape:?}"))?.as_f32().map_err(anyhow::Error::from)
    };
    let &[score] = by_shape([1, 1])? else { anyhow::bail!("`facemesh` gives no one score") };
    ensure!((-0.01..=1.01).contains(&score), "`facemesh` gives a score that is no probability: {score}");
    let (points, _) = by_shape([1, POINTS * 3])?.as_chunks::<3>();
    let limit = 16.0 * SIDE as f32;
    ensure!(points.iter().flatten().all(|number| number.abs() <= limit), "`facemesh` gives points that are none");
    let points: &[[f32; 3]; POINTS] = points.try_into().context("`facemesh` gives another number of points")?;
    Ok((score >= SCORE_MIN).then(|| Box::new(*points)))
}

impl Mesh {
    /// How the head is turned; `roll` is that of the region, radians. From the line between the sides of the face and the line from chin to
    /// forehead, whose slopes in depth are yaw and pitch.
    pub(super) fn head(&self, roll: f32) -> Head {
        let [left, right] = SIDES.map(|side| self.points[side]);
        let (top, chin) = (self.points[TOP], self.points[CHIN]);
        Head {
            yaw: (right[2] - left[2]).atan2(right[0] - left[0]).to_degrees(),
            pitch: (top[2] - chin[2]).atan2(chin[1] - top[1]).to_degrees(),
            roll: roll.to_degrees(),
        }
    }

    /// Outer and inner corner of each eye in the frame's pixels, the eye on the picture's left first.
    pub(super) fn eyes(&self) -> [[[f32; 2]; 2]; 2] {
        EYES.map(|eye| {
            eye.map(|corner| {
                let [x, y, _] = self.points[corner];
                self.region.place((SIDE, SIDE), [x, y])
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(score: f32, points: Vec<f32>) -> anyhow::Result<Option<Box<[[f32; 3]; POINTS]>>> {
        let count = points.len();
        decode(&[&Tensor::f32(&[1, count], points)?, &Tensor::f32(&[1, 1], vec![score])?])
    }

    /// A flat face of 100 × 120 pixels, turned by degrees to the right and up.
    fn turned(yaw: f32, pitch: f32) -> Mesh {
        let mut points = Box::new([[0.0; 3]; POINTS]);
        let (yaw, pitch) = (yaw.to_radians(), pitch.to_radians());
        for (side, at) in SIDES.into_iter().zip([-50.0, 50.0]) {
            points[side] = [96.0 + at * yaw.cos(), 96.0, at * yaw.sin()];
        }
        for (end, at) in [(TOP, 60.0), (CHIN, -60.0)] {
            points[end] = [96.0, 96.0 - at * pitch.cos(), at * pitch.sin()];
        }
        Mesh { points, region: Region::square([0.0, 0.0, 192.0, 192.0], 1.0) }
    }

    #[test]
    fn the_turn_of_a_face_is_measured() {
        for (yaw, pitch) in [(0.0, 0.0), (30.0, 0.0), (-50.0, 10.0), (5.0, -20.0)] {
            let head = turned(yaw, pitch).head(0.1);
            assert!((head.yaw - yaw).abs() < 0.01 && (head.pitch - pitch).abs() < 0.01, "{head:?}");
            assert!((head.roll - 5.73).abs() < 0.01);
        }
    }

    #[test]
    fn a_mesh_that_does_not_fit_is_none() {
        assert!(decoded(0.4, vec![1.0; POINTS * 3]).unwrap().is_none());
        assert!(decoded(0.6, vec![1.0; POINTS * 3]).unwrap().is_some());
        for bad in [f32::NAN, f32::INFINITY, 1e9] {
            assert!(decoded(0.6, vec![bad; POINTS * 3]).is_err());
            assert!(decoded(bad, vec![1.0; POINTS * 3]).is_err());
        }
        assert!(decoded(0.6, vec![1.0; 10]).is_err());
        assert!(decode(&[]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_points_are_a_mesh_or_an_error(score in any::<f32>(), numbers in prop::collection::vec(any::<f32>(), 1..40), tame in any::<bool>()) {
            let numbers = numbers.iter().cycle().take(POINTS * 3).map(|number| if tame { number % 1000.0 } else { *number });
            if let Ok(Some(points)) = decoded(if tame { 0.9 } else { score }, numbers.collect()) {
                let mesh = Mesh { points, region: Region::square([0.0, 0.0, 9.0, 9.0], 1.0) };
                let head = mesh.head(0.0);
                prop_assert!([head.yaw, head.pitch, head.roll].iter().all(|angle| angle.is_finite()));
                prop_assert!(mesh.eyes().iter().flatten().flatten().all(|place| place.is_finite()));
            }
        }
    }
}
