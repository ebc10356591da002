use proptest::prelude::*;

use super::super::movenet::POINTS;
use super::*;

/// Someone who stands and faces the viewer, arms down, in pixels: the torso is 100 long.
fn standing() -> Vec<Point> {
    let places = [
        [0.0, -40.0],
        [8.0, -48.0],
        [-8.0, -48.0],
        [16.0, -45.0],
        [-16.0, -45.0],
        [35.0, 0.0],
        [-35.0, 0.0],
        [42.0, 50.0],
        [-42.0, 50.0],
        [45.0, 95.0],
        [-45.0, 95.0],
        [20.0, 100.0],
        [-20.0, 100.0],
        [20.0, 190.0],
        [-20.0, 190.0],
        [20.0, 275.0],
        [-20.0, 275.0],
    ];
    places.map(|[x, y]| Point { at: [x + 300.0, y + 200.0], score: 0.8 }).to_vec()
}

fn with(places: &[(usize, Place)]) -> Vec<Point> {
    let mut points = standing();
    for (point, [x, y]) in places {
        points[*point].at = [x + 300.0, y + 200.0];
    }
    points
}

fn hidden(mut points: Vec<Point>, hidden: &[usize]) -> Vec<Point> {
    for point in hidden {
        points[*point].score = 0.1;
    }
    points
}

/// Turned a quarter about the hips, head to the right.
fn turned(points: &[Point], which: impl Fn(usize) -> bool) -> Vec<Point> {
    let turn = |(number, point): (usize, &Point)| {
        let [x, y] = [point.at[0] - 300.0, point.at[1] - 300.0];
        if which(number) { Point { at: [300.0 - y, 300.0 + x], ..*point } } else { *point }
    };
    points.iter().enumerate().map(turn).collect()
}

#[test]
fn a_standing_person_with_arms_down_just_stands() {
    assert_eq!(words(&standing()), ["standing"]);
    assert_eq!(words(&hidden(standing(), &[15, 16])), [""; 0], "without ankles it could be a crouch");
}

#[test]
fn arms() {
    let up = [(7, [50.0, -40.0]), (9, [45.0, -90.0])];
    let other_up = [(8, [-50.0, -40.0]), (10, [-45.0, -90.0])];
    assert_eq!(words(&with(&[up, other_up].concat())), ["standing", "arms_raised"]);
    assert_eq!(words(&with(&up)), ["standing", "arm_raised"]);
    assert_eq!(words(&hidden(with(&up), &[10])), ["standing"], "the other wrist is not seen");
    let spread = [(7, [85.0, 0.0]), (9, [135.0, 5.0]), (8, [-85.0, 0.0]), (10, [-135.0, -5.0])];
    assert_eq!(words(&with(&spread)), ["standing", "arms_spread"]);
    let akimbo = [(7, [75.0, 50.0]), (9, [30.0, 90.0]), (8, [-75.0, 50.0]), (10, [-30.0, 90.0])];
    assert_eq!(words(&with(&akimbo)), ["standing", "hands_on_hips"]);
    let crossed = [(7, [45.0, 50.0]), (9, [-25.0, 40.0]), (8, [-45.0, 50.0]), (10, [25.0, 45.0])];
    assert_eq!(words(&with(&crossed)), ["standing", "arms_crossed"]);
    assert_eq!(words(&with(&[(8, [-45.0, 45.0]), (10, [-5.0, -20.0])])), ["standing", "hand_at_face"]);
}

#[test]
fn a_person_seen_from_behind_is_mirrored_and_the_same() {
    let akimbo = with(&[(7, [75.0, 50.0]), (9, [30.0, 90.0]), (8, [-75.0, 50.0]), (10, [-30.0, 90.0])]);
    let mirrored: Vec<Point> = akimbo.iter().map(|point| Point { at: [600.0 - point.at[0], point.at[1]], ..*point }).collect();
    assert_eq!(words(&mirrored), ["standing", "hands_on_hips"]);
}

#[test]
fn postures() {
    let arms = [7, 8, 9, 10];
    let flat = turned(&standing(), |_| true);
    assert_eq!(words(&hidden(flat.clone(), &arms)), ["lying"]);
    assert_eq!(words(&hidden(flat, &[7, 8, 9, 10, 13, 14, 15, 16])), ["lying"]);
    let bent = turned(&standing(), |point| point < 11);
    assert_eq!(words(&hidden(bent, &arms)), ["bending"]);
    let seated = with(&[(13, [40.0, 125.0]), (14, [-40.0, 125.0]), (15, [40.0, 205.0]), (16, [-40.0, 205.0])]);
    assert_eq!(words(&seated), ["sitting"]);
    assert_eq!(words(&hidden(seated, &[15, 16])), ["sitting"]);
}

#[test]
fn too_little_in_sight_gives_no_word() {
    assert!(words(&[]).is_empty());
    assert!(words(&hidden(standing(), &(0..POINTS).collect::<Vec<_>>())).is_empty());
    assert!(words(&[Point { at: [5.0, 5.0], score: 1.0 }; POINTS]).is_empty());
    let bust = hidden(standing(), &[7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert!(words(&bust).is_empty());
}

proptest! {
    #[test]
    fn any_points_give_known_words_once(
        points in prop::collection::vec((any::<f32>(), any::<f32>(), any::<f32>()), 0..20),
        tame in any::<bool>(),
    ) {
        let sane = |value: f32| if tame { value % 100.0 } else { value };
        let points: Vec<Point> = points.iter().map(|(x, y, score)| Point { at: [sane(*x), sane(*y)], score: score.abs() }).collect();
        let told = words(&points);
        prop_assert!(told.iter().all(|word| WORDS.contains(word)));
        prop_assert!(!(told.contains(&"standing") && told.contains(&"sitting")));
        prop_assert!(!(told.contains(&"arms_raised") && told.contains(&"arm_raised")));
        prop_assert!(!(told.contains(&"lying") && told.contains(&"standing")));
    }

    #[test]
    fn where_and_how_large_a_person_is_does_not_matter(x in -1000_f32..1000.0, y in -1000_f32..1000.0, scale in 0.1_f32..20.0) {
        let place = |point: Point| Point { at: [point.at[0] * scale + x, point.at[1] * scale + y], ..point };
        let akimbo = with(&[(7, [75.0, 50.0]), (9, [30.0, 90.0]), (8, [-75.0, 50.0]), (10, [-30.0, 90.0])]);
        prop_assert_eq!(words(&akimbo.into_iter().map(place).collect::<Vec<_>>()), ["standing", "hands_on_hips"]);
    }
}
