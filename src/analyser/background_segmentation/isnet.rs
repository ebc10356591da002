//! ISNet: what stands out of its background, whatever it is. Slow: for key frames only.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::mask::Mask;
use crate::analyser::Frame;
use crate::analyser::resize::Stretcher;
use crate::analyser::thumbnail::Thumbnail;
use crate::infer::{Models, Session, Tensor};

/// The model, by its name in the registry.
pub(super) const MODEL: &str = "isnet";
/// Width and height of the model's input and output, pixels.
const SIDE: usize = 1024;
/// A picture differs this much from the one before where a scene begins, in levels of brightness.
const SCENE_MIN: f32 = 24.0;
/// Between two key frames.
const APART_MS: i64 = 10_000;
/// Key frames of a video.
const KEYS_MAX: u32 = 20;

/// The opened model.
pub(super) struct Isnet {
    session: Arc<Session>,
}

impl Isnet {
    /// Opens it.
    ///
    /// # Errors
    /// When it does not load.
    pub(super) fn open(models: &Models) -> anyhow::Result<Self> {
        Ok(Self { session: models.session(MODEL, "isnet.onnx")? })
    }

    /// What stands out of a picture.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, or the model fails.
    pub(super) fn look(&self, frame: &Frame) -> anyhow::Result<Mask> {
        let mut stretcher = Stretcher::default();
        let rgb = stretcher.stretch(frame, SIDE as u32, SIDE as u32)?;
        let outputs = self.session.run(&[("input", &Tensor::f32(&[1, 3, SIDE, SIDE], planes(rgb))?)])?;
        decode(outputs.first()?, frame)
    }
}

/// Red, green and blue as planes: (byte − 128) / 256.
fn planes(rgb: &[u8]) -> Vec<f32> {
    let (pixels, _) = rgb.as_chunks::<3>();
    (0..3).flat_map(|channel| pixels.iter().map(move |pixel| (f32::from(pixel[channel]) - 128.0) / 256.0)).collect()
}

/// The output is `[1, 1, 1024, 1024]`, 0 to 1.
///
/// # Errors
/// When it has another shape, or holds what is no probability.
fn decode(output: &Tensor, frame: &Frame) -> anyhow::Result<Mask> {
    let shape = [1, 1, SIDE, SIDE];
    ensure!(output.shape() == shape, "`isnet` gives an output of shape {:?}; {shape:?} is needed", output.shape());
    Mask::of(output.as_f32()?, SIDE, (frame.width, frame.height)).context("`isnet`")
}

/// Where scenes begin, as far as samples tell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Scenes {
    before: Thumbnail,
    /// A scene has begun that has no key frame yet.
    open: bool,
    key_ms: Option<i64>,
    keys: u32,
}

impl Scenes {
    /// Whether this picture is the key frame of its scene.
    pub(super) fn is_key(&mut self, time_ms: i64, thumbnail: &Thumbnail) -> bool {
        self.open |= self.before.difference(thumbnail) >= SCENE_MIN;
        self.before = thumbnail.clone();
        let apart = self.key_ms.is_none_or(|key_ms| time_ms - key_ms >= APART_MS);
        if !self.open || !apart || self.keys >= KEYS_MAX {
            return false;
        }
        (self.open, self.key_ms, self.keys) = (false, Some(time_ms), self.keys + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::region::Region;

    fn grey(level: u8) -> Thumbnail {
        let frame = Frame::new(0, 0, 8, 8, vec![level; 192]);
        Thumbnail::of(&Region::square([0.0, 0.0, 8.0, 8.0], 1.0), &frame).unwrap()
    }

    #[test]
    fn a_scene_has_one_key_frame_and_they_are_apart() {
        let mut scenes = Scenes::default();
        let levels = (0..60_i64).map(|second| if second % 15 < 5 { 40 } else { 200 });
        let keys: Vec<i64> = levels
            .enumerate()
            .filter(|(at, level)| scenes.is_key(*at as i64 * 1000, &grey(*level)))
            .map(|(at, _)| at as i64)
            .collect();
        // Scenes begin at 0, 5, 15, 20, 30, 35, 45, 50; one of two has to wait until it is ten seconds.
        assert_eq!(keys, [0, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn a_still_has_one_key_frame_and_a_video_a_bounded_number() {
        let mut scenes = Scenes::default();
        assert_eq!((0..60).filter(|second| scenes.is_key(second * 1000, &grey(90))).count(), 1);
        let mut scenes = Scenes::default();
        let keys = (0..1000).filter(|at| scenes.is_key(at * 20_000, &grey(if at % 2 == 0 { 10 } else { 240 }))).count();
        assert_eq!(keys, KEYS_MAX as usize);
    }

    #[test]
    fn planes_are_red_first() {
        assert_eq!(planes(&[0, 128, 255]), [-0.5, 0.0, 127.0 / 256.0]);
        assert!(decode(&Tensor::zeros(&[1, SIDE, SIDE]), &Frame::new(0, 0, 4, 4, vec![])).is_err());
        assert!(decode(&Tensor::zeros(&[1, 1, SIDE, SIDE]), &Frame::new(0, 0, 4, 4, vec![])).is_ok());
    }
}
