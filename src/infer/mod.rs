//! ONNX sessions, model files and their registry, tokenizers.

/// Opened models.
pub struct Models;
