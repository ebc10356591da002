//! What comes again: near-duplicate shots, films that go round in circles, films whose end leads back to their beginning.

use super::bins::{Bin, Bins};

/// Hashes that differ in at most so many of 64 bits are of one picture.
const SAME: u32 = 8;
/// Longer lists of shots are compared with so many before each only.
const BEFORE: usize = 400;
/// A shorter shot is no repetition, milliseconds.
const SHOT_MIN_MS: i64 = 600;
/// A film going round: so many of its steps look like those a period later …
const ROUND_SHARE: f32 = 0.9;
/// … it has at least so many different pictures, and the period is at least so many steps.
const PICTURES_MIN: usize = 3;
const PERIOD_MIN: usize = 3;
/// Longer films are not searched for circles, steps.
const ROUND_MAX: usize = 1200;

/// A shot like one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Repetition {
    pub(super) shot: (i64, i64),
    pub(super) of: (i64, i64),
    /// Bits that differ, in the mean.
    pub(super) distance: f32,
}

/// Each shot that looks like an earlier one, with the one it is most like. Shots that touch are left out: a false cut is no
/// repetition.
pub(super) fn repetitions(shots: &[(i64, i64)], bins: &Bins) -> Vec<Repetition> {
    let prints: Vec<Option<[u64; 3]>> = shots.iter().map(|shot| print(*shot, bins)).collect();
    let mut found = Vec::new();
    for (at, (shot, own)) in shots.iter().zip(&prints).enumerate() {
        let Some(own) = own else { continue };
        let earlier = shots.iter().zip(&prints).take(at.saturating_sub(1)).skip(at.saturating_sub(BEFORE));
        let near = earlier.filter_map(|(of, print)| Some((*of, distance(own, print.as_ref()?)?)));
        let best = near.reduce(|best, next| if next.1 < best.1 { next } else { best });
        found.extend(best.map(|(of, distance)| Repetition { shot: *shot, of, distance }));
    }
    found
}

/// The hashes at the beginning, in the middle and at the end.
fn print((start_ms, end_ms): (i64, i64), bins: &Bins) -> Option<[u64; 3]> {
    let length = end_ms - start_ms;
    if length < SHOT_MIN_MS {
        return None;
    }
    // A step holds the look of its beginning: the first one after the shot's beginning is surely in it.
    let first = start_ms + bins.step_ms() - 1;
    let hash = |time_ms: i64| bins.at(time_ms.clamp(start_ms, end_ms - 1)).and_then(|bin| bin.hash);
    Some([hash(first)?, hash(start_ms + length / 2)?, hash(end_ms - 1)?])
}

/// The mean number of bits that differ; none when one of the three is another picture.
fn distance(one: &[u64; 3], other: &[u64; 3]) -> Option<f32> {
    let bits: Vec<u32> = one.iter().zip(other).map(|(one, other)| (one ^ other).count_ones()).collect();
    bits.iter().all(|bits| *bits <= SAME).then(|| bits.iter().sum::<u32>() as f32 / 3.0)
}

/// The period after which a film comes again, in steps, and the share of steps for which that holds.
pub(super) fn round(bins: &[Bin]) -> Option<(usize, f32)> {
    if bins.len() > ROUND_MAX || pictures(bins) < PICTURES_MIN {
        return None;
    }
    let share = |period: usize| {
        let pairs =
            bins.iter().zip(bins.iter().skip(period)).filter_map(|(one, other)| Some((one.hash? ^ other.hash?).count_ones()));
        let (same, all) = pairs.fold((0_u32, 0_u32), |(same, all), bits| (same + u32::from(bits <= SAME), all + 1));
        (all as usize >= PERIOD_MIN).then(|| same as f32 / all as f32)
    };
    let periods = PERIOD_MIN..=bins.len() / 2;
    let found = periods.filter_map(|period| Some((period, share(period)?)));
    found.into_iter().find(|(_, share)| *share >= ROUND_SHARE)
}

/// How many pictures in a row differ from the one before: a still is no circle.
fn pictures(bins: &[Bin]) -> usize {
    let mut hashes: Vec<u64> = Vec::new();
    for hash in bins.iter().filter_map(|bin| bin.hash) {
        if hashes.len() < PICTURES_MIN && hashes.iter().all(|other| (other ^ hash).count_ones() > SAME) {
            hashes.push(hash);
        }
    }
    hashes.len()
}

/// How many bits the last picture differs from the first in, when it is the same picture and something else was between them.
pub(super) fn back_at_the_start(bins: &[Bin]) -> Option<u32> {
    let hashes: Vec<u64> = bins.iter().filter_map(|bin| bin.hash).collect();
    let (first, last) = (hashes.first()?, hashes.last()?);
    let distance = (first ^ last).count_ones();
    let away = hashes.iter().any(|hash| (hash ^ first).count_ones() > 2 * SAME);
    (distance <= SAME && away).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::super::super::small::Thumb;
    use super::*;

    /// Each number is a picture of half a second.
    fn film(pictures: &[u32]) -> Bins {
        let mut bins = Bins::default();
        for (at, picture) in pictures.iter().enumerate() {
            // One bright block in each column of seven rows, at a place that the picture's number chooses.
            let cell = |x: usize, y: usize| {
                ((x / 8 + y / 5 * 9) as u32).wrapping_mul(2_654_435_761 ^ picture.wrapping_mul(0x85EB_CA6B)) >> 24
            };
            let rgb = (0..36).flat_map(|y| (0..64).map(move |x| (x, y))).flat_map(|(x, y)| [cell(x, y) as u8; 3]).collect();
            bins.push(at as i64 * 500, &Thumb { height: 36, rgb });
        }
        bins
    }

    #[test]
    fn a_shot_that_comes_again_is_found() {
        let bins = film(&[1, 1, 2, 2, 3, 3, 1, 1, 4, 4]);
        let shots: Vec<(i64, i64)> = (0..5).map(|at| (at * 1000, at * 1000 + 1000)).collect();
        let found = repetitions(&shots, &bins);
        assert_eq!(found.iter().map(|one| (one.shot, one.of)).collect::<Vec<_>>(), [((3000, 4000), (0, 1000))]);
        assert!(repetitions(&[(0, 1000), (1000, 2000)], &film(&[1; 4])).is_empty(), "shots that touch");
        assert!(repetitions(&[], &bins).is_empty());
    }

    #[test]
    fn circles_have_their_period() {
        let circle = film(&[1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
        assert_eq!(round(circle.all()), Some((4, 1.0)));
        assert_eq!(back_at_the_start(circle.all()), None);
        for other in [film(&[1; 12]), film(&[1, 2, 3, 4, 5, 6, 7, 8]), film(&[])] {
            assert_eq!(round(other.all()), None);
        }
    }

    #[test]
    fn an_end_like_the_beginning_leads_back() {
        assert_eq!(back_at_the_start(film(&[1, 2, 3, 4, 1]).all()), Some(0));
        assert_eq!(back_at_the_start(film(&[1, 1, 1, 1]).all()), None, "nothing was between");
        assert_eq!(back_at_the_start(film(&[1, 2, 3]).all()), None);
    }
}
