//! A region of interest: an upright or turned rectangle of a picture, sampled to the size that a model takes.
//!
//! Pixels outside the picture are of one given colour, so a letterbox is a region larger than the picture. Sampling is two-tap bilinear
//! with pixel centres at halves: for upright regions inside the picture the same as OpenCV's `resize` of that crop, for turned ones the same
//! as its `warpAffine`.

use anyhow::ensure;

use super::{Frame, resize};

/// The longest side that a region may be sampled to.
const SIDE_MAX: u32 = 4096;

/// A rectangle in the frame's pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Region {
    /// Its middle.
    pub(super) centre: [f32; 2],
    /// Its width and height.
    pub(super) size: [f32; 2],
    /// How far it is turned clockwise about its middle, radians.
    pub(super) roll: f32,
}

impl Region {
    /// The whole picture and borders on two sides, so that it has the shape of `side` (width, height).
    pub(super) fn letterbox(frame: &Frame, side: (u32, u32)) -> Self {
        let (width, height) = (frame.width as f32, frame.height as f32);
        let pixels = (width / side.0.max(1) as f32).max(height / side.1.max(1) as f32);
        Self { centre: [width / 2.0, height / 2.0], size: [side.0 as f32 * pixels, side.1 as f32 * pixels], roll: 0.0 }
    }

    /// The square about the middle of a box given by its corners, `scale` times as wide as the box's longer side.
    pub(super) fn square([left, top, right, bottom]: [f32; 4], scale: f32) -> Self {
        let side = (right - left).max(bottom - top).max(1.0) * scale;
        Self { centre: [f32::midpoint(left, right), f32::midpoint(top, bottom)], size: [side, side], roll: 0.0 }
    }

    /// The same, turned.
    pub(super) fn turned(self, roll: f32) -> Self {
        Self { roll, ..self }
    }

    /// The place in the frame of a point of the sampled picture, both in pixels.
    pub(super) fn place(&self, side: (u32, u32), [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.roll.sin_cos();
        let along = (x / side.0.max(1) as f32 - 0.5) * self.size[0];
        let down = (y / side.1.max(1) as f32 - 0.5) * self.size[1];
        [self.centre[0] + along * cos - down * sin, self.centre[1] + along * sin + down * cos]
    }

    /// The region as `side` (width, height) pixels, RGB24; `outside` is the colour of what lies outside the picture.
    ///
    /// # Errors
    /// When the frame's bytes are not its size, the wanted size is 0 or beyond 4096, or the region is no rectangle of numbers.
    pub(super) fn sample(&self, frame: &Frame, side: (u32, u32), outside: [u8; 3]) -> anyhow::Result<Vec<u8>> {
        let accepted = 1..=SIDE_MAX;
        ensure!(
            accepted.contains(&side.0) && accepted.contains(&side.1),
            "`{} × {}` is no size: 1 to {SIDE_MAX}",
            side.0,
            side.1
        );
        let numbers = [self.centre, self.size, [self.roll; 2]];
        ensure!(numbers.iter().flatten().all(|number| number.is_finite()), "a region of no numbers: {self:?}");
        let picture = Picture::of(frame)?;
        let first = self.place(side, [0.5, 0.5]);
        let (right, below) = (self.place(side, [1.5, 0.5]), self.place(side, [0.5, 1.5]));
        let across = [right[0] - first[0], right[1] - first[1]];
        let down = [below[0] - first[0], below[1] - first[1]];
        let place = |row: u32, column: u32, axis: usize| first[axis] + down[axis] * row as f32 + across[axis] * column as f32;
        let mut rgb = Vec::with_capacity(side.0 as usize * side.1 as usize * 3);
        if across[1] == 0.0 && down[0] == 0.0 {
            // Upright, as most are: a column is a column of the picture all the way down.
            let columns: Vec<Option<Between>> = (0..side.0).map(|column| between(place(0, column, 0), picture.size[0])).collect();
            for row in 0..side.1 {
                let row = between(place(row, 0, 1), picture.size[1]);
                for column in &columns {
                    let colour = column.zip(row).and_then(|(column, row)| picture.at(column, row));
                    rgb.extend_from_slice(&colour.unwrap_or(outside));
                }
            }
            return Ok(rgb);
        }
        for row in 0..side.1 {
            for column in 0..side.0 {
                let at = between(place(row, column, 0), picture.size[0]).zip(between(place(row, column, 1), picture.size[1]));
                rgb.extend_from_slice(&at.and_then(|(column, row)| picture.at(column, row)).unwrap_or(outside));
            }
        }
        Ok(rgb)
    }
}

/// A frame's pixels, to be read between them.
struct Picture<'a> {
    pixels: &'a [[u8; 3]],
    width: usize,
    /// Width and height.
    size: [f32; 2],
}

impl<'a> Picture<'a> {
    fn of(frame: &'a Frame) -> anyhow::Result<Self> {
        let (pixels, _) = resize::pixels(frame)?.as_chunks::<3>();
        Ok(Self { pixels, width: frame.width as usize, size: [frame.width as f32, frame.height as f32] })
    }

    /// The colour between four pixels.
    fn at(&self, column: Between, row: Between) -> Option<[u8; 3]> {
        let (above, below) = (row.before * self.width, row.after * self.width);
        let upper_left = self.pixels.get(above + column.before)?;
        let upper_right = self.pixels.get(above + column.after)?;
        let lower_left = self.pixels.get(below + column.before)?;
        let lower_right = self.pixels.get(below + column.after)?;
        let mixed = |channel: usize| {
            let mix = |one: u8, other: u8| f32::from(one) + (f32::from(other) - f32::from(one)) * column.share;
            let (top, bottom) = (mix(upper_left[channel], upper_right[channel]), mix(lower_left[channel], lower_right[channel]));
            (top + (bottom - top) * row.share + 0.5) as u8
        };
        Some([mixed(0), mixed(1), mixed(2)])
    }
}

/// A place between two pixels of a row or a column.
#[derive(Debug, Clone, Copy)]
struct Between {
    before: usize,
    after: usize,
    /// Of the pixel after.
    share: f32,
}

/// Between which pixels of `count` a place lies; none outside of them. Beyond the outermost centres it is the outermost pixel.
fn between(at: f32, count: f32) -> Option<Between> {
    if !(at >= 0.0 && at <= count) {
        return None;
    }
    let at = (at - 0.5).clamp(0.0, count - 1.0);
    let before = at as usize;
    Some(Between { before, after: (before + 1).min(count as usize - 1), share: at - before as f32 })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use proptest::prelude::*;

    use super::super::resize::Stretcher;
    use super::*;

    fn frame(width: u32, height: u32) -> Frame {
        let rgb: Vec<u8> =
            (0..width * height).flat_map(|at| [at * 37 % 251, at * 11 % 256, at % 7 * 30]).map(|v| v as u8).collect();
        Frame::new(0, 0, width, height, rgb)
    }

    #[test]
    fn the_whole_picture_is_what_stretching_gives() {
        let picture = frame(31, 17);
        let whole = Region { centre: [15.5, 8.5], size: [31.0, 17.0], roll: 0.0 };
        assert_eq!(whole.sample(&picture, (31, 17), [0; 3]).unwrap(), picture.rgb.to_vec());
        let sampled = whole.sample(&picture, (12, 40), [0; 3]).unwrap();
        let mut stretcher = Stretcher::default();
        let expected = stretcher.stretch(&picture, 12, 40).unwrap();
        assert!(sampled.iter().zip(expected).all(|(one, other)| one.abs_diff(*other) <= 1));
    }

    #[test]
    fn a_letterbox_has_borders_on_two_sides() {
        let picture = Frame::new(0, 0, 4, 2, vec![200; 24]);
        let boxed = Region::letterbox(&picture, (8, 8));
        assert_eq!((boxed.centre, boxed.size), ([2.0, 1.0], [4.0, 4.0]));
        let rgb = boxed.sample(&picture, (8, 8), [9; 3]).unwrap();
        let rows: Vec<u8> = rgb.chunks(24).map(|row| row[0]).collect();
        assert_eq!(rows, [9, 9, 200, 200, 200, 200, 9, 9]);
        assert_eq!(boxed.place((8, 8), [8.0, 2.0]), [4.0, 0.0]);
    }

    #[test]
    fn a_turned_region_is_upright_in_its_sample() {
        // White on the right half; turned a quarter clockwise, the region's own "down" is the picture's left.
        let rgb: Vec<u8> = (0..20 * 20).flat_map(|at| [if at % 20 >= 10 { 255 } else { 0 }; 3]).collect();
        let picture = Frame::new(0, 0, 20, 20, rgb);
        let region = Region::square([0.0, 0.0, 20.0, 20.0], 1.0).turned(std::f32::consts::FRAC_PI_2);
        let rgb = region.sample(&picture, (4, 4), [7; 3]).unwrap();
        let rows: Vec<u8> = rgb.chunks(12).map(|row| row[0]).collect();
        assert_eq!(rows, [255, 255, 0, 0]);
        let [x, y] = region.place((4, 4), [4.0, 2.0]);
        assert!((x - 10.0).abs() < 1e-4 && (y - 20.0).abs() < 1e-4, "{x} {y}");
    }

    #[test]
    fn what_is_no_region_is_an_error() {
        let picture = frame(4, 4);
        let region = Region::square([0.0, 0.0, 4.0, 4.0], 1.0);
        assert!(region.sample(&picture, (0, 4), [0; 3]).is_err());
        assert!(region.sample(&picture, (4, 5000), [0; 3]).is_err());
        assert!(region.sample(&Frame::new(0, 0, 4, 4, vec![0; 5]), (4, 4), [0; 3]).is_err());
        assert!(region.turned(f32::NAN).sample(&picture, (4, 4), [0; 3]).is_err());
    }

    proptest! {
        #[test]
        fn any_region_gives_its_pixels(x in -1e6_f32..1e6, y in -1e6_f32..1e6, side in 0.0_f32..1e6, roll in -10.0_f32..10.0) {
            let region = Region { centre: [x, y], size: [side, side], roll };
            prop_assert_eq!(region.sample(&frame(5, 3), (3, 2), [0; 3]).unwrap().len(), 18);
        }
    }
}
