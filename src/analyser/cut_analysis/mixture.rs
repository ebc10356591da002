//! Gradual transitions: where a picture is the mean of one some time before it and one as long after it, as in a dissolve, and these
//! two differ. Motion and pans differ too, but their middle is no mean.

use serde::{Deserialize, Serialize};

/// The two pictures lie so far apart in all: a dissolve is rarely shorter, and longer ones differ enough over a part.
pub(super) const SPAN_MS: i64 = 640;
/// The two differ at least so much, mean over the bytes.
const DIFFERENCE_MIN: f32 = 10.0;
/// The middle is farther from their mean than this share of that: something moved.
const REST_MAX: f32 = 0.22;
/// A picture darker than this is black: the transition is a fade, which has a detector of its own.
const DARK: f32 = 16.0;
/// Fewer pictures in a row are chance.
const RUN_MIN: u64 = 4;
/// A run is ended after so many, so that a decision comes in time.
const RUN_MAX: u64 = 75;
/// So many pictures in between may fail.
const GAP: u64 = 2;

/// Positions of the first and the last picture of a transition.
pub(super) type Run = (u64, u64);

/// Finds runs of mixtures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mixtures {
    open: Option<Run>,
}

impl Mixtures {
    /// Takes the picture at `position` with those before and after it; answers a transition that ended.
    pub(super) fn push(&mut self, position: u64, [before, middle, after]: [&[u8]; 3]) -> Option<Run> {
        if is_mixture(before, middle, after) {
            let run = self.open.get_or_insert((position, position));
            run.1 = position;
            return if run.1 - run.0 >= RUN_MAX { self.finish() } else { None };
        }
        self.open.filter(|run| position - run.1 > GAP).and_then(|_| self.finish())
    }

    /// The transition that was not over.
    pub(super) fn finish(&mut self) -> Option<Run> {
        self.open.take().filter(|run| run.1 - run.0 + 1 >= RUN_MIN)
    }
}

/// Whether a picture is all but black.
pub(super) fn is_dark(rgb: &[u8]) -> bool {
    let sum: u64 = rgb.iter().map(|byte| u64::from(*byte)).sum();
    (sum as f32) < DARK * rgb.len() as f32
}

fn is_mixture(before: &[u8], middle: &[u8], after: &[u8]) -> bool {
    let (mut apart, mut rest) = (0_u64, 0_u64);
    for ((before, middle), after) in before.iter().zip(middle).zip(after) {
        let (before, middle, after) = (u64::from(*before), u64::from(*middle), u64::from(*after));
        apart += before.abs_diff(after);
        rest += (2 * middle).abs_diff(before + after);
    }
    let count = before.len().max(1) as f32;
    let dark = || is_dark(before) || is_dark(after);
    apart as f32 >= DIFFERENCE_MIN * count && rest as f32 <= 2.0 * REST_MAX * apart as f32 && !dark()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A film of pictures of 64 bytes; each is compared with those 4 before and after.
    fn runs(film: &[Vec<u8>]) -> Vec<Run> {
        let mut mixtures = Mixtures::default();
        let windows = film.windows(9).enumerate();
        let mut found: Vec<Run> =
            windows.filter_map(|(at, window)| mixtures.push(at as u64 + 4, [&window[0], &window[4], &window[8]])).collect();
        found.extend(mixtures.finish());
        found
    }

    fn picture(seed: u32) -> Vec<u8> {
        (0..64_u32).map(|at| ((at * 37 + seed * 91) % 180 + 40) as u8).collect()
    }

    fn mixed(one: &[u8], other: &[u8], part: f32) -> Vec<u8> {
        one.iter().zip(other).map(|(a, b)| (f32::from(*a) * (1.0 - part) + f32::from(*b) * part).round() as u8).collect()
    }

    #[test]
    fn a_dissolve_is_one_run_and_a_cut_none() {
        let (one, other) = (picture(1), picture(2));
        let film: Vec<Vec<u8>> =
            (0..60_u8).map(|at| mixed(&one, &other, (f32::from(at) - 20.0).clamp(0.0, 20.0) / 20.0)).collect();
        let found = runs(&film);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0.abs_diff(21) <= 3 && found[0].1.abs_diff(39) <= 3, "{found:?}");
        let cut: Vec<Vec<u8>> = (0..60_u8).map(|at| if at < 30 { one.clone() } else { other.clone() }).collect();
        assert_eq!(runs(&cut), []);
    }

    #[test]
    fn motion_and_fades_to_black_are_none() {
        let pattern = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8 / 2 + 40;
        let moving: Vec<Vec<u8>> = (0..60_u32).map(|time| (0..64).map(|at| pattern(at + 3 * time)).collect()).collect();
        assert_eq!(runs(&moving), []);
        let (one, black) = (picture(1), vec![0; 64]);
        let fading: Vec<Vec<u8>> =
            (0..60_u8).map(|at| mixed(&one, &black, (f32::from(at) - 20.0).clamp(0.0, 10.0) / 10.0)).collect();
        assert!(runs(&fading).iter().all(|run| run.1 - run.0 < 8), "{:?}", runs(&fading));
    }
}
