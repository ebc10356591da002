//! MediaPipe's iris model: the outline of an eye and its iris, on a square crop of the eye.
//!
//! 76 points x, y, z on 64 × 64 pixels: first 16 of the outline (0 the outer corner, 1 to 7 the lower lid, 8 the inner corner, 9 to 15 the
//! upper lid from the outer side), 55 of brow and surroundings, then the middle of the iris and 4 of its rim. It was made for the eye on the
//! picture's left; the other is mirrored.

use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::mesh::Mesh;
use crate::analyser::Frame;
use crate::analyser::region::Region;
use crate::infer::{Models, Session, Tensor};

/// Points of an eye.
const POINTS: usize = 76;
/// Width and height of the model's input, pixels.
const SIDE: u32 = 64;
/// The model sees a square this much wider than the eye.
const SCALE: f32 = 2.3;
/// Narrower eyes are not looked at, pixels of the frame: the iris would be less than four.
const WIDTH_MIN: f32 = 8.0;
/// Outer corner, inner corner, middle of the iris.
const OUTER: usize = 0;
const INNER: usize = 8;
const IRIS: usize = 71;
/// Upper and lower lid, outer and inner third.
const LIDS: [[usize; 2]; 2] = [[11, 3], [13, 5]];
/// An eye whose height is less than this share of its width is closed (Soukupová and Čech 2016).
const CLOSED_MAX: f32 = 0.2;

/// One eye, in the frame's pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Eye {
    /// Middle of the iris.
    pub(super) iris: [f32; 2],
    /// The corner on the picture's left, the one on its right.
    pub(super) corners: [[f32; 2]; 2],
    /// Height by width: the eye aspect ratio.
    pub(super) openness: f32,
    /// How far the iris lies from the middle between the corners, in widths of the eye: to the picture's right, and downwards.
    pub(super) offset: [f32; 2],
}

impl Eye {
    /// Whether it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.openness < CLOSED_MAX
    }
}

/// The opened model.
pub(super) struct Irises {
    session: Arc<Session>,
}

impl Irises {
    /// Opens it.
    ///
    /// # Errors
    /// When it does not load.
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        Ok(Self { session: models.session("iris", "iris.onnx")? })
    }

    /// Both eyes of a face, the one on the picture's left first; none where they are too small.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, or the model fails.
    pub(super) fn look(&self, frame: &Frame, mesh: &Mesh) -> anyhow::Result<Option<[Eye; 2]>> {
        let [[left_outer, left_inner], [right_outer, right_inner]] = mesh.eyes();
        let width = |[one, other]: [[f32; 2]; 2]| (one[0] - other[0]).hypot(one[1] - other[1]);
        let spans = [[left_outer, left_inner], [right_inner, right_outer]];
        // Of a turned head the far eye is narrow; the near one tells whether there is enough to see.
        if spans.map(width).into_iter().fold(0.0, f32::max) < WIDTH_MIN {
            return Ok(None);
        }
        let [left, right] = spans;
        Ok(Some([self.eye(frame, left, Look::AsIs)?, self.eye(frame, right, Look::Mirrored)?]))
    }

    /// The eye between two corners, the one on the picture's left first.
    fn eye(&self, frame: &Frame, [left, right]: [[f32; 2]; 2], look: Look) -> anyhow::Result<Eye> {
        let across = [right[0] - left[0], right[1] - left[1]];
        let side = across[0].hypot(across[1]).max(1.0) * SCALE;
        let centre = [f32::midpoint(left[0], right[0]), f32::midpoint(left[1], right[1])];
        let region = Region { centre, size: [side, side], roll: across[1].atan2(across[0]) };
        let rgb = region.sample(frame, (SIDE, SIDE), [0; 3])?;
        let input = Tensor::f32(&[1, SIDE as usize, SIDE as usize, 3], scaled(&rgb, look))?;
        let outputs = self.session.run(&[("input_1", &input)])?;
        let points = decode(outputs.first()?)?;
        Ok(measured(&points, look, &region))
    }
}

/// How the crop is shown to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    AsIs,
    Mirrored,
}

/// RGB from 0 to 1.
fn scaled(rgb: &[u8], look: Look) -> Vec<f32> {
    let (pixels, _) = rgb.as_chunks::<3>();
    let scale = |pixel: &[u8; 3]| pixel.map(|byte| f32::from(byte) / 255.0);
    let row = |row: &[[u8; 3]]| -> Vec<[f32; 3]> {
        match look {
            Look::AsIs => row.iter().map(scale).collect(),
            Look::Mirrored => row.iter().rev().map(scale).collect(),
        }
    };
    pixels.chunks(SIDE as usize).flat_map(row).flatten().collect()
}

/// The points on the model's input.
///
/// # Errors
/// When the output has another shape or holds what is no number.
fn decode(output: &Tensor) -> anyhow::Result<Box<[[f32; 2]; POINTS]>> {
    let shape = [1, 1, 1, POINTS * 3];
    ensure!(output.shape() == shape, "`iris` gives an output of shape {:?}; {shape:?} is needed", output.shape());
    let (rows, _) = output.as_f32()?.as_chunks::<3>();
    let rows: &[[f32; 3]; POINTS] = rows.try_into().context("`iris` gives another number of points")?;
    let limit = 16.0 * SIDE as f32;
    ensure!(rows.iter().flatten().all(|number| number.abs() <= limit), "`iris` gives points that are none");
    Ok(Box::new(rows.map(|[x, y, _]| [x, y])))
}

fn measured(points: &[[f32; 2]; POINTS], look: Look, region: &Region) -> Eye {
    let (outer, inner, iris) = (points[OUTER], points[INNER], points[IRIS]);
    let axis = [inner[0] - outer[0], inner[1] - outer[1]];
    // Narrower than a pixel is no eye; the measures stay finite.
    let width = axis[0].hypot(axis[1]).max(1.0);
    let heights = LIDS.map(|[upper, lower]| (points[upper][0] - points[lower][0]).hypot(points[upper][1] - points[lower][1]));
    let from = [iris[0] - f32::midpoint(outer[0], inner[0]), iris[1] - f32::midpoint(outer[1], inner[1])];
    let along = (from[0] * axis[0] + from[1] * axis[1]) / (width * width);
    let down = (from[1] * axis[0] - from[0] * axis[1]) / (width * width);
    let place = |[x, y]: [f32; 2]| {
        let x = if look == Look::Mirrored { SIDE as f32 - x } else { x };
        region.place((SIDE, SIDE), [x, y])
    };
    let (corners, along) = match look {
        Look::AsIs => ([place(outer), place(inner)], along),
        Look::Mirrored => ([place(inner), place(outer)], -along),
    };
    Eye { iris: place(iris), corners, openness: f32::midpoint(heights[0], heights[1]) / width, offset: [along, down] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: Region = Region { centre: [132.0, 132.0], size: [64.0, 64.0], roll: 0.0 };

    /// An eye 30 pixels wide and 10 high, its iris `right` of the middle.
    fn points(right: f32, height: f32) -> [[f32; 2]; POINTS] {
        let mut points = [[0.0; 2]; POINTS];
        (points[OUTER], points[INNER], points[IRIS]) = ([17.0, 32.0], [47.0, 32.0], [32.0 + right, 32.0]);
        for [upper, lower] in LIDS {
            (points[upper], points[lower]) = ([30.0, 32.0 - height / 2.0], [30.0, 32.0 + height / 2.0]);
        }
        points
    }

    #[test]
    fn an_iris_is_measured_between_the_corners() {
        let eye = measured(&points(6.0, 9.0), Look::AsIs, &WHOLE);
        assert_eq!((eye.iris, eye.corners), ([138.0, 132.0], [[117.0, 132.0], [147.0, 132.0]]));
        assert!((eye.offset[0] - 0.2).abs() < 1e-5 && eye.offset[1].abs() < 1e-5 && (eye.openness - 0.3).abs() < 1e-5, "{eye:?}");
        assert!(!eye.is_closed());
        assert!(measured(&points(0.0, 4.0), Look::AsIs, &WHOLE).is_closed());
    }

    #[test]
    fn a_mirrored_eye_is_mirrored_back() {
        let eye = measured(&points(6.0, 9.0), Look::Mirrored, &WHOLE);
        assert_eq!((eye.iris, eye.corners), ([126.0, 132.0], [[117.0, 132.0], [147.0, 132.0]]));
        assert!((eye.offset[0] + 0.2).abs() < 1e-5, "{eye:?}");
        let rgb: Vec<u8> = (0..SIDE * SIDE).flat_map(|at| [if at % SIDE == 0 { 255 } else { 0 }; 3]).collect();
        let (as_is, mirrored) = (scaled(&rgb, Look::AsIs), scaled(&rgb, Look::Mirrored));
        assert_eq!((as_is[0], mirrored[0], mirrored[63 * 3]), (1.0, 0.0, 1.0));
    }

    proptest! {
        #[test]
        fn any_output_is_an_eye_or_an_error(numbers in prop::collection::vec(any::<f32>(), 1..40), tame in any::<bool>(), flat in any::<bool>()) {
            let values: Vec<f32> = numbers.iter().cycle().take(POINTS * 3).map(|number| if tame { number % 64.0 } else { *number }).collect();
            let shape = if flat { vec![1, POINTS * 3] } else { vec![1, 1, 1, POINTS * 3] };
            if let Ok(points) = decode(&Tensor::f32(&shape, values).unwrap()) {
                let eye = measured(&points, Look::Mirrored, &WHOLE);
                let numbers = [eye.iris, eye.offset, eye.corners[0], eye.corners[1], [eye.openness; 2]];
                prop_assert!(numbers.iter().flatten().all(|number| number.is_finite()));
            }
        }
    }
}
