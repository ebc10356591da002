//! Where ids and secrets come from; passed in, so that a test can repeat a run.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng, SeedableRng};

use crate::model::{AccountId, ApiKeyId, TaskId, UploadId, VideoId};

/// Fills a buffer.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// A source of random bytes. Cheap to clone.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// Cryptographically strong, seeded by the operating system.
    pub fn strong() -> Self {
        Self(Arc::new(|bytes| rand::rng().fill_bytes(bytes)))
    }

    /// The same bytes for the same seed: for tests only.
    pub fn seeded(seed: u64) -> Self {
        let generator = Mutex::new(rand::rngs::StdRng::seed_from_u64(seed));
        Self(Arc::new(move |bytes| generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes)))
    }

    /// `N` bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// A new video's id.
    pub fn video(&self) -> VideoId {
        VideoId::from_random(self.bytes())
    }

    /// A new upload's id.
    pub fn upload(&self) -> UploadId {
        UploadId::from_random(self.bytes())
    }

    /// A new task's id.
    pub fn task(&self) -> TaskId {
        TaskId::from_random(self.bytes())
    }

    /// A new account's id.
    pub fn account(&self) -> AccountId {
        AccountId::from_random(self.bytes())
    }

    /// A new API key's id.
    pub fn api_key(&self) -> ApiKeyId {
        ApiKeyId::from_random(self.bytes())
    }
}
