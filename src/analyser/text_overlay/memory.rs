//! Lines that were read, with their pixels: one that did not change is not read again, whatever changed around it.

use serde::{Deserialize, Serialize};

use super::rectangle::Point;
use super::view::{Grey, Growth, View};
use crate::model::Finding;

/// Height at which lines are compared, pixels; long lines are squeezed.
const HEIGHT: usize = 24;
const WIDTH_MAX: usize = 480;
/// In squares of this side.
const SQUARE: usize = 6;
/// A line changed when the brightness (0 to 255) of any square changed by more than this, as a mean over its pixels. Coding noise stays
/// below 3; the dot of an `ạ`, four pixels of the thirty-six, is above 11 where text and ground differ by 100.
const CHANGE_MIN: u32 = 8;
/// What is compared, in shares of the line's height: its letters, not the ground around them, which may move.
const LETTERS: Growth = Growth { sides: -0.1, above: -0.12, below: -0.06 };
/// The corners of one line differ by at most this share of its height from one picture to the next: less than a letter that comes at its end.
const SHIFT_MAX: f32 = 0.15;

/// The lines of the picture that was read last, from the top down.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Memory {
    lines: Vec<Remembered>,
}

/// A line that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Remembered {
    view: View,
    /// Its brightness when it was read, row by row.
    #[serde(with = "serde_bytes")]
    pixels: Vec<u8>,
    /// What it said. None where nothing was read with certainty.
    finding: Option<Finding>,
}

impl Memory {
    /// Of the lines of one picture.
    pub(super) fn of(lines: Vec<Remembered>) -> Self {
        Self { lines }
    }

    /// What its lines said.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.lines.iter().filter_map(|line| line.finding.as_ref())
    }

    /// The line that is where `view` is, when the picture shows what it showed when the line was read.
    pub(super) fn recall(&self, grey: &Grey, view: &View) -> Option<&Remembered> {
        self.lines.iter().find(|line| is_near(&line.view, view) && !changed(&line.pixels, &pixels(grey, line.view)))
    }
}

impl Remembered {
    /// A line that was read now.
    pub(super) fn of(grey: &Grey, view: View, finding: Option<Finding>) -> Self {
        Self { view, pixels: pixels(grey, view), finding }
    }
}

fn is_near(one: &View, other: &View) -> bool {
    let corners = |view: &View| [view.at(0.0, 0.0), view.at(1.0, 0.0), view.at(0.0, 1.0)];
    let apart = |(one, other): (Point, Point)| (one[0] - other[0]).hypot(one[1] - other[1]);
    corners(one).into_iter().zip(corners(other)).all(|pair| apart(pair) <= SHIFT_MAX * one.height())
}

fn pixels(grey: &Grey, view: View) -> Vec<u8> {
    let view = view.grown(LETTERS);
    let width = ((HEIGHT as f32 * view.width() / view.height()).round() as usize).clamp(1, WIDTH_MAX);
    view.picture((width, HEIGHT), |place| [grey.at(place).unwrap_or_default()]).map(|[value]| value.round() as u8).collect()
}

fn changed(before: &[u8], now: &[u8]) -> bool {
    let width = before.len() / HEIGHT;
    if width == 0 || before.len() != now.len() {
        return true;
    }
    let band = width * SQUARE;
    before.chunks(band).zip(now.chunks(band)).any(|(before, now)| {
        let mut squares = vec![(0_u32, 0_u32); width.div_ceil(SQUARE)];
        for (at, (before, now)) in before.iter().zip(now).enumerate() {
            let (sum, count) = &mut squares[at % width / SQUARE];
            *sum += u32::from(before.abs_diff(*now));
            *count += 1;
        }
        squares.iter().any(|(sum, count)| *sum > CHANGE_MIN * count)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyser::Frame;

    /// Bars as letters, 6 wide and 24 high, at these places of 400 × 60, on a ground of this level.
    fn picture(letters: &[usize], ground: u8) -> Grey {
        let ink = |x: usize, y: usize| (18..42).contains(&y) && letters.iter().any(|letter| (*letter..letter + 6).contains(&x));
        let rgb = (0..400 * 60).flat_map(|at| [if ink(at % 400, at / 400) { 250 } else { ground + (at * 7 % 4) as u8 }; 3]);
        Grey::of(&Frame::new(0, 0, 400, 60, rgb.collect::<Vec<_>>())).unwrap()
    }

    fn view(x: f32, width: f32) -> View {
        View { origin: [x, 12.0], along: [width, 0.0], down: [0.0, 36.0] }
    }

    fn memory(letters: &[usize]) -> Memory {
        let finding = Finding { text: Some("III".to_owned()), ..Finding::default() };
        Memory::of(vec![Remembered::of(&picture(letters, 60), view(40.0, 80.0), Some(finding))])
    }

    #[test]
    fn a_line_that_stays_is_recalled_where_the_detector_sees_it_a_little_elsewhere() {
        let memory = memory(&[50, 75, 100]);
        for now in [picture(&[50, 75, 100], 60), picture(&[50, 75, 100], 62), picture(&[50, 75, 100, 300], 60)] {
            assert!(memory.recall(&now, &view(43.0, 78.0)).is_some());
        }
        assert_eq!(memory.findings().count(), 1);
    }

    #[test]
    fn a_line_that_changed_is_not() {
        let memory = memory(&[50, 75, 100]);
        for (now, why) in [
            (picture(&[50, 75], 60), "a letter went"),
            (picture(&[50, 75, 100, 110], 60), "a letter came"),
            (picture(&[50, 80, 100], 60), "a letter moved"),
            (picture(&[50, 75, 100], 90), "the ground changed"),
        ] {
            assert!(memory.recall(&now, &view(40.0, 80.0)).is_none(), "{why}");
        }
        assert!(memory.recall(&picture(&[50, 75, 100], 60), &view(40.0, 90.0)).is_none(), "another extent");
        assert!(memory.recall(&picture(&[50, 75, 100], 60), &view(200.0, 80.0)).is_none(), "another place");
    }

    #[test]
    fn pixels_of_another_size_are_a_change() {
        assert!(changed(&[], &[]) && changed(&[0; 48], &[0; 72]) && !changed(&[0; 48], &[5; 48]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_place_is_compared(x in -900.0_f32..900.0, y in -90.0_f32..90.0, turn in 0.0_f32..6.3, wide in 1.0_f32..3000.0, high in 1.0_f32..300.0) {
            let view = View { origin: [x, y], along: [wide * turn.cos(), wide * turn.sin()], down: [-high * turn.sin(), high * turn.cos()] };
            let grey = picture(&[50], 60);
            let memory = Memory::of(vec![Remembered::of(&grey, view, None)]);
            prop_assert!(memory.recall(&grey, &view).is_some());
        }
    }
}
