//! Pictures at the size and in the layout that a model takes.

use anyhow::ensure;

use super::Frame;
use super::round::round;
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

/// Weights between two pixels are whole numbers of this many parts.
const PARTS: u32 = 1 << 11;

/// Stretches pictures, keeping its buffer between calls.
///
/// Two-tap bilinear without smoothing, with pixel centres at halves, and to the bit what OpenCV's `INTER_LINEAR` gives, its cut-off bits too: that is
/// what the models' own preprocessing does, so that their numbers are met. (Rounding after each direction, as two-pass resizers do, moves a score of
/// nsfwjs by 0.04.)
#[derive(Default)]
pub(super) struct Stretcher {
    out: Vec<u8>,
}

impl Stretcher {
    /// The frame stretched to `width × height`, RGB24; the aspect ratio is not kept.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, or the wanted size is 0 or beyond 4096.
    pub(super) fn stretch(&mut self, frame: &Frame, width: u32, height: u32) -> anyhow::Result<&[u8]> {
        let size = 1..=SIDE_MAX;
        ensure!(size.contains(&width) && size.contains(&height), "`{width} × {height}` is no size: 1 to {SIDE_MAX}");
        let bytes = pixels(frame)?;
        self.out.clear();
        if (frame.width, frame.height) == (width, height) {
            self.out.extend_from_slice(bytes);
            return Ok(&self.out);
        }
        let (pixels, _) = bytes.as_chunks::<3>();
        let columns: Vec<Between> = (0..width).map(|at| Between::of(at, width, frame.width)).collect();
        let line = |at: usize| pixels.chunks_exact(frame.width as usize).nth(at).unwrap_or_default();
        self.out.reserve(width as usize * height as usize * 3);
        for row in (0..height).map(|at| Between::of(at, height, frame.height)) {
            let (above, below) = (line(row.first), line(row.second));
            for column in &columns {
                let corners = [above[column.first], above[column.second], below[column.first], below[column.second]];
                self.out.extend_from_slice(&mixed(corners, column.weight, row.weight));
            }
        }
        Ok(&self.out)
    }
}

/// Where a pixel of the stretched picture lies in one direction: between two pixels, or on the same one twice.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Between {
    first: usize,
    second: usize,
    /// Of the second, in [`PARTS`].
    weight: u32,
}

impl Between {
    /// Of pixel `at` of `to`, in a picture of `from`. Before the first pixel and after the last one the same pixel is both, with the
    /// weights of its place: OpenCV keeps them from top to bottom, and from left to right the rounding does not show.
    fn of(at: u32, to: u32, from: u32) -> Self {
        let last = i64::from(from.saturating_sub(1));
        let place = (f64::from(at) + 0.5) * f64::from(from) / f64::from(to) - 0.5;
        let before = place.floor();
        let weight = ((place - before) * f64::from(PARTS)).round() as u32;
        let pixel = |at: i64| at.clamp(0, last) as usize;
        Self { first: pixel(before as i64), second: pixel(before as i64 + 1), weight }
    }
}

/// Four pixels, the upper ones first, weighted.
fn mixed([one, two, three, four]: [[u8; 3]; 4], right: u32, down: u32) -> [u8; 3] {
    let (left, up) = (PARTS - right, PARTS - down);
    std::array::from_fn(|channel| {
        let upper = u32::from(one[channel]) * left + u32::from(two[channel]) * right;
        let lower = u32::from(three[channel]) * left + u32::from(four[channel]) * right;
        // OpenCV multiplies in 16 bits: `VResizeLinearVec_32s8u`.
        let (above, below) = (((upper >> 4) * up) >> 16, ((lower >> 4) * down) >> 16);
        ((above + below + 2) >> 2) as u8
    })
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

    /// A point of the frame, in source pixels to a tenth. It may lie outside the picture.
    pub(super) fn point(self, frame: &Frame, [x, y]: [f32; 2]) -> [f64; 2] {
        let (width, height) = self.size.unwrap_or((frame.width, frame.height));
        let place = |at: f32, cells: u32, pixels: u32| round(at * pixels as f32 / cells.max(1) as f32, 1);
        [place(x, frame.width, width), place(y, frame.height, height)]
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
        Frame::new(3, 0, width, height, rgb)
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
        assert_eq!(stretcher.stretch(&two, 2, 1).unwrap(), [0, 0, 0, 200, 100, 50], "the same size");
        assert!(stretcher.stretch(&two, 0, 5).is_err());
        assert!(stretcher.stretch(&two, 5, 5000).is_err());
    }

    #[test]
    fn gives_what_opencv_gives() {
        // cv2.resize(np.array([[0, 100, 255, 7], [200, 31, 63, 90]], np.uint8), (3, 4), interpolation=cv2.INTER_LINEAR).
        let values: Vec<u8> = [0, 100, 255, 7, 200, 31, 63, 90].iter().flat_map(|value| [*value; 3]).collect();
        let mut stretcher = Stretcher::default();
        let found: Vec<u8> = stretcher.stretch(&frame(4, 2, values), 3, 4).unwrap().iter().step_by(3).copied().collect();
        assert_eq!(found, [16, 177, 48, 55, 145, 57, 133, 80, 76, 172, 47, 85]);
    }

    #[test]
    fn boxes_are_in_source_pixels_and_inside() {
        let small = frame(2, 1, vec![0; 6]);
        let media =
            MediaInfo { video: Some(VideoTrack { width: 200, height: 100, ..VideoTrack::default() }), ..MediaInfo::default() };
        assert_eq!(Shown::of(&media).bounds(&small, (10, 10), [-5.0, 1.0, 5.0, 99.0]), [0.0, 10.0, 100.0, 90.0]);
        assert_eq!(Shown::of(&media).point(&small, [1.0, -0.5]), [100.0, -50.0]);
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
