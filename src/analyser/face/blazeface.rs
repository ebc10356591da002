//! BlazeFace's outputs as faces (Bazarevsky et al. 2019, the "back" model of 256 × 256 pixels).
//!
//! Two grids: 16 × 16 cells with 2 anchors each, 8 × 8 cells with 6. Per anchor a logit, and 16 numbers: the middle of the face relative to
//! the cell's middle, its width and height, then six points relative to the cell's middle, all in pixels of the input: right eye, left
//! eye (the person's own sides), nose, mouth, right ear, left ear.

use anyhow::{Context as _, ensure};

use super::Face;
use crate::analyser::options::THRESHOLD_LEAST;
use crate::analyser::resize;
use crate::infer::Tensor;

/// Width and height of the model's input, pixels.
pub(super) const SIDE: u32 = 256;
/// Cells per side and anchors per cell.
const GRIDS: [(usize, usize); 2] = [(16, 2), (8, 6)];
const NUMBERS: usize = 16;
/// Of two faces that overlap more than this, the weaker is the same face again.
const OVERLAP_MAX: f32 = 0.3;
/// Faces per picture.
pub(super) const FACES_MAX: usize = 20;

/// The faces that the model's outputs tell of, in pixels of its input, the surest first.
///
/// # Errors
/// When an output is missing or holds what is no number.
pub(super) fn decode(outputs: &[&Tensor]) -> anyhow::Result<Vec<Face>> {
    let mut faces = Vec::new();
    for (cells, anchors) in GRIDS {
        let count = cells * cells * anchors;
        let logits = by_shape(outputs, [1, count, 1])?;
        let (numbers, _) = by_shape(outputs, [1, count, NUMBERS])?.as_chunks::<NUMBERS>();
        for (at, (logit, numbers)) in logits.iter().zip(numbers).enumerate() {
            ensure!(!logit.is_nan(), "the score of face {at} is no number");
            let score = 1.0 / (1.0 + (-logit).exp());
            if score < THRESHOLD_LEAST {
                continue;
            }
            let cell = at / anchors;
            let middle = [cell % cells, cell / cells].map(|place| (place as f32 + 0.5) * SIDE as f32 / cells as f32);
            faces.extend(face(score, middle, numbers)?);
        }
    }
    Ok(suppress(faces))
}

fn by_shape<'a>(outputs: &[&'a Tensor], shape: [usize; 3]) -> anyhow::Result<&'a [f32]> {
    let found = outputs.iter().find(|tensor| tensor.shape() == shape);
    Ok(found.with_context(|| format!("`blazeface` gives no output of shape {shape:?}"))?.as_f32()?)
}

/// The face of an anchor; none where it has no extent.
fn face(score: f32, middle: [f32; 2], numbers: &[f32; NUMBERS]) -> anyhow::Result<Option<Face>> {
    // Far outside the picture nothing was seen; so large a number would only overflow later.
    let limit = 16.0 * SIDE as f32;
    ensure!(numbers.iter().all(|number| number.abs() <= limit), "the box of a face is no box: {numbers:?}");
    let [x, y, width, height, right_x, right_y, left_x, left_y, ..] = *numbers;
    if !(width > 0.0 && height > 0.0) {
        return Ok(None);
    }
    let (x, y) = (middle[0] + x, middle[1] + y);
    let corners = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
    let eyes = [[middle[0] + right_x, middle[1] + right_y], [middle[0] + left_x, middle[1] + left_y]];
    Ok(Some(Face { score, corners, eyes }))
}

/// Keeps the surest among faces that overlap.
fn suppress(mut faces: Vec<Face>) -> Vec<Face> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        if kept.len() == FACES_MAX {
            break;
        }
        if kept.iter().all(|other| overlap(other, &face) <= OVERLAP_MAX) {
            kept.push(face);
        }
    }
    kept
}

fn overlap(one: &Face, other: &Face) -> f32 {
    let sides = |[left, top, right, bottom]: [f32; 4]| [left, top, right - left, bottom - top];
    resize::overlap(sides(one.corners), sides(other.corners))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Logits and numbers of both grids: nothing seen.
    fn empty() -> Vec<Tensor> {
        let of = |(cells, anchors): (usize, usize)| {
            let count = cells * cells * anchors;
            [Tensor::f32(&[1, count, 1], vec![-100.0; count]).unwrap(), Tensor::zeros(&[1, count, NUMBERS])]
        };
        GRIDS.into_iter().flat_map(of).collect()
    }

    fn with(tensors: &mut [Tensor], at: usize, edit: impl Fn(&mut [f32])) {
        let mut values = tensors[at].as_f32().unwrap().to_vec();
        edit(&mut values);
        tensors[at] = Tensor::f32(tensors[at].shape(), values).unwrap();
    }

    fn decoded(tensors: &[Tensor]) -> anyhow::Result<Vec<Face>> {
        decode(&tensors.iter().collect::<Vec<_>>())
    }

    #[test]
    fn nothing_seen_is_nothing() {
        assert_eq!(decoded(&empty()).unwrap(), []);
    }

    #[test]
    fn an_anchor_gives_its_face_and_its_neighbour_is_the_same_one() {
        let mut tensors = empty();
        // The second grid's cell 9 is column 1, row 1: its middle is 48, 48. Its anchors are 54 to 59.
        with(&mut tensors, 2, |logits| (logits[54], logits[55]) = (2.0, 1.0));
        let numbers = [2.0, -3.0, 40.0, 20.0, -10.0, -5.0, 12.0, -4.0];
        with(&mut tensors, 3, |values| {
            values[54 * NUMBERS..][..8].copy_from_slice(&numbers);
            values[55 * NUMBERS..][..8].copy_from_slice(&numbers);
        });
        let [face] = decoded(&tensors).unwrap().try_into().unwrap();
        assert!((face.score - 0.8808).abs() < 1e-4);
        assert_eq!(face, Face { score: face.score, corners: [30.0, 35.0, 70.0, 55.0], eyes: [[38.0, 43.0], [60.0, 44.0]] });
        assert!((face.side() - 40.0).abs() < f32::EPSILON);
        assert!((face.roll() - (1.0_f32 / 22.0).atan()).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_output_of_this_model_is_an_error() {
        assert!(decoded(&[]).is_err());
        assert!(decoded(&empty()[..3]).is_err());
        for bad in [f32::NAN, f32::INFINITY, 1e30] {
            let mut tensors = empty();
            with(&mut tensors, 0, |logits| logits[7] = 3.0);
            with(&mut tensors, 1, |values| values[7 * NUMBERS + 2] = bad);
            assert!(decoded(&tensors).is_err(), "{bad}");
        }
        let mut tensors = empty();
        with(&mut tensors, 0, |logits| logits[7] = f32::NAN);
        assert!(decoded(&tensors).is_err());
        let mut integers = empty();
        integers[0] = Tensor::i64(&[1, 512, 1], vec![0; 512]).unwrap();
        assert!(decoded(&integers).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_numbers_give_faces_or_an_error(logits in prop::collection::vec(any::<f32>(), 384), numbers in prop::collection::vec(any::<f32>(), 64)) {
            let mut tensors = empty();
            with(&mut tensors, 2, |values| values.copy_from_slice(&logits));
            with(&mut tensors, 3, |values| values.iter_mut().zip(numbers.iter().cycle()).for_each(|(value, number)| *value = *number));
            if let Ok(faces) = decoded(&tensors) {
                prop_assert!(faces.len() <= FACES_MAX);
                prop_assert!(faces.iter().all(|face| face.corners.iter().all(|side| side.is_finite()) && face.score >= THRESHOLD_LEAST));
            }
        }

        #[test]
        fn any_shapes_are_refused_or_read(shapes in prop::collection::vec(prop::collection::vec(0_usize..40, 0..4), 0..5)) {
            let tensors: Vec<Tensor> = shapes.iter().map(|shape| Tensor::zeros(shape)).collect();
            prop_assert!(decoded(&tensors).is_err());
        }
    }
}
