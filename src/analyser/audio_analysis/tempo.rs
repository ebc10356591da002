//! Tempo: the beat period at which the onset curve best resembles itself.
//!
//! Autocorrelation of the onset curve, summed over the first multiples of a period, weighted with a preference for tempi near 120 BPM
//! (Ellis, "Beat Tracking by Dynamic Programming", 2007). Equal beats fit the half tempo as well: the double is taken where it fits as well.

/// Values of the onset curve per second.
pub(super) const RATE: f32 = 100.0;
const BPM_MIN: f32 = 50.0;
const BPM_MAX: f32 = 210.0;
/// Multiples of the period that are looked at.
const MULTIPLES: usize = 4;
/// Less than 4 seconds hold too few beats.
pub(super) const MIN_VALUES: usize = 400;
/// Weaker beats than this are chance: white noise reaches about 0.05, a click track 0.9.
const MIN_STRENGTH: f32 = 0.15;
/// How near to the fit of the slower tempo the double must come.
const DOUBLE: f32 = 0.8;

/// A tempo and how strongly the sound repeats at it, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tempo {
    pub(super) bpm: f32,
    pub(super) strength: f32,
}

/// The tempo of a sharpened onset curve; none where no beat stands out.
pub(super) fn estimate(curve: &[f32]) -> Option<Tempo> {
    if curve.len() < MIN_VALUES {
        return None;
    }
    let longest = (RATE * 60.0 / BPM_MIN) as usize * MULTIPLES + 2;
    let likeness = autocorrelation(curve, longest.min(curve.len() / 2));
    let fit = |bpm: f32| fit(&likeness, bpm);
    let preferred = |bpm: f32| fit(bpm) * (-0.5 * (bpm / 120.0).log2().powi(2)).exp();
    let tempi = || (0..=((BPM_MAX - BPM_MIN) * 10.0) as u16).map(|step| BPM_MIN + f32::from(step) / 10.0);
    let mut bpm = tempi().max_by(|a, b| preferred(*a).total_cmp(&preferred(*b)))?;
    while bpm * 2.0 <= BPM_MAX && fit(bpm * 2.0) >= DOUBLE * fit(bpm) {
        bpm *= 2.0;
    }
    // The top of the curve within ± 2 BPM, without the preference, which leans towards 120.
    let bpm = tempi().filter(|near| (near - bpm).abs() <= 2.0).max_by(|a, b| fit(*a).total_cmp(&fit(*b)))?;
    let strength = fit(bpm).clamp(0.0, 1.0);
    (strength >= MIN_STRENGTH).then_some(Tempo { bpm, strength })
}

/// What rises above the mean of the second around it, smoothed over 30 ms so that a period between two steps still meets its beats.
pub(super) fn sharpen(onsets: &[f32]) -> Vec<f32> {
    let half = RATE as usize / 2;
    let mut sums = vec![0.0_f64];
    for value in onsets {
        sums.push(sums[sums.len() - 1] + f64::from(*value));
    }
    let rises: Vec<f32> = (0..onsets.len())
        .map(|at| {
            let (from, to) = (at.saturating_sub(half), (at + half).min(onsets.len()));
            (onsets[at] - ((sums[to] - sums[from]) / (to - from) as f64) as f32).max(0.0)
        })
        .collect();
    let at = |index: usize| rises.get(index).copied().unwrap_or(0.0);
    let smooth: Vec<f32> = (0..rises.len()).map(|i| 0.25 * at(i.wrapping_sub(1)) + 0.5 * at(i) + 0.25 * at(i + 1)).collect();
    let mean = smooth.iter().sum::<f32>() / smooth.len() as f32;
    smooth.into_iter().map(|value| value - mean).collect()
}

/// Normalised so that lag 0 is 1.
fn autocorrelation(curve: &[f32], lags: usize) -> Vec<f32> {
    let energy: f32 = curve.iter().map(|value| value * value).sum::<f32>() / curve.len() as f32;
    if energy <= f32::MIN_POSITIVE {
        return vec![0.0; lags];
    }
    (0..lags)
        .map(|lag| {
            let products: f32 = curve[lag..].iter().zip(curve).map(|(later, now)| later * now).sum();
            products / (curve.len() - lag) as f32 / energy
        })
        .collect()
}

/// Mean likeness at the multiples of the period of `bpm`; multiples beyond the curve do not count.
fn fit(likeness: &[f32], bpm: f32) -> f32 {
    let period = RATE * 60.0 / bpm;
    let (mut sum, mut count) = (0.0, 0);
    for multiple in 1..=MULTIPLES {
        let at = period * multiple as f32;
        let (left, part) = (at as usize, at.fract());
        let (Some(a), Some(b)) = (likeness.get(left), likeness.get(left + 1)) else { break };
        sum += a * (1.0 - part) + b * part;
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / count as f32 }
}
