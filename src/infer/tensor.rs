//! Arrays that go into and come out of a model.

use std::fmt;

use ndarray::{ArrayViewD, IxDyn};

/// A dense array in row-major order. Its length is always the product of its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    F32(Vec<f32>),
    I64(Vec<i64>),
    I32(Vec<i32>),
}

/// A tensor is not what was expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TensorError {
    /// The data do not fill the shape.
    #[error("a tensor of shape {shape:?} needs {needed} values; {given} were given")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// The product of the shape.
        needed: usize,
        /// How many values there are.
        given: usize,
    },
    /// The element type is another one.
    #[error("the tensor holds {found}; {expected} is needed")]
    Type {
        /// What it holds.
        found: &'static str,
        /// What was asked for.
        expected: &'static str,
    },
    /// The shape is another one.
    #[error("the tensor has shape {found:?}; {expected} is needed")]
    Shape {
        /// Its shape.
        found: Vec<usize>,
        /// What was expected, in words.
        expected: String,
    },
}

impl Tensor {
    /// A tensor of 32-bit floats.
    ///
    /// # Errors
    /// [`TensorError::Length`].
    pub fn f32(shape: &[usize], data: Vec<f32>) -> Result<Self, TensorError> {
        check_length(shape, data.len())?;
        Ok(Self { shape: shape.to_vec(), data: Data::F32(data) })
    }

    /// A tensor of 64-bit integers.
    ///
    /// # Errors
    /// [`TensorError::Length`].
    pub fn i64(shape: &[usize], data: Vec<i64>) -> Result<Self, TensorError> {
        check_length(shape, data.len())?;
        Ok(Self { shape: shape.to_vec(), data: Data::I64(data) })
    }

    /// A tensor of 32-bit integers.
    ///
    /// # Errors
    /// [`TensorError::Length`].
    pub fn i32(shape: &[usize], data: Vec<i32>) -> Result<Self, TensorError> {
        check_length(shape, data.len())?;
        Ok(Self { shape: shape.to_vec(), data: Data::I32(data) })
    }

    /// A tensor of 32-bit floats, all 0. A dimension may be 0.
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), data: Data::F32(vec![0.0; shape.iter().product()]) }
    }

    /// A 64-bit integer without dimensions.
    pub fn scalar_i64(value: i64) -> Self {
        Self { shape: Vec::new(), data: Data::I64(vec![value]) }
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The dimensions, when there are `N` of them.
    ///
    /// # Errors
    /// [`TensorError::Shape`].
    pub fn dims<const N: usize>(&self) -> Result<[usize; N], TensorError> {
        <[usize; N]>::try_from(self.shape.as_slice())
            .map_err(|_| TensorError::Shape { found: self.shape.clone(), expected: format!("a shape of {N} dimensions") })
    }

    /// The values, when they are 32-bit floats.
    ///
    /// # Errors
    /// [`TensorError::Type`].
    pub fn as_f32(&self) -> Result<&[f32], TensorError> {
        match &self.data {
            Data::F32(values) => Ok(values),
            other => Err(TensorError::Type { found: other.name(), expected: "f32" }),
        }
    }

    /// The values, when they are 64-bit integers.
    ///
    /// # Errors
    /// [`TensorError::Type`].
    pub fn as_i64(&self) -> Result<&[i64], TensorError> {
        match &self.data {
            Data::I64(values) => Ok(values),
            other => Err(TensorError::Type { found: other.name(), expected: "i64" }),
        }
    }

    /// The values as an array, when they are 32-bit floats.
    ///
    /// # Errors
    /// [`TensorError::Type`].
    pub fn view_f32(&self) -> Result<ArrayViewD<'_, f32>, TensorError> {
        let values = self.as_f32()?;
        ArrayViewD::from_shape(IxDyn(&self.shape), values).map_err(|_| TensorError::Length {
            shape: self.shape.clone(),
            needed: self.shape.iter().product(),
            given: values.len(),
        })
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    pub(super) fn has_nan(&self) -> bool {
        matches!(&self.data, Data::F32(values) if values.iter().any(|value| value.is_nan()))
    }
}

impl Data {
    fn name(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::I64(_) => "i64",
            Self::I32(_) => "i32",
        }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{:?}", self.data.name(), self.shape)
    }
}

fn check_length(shape: &[usize], given: usize) -> Result<(), TensorError> {
    let needed = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
    if needed == Some(given) {
        return Ok(());
    }
    Err(TensorError::Length { shape: shape.to_vec(), needed: needed.unwrap_or(usize::MAX), given })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_must_fill_the_shape() {
        assert!(Tensor::f32(&[2, 3], vec![0.0; 6]).is_ok());
        let error = Tensor::f32(&[2, 3], vec![0.0; 5]).unwrap_err();
        assert_eq!(error.to_string(), "a tensor of shape [2, 3] needs 6 values; 5 were given");
        assert!(Tensor::i64(&[usize::MAX, 2], vec![1]).is_err(), "the product overflows");
        assert!(Tensor::i32(&[0, 7], vec![]).is_ok());
    }

    #[test]
    fn types_and_shapes_are_asked_for_not_assumed() {
        let tensor = Tensor::i64(&[1, 2], vec![3, 4]).unwrap();
        assert_eq!(tensor.as_f32().unwrap_err().to_string(), "the tensor holds i64; f32 is needed");
        assert_eq!(tensor.as_i64().unwrap(), [3, 4]);
        assert_eq!(tensor.dims::<2>().unwrap(), [1, 2]);
        assert!(tensor.dims::<3>().is_err());
        assert_eq!(tensor.to_string(), "i64[1, 2]");
    }

    #[test]
    fn view_has_the_shape() {
        let tensor = Tensor::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((tensor.view_f32().unwrap()[[1, 0]] - 3.0).abs() < f32::EPSILON);
        assert!(!tensor.has_nan());
        assert!(Tensor::f32(&[1], vec![f32::NAN]).unwrap().has_nan());
    }
}
