//! Mel bands: triangles over the bins of a spectrum.

use super::SECOND;

/// Filters of a spectrum of `size` samples.
pub(in crate::analyser) struct Filters {
    /// Per band: its first bin and the weights from there.
    bands: Vec<(usize, Vec<f32>)>,
}

impl Filters {
    /// Triangles of equal area on the mel scale of Slaney's Auditory Toolbox (linear below 1 kHz), 0 to 8 kHz, as
    /// `librosa.filters.mel` makes them.
    pub(in crate::analyser) fn slaney(bands: usize, size: usize) -> Self {
        let to_hz = |mel: f64| if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * (6.4_f64.ln() / 27.0 * (mel - 15.0)).exp() };
        let top_mel = 15.0 + 8.0_f64.ln() * 27.0 / 6.4_f64.ln();
        let edges: Vec<f64> = (0..bands + 2).map(|i| to_hz(top_mel * i as f64 / (bands + 1) as f64)).collect();
        let hz = |bin: usize| bin as f64 * SECOND as f64 / size as f64;
        let bins = size / 2 + 1;
        let triangle = |edge: &[f64]| {
            let (low, middle, high) = (edge[0], edge[1], edge[2]);
            let rising = |bin: usize| (hz(bin) - low) / (middle - low);
            let falling = |bin: usize| (high - hz(bin)) / (high - middle);
            let weight = |bin: usize| rising(bin).min(falling(bin)).max(0.0) * 2.0 / (high - low);
            let first = (0..bins).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
            (first, (first..bins).map(|bin| weight(bin) as f32).take_while(|weight| *weight > 0.0).collect())
        };
        Self { bands: edges.windows(3).map(triangle).collect() }
    }

    /// Triangles on the mel scale of O'Shaughnessy (2595 log10(1 + f / 700)) from `low` to `high` Hz, of equal area, whose edges lie on
    /// whole bins: the bin under an edge belongs to the triangle below it, and the last bin of a triangle to none.
    pub(in crate::analyser) fn on_bins(bands: usize, size: usize, low: f64, high: f64) -> Self {
        let to_mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
        let to_hz = |mel: f64| 700.0 * (10_f64.powf(mel / 2595.0) - 1.0);
        let step = (to_mel(high) - to_mel(low)) / (bands + 1) as f64;
        let edges: Vec<f64> = (0..bands + 2).map(|i| to_hz(to_mel(low) + i as f64 * step)).collect();
        let hz = |bin: usize| bin as f64 * SECOND as f64 / size as f64;
        let after = |edge: f64| (edge * size as f64 / SECOND as f64).floor() as usize + 1;
        let triangle = |edge: &[f64]| {
            let (low, middle, high) = (edge[0], edge[1], edge[2]);
            let height = 2.0 / (high - low);
            let rising = (after(low)..after(middle)).map(|bin| height / (middle - low) * (hz(bin) - low));
            let last = after(high).saturating_sub(1).min(size / 2 + 1);
            let falling = (after(middle)..last).map(|bin| height / (high - middle) * (high - hz(bin)));
            (after(low), rising.chain(falling).map(|weight| weight as f32).collect())
        };
        Self { bands: edges.windows(3).map(triangle).collect() }
    }

    /// The power in each band.
    pub(in crate::analyser) fn of<'a>(&'a self, powers: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let within = |(first, weights): &'a (usize, Vec<f32>)| {
            powers.iter().skip(*first).zip(weights).map(|(power, weight)| power * weight).sum::<f32>()
        };
        self.bands.iter().map(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_filter(filters: &Filters, band: usize, first: usize, known: &[f32]) {
        let (found, weights) = &filters.bands[band];
        assert_eq!((*found, weights.len()), (first, known.len()), "band {band}");
        assert!(weights.iter().zip(known).all(|(own, known)| (own - known).abs() < 1e-7), "band {band}: {weights:?}");
    }

    #[test]
    fn slaney_filters_are_those_of_librosa() {
        // librosa.filters.mel(sr=16000, n_fft=400, n_mels=80), as openai/whisper ships it in mel_filters.npz.
        let filters = Filters::slaney(80, 400);
        assert_filter(&filters, 0, 1, &[0.024_862_59]);
        assert_filter(&filters, 40, 42, &[0.005_411_11, 0.014_735_57, 0.006_518_19]);
        assert_eq!((filters.bands.len(), filters.bands[79].0, filters.bands[79].1.len()), (80, 186, 14));
    }

    #[test]
    fn power_is_summed_with_the_weights() {
        let filters = Filters { bands: vec![(1, vec![0.5, 1.0]), (3, vec![2.0])] };
        assert_eq!(filters.of(&[9.0, 2.0, 3.0, 4.0]).collect::<Vec<_>>(), [4.0, 8.0]);
        assert_eq!(filters.of(&[]).collect::<Vec<_>>(), [0.0, 0.0]);
    }
}
