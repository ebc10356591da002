//! A plane of numbers, and the filters that BRISQUE needs.

/// Rows without padding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) values: Vec<f64>,
}

impl Plane {
    /// The rows.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Each value through `change`.
    pub(super) fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        Self { width: self.width, values: self.values.iter().map(|value| change(*value)).collect() }
    }

    /// Filtered with the same kernel along rows and columns; what lies outside is 0.
    pub(super) fn filtered<const N: usize>(&self, kernel: [f64; N]) -> Self {
        self.along_rows(kernel).along_columns(kernel)
    }

    fn along_rows<const N: usize>(&self, kernel: [f64; N]) -> Self {
        let mut padded = vec![0.0; self.width + N - 1];
        let mut values = vec![0.0; self.values.len()];
        for (row, to) in self.rows().zip(values.chunks_exact_mut(self.width.max(1))) {
            padded.iter_mut().skip(N / 2).zip(row).for_each(|(to, from)| *to = *from);
            weighed(std::array::from_fn(|tap| padded.get(tap..).unwrap_or_default()), kernel, to);
        }
        Self { width: self.width, values }
    }

    fn along_columns<const N: usize>(&self, kernel: [f64; N]) -> Self {
        let rows: Vec<&[f64]> = self.rows().collect();
        let outside = vec![0.0; self.width];
        let mut values = vec![0.0; self.values.len()];
        for (at, to) in values.chunks_exact_mut(self.width.max(1)).enumerate() {
            let row = |tap: usize| (at + tap).checked_sub(N / 2).and_then(|at| rows.get(at).copied()).unwrap_or(&outside);
            weighed(std::array::from_fn(row), kernel, to);
        }
        Self { width: self.width, values }
    }

    /// Half as wide and high, by cubic convolution (a = −0.75) without smoothing, edges repeated: OpenCV's `INTER_CUBIC` at one half.
    pub(super) fn halved(&self) -> Self {
        const TAPS: [f64; 4] = [-0.09375, 0.59375, 0.59375, -0.09375];
        let height = self.rows().len();
        let (half_width, half_height) = (half(self.width), half(height));
        let tap = |out: usize, tap: usize, count: usize| (2 * out + tap).saturating_sub(1).min(count - 1);
        let mut narrow = Vec::with_capacity(half_width * height);
        for row in self.rows() {
            let at = |column: usize| row.get(column).copied().unwrap_or_default();
            narrow.extend((0..half_width).map(|out| (0..4).map(|i| TAPS[i] * at(tap(out, i, self.width))).sum::<f64>()));
        }
        let narrow = Self { width: half_width, values: narrow };
        let rows: Vec<&[f64]> = narrow.rows().collect();
        let mut values = vec![0.0; half_width * half_height];
        for (out, to) in values.chunks_exact_mut(half_width.max(1)).enumerate() {
            for (i, weight) in TAPS.iter().enumerate() {
                let row = rows.get(tap(out, i, height)).copied().unwrap_or_default();
                to.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * weight);
            }
        }
        Self { width: half_width, values }
    }
}

/// Values that are worked on together, so that their sums stay in registers.
const LANES: usize = 8;

/// `to[i]` is the sum of `from[tap][i] × kernel[tap]`; each of `from` is at least as long as `to`.
fn weighed<const N: usize>(from: [&[f64]; N], kernel: [f64; N], to: &mut [f64]) {
    let mut done = 0;
    let (parts, rest) = to.as_chunks_mut::<LANES>();
    for part in parts {
        let mut sums = [0.0; LANES];
        for (from, weight) in from.iter().zip(kernel) {
            let lanes = from.get(done..done + LANES).unwrap_or_default();
            sums.iter_mut().zip(lanes).for_each(|(sum, value)| *sum += value * weight);
        }
        *part = sums;
        done += LANES;
    }
    for (at, to) in rest.iter_mut().enumerate() {
        *to = from.iter().zip(kernel).filter_map(|(from, weight)| Some(from.get(done + at)? * weight)).sum();
    }
}

/// Half of a side, rounded as OpenCV rounds: halves to the even number.
fn half(side: usize) -> usize {
    (side as f64 / 2.0).round_ties_even() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_with_zeros_outside() {
        let ones = Plane { width: 4, values: vec![1.0; 12] };
        let sums = ones.filtered([1.0; 3]).values;
        assert_eq!(sums, [4.0, 6.0, 6.0, 4.0, 6.0, 9.0, 9.0, 6.0, 4.0, 6.0, 6.0, 4.0]);
    }

    #[test]
    fn halves_like_opencv() {
        // cv2.resize(numpy.arange(42.).reshape(6, 7) ** 2, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
        let squares = Plane { width: 7, values: (0..42).map(|at| f64::from(at * at)).collect() };
        let found = squares.halved();
        assert_eq!((found.width, found.values.len()), (4, 12));
        for (value, expected) in found.values.iter().zip(HALVED) {
            assert!((value - expected).abs() < 1e-9, "{:?}", found.values);
        }
    }

    const HALVED: [f64; 12] = [
        13.248_046_875,
        31.0625,
        56.4375,
        82.408_203_125,
        314.5625,
        393.75,
        477.75,
        550.4375,
        1_063.001_953_125,
        1203.5625,
        1346.1875,
        1_465.591_796_875,
    ];
}
