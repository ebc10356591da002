//! Hue, saturation and value of small pictures, and how far two pictures differ in them.

/// Hue goes around: 0 to 179 for 0 to 358 degrees.
const HUES: u32 = 180;
/// Pixels that are converted together.
const LANES: usize = 16;

/// Turns RGB24 into the interleaved bytes hue (0 to 179), saturation and value (0 to 255) of the usual 8-bit HSV, and gives the
/// mean of all RGB bytes, 0 to 255. `hsv` takes the length of `rgb`; an incomplete last pixel is left out.
pub(in crate::analyser) fn convert(rgb: &[u8], hsv: &mut Vec<u8>) -> f32 {
    let (pixels, _) = rgb.as_chunks::<3>();
    hsv.resize(pixels.len() * 3, 0);
    let (to, rest_to) = hsv.as_chunks_mut::<3>().0.as_chunks_mut::<LANES>();
    let (from, rest) = pixels.as_chunks::<LANES>();
    to.iter_mut().zip(from).for_each(|(to, from)| *to = lanes(from));
    let mut last = [[0; 3]; LANES];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    rest_to.iter_mut().zip(lanes(&last)).for_each(|(to, from)| *to = from);
    if pixels.is_empty() {
        return 0.0;
    }
    let sum: u64 = pixels.as_flattened().iter().map(|byte| u64::from(*byte)).sum();
    (sum as f64 / (pixels.len() * 3) as f64) as f32
}

/// [`LANES`] pixels. Written as loops over whole rows of numbers without branches or tables, so that the compiler makes vector
/// instructions of them: it is done for every pixel of every frame.
fn lanes(pixels: &[[u8; 3]; LANES]) -> [[u8; 3]; LANES] {
    let channel = |at: usize| -> [f32; LANES] { std::array::from_fn(|lane| f32::from(pixels[lane][at])) };
    let (red, green, blue) = (channel(0), channel(1), channel(2));
    let (mut hues, mut saturations, mut values) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
    for lane in 0..LANES {
        let (red, green, blue) = (red[lane], green[lane], blue[lane]);
        let value = red.max(green).max(blue);
        let range = value - red.min(green).min(blue);
        let (to_red, to_green, to_blue) = (green - blue, blue - red + 2.0 * range, red - green + 4.0 * range);
        let sixths = if value <= red {
            to_red
        } else if value <= green {
            to_green
        } else {
            to_blue
        };
        let hue = sixths * (HUES as f32 / 6.0 / range.max(1.0));
        hues[lane] = if hue < 0.0 { hue + HUES as f32 } else { hue };
        saturations[lane] = range * (255.0 / value.max(1.0));
        values[lane] = value;
    }
    let byte = |value: f32| (value + 0.5) as u8;
    std::array::from_fn(|lane| [byte(hues[lane]), byte(saturations[lane]), byte(values[lane])])
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

    fn pixel(rgb: [u8; 3]) -> [u8; 3] {
        lanes(&[rgb; LANES])[0]
    }

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
            assert_eq!(pixel(rgb), expected, "{rgb:?}");
        }
    }

    #[test]
    fn every_colour_stays_in_range() {
        for red in (0..=255_u8).step_by(5) {
            for green in (0..=255_u8).step_by(3) {
                for blue in (0..=255_u8).step_by(5) {
                    let [hue, _, value] = pixel([red, green, blue]);
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
