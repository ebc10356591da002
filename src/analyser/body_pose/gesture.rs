//! What the points of a body look like, in words. Rules on points in the plane of the picture; up is up in the picture.
//!
//! A point counts when its score is at least 0.3. The middle of the shoulders is that of both, or the one that counts; so for the hips. The
//! *torso* is the line between these middles: its length is the unit below, its *lean* the angle to the vertical (0° upright, 90° level). With no
//! hip in sight the unit is 1.4 times the distance of the shoulders, and words that need the lean are not given. *Frontal* means that the
//! shoulders are at least 0.3 apart.
//!
//! | word | rule |
//! |---|---|
//! | `lying` | lean at least 60°, and the thighs (hip to knee) are at least 45° from the vertical where a knee is seen; 70° where none is |
//! | `bending` | lean 35° to 120°, and the thighs point down within 40° |
//! | `sitting` | lean under 35°, and the knees are less than 0.5 below the hips, with no ankle above its knee |
//! | `standing` | lean under 35°, and of each leg that is seen the knee is at least 0.6 below the hip and the ankle at least 0.5 below the knee |
//! | `arms_raised` | both wrists are above the eyes (no eye seen: 0.5 above the shoulders) |
//! | `arm_raised` | one wrist is, the other is seen and is not |
//! | `arms_spread` | frontal; both wrists are within 0.35 of the height of their shoulders, and 0.7 or more outwards of them |
//! | `hands_on_hips` | frontal; both wrists are within 0.35 of their hips, and both elbows are 0.1 or more outwards of wrist and shoulder |
//! | `arms_crossed` | frontal; both wrists are between shoulders and hips in height and 0.05 or more beyond the middle, on the other arm's side; the elbows are below the shoulders |
//! | `hand_at_face` | a wrist is within 0.5 of the nose, and is not above the eyes |

use super::movenet::Point;

/// Every word, in the order in which they are told.
pub(super) const WORDS: [&str; 10] = [
    "standing",
    "sitting",
    "lying",
    "bending",
    "arms_raised",
    "arm_raised",
    "arms_spread",
    "hands_on_hips",
    "arms_crossed",
    "hand_at_face",
];

/// A point with a lower score does not count.
const SCORE_MIN: f32 = 0.3;
const NOSE: usize = 0;
const EYES: [usize; 2] = [1, 2];
const SHOULDERS: [usize; 2] = [5, 6];
const ELBOWS: [usize; 2] = [7, 8];
const WRISTS: [usize; 2] = [9, 10];
const HIPS: [usize; 2] = [11, 12];
const KNEES: [usize; 2] = [13, 14];
const ANKLES: [usize; 2] = [15, 16];

type Place = [f32; 2];

/// The words for the 17 points of a body, in the order of [`WORDS`].
pub(super) fn words(points: &[Point]) -> Vec<&'static str> {
    let Some(body) = Body::of(points) else { return Vec::new() };
    let rules: [(&str, bool); WORDS.len()] = [
        ("standing", body.is_standing()),
        ("sitting", body.is_sitting()),
        ("lying", body.is_lying()),
        ("bending", body.is_bending()),
        ("arms_raised", body.raised() == Some([true, true])),
        ("arm_raised", matches!(body.raised(), Some([true, false] | [false, true]))),
        ("arms_spread", body.both_sides(Body::is_spread)),
        ("hands_on_hips", body.both_sides(Body::is_on_hip)),
        ("arms_crossed", body.both_sides(Body::is_crossed)),
        ("hand_at_face", body.is_hand_at_face()),
    ];
    rules.into_iter().filter(|(_, applies)| *applies).map(|(word, _)| word).collect()
}

/// A body with at least one shoulder and a unit to measure with.
struct Body<'a> {
    points: &'a [Point],
    shoulders: Place,
    hips: Option<Place>,
    unit: f32,
}

impl<'a> Body<'a> {
    fn of(points: &'a [Point]) -> Option<Self> {
        let shoulders = middle(points, SHOULDERS)?;
        let hips = middle(points, HIPS);
        let broad = at(points, SHOULDERS[0]).zip(at(points, SHOULDERS[1])).map(|(one, other)| 1.4 * distance(one, other));
        let unit = hips.map(|hips| distance(shoulders, hips)).or(broad)?;
        // Closer together than a pixel they are no body.
        (unit.is_finite() && unit >= 1.0).then_some(Self { points, shoulders, hips, unit })
    }

    fn at(&self, point: usize) -> Option<Place> {
        at(self.points, point)
    }

    /// The angle of the torso to the vertical, degrees.
    fn lean(&self) -> Option<f32> {
        let [hip_x, hip_y] = self.hips?;
        let [x, y] = [self.shoulders[0] - hip_x, self.shoulders[1] - hip_y];
        Some(x.abs().atan2(-y).to_degrees())
    }

    /// The angles of the thighs to straight down, degrees.
    fn thighs(&self) -> Vec<f32> {
        let legs = HIPS.into_iter().zip(KNEES).filter_map(|(hip, knee)| self.at(hip).zip(self.at(knee)));
        legs.map(|(hip, knee)| (knee[0] - hip[0]).abs().atan2(knee[1] - hip[1]).to_degrees()).collect()
    }

    fn is_lying(&self) -> bool {
        let thighs = self.thighs();
        let least = if thighs.is_empty() { 70.0 } else { 60.0 };
        self.lean().is_some_and(|lean| lean >= least) && thighs.iter().all(|thigh| *thigh >= 45.0)
    }

    fn is_bending(&self) -> bool {
        let thighs = self.thighs();
        self.lean().is_some_and(|lean| (35.0..=120.0).contains(&lean))
            && !thighs.is_empty()
            && thighs.iter().all(|thigh| *thigh <= 40.0)
    }

    fn is_upright(&self) -> bool {
        self.lean().is_some_and(|lean| lean < 35.0)
    }

    fn is_sitting(&self) -> bool {
        let Some(hips) = self.hips.filter(|_| self.is_upright()) else { return false };
        let knees: Vec<(Place, Option<Place>)> =
            KNEES.into_iter().zip(ANKLES).filter_map(|(knee, ankle)| self.at(knee).map(|knee| (knee, self.at(ankle)))).collect();
        let low = |knee: &Place| (knee[1] - hips[1]) < 0.5 * self.unit;
        !knees.is_empty() && knees.iter().all(|(knee, ankle)| low(knee) && ankle.is_none_or(|ankle| ankle[1] >= knee[1]))
    }

    fn is_standing(&self) -> bool {
        let seen = |leg: [usize; 3]| Some([self.at(leg[0])?, self.at(leg[1])?, self.at(leg[2])?]);
        let legs: Vec<[Place; 3]> = (0..2).filter_map(|side| seen([HIPS[side], KNEES[side], ANKLES[side]])).collect();
        let straight =
            |[hip, knee, ankle]: &[Place; 3]| knee[1] - hip[1] >= 0.6 * self.unit && ankle[1] - knee[1] >= 0.5 * self.unit;
        self.is_upright() && !legs.is_empty() && legs.iter().all(straight)
    }

    fn is_above_eyes(&self, wrist: Place) -> bool {
        let eyes = EYES.into_iter().filter_map(|eye| self.at(eye)).map(|eye| eye[1]).reduce(f32::min);
        wrist[1] < eyes.unwrap_or(self.shoulders[1] - 0.5 * self.unit)
    }

    /// Of each wrist whether it is raised, where both are seen.
    fn raised(&self) -> Option<[bool; 2]> {
        let [left, right] = WRISTS.map(|wrist| self.at(wrist).map(|wrist| self.is_above_eyes(wrist)));
        Some([left?, right?])
    }

    fn is_hand_at_face(&self) -> bool {
        let Some(nose) = self.at(NOSE) else { return false };
        let mut wrists = WRISTS.into_iter().filter_map(|wrist| self.at(wrist));
        wrists.any(|wrist| distance(wrist, nose) <= 0.5 * self.unit && !self.is_above_eyes(wrist))
    }

    /// Whether a rule holds on both sides of a frontal body. It is given the side and a measure of how far a place lies outwards of another,
    /// in units.
    fn both_sides(&self, rule: impl Fn(&Self, &Side) -> bool) -> bool {
        let [Some(left), Some(right)] = SHOULDERS.map(|shoulder| self.at(shoulder)) else { return false };
        if (left[0] - right[0]).abs() < 0.3 * self.unit {
            return false;
        }
        let side = |side: usize, shoulder: Place, outwards: f32| {
            let (elbow, wrist) = (self.at(ELBOWS[side])?, self.at(WRISTS[side])?);
            Some(Side { shoulder, elbow, wrist, hip: self.at(HIPS[side]), outwards })
        };
        let outwards = (left[0] - right[0]).signum();
        let sides = [side(0, left, outwards), side(1, right, -outwards)];
        sides.iter().all(|side| side.as_ref().is_some_and(|side| rule(self, side)))
    }

    fn is_spread(&self, side: &Side) -> bool {
        (side.wrist[1] - side.shoulder[1]).abs() <= 0.35 * self.unit && self.out(side, side.wrist, side.shoulder) >= 0.7
    }

    fn is_on_hip(&self, side: &Side) -> bool {
        let near = side.hip.is_some_and(|hip| distance(side.wrist, hip) <= 0.35 * self.unit);
        near && self.out(side, side.elbow, side.wrist) >= 0.1 && self.out(side, side.elbow, side.shoulder) >= 0.1
    }

    fn is_crossed(&self, side: &Side) -> bool {
        let lowest = self.hips.map_or(self.shoulders[1] + self.unit, |hips| hips[1]);
        let between = (self.shoulders[1]..=lowest).contains(&side.wrist[1]);
        between && self.out(side, side.wrist, self.shoulders) <= -0.05 && side.elbow[1] > side.shoulder[1]
    }

    /// How far `place` lies outwards of `from`, in units.
    fn out(&self, side: &Side, place: Place, from: Place) -> f32 {
        (place[0] - from[0]) * side.outwards / self.unit
    }
}

/// One arm of a frontal body.
struct Side {
    shoulder: Place,
    elbow: Place,
    wrist: Place,
    hip: Option<Place>,
    /// 1 where outwards is to the right of the picture, else −1.
    outwards: f32,
}

fn at(points: &[Point], point: usize) -> Option<Place> {
    points.get(point).filter(|point| point.score >= SCORE_MIN && point.at.iter().all(|at| at.is_finite())).map(|point| point.at)
}

fn middle(points: &[Point], [one, other]: [usize; 2]) -> Option<Place> {
    match (at(points, one), at(points, other)) {
        (Some(one), Some(other)) => Some([f32::midpoint(one[0], other[0]), f32::midpoint(one[1], other[1])]),
        (one, other) => one.or(other),
    }
}

fn distance(one: Place, other: Place) -> f32 {
    (one[0] - other[0]).hypot(one[1] - other[1])
}

#[cfg(test)]
mod tests;
