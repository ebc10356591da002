//! Blur, noise, blocks and exposure of a picture, from its luma. Each is a published measure or a stated rule, none is learned.

use super::super::small;

/// A luma value at or below this is without drawing, at or above that is without drawing.
const DARK: u8 = 8;
const BRIGHT: u8 = 247;
/// Width of the window that blurs the picture again, for [`blur`].
const AGAIN: usize = 9;
/// Differences of neighbours below this are rounding, for [`blur`].
const STEP_MIN: u8 = 2;
/// Side of the squares in which noise is looked for, pixels.
const SQUARE: usize = 32;
/// The grid of the older codecs, pixels.
const GRID: usize = 8;

/// The luma of a picture.
pub(super) struct Luma {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Rows without padding.
    pub(super) values: Vec<u8>,
}

impl Luma {
    /// Of interleaved RGB.
    pub(super) fn of(rgb: &[u8], width: usize) -> Self {
        let values: Vec<u8> = rgb.as_chunks().0.iter().map(|pixel| small::luma(*pixel)).collect();
        Self { width, height: values.len() / width.max(1), values }
    }

    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Rows and columns changed over.
    pub(super) fn turned(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for column in 0..self.width {
            values.extend(self.rows().filter_map(|row| row.get(column)));
        }
        Self { width: self.height, height: self.width, values }
    }
}

/// Mean luma, and the shares of pixels too dark and too bright to hold drawing.
pub(super) fn exposure(luma: &Luma) -> [f64; 3] {
    let mut counts = [0_u64; 3];
    for &value in &luma.values {
        counts[0] += u64::from(value);
        counts[1] += u64::from(value <= DARK);
        counts[2] += u64::from(value >= BRIGHT);
    }
    let count = luma.values.len().max(1) as f64;
    [counts[0] as f64 / 255.0 / count, counts[1] as f64 / count, counts[2] as f64 / count]
}

/// Perceived blur, 0 sharp to 1 (Crété, Dolmière, Ladret, Nicolas 2007): how little the differences of neighbours lose when the picture
/// is blurred again; the worse of both directions. `turned` is the picture with rows and columns changed over.
pub(super) fn blur(luma: &Luma, turned: &Luma) -> f64 {
    blur_along(luma).max(blur_along(turned))
}

fn blur_along(luma: &Luma) -> f64 {
    let (mut all, mut lost) = (0_u64, 0_u64);
    let mut sums: Vec<i32> = Vec::new();
    for row in luma.rows() {
        sums.clear();
        let first: i32 = row.iter().take(AGAIN).map(|value| i32::from(*value)).sum();
        let steps = row.iter().skip(AGAIN).zip(row).map(|(add, drop)| i32::from(*add) - i32::from(*drop));
        sums.extend(std::iter::once(first).chain(steps.scan(first, |sum, step| {
            *sum += step;
            Some(*sum)
        })));
        let differences = row.iter().skip(AGAIN / 2).zip(row.iter().skip(AGAIN / 2 + 1)).map(|(one, next)| one.abs_diff(*next));
        for (difference, [one, next]) in differences.zip(sums.array_windows()).filter(|(difference, _)| *difference >= STEP_MIN) {
            let difference = i32::from(difference) * AGAIN as i32;
            all += u64::from(difference.unsigned_abs());
            lost += u64::from((difference - (next - one).abs()).max(0).unsigned_abs());
        }
    }
    if all == 0 { 1.0 } else { 1.0 - lost as f64 / all as f64 }
}

/// Standard deviation of the noise in levels of 255 (Immerkær 1996, in squares of 32 pixels): the tenth part of the squares with the
/// least says it, because texture adds to the others. None where no square holds drawing.
pub(super) fn noise(luma: &Luma) -> Option<f64> {
    let rows: Vec<&[u8]> = luma.rows().collect();
    let mut found = Vec::new();
    for band in rows.chunks_exact(SQUARE) {
        for left in (0..luma.width.saturating_sub(SQUARE - 1)).step_by(SQUARE) {
            let square: Vec<&[u8]> = band.iter().filter_map(|row| row.get(left..left + SQUARE)).collect();
            found.extend(square_noise(&square));
        }
    }
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 10).copied()
}

fn square_noise(square: &[&[u8]]) -> Option<f64> {
    let mean = square.iter().flat_map(|row| row.iter()).map(|value| f64::from(*value)).sum::<f64>() / (SQUARE * SQUARE) as f64;
    if !(f64::from(DARK) * 2.0..=f64::from(BRIGHT) - 8.0).contains(&mean) {
        return None;
    }
    let mut sum = 0_u64;
    for rows in square.array_windows::<3>() {
        let [above, row, below] = rows.map(|row| row.array_windows::<3>());
        for ((above, row), below) in above.zip(row).zip(below) {
            let second = |line: &[u8; 3]| i32::from(line[0]) - 2 * i32::from(line[1]) + i32::from(line[2]);
            sum += u64::from((second(above) - 2 * second(row) + second(below)).unsigned_abs());
        }
    }
    let inner = ((SQUARE - 2) * (SQUARE - 2)) as f64;
    Some((std::f64::consts::PI / 2.0).sqrt() * sum as f64 / (6.0 * inner))
}

/// How much more the luma steps at one line of an 8 × 8 grid than elsewhere, as a share: 0 for none. The steps are those beyond their
/// neighbours' (so that slopes do not count); where the grid lies is not known of a picture cut out of a larger one, so the most
/// striking of the eight places counts, less what chance gives. The mean of both directions.
pub(super) fn blockiness(luma: &Luma, turned: &Luma) -> f64 {
    f64::midpoint(blocks_along(luma), blocks_along(turned))
}

fn blocks_along(luma: &Luma) -> f64 {
    let (mut sums, mut counts) = ([0_u64; GRID], [0_u64; GRID]);
    for row in luma.rows() {
        for (at, [before, one, next, after]) in row.array_windows().enumerate() {
            let around = u64::from(before.abs_diff(*one)) + u64::from(next.abs_diff(*after));
            let step = (2 * u64::from(one.abs_diff(*next))).saturating_sub(around);
            if let (Some(sum), Some(count)) = (sums.get_mut(at % GRID), counts.get_mut(at % GRID)) {
                *sum += step;
                *count += 1;
            }
        }
    }
    let mut means: Vec<f64> = sums.iter().zip(counts).map(|(sum, count)| *sum as f64 / count.max(1) as f64).collect();
    means.sort_by(f64::total_cmp);
    let (Some(highest), others) = (means.pop(), means) else { return 0.0 };
    let next = others.last().copied().unwrap_or_default();
    let mean = others.iter().sum::<f64>() / others.len().max(1) as f64;
    // The second highest shows how far chance goes; a floor keeps flat pictures from shouting.
    ((highest - next) / mean.max(0.25)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luma(width: usize, height: usize, paint: impl Fn(usize, usize) -> f64) -> Luma {
        let values =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| paint(x, y).clamp(0.0, 255.0).round() as u8);
        Luma { width, height, values: values.collect() }
    }

    /// Numbers that look Gaussian, with deviation 1: the sum of twelve that look even.
    fn gaussian(seed: usize) -> f64 {
        let mut state = seed as u64 ^ 0x9E37_79B9_7F4A_7C15;
        let even = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64
        });
        even.skip(3).take(12).sum::<f64>() - 6.0
    }

    #[test]
    fn noise_is_measured_on_a_slope() {
        for deviation in [3.0, 10.0, 25.0] {
            let noisy = luma(192, 128, |x, y| 90.0 + x as f64 / 4.0 + deviation * gaussian(y * 192 + x));
            let found = noise(&noisy).unwrap();
            assert!((found - deviation).abs() < deviation * 0.15, "{found} is not {deviation}");
        }
        assert!(noise(&luma(64, 64, |x, _| 60.0 + x as f64)).unwrap() < 0.5);
        assert_eq!(noise(&luma(64, 64, |_, _| 0.0)), None);
    }

    #[test]
    fn blur_grows_with_the_radius() {
        let edges = |soft: f64| {
            luma(160, 96, move |x, y| {
                128.0 + 90.0 * ((x % 40) as f64 - 20.0).atan2(soft).sin() * if y % 40 < 20 { 1.0 } else { -1.0 }
            })
        };
        let told: Vec<f64> = [0.05, 1.0, 3.0, 8.0].iter().map(|soft| blur_along(&edges(*soft))).collect();
        assert!(told.is_sorted() && told[0] < 0.2 && told[3] > 0.55, "{told:?}");
        let flat = luma(40, 40, |_, _| 90.0);
        assert!((blur(&flat, &flat.turned()) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn blocks_are_seen_wherever_the_grid_lies() {
        for offset in 0..8 {
            let blocky = luma(128, 96, |x, y| {
                100.0 + 20.0 * gaussian((x + offset) / 8 + 1000 * ((y + offset) / 8)) + gaussian(y * 128 + x)
            });
            assert!(blockiness(&blocky, &blocky.turned()) > 1.0, "{offset}");
        }
        let plain = luma(128, 96, |x, y| 100.0 + 20.0 * (x as f64 / 9.0).sin() + 3.0 * gaussian(y * 128 + x));
        assert!(blockiness(&plain, &plain.turned()) < 0.1);
    }

    #[test]
    fn exposure_of_halves() {
        let halves = luma(10, 10, |x, _| if x < 5 { 0.0 } else { 255.0 });
        assert_eq!(exposure(&halves), [0.5, 0.5, 0.5]);
        assert_eq!(exposure(&luma(0, 0, |_, _| 0.0)), [0.0; 3]);
    }

    #[test]
    fn tiny_pictures_are_no_error() {
        for (width, height) in [(0, 0), (1, 1), (3, 2), (2, 40)] {
            let tiny = luma(width, height, |x, y| (x * 40 + y * 3) as f64);
            let turned = tiny.turned();
            assert!(blur(&tiny, &turned).is_finite() && blockiness(&tiny, &turned).is_finite());
            assert_eq!(noise(&tiny), None);
        }
    }
}
