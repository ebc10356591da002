//! What a line of text says: PP-OCR's recogniser on the line cut out and turned level, and CTC decoding.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::choice::Reading;
use super::rectangle::Point;
use super::view::{View, neighbours};
use crate::analyser::{Frame, resize};
use crate::infer::{Models, Session, Tensor};

/// Height of a line as the model takes it, pixels.
const HEIGHT: usize = 48;
/// Shorter lines are padded to this width. The model was trained with 320 at least; with half of it 119 words of one to seven letters were
/// read as well, in half the time.
const WIDTH_MIN: usize = 160;
/// Longer lines are squeezed.
const WIDTH_MAX: usize = 2400;
/// Lines read with less certainty are left out, where nothing else is said.
pub(super) const CONFIDENCE_MIN: f32 = 0.5;
/// The CTC class that stands for no character.
const BLANK: usize = 0;

/// The recogniser with its characters.
pub(super) struct PpOcr {
    session: Arc<Session>,
    characters: Characters,
    least: f32,
}

impl PpOcr {
    /// It reads nothing with less certainty than `least`.
    ///
    /// # Errors
    /// When the model does not load, or does not say what its classes are.
    pub(super) fn open(models: &Models, least: f32) -> anyhow::Result<Self> {
        let session = models.session("ppocr_rec", "ppocr_rec.onnx")?;
        let listed = session.metadata("character").context("`ppocr_rec` has no `character` in its metadata")?;
        Ok(Self { session, characters: Characters::parse(&listed), least })
    }

    /// Whether it can write this character.
    pub(super) fn knows(&self, character: char) -> bool {
        self.characters.known.contains(&character)
    }

    /// Reads one line of a frame. None where nothing is read with certainty.
    ///
    /// # Errors
    /// When the model fails or gives what are no probabilities of its characters.
    pub(super) fn read(&self, frame: &Frame, view: View) -> anyhow::Result<Option<Reading>> {
        let strip = Strip::of(view);
        let input = Tensor::f32(&[1, 3, HEIGHT, strip.width], strip.planes(frame)?)?;
        let outputs = self.session.run(&[("x", &input)])?;
        let reading = decode(outputs.first()?, &self.characters)?;
        Ok(reading.filter(|reading| reading.confidence >= self.least))
    }
}

/// The characters of the model's classes.
#[derive(Debug)]
struct Characters {
    by_class: Vec<String>,
    known: HashSet<char>,
}

impl Characters {
    /// One character a line for the classes from 1 on; then the space.
    fn parse(listed: &str) -> Self {
        let blank = std::iter::once("");
        let lines = listed.split('\n').map(|line| line.trim_end_matches('\r'));
        let by_class: Vec<String> = blank.chain(lines).chain([" "]).map(str::to_owned).collect();
        let known = by_class.iter().flat_map(|class| class.chars()).collect();
        Self { by_class, known }
    }
}

/// A line as the model takes it.
#[derive(Debug)]
struct Strip {
    view: View,
    /// Pixels along the line for the model.
    filled: usize,
    /// With the padding.
    width: usize,
}

impl Strip {
    fn of(view: View) -> Self {
        let filled = ((HEIGHT as f32 * view.width() / view.height()).ceil() as usize).clamp(1, WIDTH_MAX);
        Self { view, filled, width: filled.max(WIDTH_MIN) }
    }

    /// The line as three planes, blue first, −1 to 1, padded with 0 on the right.
    fn planes(&self, frame: &Frame) -> anyhow::Result<Vec<f32>> {
        let rgb = resize::pixels(frame)?;
        let plane = HEIGHT * self.width;
        let mut planes = vec![0.0; 3 * plane];
        let pixels = self.view.picture((self.filled, HEIGHT), |place| sample(frame, rgb, place));
        for (at, pixel) in pixels.enumerate() {
            let (x, y) = (at % self.filled, at / self.filled);
            for (channel, value) in pixel.iter().rev().enumerate() {
                planes[channel * plane + y * self.width + x] = value / 127.5 - 1.0;
            }
        }
        Ok(planes)
    }
}

/// The colour at a place between pixels, by bilinear interpolation; beyond the picture its edge goes on.
fn sample(frame: &Frame, rgb: &[u8], [x, y]: Point) -> [f32; 3] {
    let (left, right, part_x) = neighbours(x, frame.width as usize);
    let (top, bottom, part_y) = neighbours(y, frame.height as usize);
    [0, 1, 2].map(|channel| {
        let value = |x: usize, y: usize| f32::from(rgb[(y * frame.width as usize + x) * 3 + channel]);
        let upper = value(left, top) * (1.0 - part_x) + value(right, top) * part_x;
        let lower = value(left, bottom) * (1.0 - part_x) + value(right, bottom) * part_x;
        upper * (1.0 - part_y) + lower * part_y
    })
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
    Ok(Reading::of(&text, sum, count))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use proptest::prelude::*;

    use super::super::rectangle::Rectangle;
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

    fn strip(frame: &Frame, grid: (u32, u32), line: &Rectangle) -> Option<Strip> {
        View::of(frame, grid, line).map(Strip::of)
    }

    #[test]
    fn a_level_line_is_cut_out_and_padded() {
        let line = Rectangle { centre: [20.0, 10.0], along: [1.0, 0.0], size: [40.0, 20.0] };
        let strip = strip(&halves(), (40, 20), &line).unwrap();
        assert_eq!((strip.filled, strip.width), (96, WIDTH_MIN));
        let planes = strip.planes(&halves()).unwrap();
        let at = |channel: usize, x: usize| planes[(channel * HEIGHT + 24) * WIDTH_MIN + x];
        assert_eq!((at(0, 5), at(2, 5)), (-1.0, 1.0), "red left, blue plane first");
        assert_eq!((at(0, 90), at(2, 90)), (1.0, -1.0));
        assert_eq!(at(0, 150), 0.0, "padding");
    }

    #[test]
    fn a_standing_line_is_read_from_the_top() {
        let rgb: Vec<u8> = (0..20 * 40).flat_map(|at| if at / 20 < 20 { [255, 0, 0] } else { [0, 0, 255] }).collect();
        let frame = Frame::new(0, 0, 20, 40, rgb);
        let line = Rectangle { centre: [10.0, 20.0], along: [1.0, 0.0], size: [20.0, 40.0] };
        let strip = strip(&frame, (20, 40), &line).unwrap();
        let planes = strip.planes(&frame).unwrap();
        assert_eq!((planes[2 * HEIGHT * WIDTH_MIN + 5], planes[2 * HEIGHT * WIDTH_MIN + 90]), (1.0, -1.0), "red first");
    }

    #[test]
    fn a_long_line_is_squeezed() {
        let long = Rectangle { centre: [20.0, 10.0], along: [1.0, 0.0], size: [4000.0, 2.0] };
        assert_eq!(strip(&halves(), (40, 20), &long).unwrap().width, WIDTH_MAX);
    }

    proptest! {
        #[test]
        fn any_line_is_cut_out(x in -50.0_f32..100.0, y in -50.0_f32..100.0, turn in 0.0_f32..6.3, wide in 0.0_f32..200.0, high in 0.0_f32..200.0) {
            let line = Rectangle { centre: [x, y], along: [turn.cos(), turn.sin()], size: [wide, high] };
            if let Some(strip) = strip(&halves(), (32, 32), &line) {
                let planes = strip.planes(&halves()).unwrap();
                prop_assert_eq!(planes.len(), 3 * HEIGHT * strip.width);
                prop_assert!(planes.iter().all(|value| (-1.0..=1.0).contains(value)));
            }
        }
    }
}
