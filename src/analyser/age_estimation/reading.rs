//! One look at a face: FaceRes' age, and the expression.

use std::sync::Arc;

use anyhow::{Context as _, ensure};

use crate::analyser::Frame;
use crate::analyser::face::Face;
use crate::analyser::region::Region;
use crate::infer::{Models, Session, Tensor};

/// Smaller faces are not read, pixels.
pub(super) const SIDE_MIN: f32 = 32.0;
/// Years that FaceRes gives a probability of: 0 to 99.
const YEARS: usize = 100;
/// What the expressions are called, in the classifier's order.
pub(super) const EXPRESSIONS: [&str; 7] = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
const AGE_SIDE: u32 = 224;
const EXPRESSION_SIDE: u32 = 64;
/// Both models see a square this much wider than the face's box.
const SCALE: f32 = 1.5;

/// What was read of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// Mean of the distribution over the years.
    pub(super) age: f32,
    /// Its standard deviation, years.
    pub(super) spread: f32,
    /// Scores of [`EXPRESSIONS`], which sum up to 1.
    pub(super) expression: [f32; EXPRESSIONS.len()],
}

/// The opened models.
pub(super) struct Readers {
    age: Arc<Session>,
    expression: Arc<Session>,
}

impl Readers {
    /// Opens them.
    ///
    /// # Errors
    /// When one does not load.
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        let (age, expression) = (models.session("faceres", "faceres.onnx")?, models.session("emotion", "emotion.onnx")?);
        Ok(Self { age, expression })
    }

    /// Looks at faces of one picture; one reading for each.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, or a model fails.
    pub(super) fn read(&self, frame: &Frame, faces: &[&Face]) -> anyhow::Result<Vec<Reading>> {
        faces.iter().map(|face| self.read_one(frame, face)).collect()
    }

    fn read_one(&self, frame: &Frame, face: &Face) -> anyhow::Result<Reading> {
        let region = Region::square(face.corners, SCALE);
        let rgb = region.sample(frame, (AGE_SIDE, AGE_SIDE), [0; 3])?;
        let side = AGE_SIDE as usize;
        let input = Tensor::f32(&[1, side, side, 3], rgb.iter().map(|byte| f32::from(*byte)).collect())?;
        let outputs = self.age.run(&[("input_1", &input)])?;
        let years = outputs.iter().map(|(_, tensor)| tensor).find(|tensor| tensor.shape().last() == Some(&YEARS));
        let (age, spread) = moments(&distribution(years.context("`faceres` gives no ages")?).context("`faceres`")?);

        let rgb = region.sample(frame, (EXPRESSION_SIDE, EXPRESSION_SIDE), [0; 3])?;
        let side = EXPRESSION_SIDE as usize;
        let outputs = self.expression.run(&[("input_1", &Tensor::f32(&[1, side, side, 1], grey(&rgb))?)])?;
        let expression = distribution(outputs.first()?).context("`emotion`")?;
        Ok(Reading { age, spread, expression })
    }
}

/// Luma (ITU-R BT.601) from −1 to 1.
fn grey(rgb: &[u8]) -> Vec<f32> {
    let (pixels, _) = rgb.as_chunks::<3>();
    let luma = |[red, green, blue]: &[u8; 3]| 0.299 * f32::from(*red) + 0.587 * f32::from(*green) + 0.114 * f32::from(*blue);
    pixels.iter().map(|pixel| (luma(pixel) / 255.0 - 0.5) * 2.0).collect()
}

/// An output of `N` probabilities that sum up to 1.
///
/// # Errors
/// When it has another shape, or is no distribution.
fn distribution<const N: usize>(output: &Tensor) -> anyhow::Result<[f32; N]> {
    ensure!(output.shape() == [1, N], "gives an output of shape {:?}; [1, {N}] is needed", output.shape());
    let values = <[f32; N]>::try_from(output.as_f32()?).context("gives an output of another length")?;
    let sum: f32 = values.iter().sum();
    ensure!(
        values.iter().all(|value| (-0.001..=1.001).contains(value)) && (sum - 1.0).abs() < 0.02,
        "gives no probabilities: {values:?}"
    );
    Ok(values.map(|value| value.clamp(0.0, 1.0) / sum))
}

/// Mean and standard deviation of a distribution over the years.
fn moments(years: &[f32; YEARS]) -> (f32, f32) {
    let mean: f32 = years.iter().enumerate().map(|(year, share)| year as f32 * share).sum();
    let variance: f32 = years.iter().enumerate().map(|(year, share)| (year as f32 - mean).powi(2) * share).sum();
    (mean, variance.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_age_is_the_mean_and_the_spread_its_deviation() {
        let mut years = [0.0; YEARS];
        (years[30], years[50]) = (0.5, 0.5);
        let (age, spread) = moments(&years);
        assert!((age - 40.0).abs() < 1e-4 && (spread - 10.0).abs() < 1e-4, "{age} {spread}");
    }

    #[test]
    fn grey_is_from_minus_one_to_one() {
        let grey = grey(&[0, 0, 0, 255, 255, 255, 255, 0, 0]);
        for (found, expected) in grey.iter().zip([-1.0, 1.0, -0.402]) {
            assert!((found - expected).abs() < 1e-3, "{grey:?}");
        }
    }

    proptest! {
        #[test]
        fn any_output_is_a_distribution_or_an_error(values in prop::collection::vec(any::<f32>(), 0..20), tame in any::<bool>(), wide in any::<bool>()) {
            let sum: f32 = values.iter().map(|value| (value % 1.0).abs()).sum();
            let values: Vec<f32> = if tame { values.iter().map(|value| (value % 1.0).abs() / sum).collect() } else { values };
            let shape = if wide { vec![1, values.len()] } else { vec![values.len()] };
            if let Ok(read) = distribution::<7>(&Tensor::f32(&shape, values).unwrap()) {
                prop_assert!(read.iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
    }
}
