//! Tensors that stay where ONNX Runtime put them: what one run gives, the next takes, without a copy. For caches of keys and values,
//! which grow with every token.

use std::sync::PoisonError;

use ort::value::{DynValue, Tensor as OrtTensor};

use super::{Outputs, Session, input_value, output_tensor};
use crate::infer::{ModelError, Tensor};

/// A tensor and the name of the input that it is for.
#[derive(Debug)]
pub struct Kept {
    name: String,
    value: DynValue,
}

impl Kept {
    /// A tensor of 32-bit floats, all 0, with four dimensions, one of which may be 0.
    ///
    /// # Errors
    /// When ONNX Runtime refuses the shape.
    pub fn zeros(name: &str, shape: [usize; 4]) -> Result<Self, ModelError> {
        let value = OrtTensor::from_array((shape, vec![0.0_f32; shape.iter().product()]));
        let value = value.map_err(|error| ModelError::Run { name: name.to_owned(), reason: error.to_string() })?;
        Ok(Self { name: name.to_owned(), value: value.into_dyn() })
    }

    /// The input that it is for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its dimensions.
    pub fn shape(&self) -> Vec<usize> {
        let shape = self.value.dtype().tensor_shape();
        shape.map(|shape| shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect()).unwrap_or_default()
    }
}

impl Session {
    /// Runs the model as [`Session::run`] does. Inputs are `inputs` and every one of `kept`; of the outputs, those for which `keep` names an
    /// input are kept for it, and are not looked at: a value in them that is no number shows in a later output.
    ///
    /// # Errors
    /// As for [`Session::run`].
    pub fn run_on(
        &self,
        inputs: &[(&str, &Tensor)],
        kept: &[&[Kept]],
        keep: impl Fn(&str) -> Option<String>,
    ) -> Result<(Outputs, Vec<Kept>), ModelError> {
        let mut values = Vec::new();
        for (name, tensor) in inputs {
            let value = input_value(tensor).map_err(|error| self.failed(&format!("input `{name}`: {error}")))?;
            values.push((*name, value));
        }
        values.extend(kept.iter().copied().flatten().map(|kept| (kept.name.as_str(), (&kept.value).into())));
        let mut session = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let results = self.clock.time(|| session.run(values)).map_err(|error| self.failed(&error.to_string()))?;
        let (mut tensors, mut kept) = (Vec::new(), Vec::new());
        for (name, value) in results {
            if let Some(name) = keep(name) {
                kept.push(Kept { name, value });
                continue;
            }
            let tensor = output_tensor(&value).map_err(|reason| self.failed(&format!("output `{name}`: {reason}")))?;
            tensors.push((name.to_owned(), tensor));
        }
        Ok((Outputs { name: self.name.clone(), tensors }, kept))
    }
}
