//! The energy of a film over time: a rule over motion, cuts and loudness.
//!
//! For each step: energy = (0.45 × motion + 0.35 × cuts + 0.2 × sound) over the weights of what is known, each part 0 to 1: motion is the
//! mean change from frame to frame over its 95th percentile in the film (but at least [`MOTION_FLOOR`]); cuts the changes of shot within two
//! seconds on either side over two; sound the momentary loudness from −50 to −10 LUFS. Then the mean with [`SMOOTH`] steps on either side.

/// Weights of motion, cuts and sound.
const WEIGHTS: [f32; 3] = [0.45, 0.35, 0.2];
/// A film whose strongest motion is below this (levels of 255) is calm.
const MOTION_FLOOR: f32 = 6.0;
/// Cuts this near count, and so many are all that counts.
const CUTS_MS: i64 = 2000;
const CUTS_FULL: f32 = 2.0;
/// Loudness that is nothing, and the range to what is everything.
const SILENT_LUFS: f32 = -50.0;
const LUFS_RANGE: f32 = 40.0;
/// Steps on either side that are taken together.
const SMOOTH: usize = 2;

/// What the energy is made of.
pub(super) struct Parts<'a> {
    pub(super) step_ms: i64,
    /// Mean change from frame to frame, by step.
    pub(super) motion: &'a [f32],
    /// Times of changes of shot, in order; none when nobody looked.
    pub(super) cuts: Option<&'a [i64]>,
    /// Times and loudness, in order; empty when nobody listened.
    pub(super) loudness: &'a [(i64, f32)],
}

/// The energy of each step, 0 to 1.
pub(super) fn energy(parts: &Parts<'_>) -> Vec<f32> {
    let most = percentile(parts.motion, 0.95).max(MOTION_FLOOR);
    let raw: Vec<f32> = (0_i64..)
        .zip(parts.motion)
        .map(|(at, motion)| {
            let middle_ms = at * parts.step_ms + parts.step_ms / 2;
            let known =
                [Some((motion / most).min(1.0)), parts.cuts.map(|cuts| near(cuts, middle_ms)), loud(parts.loudness, middle_ms)];
            let weighed = known.iter().zip(WEIGHTS).filter_map(|(part, weight)| part.map(|part| (part * weight, weight)));
            let (sum, weights) = weighed.fold((0.0, 0.0), |(sum, weights), (part, weight)| (sum + part, weights + weight));
            sum / weights
        })
        .collect();
    (0..raw.len())
        .map(|at| {
            let around = raw.get(at.saturating_sub(SMOOTH)..raw.len().min(at + SMOOTH + 1)).unwrap_or_default();
            mean(around)
        })
        .collect()
}

fn near(cuts: &[i64], time_ms: i64) -> f32 {
    let from = cuts.partition_point(|cut| *cut < time_ms - CUTS_MS);
    let to = cuts.partition_point(|cut| *cut <= time_ms + CUTS_MS);
    (to.saturating_sub(from) as f32 / CUTS_FULL).min(1.0)
}

/// The loudness told last, 0 to 1; none before the first.
pub(super) fn loud(loudness: &[(i64, f32)], time_ms: i64) -> Option<f32> {
    let at = loudness.partition_point(|(from, _)| *from <= time_ms);
    let (_, lufs) = loudness.get(at.checked_sub(1)?)?;
    Some(((lufs - SILENT_LUFS) / LUFS_RANGE).clamp(0.0, 1.0))
}

/// The mean; 0 of none.
pub(super) fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// The value below which this share lies; 0 of none.
pub(super) fn percentile(values: &[f32], share: f32) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f32).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// The steps of `length` with the most energy, and their mean; the first of equals.
pub(super) fn peak(energy: &[f32], length: usize) -> Option<(usize, f32)> {
    let windows = energy.windows(length.max(1)).map(mean).enumerate();
    windows.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// At most `points` means in a row.
pub(super) fn thinned(values: &[f32], points: usize) -> (usize, Vec<f32>) {
    let step = values.len().div_ceil(points.max(1)).max(1);
    (step, values.chunks(step).map(mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_follows_motion_cuts_and_sound() {
        let mut motion = vec![0.5_f32; 40];
        motion[20..30].fill(12.0);
        let parts = Parts {
            step_ms: 500,
            motion: &motion,
            cuts: Some(&[11_000, 12_000, 13_000]),
            loudness: &[(0, -60.0), (11_000, -12.0), (16_000, -60.0)],
        };
        let found = energy(&parts);
        assert!(found[2] < 0.1 && found[25] > 0.9, "{found:?}");
        let (at, most) = peak(&found, 8).unwrap();
        assert!((20..=26).contains(&at) && most > 0.8, "{at} {most}");
    }

    #[test]
    fn what_nobody_told_does_not_count() {
        let parts = Parts { step_ms: 500, motion: &[12.0; 10], cuts: None, loudness: &[] };
        assert!(energy(&parts).iter().all(|value| (value - 1.0).abs() < 1e-6));
        assert!(energy(&Parts { motion: &[], ..parts }).is_empty());
        assert_eq!((peak(&[], 4), loud(&[(1000, -20.0)], 500)), (None, None));
    }

    #[test]
    fn long_curves_are_thinned() {
        let (step, points) = thinned(&[1.0; 1000], 240);
        assert_eq!((step, points.len()), (5, 200));
        assert_eq!(thinned(&[], 240), (1, vec![]));
    }
}
