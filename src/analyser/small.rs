//! Small pictures that several analysers want of one frame: made once per frame, whoever asks first.

use std::sync::Arc;

use anyhow::Context as _;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Frame, resize};

/// Width of [`thumb`], pixels.
pub(super) const THUMB_WIDTH: u32 = 64;
/// Highest [`thumb`]: narrower shapes are squeezed.
const THUMB_HEIGHT_MAX: u32 = 256;

/// Luma of every pixel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grey {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Rows without padding, 0 to 255.
    pub(super) luma: Vec<u8>,
}

/// A picture [`THUMB_WIDTH`] wide, each pixel the mean of those that it covers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thumb {
    pub(super) height: usize,
    /// Red, green, blue; rows without padding.
    pub(super) rgb: Vec<u8>,
}

impl Thumb {
    /// The pixels, row by row.
    pub(super) fn pixels(&self) -> &[[u8; 3]] {
        self.rgb.as_chunks().0
    }
}

/// Rec. 601 luma (0.299 red + 0.587 green + 0.114 blue) in integers.
pub(super) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8
}

/// The frame in grey, at its own size.
///
/// # Errors
/// When the frame's bytes are not its size.
pub(super) fn grey(frame: &Frame) -> anyhow::Result<Arc<Grey>> {
    frame.derived.get("grey", || {
        let (pixels, _) = resize::pixels(frame)?.as_chunks::<3>();
        Ok(Grey { width: frame.width, height: frame.height, luma: pixels.iter().map(|pixel| luma(*pixel)).collect() })
    })
}

/// The frame, [`THUMB_WIDTH`] wide.
///
/// # Errors
/// When the frame's bytes are not its size.
pub(super) fn thumb(frame: &Frame) -> anyhow::Result<Arc<Thumb>> {
    frame.derived.get("thumb", || {
        resize::pixels(frame)?;
        let height = u64::from(THUMB_WIDTH) * u64::from(frame.height) / u64::from(frame.width);
        let height = u32::try_from(height).unwrap_or(THUMB_HEIGHT_MAX).clamp(1, THUMB_HEIGHT_MAX);
        Ok(Thumb { height: height as usize, rgb: shrink(frame, THUMB_WIDTH, height)? })
    })
}

/// The frame at `width × height`, RGB24, each pixel the mean of those that it covers; the aspect ratio is not kept.
///
/// # Errors
/// When the frame's bytes are not its size.
pub(super) fn shrink(frame: &Frame, width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let from = ImageRef::new(frame.width, frame.height, resize::pixels(frame)?, PixelType::U8x3).context("reading a frame")?;
    let mut to = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
    Resizer::new().resize(&from, &mut to, &options).context("shrinking a frame")?;
    Ok(to.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumb_is_the_mean_and_made_once() {
        // Columns of 40 and 80 by turns: 256 wide becomes 64 of 60.
        let rgb: Vec<u8> = (0..256 * 144).flat_map(|at| [if at % 2 == 0 { 40 } else { 80 }; 3]).collect();
        let frame = Frame::new(0, 0, 256, 144, rgb);
        let made = thumb(&frame).unwrap();
        assert_eq!((made.height, made.rgb.len()), (36, 64 * 36 * 3));
        assert!(made.pixels().iter().flatten().all(|byte| byte.abs_diff(60) <= 1), "{:?}", &made.rgb[..12]);
        assert!(Arc::ptr_eq(&made, &thumb(&frame.clone()).unwrap()));
    }

    #[test]
    fn odd_shapes_have_a_thumb_and_broken_frames_have_none() {
        for (width, height) in [(1, 1), (2, 1280), (1280, 2), (3, 5)] {
            let frame = Frame::new(0, 0, width, height, vec![9; (width * height * 3) as usize]);
            assert_eq!(thumb(&frame).unwrap().rgb.len() % (64 * 3), 0);
            assert_eq!(grey(&frame).unwrap().luma.len(), (width * height) as usize);
        }
        let broken = Frame::new(0, 0, 16, 16, vec![0; 5]);
        assert!(thumb(&broken).is_err() && grey(&broken).is_err());
    }

    #[test]
    fn luma_of_known_colours() {
        assert_eq!([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]].map(luma), [0, 255, 76, 149, 28]);
    }
}
