//! Where in a picture something is, in a word.

use super::rectangle::Point;

/// The words, row by row.
const WORDS: [[&str; 3]; 3] =
    [["top_left", "top", "top_right"], ["left", "centre", "right"], ["bottom_left", "bottom", "bottom_right"]];

/// The third of the width and of the height in which a point of a picture of this width and height lies: one of nine words.
pub(super) fn word(point: Point, size: (u32, u32)) -> &'static str {
    let third = |at: f32, cells: u32| ((3.0 * at / cells.max(1) as f32) as usize).min(2);
    WORDS[third(point[1], size.1)][third(point[0], size.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_have_words() {
        for (point, expected) in [
            ([0.0, 0.0], "top_left"),
            ([45.0, 10.0], "top"),
            ([89.0, 10.0], "top_right"),
            ([10.0, 25.0], "left"),
            ([31.0, 21.0], "centre"),
            ([61.0, 39.9], "right"),
            ([29.0, 41.0], "bottom_left"),
            ([31.0, 59.0], "bottom"),
            ([900.0, 900.0], "bottom_right"),
            ([-5.0, f32::NAN], "top_left"),
        ] {
            assert_eq!(word(point, (90, 60)), expected, "{point:?}");
        }
        assert_eq!(word([0.0, 0.0], (0, 0)), "top_left");
    }
}
