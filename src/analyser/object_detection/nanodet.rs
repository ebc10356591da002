//! NanoDet-g's outputs as objects.
//!
//! Three grids with strides 8, 16 and 32. Per cell: 80 class scores (already sigmoid), and for the distances to the left, top, right
//! and bottom side a distribution over 11 bins, whose expectation times the stride is the distance from the cell's centre
//! (Generalized Focal Loss, Li et al. 2020; NanoDet, RangiLyu).

use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::coco;
use super::object::{Object, suppress};
use crate::analyser::Frame;
use crate::analyser::options::THRESHOLD_LEAST;
use crate::analyser::resize::{self, Stretcher};
use crate::infer::{Outputs, Session, Tensor};

/// Width and height of the model's input, pixels.
const SIDE: u32 = 416;
/// The model's input.
const INPUT: &str = "input_1";
/// What the objects of a picture are called among what was derived from it.
const DERIVED: &str = "objects by nanodet";
const STRIDES: [u32; 3] = [8, 16, 32];
const CLASSES: usize = coco::NAMES.len();
const BINS: usize = 11;
/// Of two objects of one class that overlap more than this, the weaker is the same object again.
const OVERLAP_MAX: f32 = 0.5;
/// NanoDet's own normalisation, blue first.
const MEAN: [f32; 3] = [103.53, 116.28, 123.675];
const DEVIATION: [f32; 3] = [57.375, 57.12, 58.395];

/// The objects of a picture in the frame's pixels, the surest first. Looked for once, whoever asks.
///
/// # Errors
/// When the frame's bytes are not its size, or the model fails.
pub(super) fn objects(session: &Session, frame: &Frame) -> anyhow::Result<Arc<Vec<Object>>> {
    frame.derived.get(DERIVED, || look(session, frame))
}

/// The objects of several pictures, in one run of the model for those of which they are not known.
///
/// # Errors
/// As for [`objects`].
pub(super) fn objects_of_all(session: &Session, frames: &[Frame]) -> anyhow::Result<Vec<Arc<Vec<Object>>>> {
    if frames.len() > 1 {
        let unknown: Vec<&Frame> = frames.iter().filter(|frame| !frame.derived.has(DERIVED)).collect();
        let inputs = unknown.iter().map(|frame| input(frame)).collect::<anyhow::Result<Vec<_>>>()?;
        for (frame, outputs) in unknown.iter().zip(session.run_all(INPUT, &inputs)?) {
            frame.derived.get(DERIVED, || found(frame, &outputs))?;
        }
    }
    frames.iter().map(|frame| objects(session, frame)).collect()
}

fn look(session: &Session, frame: &Frame) -> anyhow::Result<Vec<Object>> {
    found(frame, &session.run(&[(INPUT, &input(frame)?)])?)
}

fn input(frame: &Frame) -> anyhow::Result<Tensor> {
    let mut stretcher = Stretcher::default();
    let rgb = stretcher.stretch(frame, SIDE, SIDE)?;
    Ok(Tensor::f32(&[1, 3, SIDE as usize, SIDE as usize], resize::bgr_planes(rgb, MEAN, DEVIATION))?)
}

/// The objects of a picture's outputs, in its pixels.
fn found(frame: &Frame, outputs: &Outputs) -> anyhow::Result<Vec<Object>> {
    let tensors: Vec<&Tensor> = outputs.iter().map(|(_, tensor)| tensor).collect();
    let mut objects = decode(&tensors)?;
    let scale = [frame.width, frame.height, frame.width, frame.height].map(|pixels| pixels as f32 / SIDE as f32);
    for object in &mut objects {
        object.corners.iter_mut().zip(scale).for_each(|(corner, scale)| *corner *= scale);
    }
    Ok(objects)
}

/// The objects that the model's outputs tell of, the surest first.
///
/// # Errors
/// When an output is missing, or holds what is no number or no probability.
fn decode(outputs: &[&Tensor]) -> anyhow::Result<Vec<Object>> {
    let mut objects = Vec::new();
    for stride in STRIDES {
        let cells = (SIDE / stride) as usize;
        let scores = by_shape(outputs, [1, cells * cells, CLASSES])?;
        let sides = by_shape(outputs, [1, cells * cells, 4 * BINS])?;
        let (scores, _) = scores.as_chunks::<CLASSES>();
        let (sides, _) = sides.as_chunks::<{ 4 * BINS }>();
        for (cell, (scores, sides)) in scores.iter().zip(sides).enumerate() {
            ensure!(scores.iter().all(|score| (-0.01..=1.01).contains(score)), "a score of cell {cell} is no probability");
            let best = scores.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            let Some((class, score)) = best.filter(|(_, score)| *score >= THRESHOLD_LEAST) else { continue };
            let centre = [cell % cells, cell / cells].map(|at| (at as f32 + 0.5) * stride as f32);
            objects.push(Object { class, score: score.min(1.0), corners: corners(centre, sides, stride)? });
        }
    }
    Ok(suppress(objects, OVERLAP_MAX))
}

fn by_shape<'a>(outputs: &[&'a Tensor], shape: [usize; 3]) -> anyhow::Result<&'a [f32]> {
    let found = outputs.iter().find(|tensor| tensor.shape() == shape);
    Ok(found.with_context(|| format!("`nanodet` gives no output of shape {shape:?}"))?.as_f32()?)
}

fn corners(centre: [f32; 2], sides: &[f32; 4 * BINS], stride: u32) -> anyhow::Result<[f32; 4]> {
    let mut distances = [0.0; 4];
    for (distance, bins) in distances.iter_mut().zip(sides.chunks_exact(BINS)) {
        *distance = expectation(bins) * stride as f32;
        ensure!(distance.is_finite(), "the side of an object is no number");
    }
    let [x, y] = centre;
    let [left, top, right, bottom] = distances;
    Ok([x - left, y - top, x + right, y + bottom])
}

/// The mean bin number under softmax.
fn expectation(logits: &[f32]) -> f32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.iter().map(|logit| (logit - top).exp());
    let (sum, mean) =
        weights.enumerate().fold((0.0, 0.0), |(sum, mean), (bin, weight)| (sum + weight, mean + bin as f32 * weight));
    mean / sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::object::OBJECTS_MAX;
    use super::*;

    /// Scores and sides of all strides: nothing seen.
    fn empty() -> Vec<Tensor> {
        let mut tensors = Vec::new();
        for stride in STRIDES {
            let cells = (SIDE / stride) as usize;
            tensors.push(Tensor::zeros(&[1, cells * cells, CLASSES]));
            tensors.push(Tensor::zeros(&[1, cells * cells, 4 * BINS]));
        }
        tensors
    }

    fn with(tensors: &mut [Tensor], at: usize, edit: impl Fn(&mut [f32])) {
        let mut values = tensors[at].as_f32().unwrap().to_vec();
        edit(&mut values);
        tensors[at] = Tensor::f32(tensors[at].shape(), values).unwrap();
    }

    fn decoded(tensors: &[Tensor]) -> anyhow::Result<Vec<Object>> {
        decode(&tensors.iter().collect::<Vec<_>>())
    }

    /// A sure bin `bin` on every side of cell `cell`.
    fn sure(values: &mut [f32], cell: usize, bin: usize) {
        for side in 0..4 {
            values[(cell * 4 + side) * BINS + bin] = 100.0;
        }
    }

    #[test]
    fn nothing_seen_is_nothing() {
        assert_eq!(decoded(&empty()).unwrap(), []);
    }

    #[test]
    fn a_cell_gives_its_box() {
        let mut tensors = empty();
        // Stride 16: cell 27 is column 1, row 1; its centre is 24, 24; bin 1 is 16 pixels away.
        with(&mut tensors, 2, |scores| scores[27 * CLASSES + 5] = 0.8);
        with(&mut tensors, 3, |sides| sure(sides, 27, 1));
        assert_eq!(decoded(&tensors).unwrap(), [Object { class: 5, score: 0.8, corners: [8.0, 8.0, 40.0, 40.0] }]);
    }

    #[test]
    fn the_same_object_is_told_once_and_another_class_stays() {
        let mut tensors = empty();
        for (cell, class, score) in [(100, 0, 0.6), (101, 0, 0.9), (102, 2, 0.5)] {
            with(&mut tensors, 0, |scores| scores[cell * CLASSES + class] = score);
            with(&mut tensors, 1, |sides| sure(sides, cell, 9));
        }
        let seen: Vec<_> = decoded(&tensors).unwrap().iter().map(|object| (object.class, object.score)).collect();
        assert_eq!(seen, [(0, 0.9), (2, 0.5)]);
    }

    #[test]
    fn what_is_no_output_of_this_model_is_an_error() {
        assert!(decoded(&[]).is_err());
        assert!(decoded(&empty()[..5]).is_err());
        for bad in [f32::NAN, f32::INFINITY, -3.0, 7.0] {
            let mut tensors = empty();
            with(&mut tensors, 0, |scores| scores[3] = bad);
            assert!(decoded(&tensors).is_err(), "score {bad}");
        }
        for bad in [f32::NAN, f32::INFINITY] {
            let mut tensors = empty();
            with(&mut tensors, 0, |scores| scores[0] = 0.9);
            with(&mut tensors, 1, |sides| sides[0] = bad);
            assert!(decoded(&tensors).is_err(), "side {bad}");
        }
        let mut integers = empty();
        integers[0] = Tensor::i64(&[1, 2704, 80], vec![0; 2704 * 80]).unwrap();
        assert!(decoded(&integers).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_numbers_give_objects_or_an_error(scores in prop::collection::vec(any::<f32>(), 20), sides in prop::collection::vec(any::<f32>(), 80)) {
            let mut tensors = empty();
            with(&mut tensors, 4, |values| values.iter_mut().zip(scores.iter().map(|score| score % 1.0)).for_each(|(value, score)| *value = score));
            with(&mut tensors, 5, |values| values.iter_mut().zip(&sides).for_each(|(value, side)| *value = *side));
            if let Ok(objects) = decoded(&tensors) {
                prop_assert!(objects.len() <= OBJECTS_MAX);
                prop_assert!(objects.iter().all(|object| object.corners.iter().all(|side| side.is_finite())));
            }
        }
    }
}
