//! Pictures at the size and in the layout that a model takes.

use anyhow::{Context as _, ensure};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Frame;
use crate::model::MediaInfo;

/// The longest side that a picture may be resized to: every model input here is far smaller.
const SIDE_MAX: u32 = 4096;

/// The bytes of a frame, RGB24.
///
/// # Errors
/// When there are not `width × height × 3` of them, or none.
pub(super) fn pixels(frame: &Frame) -> anyhow::Result<&[u8]> {
    let needed = u128::from(frame.width) * u128::from(frame.height) * 3;
    ensure!(
        needed > 0 && frame.rgb.len() as u128 == needed,
        "frame {}: `{}` bytes, {} × {} RGB24 needs {needed}",
        frame.index,
        frame.rgb.len(),
        frame.width,
        frame.height
    );
    Ok(&frame.rgb)
}

/// Stretches pictures, keeping its buffers between calls.
pub(super) struct Stretcher {
    resizer: Resizer,
    options: ResizeOptions,
    out: Image<'static>,
}

impl Default for Stretcher {
    fn default() -> Self {
        // Two-tap bilinear without smoothing: what the models' own preprocessing (OpenCV) does, so that their numbers are met.
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear));
        Self { resizer: Resizer::new(), options, out: Image::new(1, 1, PixelType::U8x3) }
    }
}

impl Stretcher {
    /// The frame stretched to `width × height`, RGB24; the aspect ratio is not kept.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, or the wanted size is 0 or beyond 4096.
    pub(super) fn stretch(&mut self, frame: &Frame, width: u32, height: u32) -> anyhow::Result<&[u8]> {
        let size = 1..=SIDE_MAX;
        ensure!(size.contains(&width) && size.contains(&height), "`{width} × {height}` is no size: 1 to {SIDE_MAX}");
        let from = ImageRef::new(frame.width, frame.height, pixels(frame)?, PixelType::U8x3).context("reading a frame")?;
        if (self.out.width(), self.out.height()) != (width, height) {
            self.out = Image::new(width, height, PixelType::U8x3);
        }
        self.resizer.resize(&from, &mut self.out, &self.options).context("resizing a frame")?;
        Ok(self.out.buffer())
    }
}

/// The size of the source's pictures as shown: the unit of every box.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    size: Option<(u32, u32)>,
}

impl Shown {
    /// Of a medium; where it does not say, boxes are in the frames' own pixels.
    pub(super) fn of(media: &MediaInfo) -> Self {
        let size = media.video.as_ref().map(|video| (video.width, video.height));
        Self { size: size.filter(|&(width, height)| width > 0 && height > 0) }
    }

    /// Corners `[left, top, right, bottom]` on a grid that the frame was stretched to, as a box `[x, y, w, h]` that lies in the picture.
    pub(super) fn bounds(self, frame: &Frame, grid: (u32, u32), corners: [f32; 4]) -> [f32; 4] {
        let (width, height) = self.size.unwrap_or((frame.width, frame.height));
        let place = |at: f32, cells: u32, pixels: u32| (at * pixels as f32 / cells.max(1) as f32).clamp(0.0, pixels as f32);
        let [left, top, right, bottom] = corners;
        let (x, y) = (place(left, grid.0, width), place(top, grid.1, height));
        [x, y, place(right, grid.0, width) - x, place(bottom, grid.1, height) - y].map(|side| (side * 10.0).round() / 10.0)
    }
}

/// The overlap of two boxes `[x, y, w, h]`: intersection over union, 0 to 1.
pub(super) fn overlap(one: [f32; 4], other: [f32; 4]) -> f32 {
    let width = (one[0] + one[2]).min(other[0] + other[2]) - one[0].max(other[0]);
    let height = (one[1] + one[3]).min(other[1] + other[3]) - one[1].max(other[1]);
    if !(width > 0.0 && height > 0.0) {
        return 0.0;
    }
    let both = width * height;
    both / (one[2] * one[3] + other[2] * other[3] - both)
}

/// RGB24 as three planes, blue first: `(byte − mean) / deviation` for each, means and deviations given blue first too.
pub(super) fn bgr_planes(rgb: &[u8], mean: [f32; 3], deviation: [f32; 3]) -> Vec<f32> {
    let (pixels, _) = rgb.as_chunks::<3>();
    let mut planes = Vec::with_capacity(pixels.len() * 3);
    for (plane, channel) in [2, 1, 0].into_iter().enumerate() {
        let (mean, factor) = (mean[plane], 1.0 / deviation[plane]);
        planes.extend(pixels.iter().map(|pixel| (f32::from(pixel[channel]) - mean) * factor));
    }
    planes
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use super::*;
    use crate::model::VideoTrack;

    fn frame(width: u32, height: u32, rgb: Vec<u8>) -> Frame {
        Frame { index: 3, time_ms: 0, width, height, rgb: rgb.into() }
    }

    #[test]
    fn a_frame_must_have_its_pixels() {
        assert!(pixels(&frame(2, 1, vec![0; 6])).is_ok());
        for bad in [frame(2, 1, vec![0; 5]), frame(0, 0, vec![]), frame(u32::MAX, u32::MAX, vec![0; 3])] {
            let error = pixels(&bad).unwrap_err().to_string();
            assert!(error.starts_with("frame 3: `"), "{error}");
        }
    }

    #[test]
    fn stretches_in_both_directions() {
        let mut stretcher = Stretcher::default();
        let two = frame(2, 1, vec![0, 0, 0, 200, 100, 50]);
        let wide = stretcher.stretch(&two, 8, 2).unwrap();
        assert_eq!((wide.len(), &wide[..3], &wide[21..24]), (48, [0, 0, 0].as_slice(), [200, 100, 50].as_slice()));
        assert_eq!(stretcher.stretch(&two, 1, 1).unwrap(), [100, 50, 25]);
        assert!(stretcher.stretch(&two, 0, 5).is_err());
        assert!(stretcher.stretch(&two, 5, 5000).is_err());
    }

    #[test]
    fn boxes_are_in_source_pixels_and_inside() {
        let small = frame(2, 1, vec![0; 6]);
        let media =
            MediaInfo { video: Some(VideoTrack { width: 200, height: 100, ..VideoTrack::default() }), ..MediaInfo::default() };
        assert_eq!(Shown::of(&media).bounds(&small, (10, 10), [-5.0, 1.0, 5.0, 99.0]), [0.0, 10.0, 100.0, 90.0]);
        assert_eq!(Shown::of(&MediaInfo::default()).bounds(&small, (10, 10), [0.0, 0.0, 5.0, 10.0]), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        assert_eq!(overlap([0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]), 1.0);
        assert!((overlap([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 2.0, 2.0]) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(overlap([0.0, 0.0, 2.0, 2.0], [2.0, 0.0, 2.0, 2.0]), 0.0);
        assert_eq!(overlap([0.0; 4], [0.0; 4]), 0.0);
        assert_eq!(overlap([f32::NAN; 4], [0.0; 4]), 0.0);
    }

    #[test]
    fn planes_are_blue_green_red() {
        let planes = bgr_planes(&[10, 20, 30, 40, 50, 60], [30.0, 20.0, 10.0], [1.0, 2.0, 10.0]);
        assert_eq!(planes, [0.0, 30.0, 0.0, 15.0, 0.0, 3.0]);
    }
}
