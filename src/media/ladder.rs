//! Which rungs a source gets. Pure.

/// One rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rung {
    /// `1080p`, `720p`, `480p` or `360p`.
    pub(super) name: &'static str,
    /// Pixels, even.
    pub(super) width: u32,
    /// Pixels, even.
    pub(super) height: u32,
    /// Mean bit rate asked of the encoder, kb/s.
    pub(super) video_kbps: u32,
}

/// Name, long side and short side of the box, kb/s.
const BOXES: [(&str, u32, u32, u32); 4] =
    [("1080p", 1920, 1080, 5000), ("720p", 1280, 720, 2800), ("480p", 854, 480, 1400), ("360p", 640, 360, 800)];

/// The rungs of a picture of this size, best first; at least one.
///
/// A rung is a box of 16:9, held upright for an upright picture; the picture is fitted into it whole. A rung is there when the picture
/// need not be enlarged for it: so 1920×800 and 1080×1920 both have a 1080p rung. A picture smaller than every box gets one
/// rung of its own size, named `360p`.
pub(super) fn rungs(width: u32, height: u32) -> Vec<Rung> {
    let (long, short) = (width.max(height), width.min(height));
    let fitting = BOXES.iter().filter_map(|&(name, box_long, box_short, video_kbps)| {
        let scale = (f64::from(box_long) / f64::from(long)).min(f64::from(box_short) / f64::from(short));
        let sides = (even(f64::from(width) * scale), even(f64::from(height) * scale));
        (scale <= 1.0).then_some(Rung { name, width: sides.0, height: sides.1, video_kbps })
    });
    let found: Vec<Rung> = fitting.collect();
    if found.is_empty() {
        // Odd sides lose one line: rounding up would enlarge.
        return vec![Rung { name: "360p", width: (width & !1).max(2), height: (height & !1).max(2), video_kbps: 800 }];
    }
    found
}

/// Rounded to even, at least 2.
fn even(side: f64) -> u32 {
    ((side / 2.0).round() as u32 * 2).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: u32, height: u32) -> Vec<(&'static str, u32, u32)> {
        rungs(width, height).into_iter().map(|rung| (rung.name, rung.width, rung.height)).collect()
    }

    #[test]
    fn never_enlarges_and_keeps_the_shape() {
        let full = [("1080p", 1920, 1080), ("720p", 1280, 720), ("480p", 854, 480), ("360p", 640, 360)];
        assert_eq!(sizes(3840, 2160), full);
        assert_eq!(sizes(1280, 720), full[1..]);
        assert_eq!(sizes(1080, 1920)[..2], [("1080p", 1080, 1920), ("720p", 720, 1280)]);
        assert_eq!(sizes(1920, 800)[0], ("1080p", 1920, 800));
        assert_eq!(sizes(480, 720), [("480p", 480, 720), ("360p", 360, 540)]);
        assert_eq!(sizes(321, 241), [("360p", 320, 240)]);
        assert_eq!(sizes(16, 16), [("360p", 16, 16)]);
        assert_eq!(sizes(16_384, 17)[0], ("1080p", 1920, 2));
    }
}
