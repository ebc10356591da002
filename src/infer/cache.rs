//! Opened models: each is loaded at its first use and kept.

mod kept;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::SessionInputValue;
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

pub use self::kept::Kept;
use super::tensor::Data;
use super::{GivenFile, ModelError, ModelFiles, Tensor, runtime};

/// The models of one process. Share it in an [`Arc`].
#[derive(Debug)]
pub struct Models {
    files: ModelFiles,
    threads: usize,
    /// By model and file. A slot has a lock of its own, so that a slow load holds up only those who want the same model.
    slots: Mutex<HashMap<(String, String), Slot>>,
}

type Slot = Arc<Mutex<Option<Arc<Session>>>>;

/// One opened ONNX file.
#[derive(Debug)]
pub struct Session {
    name: String,
    bytes: u64,
    inner: Mutex<ort::session::Session>,
}

/// What a run gives, in the order of the model's outputs.
#[derive(Debug)]
pub struct Outputs {
    name: String,
    tensors: Vec<(String, Tensor)>,
}

impl Models {
    /// The models below `directory`, each to be run with `threads` threads. Nothing is loaded yet; the directory need not exist.
    pub fn open(directory: impl Into<PathBuf>, threads: usize) -> Self {
        Self { files: ModelFiles::new(directory), threads: threads.max(1), slots: Mutex::default() }
    }

    /// Where the files are.
    pub fn files(&self) -> &ModelFiles {
        &self.files
    }

    /// Whether the files of `name` are here.
    pub fn has(&self, name: &str) -> bool {
        self.files.has(name)
    }

    /// Checks that ONNX Runtime and every model in `names` are here, by presence and size.
    ///
    /// # Errors
    /// [`ModelError::Missing`] for the first that is not, [`ModelError::Unknown`].
    pub fn require(&self, names: &[&str]) -> Result<(), ModelError> {
        for name in [&[runtime::NAME], names].concat() {
            self.files.registry().find(name)?;
            if !self.has(name) {
                return Err(ModelError::Missing { name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// One digest for all of `names`, in hex: what an analysis' result key says of its models.
    ///
    /// # Errors
    /// [`ModelError::Unknown`].
    pub fn digest(&self, name: &str) -> Result<String, ModelError> {
        self.files.digest(name)
    }

    /// The ONNX file `file` of the model `name`: opened now, or before.
    ///
    /// # Errors
    /// [`ModelError::Missing`] (of the model, or of ONNX Runtime), [`ModelError::Digest`], [`ModelError::Unknown`], [`ModelError::Load`].
    pub fn session(&self, name: &str, file: &str) -> Result<Arc<Session>, ModelError> {
        self.opened(name, file, || {
            let path = self.files.file(name, file)?;
            self.open_file(name, &path, self.files.registry().find(name)?.file(file)?.bytes)
        })
    }

    /// A model that the configuration names: opened now, or before. Once the file changed, it is another model.
    ///
    /// # Errors
    /// As for [`session`](Self::session).
    pub fn given(&self, file: &GivenFile) -> Result<Arc<Session>, ModelError> {
        let name = file.path().display().to_string();
        self.opened(&name, &file.digest()?, || {
            let bytes = file.path().metadata().map_or(0, |metadata| metadata.len());
            self.open_file(&name, file.path(), bytes)
        })
    }

    fn opened(
        &self,
        name: &str,
        file: &str,
        open: impl FnOnce() -> Result<Session, ModelError>,
    ) -> Result<Arc<Session>, ModelError> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry((name.to_owned(), file.to_owned())).or_default().clone()
        };
        let mut opened = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = opened.as_ref() {
            return Ok(session.clone());
        }
        let session = Arc::new(open()?);
        *opened = Some(session.clone());
        Ok(session)
    }

    fn open_file(&self, name: &str, path: &Path, bytes: u64) -> Result<Session, ModelError> {
        let environment = runtime::environment(&self.files)?;
        let inner = Mutex::new(runtime::open(&environment, name, path, self.threads)?);
        Ok(Session { name: name.to_owned(), bytes, inner })
    }

    /// The size of the files that are opened: about what their weights take in memory.
    pub fn loaded_bytes(&self) -> u64 {
        let slots: Vec<Slot> = self.slots.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let bytes = |slot: &Slot| slot.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |session| session.bytes);
        slots.iter().map(bytes).sum()
    }
}

impl Session {
    /// The size of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
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
        let results = session.run(values).map_err(|error| self.failed(&error.to_string()))?;
        let mut tensors = Vec::with_capacity(results.len());
        for (name, value) in &results {
            let tensor = output_tensor(&value).map_err(|reason| self.failed(&format!("output `{name}`: {reason}")))?;
            tensors.push((name.to_owned(), tensor));
        }
        Ok(Outputs { name: self.name.clone(), tensors })
    }

    fn failed(&self, reason: &str) -> ModelError {
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
