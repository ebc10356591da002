//! What a line of text says: PP-OCR's recogniser on the line cut out and turned level, and CTC decoding.

use anyhow::{Context as _, ensure};

use super::detect::Lines;
use super::rectangle::{Point, Rectangle};
use crate::analyser::{Frame, resize};
use crate::infer::{Session, Tensor};

/// Height of a line as the model takes it, pixels.
const HEIGHT: usize = 48;
/// The model was trained on lines padded to at least this width.
const WIDTH_MIN: usize = 320;
/// Longer lines are squeezed.
const WIDTH_MAX: usize = 2400;
/// A rectangle that is so many times higher than wide holds a line turned a quarter.
const TURNED_RATIO: f32 = 1.5;
/// Source pixels per output pixel and axis that are averaged at most.
const TAPS_MAX: usize = 6;
/// Lines read with less certainty are left out.
const CONFIDENCE_MIN: f32 = 0.5;
/// The CTC class that stands for no character.
const BLANK: usize = 0;

/// The characters of the model's classes.
#[derive(Debug)]
pub(super) struct Characters {
    by_class: Vec<String>,
}

/// A line that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// What it says.
    pub(super) text: String,
    /// The mean certainty of its characters, 0 to 1.
    pub(super) confidence: f32,
}

impl Characters {
    /// Of a model's metadata.
    ///
    /// # Errors
    /// When the model does not say what its classes are.
    pub(super) fn of(session: &Session) -> anyhow::Result<Self> {
        let listed = session.metadata("character").context("`ppocr_rec` has no `character` in its metadata")?;
        Ok(Self::parse(&listed))
    }

    /// One character a line for the classes from 1 on; then the space.
    fn parse(listed: &str) -> Self {
        let blank = std::iter::once("");
        let listed = listed.split('\n').map(|line| line.trim_end_matches('\r'));
        Self { by_class: blank.chain(listed).chain([" "]).map(str::to_owned).collect() }
    }
}

/// Reads one line of a frame. None where nothing is read with certainty.
///
/// # Errors
/// When the model fails or gives what are no probabilities of its characters.
pub(super) fn recognise(
    session: &Session,
    characters: &Characters,
    frame: &Frame,
    lines: &Lines,
    line: &Rectangle,
) -> anyhow::Result<Option<Reading>> {
    let Some(strip) = Strip::of(frame, lines.grid, line) else { return Ok(None) };
    let input = Tensor::f32(&[1, 3, HEIGHT, strip.width], strip.planes(frame)?)?;
    let outputs = session.run(&[("x", &input)])?;
    let reading = decode(outputs.first()?, characters)?;
    Ok(reading.filter(|reading| reading.confidence >= CONFIDENCE_MIN))
}

/// Where a line lies in the frame, and how it is laid out for the model.
#[derive(Debug)]
struct Strip {
    /// Where reading begins, at the upper edge, in frame pixels.
    origin: Point,
    /// The way along the line, and down across it, in frame pixels.
    along: Point,
    down: Point,
    /// Pixels along the line for the model.
    filled: usize,
    /// With the padding.
    width: usize,
}

impl Strip {
    fn of(frame: &Frame, grid: (u32, u32), line: &Rectangle) -> Option<Self> {
        let scale = [frame.width as f32 / grid.0.max(1) as f32, frame.height as f32 / grid.1.max(1) as f32];
        let [top_left, top_right, _, bottom_left] = line.corners().map(|[x, y]| [x * scale[0], y * scale[1]]);
        let (mut origin, mut along, mut down) = (top_left, between(top_left, top_right), between(top_left, bottom_left));
        if length(down) >= TURNED_RATIO * length(along) {
            (origin, along, down) = (top_right, down, [-along[0], -along[1]]);
        }
        let (wide, high) = (length(along), length(down));
        if !(wide >= 1.0 && high >= 1.0) {
            return None;
        }
        let filled = ((HEIGHT as f32 * wide / high).ceil() as usize).clamp(1, WIDTH_MAX);
        Some(Self { origin, along, down, filled, width: filled.max(WIDTH_MIN) })
    }

    /// The line as three planes, blue first, −1 to 1, padded with 0 on the right.
    fn planes(&self, frame: &Frame) -> anyhow::Result<Vec<f32>> {
        let rgb = resize::pixels(frame)?;
        let taps = |source: f32, target: usize| ((source / target as f32).round() as usize).clamp(1, TAPS_MAX);
        let (across, downwards) = (taps(length(self.along), self.filled), taps(length(self.down), HEIGHT));
        let plane = HEIGHT * self.width;
        let mut planes = vec![0.0; 3 * plane];
        for y in 0..HEIGHT {
            for x in 0..self.filled {
                let mut sum = [0.0; 3];
                for tap in 0..across * downwards {
                    let right = (x as f32 + ((tap % across) as f32 + 0.5) / across as f32) / self.filled as f32;
                    let lower = (y as f32 + ((tap / across) as f32 + 0.5) / downwards as f32) / HEIGHT as f32;
                    let pixel = sample(frame, rgb, self.at(right, lower));
                    sum.iter_mut().zip(pixel).for_each(|(sum, channel)| *sum += channel);
                }
                for (channel, sum) in sum.iter().rev().enumerate() {
                    planes[channel * plane + y * self.width + x] = sum / (across * downwards) as f32 / 127.5 - 1.0;
                }
            }
        }
        Ok(planes)
    }

    fn at(&self, right: f32, lower: f32) -> Point {
        [0, 1].map(|axis| self.origin[axis] + right * self.along[axis] + lower * self.down[axis])
    }
}

/// The colour at a place between pixels, by bilinear interpolation; beyond the picture its edge goes on.
fn sample(frame: &Frame, rgb: &[u8], place: Point) -> [f32; 3] {
    let low = |at: f32, cells: u32| (at - 0.5).clamp(0.0, cells.saturating_sub(1) as f32);
    let (x, y) = (low(place[0], frame.width), low(place[1], frame.height));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(frame.width as usize - 1), (top + 1).min(frame.height as usize - 1));
    let (part_x, part_y) = (x - left as f32, y - top as f32);
    [0, 1, 2].map(|channel| {
        let value = |x: usize, y: usize| f32::from(rgb[(y * frame.width as usize + x) * 3 + channel]);
        let upper = value(left, top) * (1.0 - part_x) + value(right, top) * part_x;
        let lower = value(left, bottom) * (1.0 - part_x) + value(right, bottom) * part_x;
        upper * (1.0 - part_y) + lower * part_y
    })
}

fn between(from: Point, to: Point) -> Point {
    [to[0] - from[0], to[1] - from[1]]
}

fn length(vector: Point) -> f32 {
    vector[0].hypot(vector[1])
}

/// Best path of CTC: the likeliest class of each step, repeats once, blanks left out. None where no character remains.
fn decode(output: &Tensor, characters: &Characters) -> anyhow::Result<Option<Reading>> {
    let classes = characters.by_class.len();
    let [batch, steps, width] = output.dims::<3>()?;
    ensure!(
        batch == 1 && width == classes,
        "`ppocr_rec` gives shape [{batch}, {steps}, {width}]; [1, steps, {classes}] is needed"
    );
    let (mut text, mut sum, mut count) = (String::new(), 0.0, 0_u32);
    let mut last = BLANK;
    for step in output.as_f32()?.chunks_exact(classes) {
        let best = step.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let (class, certainty) = best.context("a model without characters")?;
        ensure!((0.0..=1.01).contains(&certainty), "`ppocr_rec` gives `{certainty}`, which is no probability");
        if class != BLANK && class != last {
            text.push_str(characters.by_class.get(class).map_or("", String::as_str));
            sum += certainty;
            count += 1;
        }
        last = class;
    }
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(Reading { text, confidence: (sum / count as f32).min(1.0) }))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Classes: blank, `a`, `b`, space.
    fn characters() -> Characters {
        Characters::parse("a\nb")
    }

    fn output(path: &[(usize, f32)]) -> Tensor {
        let values =
            path.iter().flat_map(|&(best, certainty)| (0..4).map(move |class| if class == best { certainty } else { 0.0 }));
        Tensor::f32(&[1, path.len(), 4], values.collect()).unwrap()
    }

    #[test]
    fn repeats_are_one_character_unless_a_blank_parts_them() {
        let path = [(1, 0.9), (1, 0.5), (0, 1.0), (1, 0.7), (2, 0.8), (3, 1.0), (2, 0.6), (0, 0.9)];
        let reading = decode(&output(&path), &characters()).unwrap().unwrap();
        assert_eq!(reading.text, "aab b");
        assert!((reading.confidence - (0.9 + 0.7 + 0.8 + 1.0 + 0.6) / 5.0).abs() < 1e-6);
    }

    #[test]
    fn blanks_and_spaces_are_nothing() {
        assert_eq!(decode(&output(&[(0, 1.0), (3, 1.0)]), &characters()).unwrap(), None);
        assert_eq!(decode(&Tensor::zeros(&[1, 0, 4]), &characters()).unwrap(), None);
    }

    #[test]
    fn what_is_no_reading_is_an_error() {
        for bad in [f32::NAN, f32::INFINITY, 1e9] {
            assert!(decode(&output(&[(1, bad)]), &characters()).is_err(), "{bad}");
        }
        assert!(decode(&output(&[(1, -f32::INFINITY)]), &characters()).unwrap().is_none(), "others are likelier");
        for shape in [vec![1, 2, 5], vec![2, 1, 4], vec![4], vec![1, 4], vec![1, 1, 1, 4]] {
            assert!(decode(&Tensor::zeros(&shape), &characters()).is_err(), "{shape:?}");
        }
        assert!(decode(&Tensor::i64(&[1, 1, 4], vec![0; 4]).unwrap(), &characters()).is_err());
    }

    /// A frame whose left half is red and right half is blue.
    fn halves() -> Frame {
        let rgb: Vec<u8> = (0..40 * 20).flat_map(|at| if at % 40 < 20 { [255, 0, 0] } else { [0, 0, 255] }).collect();
        Frame::new(0, 0, 40, 20, rgb)
    }

    #[test]
    fn a_level_line_is_cut_out_and_padded() {
        let line = Rectangle { centre: [20.0, 10.0], along: [1.0, 0.0], size: [40.0, 20.0] };
        let strip = Strip::of(&halves(), (40, 20), &line).unwrap();
        assert_eq!((strip.filled, strip.width), (96, WIDTH_MIN));
        let planes = strip.planes(&halves()).unwrap();
        let at = |channel: usize, x: usize| planes[(channel * HEIGHT + 24) * WIDTH_MIN + x];
        assert_eq!((at(0, 5), at(2, 5)), (-1.0, 1.0), "red left, blue plane first");
        assert_eq!((at(0, 90), at(2, 90)), (1.0, -1.0));
        assert_eq!(at(0, 200), 0.0, "padding");
    }

    #[test]
    fn a_standing_line_is_read_from_the_top() {
        let rgb: Vec<u8> = (0..20 * 40).flat_map(|at| if at / 20 < 20 { [255, 0, 0] } else { [0, 0, 255] }).collect();
        let frame = Frame::new(0, 0, 20, 40, rgb);
        let line = Rectangle { centre: [10.0, 20.0], along: [1.0, 0.0], size: [20.0, 40.0] };
        let strip = Strip::of(&frame, (20, 40), &line).unwrap();
        let planes = strip.planes(&frame).unwrap();
        assert_eq!((planes[2 * HEIGHT * WIDTH_MIN + 5], planes[2 * HEIGHT * WIDTH_MIN + 90]), (1.0, -1.0), "red first");
    }

    #[test]
    fn a_flat_line_is_nothing_and_a_long_one_is_squeezed() {
        let flat = Rectangle { centre: [20.0, 10.0], along: [1.0, 0.0], size: [40.0, 0.0] };
        assert!(Strip::of(&halves(), (40, 20), &flat).is_none());
        let long = Rectangle { centre: [20.0, 10.0], along: [1.0, 0.0], size: [4000.0, 2.0] };
        assert_eq!(Strip::of(&halves(), (40, 20), &long).unwrap().width, WIDTH_MAX);
    }

    proptest! {
        #[test]
        fn any_line_is_cut_out(x in -50.0_f32..100.0, y in -50.0_f32..100.0, turn in 0.0_f32..6.3, wide in 0.0_f32..200.0, high in 0.0_f32..200.0) {
            let line = Rectangle { centre: [x, y], along: [turn.cos(), turn.sin()], size: [wide, high] };
            if let Some(strip) = Strip::of(&halves(), (32, 32), &line) {
                let planes = strip.planes(&halves()).unwrap();
                prop_assert_eq!(planes.len(), 3 * HEIGHT * strip.width);
                prop_assert!(planes.iter().all(|value| (-1.0..=1.0).contains(value)));
            }
        }
    }
}
