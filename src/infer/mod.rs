//! ONNX sessions, model files and their registry, tokenizers. Synchronous: it is called from the analysers' pools.
//!
//! [`Models`] is what an analyser holds: it opens a model at its first use, keeps it, and runs it. [`ModelFiles`] knows where the
//! files are and refuses one whose digest is not the registry's. [`pull`] brings them here. [`vision`] asks a model that another server runs.

mod batch;
pub mod cache;
pub mod carry;
mod clock;
pub mod error;
pub mod files;
pub mod given;
mod measure;
pub mod pull;
pub mod registry;
mod running;
mod runtime;
mod session;
pub mod tensor;
pub mod tokenizer;
pub mod vision;

pub use cache::Models;
pub use error::ModelError;
pub use files::{FileState, ModelFiles, ModelState};
pub use given::GivenFile;
pub use measure::{Cost, measure};
pub use registry::{ModelKind, ModelSpec, Registry};
pub use running::{Device, Running};
pub use runtime::TELEMETRY_OFF;
pub use session::{Kept, Outputs, Session};
pub use tensor::{Tensor, TensorError};
pub use tokenizer::WhisperTokenizer;
