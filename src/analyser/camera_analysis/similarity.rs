//! The similarity (shift, turn, scale) that most points follow: random sample consensus with a fixed sequence, then least squares.

use super::flow::Step;

/// A point within this of where the motion takes it agrees with it, pixels …
const TOLERANCE: f32 = 0.6;
/// … and so much of the way more: near things go farther than far ones when the camera itself moves.
const TOLERANCE_SHARE: f32 = 0.15;
/// Pairs of points that are tried.
const TRIALS: usize = 80;
/// Fewer points say nothing.
const POINTS_MIN: usize = 8;
/// Two points closer than this say nothing of turn and scale, pixels.
const BASE_MIN: f32 = 16.0;
/// Rounds of least squares over those that agree.
const ROUNDS: usize = 3;

/// `to = (a + ib) · from + (x + iy)`, with points as complex numbers, from the picture's middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Similarity {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) x: f32,
    pub(super) y: f32,
    /// Share of the points that agree, 0 to 1.
    pub(super) agreed: f32,
}

impl Similarity {
    /// How much larger the picture became: 1 for not at all.
    pub(super) fn scale(self) -> f32 {
        self.a.hypot(self.b)
    }

    /// How far the picture turned, degrees, clockwise as seen.
    pub(super) fn turn(self) -> f32 {
        self.b.atan2(self.a).to_degrees()
    }

    fn agrees(self, step: &Step) -> bool {
        let [x, y] = step.from;
        let (to_x, to_y) = (self.a * x - self.b * y + self.x, self.b * x + self.a * y + self.y);
        let way = (to_x - x).hypot(to_y - y);
        (step.to[0] - to_x).hypot(step.to[1] - to_y) <= TOLERANCE + TOLERANCE_SHARE * way
    }
}

/// The motion that most points agree with; none when there are too few, or no two agree.
pub(super) fn fit(steps: &[Step]) -> Option<Similarity> {
    if steps.len() < POINTS_MIN {
        return None;
    }
    let mut sequence = Sequence(steps.len() as u64);
    let tried = (0..TRIALS).filter_map(|_| {
        let (one, other) = (steps.get(sequence.below(steps.len()))?, steps.get(sequence.below(steps.len()))?);
        let motion = of_two(one, other)?;
        Some((steps.iter().filter(|step| motion.agrees(step)).count(), motion))
    });
    // The first of equals, so that the answer does not depend on the order of comparison.
    let (_, mut motion) = tried.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    for _ in 0..ROUNDS {
        let agreeing: Vec<Step> = steps.iter().filter(|step| motion.agrees(step)).copied().collect();
        let refined = least_squares(&agreeing)?;
        motion = Similarity { agreed: agreeing.len() as f32 / steps.len() as f32, ..refined };
    }
    Some(motion)
}

fn of_two(one: &Step, other: &Step) -> Option<Similarity> {
    let apart = (other.from[0] - one.from[0]).hypot(other.from[1] - one.from[1]);
    (apart >= BASE_MIN).then(|| least_squares(&[*one, *other])).flatten()
}

/// The similarity with the least sum of squared distances.
fn least_squares(steps: &[Step]) -> Option<Similarity> {
    let count = steps.len() as f32;
    let mean = |of: fn(&Step) -> f32| steps.iter().map(of).sum::<f32>() / count;
    let from = [mean(|step| step.from[0]), mean(|step| step.from[1])];
    let to = [mean(|step| step.to[0]), mean(|step| step.to[1])];
    let (mut same, mut turned, mut spread) = (0.0_f32, 0.0_f32, 0.0_f32);
    for step in steps {
        let (x, y) = (step.from[0] - from[0], step.from[1] - from[1]);
        let (to_x, to_y) = (step.to[0] - to[0], step.to[1] - to[1]);
        same += x * to_x + y * to_y;
        turned += x * to_y - y * to_x;
        spread += x * x + y * y;
    }
    if spread <= f32::EPSILON {
        return None;
    }
    let (a, b) = (same / spread, turned / spread);
    let fitted = Similarity { a, b, x: to[0] - (a * from[0] - b * from[1]), y: to[1] - (b * from[0] + a * from[1]), agreed: 0.0 };
    [fitted.a, fitted.b, fitted.x, fitted.y].iter().all(|value| value.is_finite()).then_some(fitted)
}

/// A fixed sequence of numbers that look random (the 64-bit linear congruential generator of Knuth's MMIX): the same points give the
/// same answer.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points() -> impl Iterator<Item = [f32; 2]> {
        (0..60_u8).map(|at| [f32::from(at % 10) * 25.0 - 112.0, f32::from(at / 10) * 24.0 - 60.0])
    }

    fn moved(truth: Similarity) -> Vec<Step> {
        points()
            .map(|from| {
                let [x, y] = from;
                Step { from, to: [truth.a * x - truth.b * y + truth.x, truth.b * x + truth.a * y + truth.y] }
            })
            .collect()
    }

    #[test]
    fn finds_shift_turn_and_scale_in_spite_of_a_third_of_strays() {
        let angle = 2.0_f32.to_radians();
        let truth = Similarity { a: 1.02 * angle.cos(), b: 1.02 * angle.sin(), x: -3.5, y: 1.25, agreed: 0.0 };
        let mut steps = moved(truth);
        for (at, step) in steps.iter_mut().enumerate().filter(|(at, _)| at % 3 == 0) {
            step.to = [step.to[0] + 9.0 + at as f32 / 7.0, step.to[1] - 5.0];
        }
        let found = fit(&steps).unwrap();
        assert!((found.scale() - 1.02).abs() < 1e-3 && (found.turn() - 2.0).abs() < 0.05, "{found:?}");
        assert!((found.x + 3.5).abs() < 0.05 && (found.y - 1.25).abs() < 0.05, "{found:?}");
        assert!((found.agreed - 2.0 / 3.0).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn too_few_points_or_all_in_one_place_say_nothing() {
        let steps = moved(Similarity { a: 1.0, b: 0.0, x: 1.0, y: 0.0, agreed: 0.0 });
        assert_eq!(fit(&steps[..7]), None);
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[Step { from: [1.0, 1.0], to: [2.0, 2.0] }; 20]), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_gives_what_is_no_number(values in prop::collection::vec(prop::array::uniform4(prop::num::f32::ANY), 0..40)) {
            let steps: Vec<Step> = values.iter().map(|&[a, b, c, d]| Step { from: [a, b], to: [c, d] }).collect();
            if let Some(found) = fit(&steps) {
                prop_assert!([found.a, found.b, found.x, found.y, found.agreed].iter().all(|value| value.is_finite()));
            }
        }
    }
}
