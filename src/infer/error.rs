//! What can go wrong with a model.

use super::TensorError;

/// Why a model cannot be used. The caller skips the analyser on [`ModelError::Missing`] and fails it otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model is not in the model directory.
    #[error("model {name} is not here; run weir models pull")]
    Missing {
        /// The model's name in the registry.
        name: String,
    },
    /// A file is there, but is not the one that the registry names.
    #[error("model `{name}`: `{file}` has SHA-256 {found}, the registry says {expected}; remove it and run weir models pull")]
    Digest {
        /// The model's name in the registry.
        name: String,
        /// The file's name.
        file: String,
        /// What it should have, in hex.
        expected: String,
        /// What it has, in hex.
        found: String,
    },
    /// No model, or no file of that model, has this name.
    #[error("model `{name}` is not in the registry; known: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist, with commas.
        known: String,
    },
    /// The file is right but cannot be read or opened.
    #[error("model `{name}` does not load: {reason}")]
    Load {
        /// The model's name in the registry.
        name: String,
        /// What the system or ONNX Runtime says.
        reason: String,
    },
    /// The model refused its inputs or failed while running.
    #[error("model `{name}` does not run: {reason}")]
    Run {
        /// The model's name in the registry.
        name: String,
        /// What ONNX Runtime says, or what is wrong with a tensor.
        reason: String,
    },
    /// A tensor has another shape or type than the caller expects.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}
