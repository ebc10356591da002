//! One opened ONNX file, and running it.

mod kept;

use std::borrow::Borrow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::session::SessionInputValue;
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

pub use self::kept::Kept;
use super::batch::BatchLimits;
use super::clock::Clock;
use super::tensor::Data;
use super::{ModelError, Tensor};

/// One opened ONNX file.
#[derive(Debug)]
pub struct Session {
    name: String,
    inner: Mutex<ort::session::Session>,
    /// See [`Session::best_batch`].
    pub(super) batch: OnceLock<usize>,
    pub(super) limits: BatchLimits,
    clock: Arc<Clock>,
}

/// What a run gives, in the order of the model's outputs.
#[derive(Debug)]
pub struct Outputs {
    name: String,
    tensors: Vec<(String, Tensor)>,
}

impl Session {
    pub(super) fn new(name: &str, inner: ort::session::Session, limits: BatchLimits, clock: Arc<Clock>) -> Self {
        Self { name: name.to_owned(), inner: Mutex::new(inner), batch: OnceLock::new(), limits, clock }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An entry of the metadata that the model's makers put into the file.
    pub fn metadata(&self, key: &str) -> Option<String> {
        let session = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        session.metadata().ok()?.custom(key)
    }

    /// The model's inputs: their names and shapes, where −1 is a side that the model leaves open.
    pub fn inputs(&self) -> Vec<(String, Vec<i64>)> {
        let session = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let shape = |outlet: &Outlet| outlet.dtype().tensor_shape().map(|shape| shape.to_vec()).unwrap_or_default();
        session.inputs().iter().map(|outlet| (outlet.name().to_owned(), shape(outlet))).collect()
    }

    /// Runs the model. Inputs are given by name and not copied. One run at a time: others wait.
    ///
    /// # Errors
    /// [`ModelError::Run`]: an input is missing, unknown or of the wrong type or shape; an output is not a number, or of a type
    /// that [`Tensor`] does not hold.
    pub fn run<T: Borrow<Tensor>>(&self, inputs: &[(&str, T)]) -> Result<Outputs, ModelError> {
        let mut values = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let value = input_value(tensor.borrow()).map_err(|error| self.failed(&format!("input `{name}`: {error}")))?;
            values.push((*name, value));
        }
        let mut session = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let results = self.clock.time(|| session.run(values)).map_err(|error| self.failed(&error.to_string()))?;
        let mut tensors = Vec::with_capacity(results.len());
        for (name, value) in &results {
            let tensor = output_tensor(&value).map_err(|reason| self.failed(&format!("output `{name}`: {reason}")))?;
            tensors.push((name.to_owned(), tensor));
        }
        Ok(Outputs { name: self.name.clone(), tensors })
    }

    /// Inputs of zeros for `batch` items. None when a side but the first is open, or a type is not held by [`Tensor`].
    pub(super) fn blank(&self, batch: usize) -> Option<Vec<(String, Tensor)>> {
        let session = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let blank = |outlet: &Outlet| {
            let shape = outlet.dtype().tensor_shape()?;
            let open = |(at, side): (usize, &i64)| if at == 0 && *side < 0 { Some(batch) } else { usize::try_from(*side).ok() };
            let sides = shape.iter().enumerate().map(open).collect::<Option<Vec<usize>>>()?;
            let count = sides.iter().product();
            let tensor = match outlet.dtype().tensor_type()? {
                TensorElementType::Float32 => Tensor::f32(&sides, vec![0.0; count]),
                TensorElementType::Int64 => Tensor::i64(&sides, vec![0; count]),
                TensorElementType::Int32 => Tensor::i32(&sides, vec![0; count]),
                _ => return None,
            };
            Some((outlet.name().to_owned(), tensor.ok()?))
        };
        session.inputs().iter().map(blank).collect()
    }

    pub(super) fn failed(&self, reason: &str) -> ModelError {
        ModelError::Run { name: self.name.clone(), reason: reason.to_owned() }
    }
}

impl Outputs {
    /// The output called `name`.
    ///
    /// # Errors
    /// [`ModelError::Run`] when the model has no such output.
    pub fn get(&self, name: &str) -> Result<&Tensor, ModelError> {
        self.tensors.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor).ok_or_else(|| self.no_output(name))
    }

    /// Takes the output called `name` out.
    ///
    /// # Errors
    /// [`ModelError::Run`] when the model has no such output, or it was taken before.
    pub fn take(&mut self, name: &str) -> Result<Tensor, ModelError> {
        match self.tensors.iter().position(|(own, _)| own == name) {
            Some(index) => Ok(self.tensors.swap_remove(index).1),
            None => Err(self.no_output(name)),
        }
    }

    /// The first output: of most models the only one.
    ///
    /// # Errors
    /// [`ModelError::Run`] when the model has none.
    pub fn first(&self) -> Result<&Tensor, ModelError> {
        self.tensors.first().map(|(_, tensor)| tensor).ok_or_else(|| self.no_output("0"))
    }

    /// The same outputs with `part` of each; none when one has no such part.
    pub(super) fn each(&self, part: impl Fn(&Tensor) -> Option<Tensor>) -> Option<Self> {
        let tensors = self.tensors.iter().map(|(name, tensor)| Some((name.clone(), part(tensor)?)));
        Some(Self { name: self.name.clone(), tensors: tensors.collect::<Option<Vec<_>>>()? })
    }

    /// The outputs with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    fn no_output(&self, name: &str) -> ModelError {
        ModelError::Run { name: self.name.clone(), reason: format!("it has no output `{name}`") }
    }
}

impl IntoIterator for Outputs {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.tensors.into_iter()
    }
}

fn input_value(tensor: &Tensor) -> ort::Result<SessionInputValue<'_>> {
    let shape = tensor.shape().to_vec();
    Ok(match tensor.data() {
        Data::F32(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
        Data::I64(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
        Data::I32(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
    })
}

fn output_tensor(value: &DynValue) -> Result<Tensor, String> {
    let ValueType::Tensor { ty, .. } = value.dtype() else {
        return Err(format!("it is a {}, not a tensor", value.dtype()));
    };
    let tensor = match ty {
        TensorElementType::Float32 => {
            let (shape, values) = value.try_extract_tensor::<f32>().map_err(|error| error.to_string())?;
            Tensor::f32(&dimensions(shape), values.to_vec())
        }
        TensorElementType::Int64 => {
            let (shape, values) = value.try_extract_tensor::<i64>().map_err(|error| error.to_string())?;
            Tensor::i64(&dimensions(shape), values.to_vec())
        }
        TensorElementType::Int32 => {
            let (shape, values) = value.try_extract_tensor::<i32>().map_err(|error| error.to_string())?;
            Tensor::i32(&dimensions(shape), values.to_vec())
        }
        other => return Err(format!("elements of type {other} are not read; f32, i64 and i32 are")),
    };
    let tensor = tensor.map_err(|error| error.to_string())?;
    if tensor.has_nan() {
        return Err("it holds values that are not numbers".to_owned());
    }
    Ok(tensor)
}

fn dimensions(shape: &[i64]) -> Vec<usize> {
    shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect()
}
