//! Decoded pictures and sound, as analysers get them.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Width of the every-frame pictures, pixels.
pub const SMALL_WIDTH: u32 = 256;
/// Longest side of the sampled pictures, pixels.
pub const LARGE_SIDE: u32 = 1280;
/// Width of the pictures in the source's own pixels, at most.
pub const DETAIL_WIDTH: u32 = 960;
/// Height of the pictures in the source's own pixels, at most.
pub const DETAIL_HEIGHT: u32 = 544;
/// Samples per second of [`Pcm`].
pub const SAMPLE_RATE: u32 = 16_000;

/// One decoded picture.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Number of the frame, counted from 0 over all frames of the video.
    pub index: u64,
    /// Presentation time from time 0, milliseconds.
    pub time_ms: i64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// RGB24 rows without padding: `width × height × 3` bytes.
    pub rgb: Arc<[u8]>,
    /// What was made of the picture so far.
    pub derived: Derived,
}

impl Frame {
    /// A picture of which nothing was derived yet.
    pub fn new(index: u64, time_ms: i64, width: u32, height: u32, rgb: impl Into<Arc<[u8]>>) -> Self {
        Self { index, time_ms, width, height, rgb: rgb.into(), derived: Derived::default() }
    }
}

/// What was derived from a picture (a smaller one, the objects in it), kept as long as the picture: who asks second, on whatever
/// thread, gets what the first made.
#[derive(Clone, Default)]
pub struct Derived(Arc<Mutex<HashMap<String, Slot>>>);

type Slot = Arc<OnceLock<Result<Arc<dyn Any + Send + Sync>, String>>>;

impl Derived {
    /// The thing called `what`, made by `make` when nobody made it before. An error is kept like a thing.
    ///
    /// # Errors
    /// What `make` answered; or `what` is a thing of another type.
    pub fn get<T: Send + Sync + 'static>(&self, what: &str, make: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Arc<T>> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry(what.to_owned()).or_default().clone()
        };
        // Outside the lock: others derive other things meanwhile.
        let made = slot.get_or_init(|| make().map(|thing| Arc::new(thing) as _).map_err(|error| format!("{error:#}")));
        let thing = made.clone().map_err(anyhow::Error::msg)?;
        thing.downcast().map_err(|_| anyhow::anyhow!("`{what}` is a thing of another type"))
    }
}

impl Derived {
    /// Whether somebody made the thing called `what` already.
    pub fn has(&self, what: &str) -> bool {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(what).is_some_and(|slot| slot.get().is_some())
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        formatter.debug_set().entries(slots.keys()).finish()
    }
}

/// A piece of sound.
#[derive(Debug, Clone)]
pub struct Pcm {
    /// Time of the first sample, milliseconds from time 0.
    pub time_ms: i64,
    /// Mono samples at [`SAMPLE_RATE`], −1 to 1.
    pub samples: Arc<[f32]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_derived_is_not_derived_again() {
        let frame = Frame::new(0, 0, 1, 1, vec![1, 2, 3]);
        let copy = frame.clone();
        let sum = |frame: &Frame| frame.derived.get("sum", || Ok(frame.rgb.iter().map(|byte| u32::from(*byte)).sum::<u32>()));
        assert_eq!(*sum(&frame).unwrap(), 6);
        assert_eq!(*copy.derived.get::<u32>("sum", || anyhow::bail!("made twice")).unwrap(), 6);
        assert!(copy.derived.get::<String>("sum", || Ok(String::new())).is_err(), "a thing of another type");
        assert!(frame.derived.get::<u32>("none", || anyhow::bail!("no")).is_err());
        assert_eq!(frame.derived.get::<u32>("none", || Ok(1)).unwrap_err().to_string(), "no");
    }
}
