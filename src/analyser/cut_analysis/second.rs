//! A second opinion on doubtful places, by TransNetV2: weak cuts, and gradual transitions, which the cheap detectors cannot name.
//!
//! The model is dear, so only blocks of fifty pictures that hold a doubt are shown to it, each with 25 more on either side, as in its
//! own code (windows every 50 pictures, of which 25 to 75 count; the first and the last picture are repeated beyond the ends). How
//! many it may look at grows with the film, so that its share of the work is bounded.

use std::collections::VecDeque;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::cuts::Cut;
use super::mixture::{Mixtures, Run, SPAN_MS, is_dark};
use crate::infer::{Outputs, Session, Tensor};

/// Size of the model's pictures.
pub(super) const WIDTH: u32 = 48;
pub(super) const HEIGHT: u32 = 27;
/// Pictures of a window, of a block, and before the block.
const WINDOW: usize = 100;
const BLOCK: u64 = 50;
const MARGIN: u64 = 25;
/// A block is looked at so many pictures after its beginning: by then its doubts are known.
const DELAY: u64 = 110;
/// Pictures that are kept for it.
const KEPT: usize = 170;
/// Windows that may be looked at from the beginning, and one more for each so many milliseconds.
const WINDOWS_FIRST: i64 = 2;
const WINDOW_EVERY_MS: i64 = 15_000;
/// Positions around a doubt whose probabilities count.
const AROUND: u64 = 3;

/// Something to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Doubt {
    /// A new shot may begin here.
    Cut(Cut),
    /// One shot may become another from the first to the last (frame, time).
    Gradual((u64, i64), (u64, i64)),
}

/// What the model says of it: the probability of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Opinion {
    pub(super) doubt: Doubt,
    pub(super) probability: f32,
}

/// A small picture, kept until its block was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Picture {
    frame: u64,
    time_ms: i64,
    #[serde(with = "serde_bytes")]
    rgb: Vec<u8>,
}

/// A doubt with the positions (pictures counted from 0) that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Placed {
    doubt: Doubt,
    run: Run,
}

/// A block that is to be shown to the model.
pub(super) struct Due {
    block: u64,
    placed: Vec<Placed>,
}

/// Follows a video; holds everything but the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Second {
    seen: u64,
    kept: VecDeque<Picture>,
    mixtures: Mixtures,
    waiting: Vec<Placed>,
    looked: i64,
    opinions: Vec<Opinion>,
}

impl Second {
    /// Takes the next picture, [`WIDTH`] × [`HEIGHT`] in RGB.
    pub(super) fn push(&mut self, frame: u64, time_ms: i64, rgb: Vec<u8>) {
        self.kept.push_back(Picture { frame, time_ms, rgb });
        self.seen += 1;
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        if let Some(run) = self.mixture(time_ms) {
            self.doubt_run(run);
        }
    }

    /// Takes a cut that is in doubt.
    pub(super) fn doubt(&mut self, cut: Cut) {
        // The model's probability is that of the last picture before the cut.
        let last = self.kept.iter().rposition(|picture| picture.frame < cut.frame);
        if let Some(at) = last.and_then(|at| self.oldest().checked_add(at as u64)) {
            self.waiting.push(Placed { doubt: Doubt::Cut(cut), run: (at, at) });
        }
    }

    /// The next block that is to be looked at and may be; call until there is none.
    pub(super) fn due(&mut self, end: End) -> Option<Due> {
        loop {
            let block = self.waiting.iter().map(|placed| block_of(placed.run)).min()?;
            if end == End::NotYet && self.seen < block * BLOCK + DELAY {
                return None;
            }
            let placed: Vec<Placed> = self.waiting.extract_if(.., |placed| block_of(placed.run) == block).collect();
            let time_ms = self.kept.back().map_or(0, |picture| picture.time_ms);
            let gradual = placed.iter().any(|placed| matches!(placed.doubt, Doubt::Gradual(..)));
            // The last one allowed is kept for a gradual transition, which nothing else can find.
            let needed = if gradual { 1 } else { 2 };
            let allowed = WINDOWS_FIRST + time_ms / WINDOW_EVERY_MS;
            if self.looked + needed <= allowed && self.oldest() <= (block * BLOCK).saturating_sub(MARGIN) {
                self.looked += 1;
                return Some(Due { block, placed });
            }
        }
    }

    /// Shows the block to the model and keeps what it says.
    ///
    /// # Errors
    /// When the model fails, or answers what is no probability.
    pub(super) fn look(&mut self, due: &Due, model: &Session) -> anyhow::Result<()> {
        let shape = [1, WINDOW, HEIGHT as usize, WIDTH as usize, 3];
        let frames = Tensor::f32(&shape, self.window(due.block))?;
        let [single, all] = probabilities(&model.run(&[("frames", &frames)])?)?;
        for placed in &due.placed {
            let probability = highest(placed, due.block, &single, &all);
            self.opinions.push(Opinion { doubt: placed.doubt, probability });
        }
        Ok(())
    }

    /// No picture follows: the transition that was not over becomes a doubt.
    pub(super) fn end(&mut self) {
        if let Some(run) = self.mixtures.finish() {
            self.doubt_run(run);
        }
    }

    /// All that the model said.
    pub(super) fn opinions(&self) -> &[Opinion] {
        &self.opinions
    }

    /// The position of the oldest picture that is kept.
    fn oldest(&self) -> u64 {
        self.seen.saturating_sub(self.kept.len() as u64)
    }

    fn at(&self, position: u64) -> Option<&Picture> {
        self.kept.get(usize::try_from(position.checked_sub(self.oldest())?).ok()?)
    }

    /// Compares the newest picture, one [`SPAN_MS`] before it, and the one between them.
    fn mixture(&mut self, time_ms: i64) -> Option<Run> {
        let newest = self.seen.checked_sub(1)?;
        let back = self.kept.iter().rev().take_while(|picture| time_ms.saturating_sub(picture.time_ms) <= SPAN_MS).count();
        let half = (back as u64).saturating_sub(1) / 2;
        if half < 2 {
            return None;
        }
        let middle = newest.checked_sub(half)?;
        let mut mixtures = self.mixtures.clone();
        let pictures =
            [self.at(middle.checked_sub(half)?)?, self.at(middle)?, self.at(newest)?].map(|picture| picture.rgb.as_slice());
        let run = mixtures.push(middle, pictures);
        self.mixtures = mixtures;
        run
    }

    fn doubt_run(&mut self, run: Run) {
        let place = |position: u64| self.at(position).map(|picture| (picture.frame, picture.time_ms));
        let (Some(first), Some(last)) = (place(run.0), place(run.1)) else { return };
        // Beside black it is a fade, which needs no model.
        let near = (first.1 - SPAN_MS)..=(last.1 + SPAN_MS);
        if !self.kept.iter().any(|picture| near.contains(&picture.time_ms) && is_dark(&picture.rgb)) {
            self.waiting.push(Placed { doubt: Doubt::Gradual(first, last), run });
        }
    }

    /// The pictures of a block and those around it, as the model takes them.
    fn window(&self, block: u64) -> Vec<f32> {
        let first = (block * BLOCK).cast_signed() - MARGIN.cast_signed();
        let positions = (0..WINDOW as i64).map(|at| (first + at).clamp(0, self.seen.cast_signed() - 1).cast_unsigned());
        positions.filter_map(|position| self.at(position)).flat_map(|picture| &picture.rgb).map(|byte| f32::from(*byte)).collect()
    }
}

/// Whether pictures follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    NotYet,
    Reached,
}

fn block_of(run: Run) -> u64 {
    u64::midpoint(run.0, run.1) / BLOCK
}

/// The highest probability near a doubt, inside the block: of a cut its own, of a gradual transition either.
fn highest(placed: &Placed, block: u64, single: &[f32], all: &[f32]) -> f32 {
    let near = placed.run.0.saturating_sub(AROUND)..=placed.run.1 + AROUND;
    let inside = |(at, _): &(u64, &f32)| near.contains(&(block * BLOCK + at));
    let most = |values: &[f32]| {
        let values = (0..).zip(values.iter().skip(MARGIN as usize).take(BLOCK as usize)).filter(inside);
        values.map(|(_, value)| *value).fold(0.0, f32::max)
    };
    match placed.doubt {
        Doubt::Cut(_) => most(single),
        Doubt::Gradual(..) => most(single).max(most(all)),
    }
}

/// Both outputs of a window.
fn probabilities(outputs: &Outputs) -> anyhow::Result<[Vec<f32>; 2]> {
    let of = |name: &str| values(outputs.get(name)?).with_context(|| format!("`transnetv2` gives in `{name}`"));
    Ok([of("single_frame")?, of("all_frames")?])
}

fn values(output: &Tensor) -> anyhow::Result<Vec<f32>> {
    ensure!(output.shape() == [1, WINDOW, 1], "a shape of {:?}; [1, {WINDOW}, 1] is needed", output.shape());
    let values = output.as_f32()?;
    ensure!(values.iter().all(|value| (-0.001..=1.001).contains(value)), "what is no probability");
    Ok(values.iter().map(|value| value.clamp(0.0, 1.0)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::state;
    use super::*;

    /// 25 pictures a second that stay as they are, but become others in each of `dissolves` (first and last picture).
    fn film(count: u64, dissolves: &[(u64, u64)]) -> Vec<Vec<u8>> {
        let at = |position: u64| {
            let shot: f32 = dissolves
                .iter()
                .map(|(first, last)| ((position as f32 - *first as f32) / (last - first) as f32).clamp(0.0, 1.0))
                .sum();
            let (whole, part) = (shot.floor(), shot.fract());
            let byte = |seed: f32, place: usize| ((place as f32 * 37.0 + seed * 91.0) % 180.0) + 40.0;
            let size = (WIDTH * HEIGHT * 3) as usize;
            (0..size).map(|place| (byte(whole, place) * (1.0 - part) + byte(whole + 1.0, place) * part) as u8).collect()
        };
        (0..count).map(at).collect()
    }

    /// The blocks that are due, and what is doubted in them.
    fn blocks(second: &mut Second, film: &[Vec<u8>]) -> Vec<(u64, usize)> {
        let mut found = Vec::new();
        for picture in film {
            let at = second.seen;
            second.push(at, at.cast_signed() * 40, picture.clone());
            found.extend(std::iter::from_fn(|| second.due(End::NotYet)).map(|due| (due.block, due.placed.len())));
        }
        found
    }

    #[test]
    fn a_dissolve_is_doubted_once_in_its_block() {
        let mut second = Second::default();
        let film = film(320, &[(60, 80)]);
        assert_eq!(blocks(&mut second, &film), [(1, 1)]);
        assert_eq!(second.kept.len(), KEPT);
        second.end();
        assert!(second.due(End::Reached).is_none());
    }

    #[test]
    fn a_window_has_a_hundred_pictures_also_at_both_ends() {
        let mut second = Second::default();
        let film = film(40, &[(10, 25)]);
        assert_eq!(blocks(&mut second, &film), []);
        second.end();
        let due = second.due(End::Reached).unwrap();
        assert_eq!((due.block, second.window(0).len()), (0, WINDOW * film[0].len()));
    }

    #[test]
    fn no_more_windows_than_the_length_allows() {
        let dissolves: Vec<(u64, u64)> = (0..12).map(|at| (40 + at * 60, 60 + at * 60)).collect();
        let found = blocks(&mut Second::default(), &film(800, &dissolves));
        // 32 s: two from the beginning, and two more.
        assert!((3..=4).contains(&found.len()), "{found:?}");
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_was() {
        let film = film(200, &[(60, 80)]);
        let mut whole = Second::default();
        let found = blocks(&mut whole, &film);
        for cut in (0..200).step_by(7) {
            let mut first = Second::default();
            let mut told = blocks(&mut first, &film[..cut]);
            let mut second: Second = state::restore(&state::save(&first).unwrap()).unwrap();
            told.extend(blocks(&mut second, &film[cut..]));
            assert_eq!((told, &second), (found.clone(), &whole), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn only_probabilities_in_the_right_shape_are_taken(shape in prop::collection::vec(0..102_usize, 0..4), value in prop::num::f32::ANY) {
            let count = shape.iter().product::<usize>();
            if count < 2_000_000 {
                let tensor = Tensor::f32(&shape, vec![value; count]).unwrap();
                let good = shape == [1, WINDOW, 1] && (-0.001..=1.001).contains(&value);
                prop_assert_eq!(values(&tensor).is_ok(), good);
            }
        }

        #[test]
        fn values_of_the_right_shape_are_checked(values_in in prop::collection::vec(prop::num::f32::ANY, WINDOW)) {
            let good = values_in.iter().all(|value| (-0.001..=1.001).contains(value));
            prop_assert_eq!(values(&Tensor::f32(&[1, WINDOW, 1], values_in).unwrap()).is_ok(), good);
        }
    }
}
