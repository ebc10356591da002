//! The rule from head and eyes to where someone looks. A heuristic: no gaze model is learned.
//!
//! An eyeball of radius 12 mm behind lids that are 30 mm from corner to corner turns by asin(2.5 × offset), the offset of the iris being in widths
//! of the eye. The eyes' turn is the mean of both, or that of the near eye where the head is turned by more than 35°; closed eyes count for
//! nothing. It is added to the head's. Someone looks at the camera when the sum is within 15° to every side; else the larger of both angles
//! gives the word. With both eyes closed (the near one, of a turned head) the word is `closed`; without eyes in sight the head alone tells.

use super::iris::Eye;
use super::mesh::Head;

/// The word for looking at the camera.
pub(super) const CAMERA: &str = "camera";
/// The word for closed eyes.
pub(super) const CLOSED: &str = "closed";
/// Degrees from the camera that still are at the camera.
const CAMERA_MAX: f32 = 15.0;
/// Of a head that is turned more than this only the near eye is seen well, degrees.
const TURNED: f32 = 35.0;
/// Width of an eye by the radius of an eyeball.
const WIDTH_BY_RADIUS: f32 = 2.5;
/// The iris of someone who looks straight ahead lies this far above the line between the corners, in widths.
const ABOVE: f32 = 0.03;
/// No eye turns further, degrees.
const EYE_MAX: f32 = 40.0;

/// Where someone looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gaze {
    /// `camera`, `left`, `right`, `up`, `down` or `closed`.
    pub(super) direction: &'static str,
    /// Degrees to the picture's right.
    pub(super) yaw: f32,
    /// Degrees up.
    pub(super) pitch: f32,
    /// Of the head alone.
    pub(super) head: Head,
}

/// Where a head with these eyes looks; the eye on the picture's left first.
pub(super) fn of(head: Head, eyes: Option<&[Eye; 2]>) -> Gaze {
    let near: &[Eye] = match eyes {
        None => &[],
        // A head turned to the right shows the eye on the left.
        Some(eyes) if head.yaw > TURNED => &eyes[..1],
        Some(eyes) if head.yaw < -TURNED => &eyes[1..],
        Some(eyes) => eyes,
    };
    let open: Vec<&Eye> = near.iter().filter(|eye| !eye.is_closed()).collect();
    let mean = |axis: usize| open.iter().map(|eye| eye.offset[axis]).sum::<f32>() / open.len().max(1) as f32;
    let (right, up) = if open.is_empty() { (0.0, 0.0) } else { (turn(mean(0)), -turn(mean(1) + ABOVE)) };
    let (yaw, pitch) = (head.yaw + right, head.pitch + up);
    let direction = if open.is_empty() && !near.is_empty() { CLOSED } else { word(yaw, pitch) };
    Gaze { direction, yaw, pitch, head }
}

/// The turn of an eye whose iris is off by so many widths, degrees.
fn turn(offset: f32) -> f32 {
    (WIDTH_BY_RADIUS * offset).clamp(-1.0, 1.0).asin().to_degrees().clamp(-EYE_MAX, EYE_MAX)
}

fn word(yaw: f32, pitch: f32) -> &'static str {
    if yaw.abs().max(pitch.abs()) <= CAMERA_MAX {
        return CAMERA;
    }
    if yaw.abs() >= pitch.abs() {
        return if yaw > 0.0 { "right" } else { "left" };
    }
    if pitch > 0.0 { "up" } else { "down" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(yaw: f32, pitch: f32) -> Head {
        Head { yaw, pitch, roll: 0.0 }
    }

    fn eye(right: f32, down: f32, openness: f32) -> Eye {
        Eye { iris: [0.0; 2], corners: [[0.0; 2]; 2], openness, offset: [right, down] }
    }

    #[test]
    fn head_and_eyes_add_up() {
        let straight = [eye(0.0, -ABOVE, 0.3); 2];
        assert_eq!(of(head(0.0, 0.0), Some(&straight)), Gaze { direction: CAMERA, yaw: 0.0, pitch: 0.0, head: head(0.0, 0.0) });
        // The head is turned away, the eyes look back.
        let back = of(head(25.0, 0.0), Some(&[eye(-0.17, -ABOVE, 0.3); 2]));
        assert_eq!(back.direction, CAMERA, "{back:?}");
        assert_eq!(of(head(25.0, 0.0), Some(&straight)).direction, "right");
        assert_eq!(of(head(0.0, 0.0), Some(&[eye(-0.2, -ABOVE, 0.3); 2])).direction, "left");
        assert_eq!(of(head(5.0, 20.0), Some(&straight)).direction, "up");
        assert_eq!(of(head(5.0, 0.0), Some(&[eye(0.0, 0.1, 0.3); 2])).direction, "down");
    }

    #[test]
    fn of_a_turned_head_the_near_eye_tells() {
        let eyes = [eye(-0.35, -ABOVE, 0.3), eye(0.3, -ABOVE, 0.3)];
        assert_eq!(of(head(40.0, 0.0), Some(&eyes)).direction, CAMERA);
        assert_eq!(of(head(-40.0, 0.0), Some(&eyes)).direction, CAMERA);
    }

    #[test]
    fn closed_eyes_look_nowhere() {
        assert_eq!(of(head(0.0, 0.0), Some(&[eye(0.0, 0.0, 0.1); 2])).direction, CLOSED);
        assert_eq!(of(head(0.0, 0.0), Some(&[eye(0.0, 0.0, 0.1), eye(0.0, -ABOVE, 0.3)])).direction, CAMERA, "a wink");
        assert_eq!(of(head(30.0, 0.0), None).direction, "right", "the head alone");
    }
}
