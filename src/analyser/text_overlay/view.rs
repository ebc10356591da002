//! A line of text as it lies in a frame: where reading begins, the way along it and the way down, and the frame's brightness there.

use serde::{Deserialize, Serialize};

use super::rectangle::{Point, Rectangle};
use crate::analyser::{Frame, resize};

/// A rectangle that is so many times higher than wide holds a line turned a quarter.
const TURNED_RATIO: f32 = 1.5;
/// Source pixels per output pixel and axis that are averaged at most.
const TAPS_MAX: usize = 6;

/// The place of a line, in frame pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct View {
    /// Where reading begins, at the upper edge.
    pub(super) origin: Point,
    /// The way along the line.
    pub(super) along: Point,
    /// The way down across it.
    pub(super) down: Point,
}

/// How much a view grows on each side, in shares of its height; it shrinks where they are negative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) sides: f32,
    pub(super) above: f32,
    pub(super) below: f32,
}

impl View {
    /// Of a rectangle on a grid that shows the whole frame. None where it is flat.
    pub(super) fn of(frame: &Frame, grid: (u32, u32), line: &Rectangle) -> Option<Self> {
        let scale = [frame.width as f32 / grid.0.max(1) as f32, frame.height as f32 / grid.1.max(1) as f32];
        let [top_left, top_right, _, bottom_left] = line.corners().map(|[x, y]| [x * scale[0], y * scale[1]]);
        let mut view = Self { origin: top_left, along: between(top_left, top_right), down: between(top_left, bottom_left) };
        if view.height() >= TURNED_RATIO * view.width() {
            view = Self { origin: top_right, along: view.down, down: view.along.map(|way| -way) };
        }
        (view.width() >= 1.0 && view.height() >= 1.0).then_some(view)
    }

    /// Length of the line, frame pixels.
    pub(super) fn width(&self) -> f32 {
        length(self.along)
    }

    /// Its height, frame pixels.
    pub(super) fn height(&self) -> f32 {
        length(self.down)
    }

    /// The same line with more or less around it.
    pub(super) fn grown(self, growth: Growth) -> Self {
        let per_width = self.height() / self.width();
        let (sides, above) = (growth.sides * per_width, growth.above);
        Self {
            origin: self.at(-sides, -above),
            along: self.along.map(|way| way * (1.0 + 2.0 * sides)),
            down: self.down.map(|way| way * (1.0 + growth.above + growth.below)),
        }
    }

    /// The place so far along and down, each 0 to 1 inside.
    pub(super) fn at(&self, right: f32, lower: f32) -> Point {
        [0, 1].map(|axis| self.origin[axis] + right * self.along[axis] + lower * self.down[axis])
    }

    /// Pixels of the picture `width × height` of this view, row by row: each the mean of what `sample` says of the places in it.
    pub(super) fn picture<const N: usize>(
        &self,
        (width, height): (usize, usize),
        sample: impl Fn(Point) -> [f32; N],
    ) -> impl Iterator<Item = [f32; N]> {
        let taps = |source: f32, target: usize| ((source / target.max(1) as f32).round() as usize).clamp(1, TAPS_MAX);
        let (across, downwards) = (taps(self.width(), width), taps(self.height(), height));
        (0..width * height).map(move |pixel| {
            let (x, y) = ((pixel % width) as f32, (pixel / width) as f32);
            let mut sum = [0.0; N];
            for tap in 0..across * downwards {
                let right = (x + ((tap % across) as f32 + 0.5) / across as f32) / width as f32;
                let lower = (y + ((tap / across) as f32 + 0.5) / downwards as f32) / height as f32;
                sum.iter_mut().zip(sample(self.at(right, lower))).for_each(|(sum, value)| *sum += value);
            }
            sum.map(|sum| sum / (across * downwards) as f32)
        })
    }
}

/// The brightness of a frame, Rec. 601, 0 to 255.
#[derive(Debug)]
pub(super) struct Grey {
    width: usize,
    height: usize,
    values: Vec<u8>,
}

impl Grey {
    /// # Errors
    /// When the frame's bytes are not its size.
    pub(super) fn of(frame: &Frame) -> anyhow::Result<Self> {
        let (pixels, _) = resize::pixels(frame)?.as_chunks::<3>();
        let values = pixels.iter().map(|pixel| brightness(*pixel)).collect();
        Ok(Self { width: frame.width as usize, height: frame.height as usize, values })
    }

    /// The brightness at a place between pixels, by bilinear interpolation. None outside the picture.
    pub(super) fn at(&self, [x, y]: Point) -> Option<f32> {
        let inside = (0.0..self.width as f32).contains(&x) && (0.0..self.height as f32).contains(&y);
        if !inside {
            return None;
        }
        let (left, right, part_x) = neighbours(x, self.width);
        let (top, bottom, part_y) = neighbours(y, self.height);
        let value = |x: usize, y: usize| f32::from(self.values[y * self.width + x]);
        let upper = value(left, top) * (1.0 - part_x) + value(right, top) * part_x;
        let lower = value(left, bottom) * (1.0 - part_x) + value(right, bottom) * part_x;
        Some(upper * (1.0 - part_y) + lower * part_y)
    }
}

/// The two of `cells` pixels that a place lies between, and how far it is on the way to the second; beyond the ends the last pixel is both.
pub(super) fn neighbours(place: f32, cells: usize) -> (usize, usize, f32) {
    let place = (place - 0.5).clamp(0.0, cells.saturating_sub(1) as f32);
    let first = place as usize;
    (first, (first + 1).min(cells.saturating_sub(1)), place - first as f32)
}

/// Rec. 601 luma.
pub(super) fn brightness([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8
}

fn between(from: Point, to: Point) -> Point {
    [to[0] - from[0], to[1] - from[1]]
}

fn length(vector: Point) -> f32 {
    vector[0].hypot(vector[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: Point, other: Point) -> bool {
        (one[0] - other[0]).abs() < 1e-3 && (one[1] - other[1]).abs() < 1e-3
    }

    /// 40 × 20, the left half 0, the right half 200.
    fn halves() -> Frame {
        let rgb: Vec<u8> = (0..40 * 20).flat_map(|at| [if at % 40 < 20 { 0 } else { 200 }; 3]).collect();
        Frame::new(0, 0, 40, 20, rgb)
    }

    #[test]
    fn a_view_grows_by_its_height() {
        let line = Rectangle { centre: [50.0, 50.0], along: [1.0, 0.0], size: [40.0, 10.0] };
        let view = View::of(&Frame::new(0, 0, 200, 100, Vec::new()), (100, 100), &line).unwrap();
        assert!(near(view.origin, [60.0, 45.0]) && near(view.along, [80.0, 0.0]) && near(view.down, [0.0, 10.0]));
        let grown = view.grown(Growth { sides: 0.3, above: 1.0, below: 0.5 });
        assert!(near(grown.origin, [57.0, 35.0]) && near(grown.along, [86.0, 0.0]) && near(grown.down, [0.0, 25.0]));
    }

    #[test]
    fn a_flat_line_has_no_view() {
        let flat = Rectangle { centre: [20.0, 10.0], along: [1.0, 0.0], size: [40.0, 0.0] };
        assert_eq!(View::of(&halves(), (40, 20), &flat), None);
    }

    #[test]
    fn brightness_is_known_inside_the_picture_only() {
        let grey = Grey::of(&halves()).unwrap();
        assert_eq!(grey.at([0.0, 0.0]), Some(0.0));
        assert_eq!(grey.at([39.9, 19.9]), Some(200.0));
        assert!((grey.at([20.0, 10.0]).unwrap() - 100.0).abs() < 0.01);
        for outside in [[-0.1, 5.0], [40.0, 5.0], [5.0, 20.0], [f32::NAN, 5.0], [f32::INFINITY, 5.0]] {
            assert_eq!(grey.at(outside), None);
        }
        assert!(Grey::of(&Frame::new(0, 0, 2, 2, vec![0; 3])).is_err());
    }

    #[test]
    fn a_picture_averages_what_it_shrinks() {
        let grey = Grey::of(&halves()).unwrap();
        let view = View { origin: [0.0, 0.0], along: [40.0, 0.0], down: [0.0, 20.0] };
        let pixels: Vec<f32> = view.picture((1, 1), |place| [grey.at(place).unwrap_or_default()]).map(|[value]| value).collect();
        assert!(pixels.len() == 1 && (pixels[0] - 100.0).abs() < 20.0, "{pixels:?}");
    }
}
