//! Saving a pass and taking it up again: MessagePack, because states hold findings, whose values may be of any shape.

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A state as bytes.
///
/// # Errors
/// When a value of it cannot be written, for example a map with keys that are no text.
pub(super) fn save(state: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    rmp_serde::to_vec_named(state).context("saving a pass")
}

/// The state of these bytes.
///
/// # Errors
/// When they are no state of this type.
pub(super) fn restore<T: DeserializeOwned>(saved: &[u8]) -> anyhow::Result<T> {
    rmp_serde::from_slice(saved).context("the saved pass is of another version")
}
