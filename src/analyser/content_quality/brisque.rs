//! BRISQUE (Mittal, Moorthy, Bovik 2012): how far the statistics of a picture are from those of undisturbed photographs. After the
//! package `brisque` 0.2.0 (Apache-2.0), with the same numbers: 36 features, and a support vector regression over them.

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::plane::Plane;

/// The features: 18 at the picture's size, 18 at half.
pub(super) const FEATURES: usize = 36;
/// Luma, as scikit-image weighs it.
const WEIGHTS: [f64; 3] = [0.2125, 0.7154, 0.0721];
/// Standard deviation of the Gaussian window of 7.
const SIGMA: f64 = 7.0 / 6.0;
/// Keeps flat places from being divided by nothing.
const FLOOR: f64 = 1.0 / 255.0;
/// Smaller pictures have no statistics, pixels.
const SIDE_MIN: usize = 16;
/// Shapes of the distribution that are looked for.
const ALPHA: (f64, f64) = (0.05, 50.0);

/// The regression: the registry's `brisque.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Regression {
    format: String,
    gamma: f64,
    rho: f64,
    minimum: Vec<f64>,
    maximum: Vec<f64>,
    coefficients: Vec<f64>,
    vectors: Vec<Vec<f64>>,
}

impl Regression {
    /// Of the file's text.
    ///
    /// # Errors
    /// When it is of another format, or its parts do not fit together.
    pub(super) fn read(json: &[u8]) -> anyhow::Result<Self> {
        let read: Self = serde_json::from_slice(json).context("`brisque.json`")?;
        ensure!(read.format == "weir.brisque.v1", "`brisque.json` has the format `{}`; `weir.brisque.v1` is read", read.format);
        let features = read.vectors.iter().map(Vec::len).chain([read.minimum.len(), read.maximum.len()]);
        ensure!(
            features.into_iter().all(|count| count == FEATURES),
            "`brisque.json`: each vector and range needs {FEATURES} numbers"
        );
        ensure!(read.coefficients.len() == read.vectors.len(), "`brisque.json`: a coefficient for each vector is needed");
        Ok(read)
    }

    /// The score: about 0 for an undisturbed photograph, 100 for a ruined one; it may go beyond both.
    pub(super) fn score(&self, features: &[f64; FEATURES]) -> f64 {
        let ranges = self.minimum.iter().zip(&self.maximum);
        let scaled: Vec<f64> =
            features.iter().zip(ranges).map(|(feature, (least, most))| -1.0 + 2.0 / (most - least) * (feature - least)).collect();
        let kernel = |vector: &[f64]| {
            let distance: f64 = vector.iter().zip(&scaled).map(|(one, other)| (one - other).powi(2)).sum();
            (-self.gamma * distance).exp()
        };
        let sum: f64 = self.coefficients.iter().zip(&self.vectors).map(|(weight, vector)| weight * kernel(vector)).sum();
        sum - self.rho
    }
}

/// The features of a picture, interleaved RGB; none when it is smaller than 16 × 16 or of one colour.
pub(super) fn features(rgb: &[u8], width: usize) -> Option<[f64; FEATURES]> {
    let (pixels, _) = rgb.as_chunks::<3>();
    let height = pixels.len().checked_div(width)?;
    if width.min(height) < SIDE_MIN {
        return None;
    }
    let luma = |pixel: &[u8; 3]| pixel.iter().zip(WEIGHTS).map(|(byte, weight)| f64::from(*byte) / 255.0 * weight).sum();
    let full = Plane { width, values: pixels.iter().map(luma).collect() };
    let mut found = [0.0; FEATURES];
    let (large, small) = found.split_at_mut(FEATURES / 2);
    large.copy_from_slice(&scale(&full)?);
    small.copy_from_slice(&scale(&full.halved())?);
    found.iter().all(|value| value.is_finite()).then_some(found)
}

/// The features of one size: the shape and spread of the normalised luma, then shape, mean and spreads of the products of neighbours
/// to the right, below, and on both diagonals.
fn scale(luma: &Plane) -> Option<[f64; 18]> {
    let normal = normalised(luma);
    let mut found = Vec::with_capacity(18);
    let own = Moments::of([(normal.values.as_slice(), None)]).fit()?;
    found.extend([own.alpha, f64::midpoint(own.left.powi(2), own.right.powi(2))]);
    for products in neighbours(&normal) {
        let fit = products.fit()?;
        found.extend([fit.alpha, fit.mean(), fit.left.powi(2), fit.right.powi(2)]);
    }
    found.try_into().ok()
}

/// Less the local mean, over the local deviation.
fn normalised(luma: &Plane) -> Plane {
    let kernel = gaussian();
    let mean = luma.filtered(kernel);
    let squares = luma.map(|value| value * value).filtered(kernel);
    let around = mean.values.iter().zip(&squares.values);
    let normal = luma
        .values
        .iter()
        .zip(around)
        .map(|(value, (mean, square))| (value - mean) / ((mean * mean - square).abs().sqrt() + FLOOR));
    Plane { width: luma.width, values: normal.collect() }
}

fn gaussian() -> [f64; 7] {
    let weights: [f64; 7] = std::array::from_fn(|at| (-(at as f64 - 3.0).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// Of the products with the neighbour to the right, below, below right and below left.
fn neighbours(normal: &Plane) -> [Moments; 4] {
    let rows = || normal.rows();
    let shifted = |row: &'_ [f64]| row.get(1..).map(<[f64]>::len).unwrap_or_default();
    let pairs = || rows().zip(rows().skip(1));
    let right = rows().map(|row| (&row[..shifted(row)], row.get(1..)));
    let below = pairs().map(|(upper, lower)| (upper, Some(lower)));
    let main = pairs().map(|(upper, lower)| (&upper[..shifted(upper)], lower.get(1..)));
    let second = pairs().map(|(upper, lower)| (&lower[..shifted(lower)], upper.get(1..)));
    [Moments::of(right), Moments::of(below), Moments::of(main), Moments::of(second)]
}

/// What the fit of an asymmetric generalised Gaussian needs of its values: sums of the absolute values and of the squares, and the sum
/// of the squares and the number of those below 0.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    absolute: f64,
    squares: f64,
    left_squares: f64,
    left: f64,
}

/// Values that are summed side by side: one sum would wait for each addition.
const LANES: usize = 8;

/// Shape and spreads of an asymmetric generalised Gaussian.
struct Fit {
    alpha: f64,
    left: f64,
    right: f64,
}

impl Moments {
    /// Of the products of both slices of each pair, place by place; of the first alone where there is no second.
    fn of<'a>(pairs: impl IntoIterator<Item = (&'a [f64], Option<&'a [f64]>)>) -> Self {
        let mut sums = [[0.0; LANES]; 4];
        let mut count = 0;
        for (one, other) in pairs {
            count += one.len();
            let (ones, rest) = one.as_chunks::<LANES>();
            let (others, other_rest) = other.unwrap_or_default().as_chunks::<LANES>();
            for (at, one) in ones.iter().enumerate() {
                let other = if other.is_some() { others.get(at).copied().unwrap_or_default() } else { [1.0; LANES] };
                add(&mut sums, std::array::from_fn(|lane| one[lane] * other[lane]));
            }
            let mut last = [0.0; LANES];
            for (at, (to, one)) in last.iter_mut().zip(rest).enumerate() {
                *to = one * if other.is_some() { other_rest.get(at).copied().unwrap_or_default() } else { 1.0 };
            }
            // The places that are filled up with 0 add nothing to any sum.
            add(&mut sums, last);
        }
        let [absolute, squares, left_squares, left] = sums.map(|lanes| lanes.iter().sum());
        Self { count: count as f64, absolute, squares, left_squares, left }
    }

    /// By moments (Lasmar, Stitou, Berthoumieu 2009); none when one side has no values.
    fn fit(&self) -> Option<Fit> {
        let left = (self.left_squares / self.left).sqrt();
        let right = ((self.squares - self.left_squares) / (self.count - self.left)).sqrt();
        let ratio = (self.absolute / self.count).powi(2) / (self.squares / self.count);
        let gamma = left / right;
        let wanted = ratio * (gamma.powi(3) + 1.0) * (gamma + 1.0) / (gamma.powi(2) + 1.0).powi(2);
        (wanted.is_finite() && right > 0.0).then(|| Fit { alpha: shape(wanted), left, right })
    }
}

fn add(sums: &mut [[f64; LANES]; 4], values: [f64; LANES]) {
    let [absolute, squares, left_squares, left] = sums;
    for lane in 0..LANES {
        let value = values[lane];
        let below = value < 0.0;
        absolute[lane] += value.abs();
        squares[lane] += value * value;
        left_squares[lane] += if below { value * value } else { 0.0 };
        left[lane] += if below { 1.0 } else { 0.0 };
    }
}

impl Fit {
    fn mean(&self) -> f64 {
        let [one, two, three] = [1.0, 2.0, 3.0].map(|part| libm::lgamma(part / self.alpha));
        (self.right - self.left) * ((one - three) / 2.0).exp() * (two - one).exp()
    }
}

/// The shape α at which Γ(2/α)² / (Γ(1/α) Γ(3/α)), which grows with α, has this value; by bisection.
fn shape(wanted: f64) -> f64 {
    let at = |alpha: f64| {
        let [one, two, three] = [1.0, 2.0, 3.0].map(|part| libm::lgamma(part / alpha));
        (2.0 * two - one - three).exp()
    };
    let (mut low, mut high) = ALPHA;
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if at(middle) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture made of integers only, so that it is the same in the reference: soft waves, coarse noise, an edge.
    fn picture(width: usize, height: usize) -> Vec<u8> {
        let mut state = 12_345_u32;
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                let noise = (state >> 16) % 24;
                let base = ((x * x / 90 + y * y / 70) % 160) as u32 + if x > width / 2 { 60 } else { 0 };
                rgb.extend([base + noise, base / 2 + noise * 2, 200 - base / 2 + noise].map(|value| value.min(255) as u8));
            }
        }
        rgb
    }

    #[test]
    fn features_are_those_of_the_package() {
        let found = features(&picture(97, 75), 97).unwrap();
        for (at, (value, expected)) in found.iter().zip(EXPECTED).enumerate() {
            assert!((value - expected).abs() < 1e-6 * expected.abs().max(1.0), "feature {at}: {value} is not {expected}");
        }
    }

    /// `calculate_brisque_features` of the package for [`picture`] at 97 × 75, at both sizes.
    const EXPECTED: [f64; FEATURES] = [
        17.763_514_943,
        0.652_120_768,
        1.372_422_179,
        -0.095_324_245,
        0.479_845_071,
        0.321_061_210,
        1.376_428_401,
        -0.101_569_064,
        0.481_786_242,
        0.313_411_018,
        1.325_892_927,
        -0.067_928_620,
        0.469_385_503,
        0.353_678_328,
        1.310_403_259,
        -0.061_501_493,
        0.470_109_824,
        0.364_349_134,
        3.512_339_288,
        0.550_700_816,
        1.030_602_156,
        -0.164_310_224,
        0.415_507_642,
        0.171_350_940,
        0.964_391_002,
        -0.141_026_655,
        0.410_714_233,
        0.193_226_955,
        0.927_046_992,
        -0.001_022_467,
        0.284_169_121,
        0.282_598_936,
        0.966_748_965,
        -0.028_616_760,
        0.301_995_336,
        0.258_796_907,
    ];

    #[test]
    fn a_regression_must_fit_together() {
        let text = |format: &str, vectors: usize| {
            let (range, one) = (vec![0.5; FEATURES], vec![vec![0.0; FEATURES]; vectors]);
            serde_json::json!({
                "format": format, "gamma": 0.05, "rho": -3.0, "minimum": vec![-1.0; FEATURES], "maximum": range, "coefficients": [2.0],
                "vectors": one,
            })
        };
        let good = Regression::read(text("weir.brisque.v1", 1).to_string().as_bytes()).unwrap();
        // Scaled to −1 + 2 / 1.5 · 0.25 each, 36 times (−2/3)² away from 0.
        let score = good.score(&[-0.75; FEATURES]);
        assert!((score - (2.0 * (-0.05 * 36.0 * (2.0_f64 / 3.0).powi(2)).exp() + 3.0)).abs() < 1e-9, "{score}");
        assert!(Regression::read(text("weir.brisque.v2", 1).to_string().as_bytes()).is_err());
        assert!(Regression::read(text("weir.brisque.v1", 2).to_string().as_bytes()).is_err());
        assert!(Regression::read(b"{}").is_err());
    }

    #[test]
    fn flat_and_tiny_pictures_have_no_features() {
        assert_eq!(features(&[], 0), None);
        assert_eq!(features(&[7; 15 * 15 * 3], 15), None);
        assert_eq!(features(&[0; 40 * 40 * 3], 40), None);
    }

    proptest! {
        #[test]
        fn never_panics(width in 0..40_usize, bytes in prop::collection::vec(0..=255_u8, 0..6000)) {
            if let Some(found) = features(&bytes, width) {
                prop_assert!(found.iter().all(|value| value.is_finite()));
            }
        }
    }
}
