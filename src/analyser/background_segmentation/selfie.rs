//! MediaPipe's selfie segmentation: where people are, on 256 × 256 pixels.

use std::sync::Arc;

use anyhow::ensure;

use super::mask::Mask;
use crate::analyser::Frame;
use crate::analyser::resize::Stretcher;
use crate::infer::{Models, Session, Tensor};

/// Width and height of the model's input and output, pixels.
const SIDE: usize = 256;

/// The opened model.
pub(super) struct Selfie {
    session: Arc<Session>,
}

impl Selfie {
    /// Opens it.
    ///
    /// # Errors
    /// When it does not load.
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        Ok(Self { session: models.session("selfie", "selfie.onnx")? })
    }

    /// The people of each picture.
    ///
    /// # Errors
    /// When the bytes of a frame are not its size, or the model fails.
    pub(super) fn look(&self, frames: &[&Frame]) -> anyhow::Result<Vec<Mask>> {
        let mut stretcher = Stretcher::default();
        let mut inputs = Vec::with_capacity(frames.len());
        for frame in frames {
            let rgb = stretcher.stretch(frame, SIDE as u32, SIDE as u32)?;
            inputs.push(Tensor::f32(&[1, SIDE, SIDE, 3], rgb.iter().map(|byte| f32::from(*byte) / 255.0).collect())?);
        }
        let outputs = self.session.run_all("input_1", &inputs)?;
        frames.iter().zip(&outputs).map(|(frame, outputs)| decode(outputs.first()?, frame)).collect()
    }

    /// Pictures that it takes best at a time.
    pub(super) fn batch(&self) -> usize {
        self.session.best_batch()
    }
}

/// # Errors
/// When the output has another shape, or holds what is no probability.
fn decode(output: &Tensor, frame: &Frame) -> anyhow::Result<Mask> {
    let shape = [1, SIDE, SIDE, 1];
    ensure!(output.shape() == shape, "`selfie` gives an output of shape {:?}; {shape:?} is needed", output.shape());
    Mask::of(output.as_f32()?, SIDE, (frame.width, frame.height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_output_is_a_mask_or_an_error(values in prop::collection::vec(any::<f32>(), 1..50), tame in any::<bool>(), width in 1_u32..3000, height in 1_u32..3000) {
            let frame = Frame::new(0, 0, width, height, vec![]);
            let values = values.iter().cycle().take(SIDE * SIDE).map(|value| if tame { (value % 1.0).abs() } else { *value });
            let output = Tensor::f32(&[1, SIDE, SIDE, 1], values.collect()).unwrap();
            match decode(&output, &frame) {
                Ok(mask) => prop_assert!((0.0..=1.0).contains(&mask.share())),
                Err(_) => prop_assert!(!tame),
            }
        }

        #[test]
        fn any_other_shape_is_an_error(shape in prop::collection::vec(0_usize..300, 0..5)) {
            prop_assume!(shape.iter().product::<usize>() < 1 << 20 && shape != [1, SIDE, SIDE, 1]);
            prop_assert!(decode(&Tensor::zeros(&shape), &Frame::new(0, 0, 4, 4, vec![])).is_err());
        }
    }
}
