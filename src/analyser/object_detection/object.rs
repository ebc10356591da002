//! What a detector gives, whichever it is.

use crate::analyser::resize;

/// Objects per picture.
pub(super) const OBJECTS_MAX: usize = 100;

/// One object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::analyser) struct Object {
    /// Class number.
    pub(in crate::analyser) class: usize,
    /// 0 to 1.
    pub(in crate::analyser) score: f32,
    /// Left, top, right, bottom: in pixels of the model's input as decoded, of the frame as given out.
    pub(in crate::analyser) corners: [f32; 4],
}

/// Keeps the surest object of each class among those that overlap more than `overlap_max`; the surest first, at most [`OBJECTS_MAX`].
pub(super) fn suppress(mut objects: Vec<Object>, overlap_max: f32) -> Vec<Object> {
    objects.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Object> = Vec::new();
    for object in objects {
        let again = kept.iter().any(|other| other.class == object.class && overlap(other, &object) > overlap_max);
        if !again {
            kept.push(object);
        }
        if kept.len() == OBJECTS_MAX {
            break;
        }
    }
    kept
}

fn overlap(one: &Object, other: &Object) -> f32 {
    let sides = |object: &Object| {
        let [left, top, right, bottom] = object.corners;
        [left, top, right - left, bottom - top]
    };
    resize::overlap(sides(one), sides(other))
}
