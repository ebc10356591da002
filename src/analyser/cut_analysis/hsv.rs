//! Hue, saturation and value of small pictures, and how far two pictures differ in them.

/// Hue goes around: 0 to 179 for 0 to 358 degrees.
const HUES: u32 = 180;
/// Binary places of the fixed-point reciprocals.
const PLACES: u32 = 12;

/// Reciprocals, so that no pixel costs a division: `255 / value` and `180 / (6 × range)`, rounded, with [`PLACES`] binary places.
const SATURATION: [u32; 256] = reciprocals(255, 1);
const HUE: [u32; 256] = reciprocals(HUES, 6);

const fn reciprocals(scale: u32, parts: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 1;
    while at < 256 {
        let divisor = parts * at as u32;
        table[at] = ((scale << PLACES) + divisor / 2) / divisor;
        at += 1;
    }
    table
}

/// Turns RGB24 into the interleaved bytes hue (0 to 179), saturation and value (0 to 255) of the usual 8-bit HSV, and gives the
/// mean of all RGB bytes, 0 to 255. `hsv` takes the length of `rgb`; an incomplete last pixel is left out.
pub(super) fn convert(rgb: &[u8], hsv: &mut Vec<u8>) -> f32 {
    hsv.clear();
    hsv.reserve(rgb.len());
    let mut sum = 0_u64;
    let (pixels, _) = rgb.as_chunks::<3>();
    for &[red, green, blue] in pixels {
        sum += u64::from(red) + u64::from(green) + u64::from(blue);
        hsv.extend_from_slice(&pixel(red, green, blue));
    }
    if pixels.is_empty() {
        return 0.0;
    }
    (sum as f64 / (pixels.len() * 3) as f64) as f32
}

fn pixel(red: u8, green: u8, blue: u8) -> [u8; 3] {
    let value = red.max(green).max(blue);
    let range = value - red.min(green).min(blue);
    let half = 1 << (PLACES - 1);
    let saturation = (u32::from(range) * SATURATION[usize::from(value)] + half) >> PLACES;
    let (red, green, blue) = (i32::from(red), i32::from(green), i32::from(blue));
    let (from, base) = if i32::from(value) == red {
        (green - blue, 0)
    } else if i32::from(value) == green {
        (blue - red, 2)
    } else {
        (red - green, 4)
    };
    let sixths = from + base * i32::from(range);
    let hue = (sixths * HUE[usize::from(range)] as i32 + half as i32) >> PLACES;
    let hue = if hue < 0 { hue + HUES as i32 } else { hue };
    [hue as u8, saturation.min(255) as u8, value]
}

/// How far two pictures of the same size differ: the mean over all pixels of the differences in hue (the short way around),
/// saturation and value, and over these three. 0 for equal pictures; 0 where the sizes differ or nothing is there.
pub(super) fn difference(one: &[u8], other: &[u8]) -> f32 {
    let (one, _) = one.as_chunks::<3>();
    let (other, _) = other.as_chunks::<3>();
    if one.is_empty() || one.len() != other.len() {
        return 0.0;
    }
    let mut sum = 0_u64;
    for (a, b) in one.iter().zip(other) {
        let straight = u32::from(a[0].abs_diff(b[0]));
        let hue = straight.min(HUES.saturating_sub(straight));
        sum += u64::from(hue + u32::from(a[1].abs_diff(b[1])) + u32::from(a[2].abs_diff(b[2])));
    }
    (sum as f64 / (one.len() * 3) as f64) as f32
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the expected values are exact")]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        // Values of the usual 8-bit HSV (hue halved).
        for (rgb, expected) in [
            ([0, 0, 0], [0, 0, 0]),
            ([255, 255, 255], [0, 0, 255]),
            ([255, 0, 0], [0, 255, 255]),
            ([0, 255, 0], [60, 255, 255]),
            ([0, 0, 255], [120, 255, 255]),
            ([255, 0, 255], [150, 255, 255]),
            ([128, 64, 64], [0, 128, 128]),
            ([10, 20, 30], [105, 170, 30]),
        ] {
            assert_eq!(pixel(rgb[0], rgb[1], rgb[2]), expected, "{rgb:?}");
        }
    }

    #[test]
    fn every_colour_stays_in_range() {
        for red in (0..=255_u8).step_by(5) {
            for green in (0..=255_u8).step_by(3) {
                for blue in (0..=255_u8).step_by(5) {
                    let [hue, _, value] = pixel(red, green, blue);
                    assert!(u32::from(hue) <= HUES, "{red} {green} {blue}: {hue}");
                    assert_eq!(value, red.max(green).max(blue));
                }
            }
        }
    }

    #[test]
    fn hue_differs_the_short_way_around() {
        let (mut red, mut nearly_red) = (Vec::new(), Vec::new());
        let mean = convert(&[255, 0, 0], &mut red);
        assert!((mean - 85.0).abs() < 1e-6);
        convert(&[255, 0, 9], &mut nearly_red);
        assert!(nearly_red[0] > 170, "{nearly_red:?}");
        assert!(difference(&red, &nearly_red) < 2.0);
    }

    #[test]
    fn nothing_differs_from_nothing() {
        assert_eq!(convert(&[], &mut Vec::new()), 0.0);
        assert_eq!(difference(&[], &[]), 0.0);
        assert_eq!(difference(&[1, 2, 3], &[1, 2, 3, 4, 5, 6]), 0.0);
    }
}
