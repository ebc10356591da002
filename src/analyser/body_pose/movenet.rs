//! MoveNet Lightning: 17 points of the one person in a square crop.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::analyser::Frame;
use crate::analyser::region::Region;
use crate::infer::{Session, Tensor};

/// Points of a person.
pub(super) const POINTS: usize = 17;
/// Width and height of the model's input, pixels.
const SIDE: u32 = 192;

/// A point of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// Where, in the frame's pixels; it may lie outside the picture.
    pub(super) at: [f32; 2],
    /// 0 to 1.
    pub(super) score: f32,
}

/// The points of the person in a region, in the frame's pixels.
///
/// # Errors
/// When the frame's bytes are not its size, or the model fails.
pub(super) fn look(movenet: &Session, frame: &Frame, region: &Region) -> anyhow::Result<Vec<Point>> {
    let rgb = region.sample(frame, (SIDE, SIDE), [0; 3])?;
    let side = SIDE as usize;
    let input = Tensor::i32(&[1, side, side, 3], rgb.iter().map(|byte| i32::from(*byte)).collect())?;
    let outputs = movenet.run(&[("input", &input)])?;
    let points = decode(outputs.first()?)?;
    Ok(points.map(|Point { at, score }| Point { at: region.place((1, 1), at), score }).to_vec())
}

/// The points on a crop whose sides are 1. The output is `[1, 1, 17, 3]`: y, x, score.
///
/// # Errors
/// When it has another shape, or holds what is no number or no probability.
fn decode(output: &Tensor) -> anyhow::Result<[Point; POINTS]> {
    let shape = [1, 1, POINTS, 3];
    ensure!(output.shape() == shape, "`movenet` gives an output of shape {:?}; {shape:?} is needed", output.shape());
    let (rows, _) = output.as_f32()?.as_chunks::<3>();
    let rows: &[[f32; 3]; POINTS] = rows.try_into().context("`movenet` gives another number of points")?;
    let sane = |[y, x, score]: &[f32; 3]| y.abs() < 16.0 && x.abs() < 16.0 && (-0.01..=1.01).contains(score);
    ensure!(rows.iter().all(sane), "`movenet` gives points that are none: {rows:?}");
    Ok(rows.map(|[y, x, score]| Point { at: [x, y], score: score.clamp(0.0, 1.0) }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn points_are_x_and_y() {
        let mut values = vec![0.5; POINTS * 3];
        values[3..6].copy_from_slice(&[0.25, 0.75, 0.9]);
        let points = decode(&Tensor::f32(&[1, 1, POINTS, 3], values).unwrap()).unwrap();
        assert_eq!(points[1], Point { at: [0.75, 0.25], score: 0.9 });
    }

    proptest! {
        #[test]
        fn any_output_is_points_or_an_error(values in prop::collection::vec(any::<f32>(), POINTS * 3), tame in any::<bool>(), flat in any::<bool>()) {
            let values = values.into_iter().map(|value| if tame { (value % 1.0).abs() } else { value }).collect();
            let shape = if flat { vec![1, POINTS, 3] } else { vec![1, 1, POINTS, 3] };
            if let Ok(points) = decode(&Tensor::f32(&shape, values).unwrap()) {
                prop_assert!(points.iter().all(|point| point.at.iter().all(|at| at.is_finite()) && (0.0..=1.0).contains(&point.score)));
            }
        }

        #[test]
        fn any_other_shape_is_an_error(shape in prop::collection::vec(0_usize..30, 0..5)) {
            prop_assert!(decode(&Tensor::zeros(&shape)).is_err() || shape == [1, 1, POINTS, 3]);
        }
    }
}
