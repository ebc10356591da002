//! The planner: what all analysers of a task want to see and hear, as one decode.

use super::wire::Track;
use crate::analyser::Sampling;

/// Version of the rules in this file and of the decoder's way of choosing frames; part of every result key.
pub const PLANNER_VERSION: u32 = 2;

/// What one decode gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Needs {
    /// Every frame, small.
    pub small: bool,
    /// Sampled frames, large, at each of these rates per second: an odd one is not contained in a higher one.
    pub large_fps: Vec<f32>,
    /// Pictures in the source's own pixels, at each of these rates per second.
    pub detail_fps: Vec<f32>,
    /// Sound.
    pub audio: bool,
}

impl Needs {
    /// Of all these wishes together.
    pub fn of(wishes: impl IntoIterator<Item = Sampling>) -> Self {
        let mut needs = Self::default();
        for wish in wishes {
            match wish {
                Sampling::EveryFrame => needs.small = true,
                Sampling::Sampled { fps } => add(&mut needs.large_fps, fps),
                Sampling::Detail { fps } => add(&mut needs.detail_fps, fps),
                Sampling::Audio => needs.audio = true,
                Sampling::Findings => {}
            }
        }
        needs
    }
}

fn add(rates: &mut Vec<f32>, fps: f32) {
    if !rates.contains(&fps) {
        rates.push(fps);
    }
}

/// The track that a wish is served from; none for who wants nothing of the medium itself.
pub fn track_of(wish: Sampling) -> Option<Track> {
    match wish {
        Sampling::EveryFrame => Some(Track::Small),
        Sampling::Sampled { .. } => Some(Track::Large),
        Sampling::Detail { .. } => Some(Track::Detail),
        Sampling::Audio => Some(Track::Audio),
        Sampling::Findings => None,
    }
}

/// The wish for half as many samples, where it is one for samples.
pub fn half(wish: Sampling) -> Sampling {
    match wish {
        Sampling::Sampled { fps } => Sampling::Sampled { fps: fps / 2.0 },
        Sampling::Detail { fps } => Sampling::Detail { fps: fps / 2.0 },
        other => other,
    }
}

/// Thins the sampled frames of a decode out for an analyser that wants fewer: the first frame of each of its periods.
#[derive(Debug)]
pub struct Thin {
    fps: f64,
    last: Option<i64>,
}

impl Thin {
    /// For an analyser with this wish; nothing is left out for one that wants every frame.
    pub fn to(wish: Sampling) -> Self {
        let fps = if let Sampling::Sampled { fps } | Sampling::Detail { fps } = wish { f64::from(fps) } else { f64::INFINITY };
        Self { fps, last: None }
    }

    /// Whether the analyser gets the frame shown at `time_ms`. Frames come in time order.
    pub fn takes(&mut self, time_ms: i64) -> bool {
        if !self.fps.is_finite() {
            return true;
        }
        // A millisecond of rounding must not push a frame into the period before. The decoder reckons in the same way: what it chose for this
        // rate is taken.
        let period = ((time_ms as f64 + 1.0) * self.fps / 1000.0).floor() as i64;
        let takes = self.last.is_none_or(|last| period > last);
        if takes {
            self.last = Some(period);
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_decode_serves_all_wishes() {
        let wishes = [0.5, 2.0, 0.5].map(|fps| Sampling::Sampled { fps }).into_iter().chain([Sampling::Audio]);
        assert_eq!(Needs::of(wishes), Needs { large_fps: vec![0.5, 2.0], audio: true, ..Needs::default() });
        assert_eq!(Needs::of([Sampling::EveryFrame]), Needs { small: true, ..Needs::default() });
    }

    #[test]
    fn an_analyser_gets_its_own_rate_from_a_faster_one() {
        let times: Vec<i64> = (0..20).map(|at| at * 500).collect();
        let taken = |fps| {
            let mut thin = Thin::to(Sampling::Sampled { fps });
            times.iter().copied().filter(|time| thin.takes(*time)).collect::<Vec<_>>()
        };
        assert_eq!(taken(2.0), times);
        assert_eq!(taken(1.0), [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000]);
        assert_eq!(taken(0.5), [0, 2000, 4000, 6000, 8000]);
    }

    #[test]
    fn an_odd_rate_gets_beside_another_what_it_gets_alone() {
        // Twelve seconds of 25 pictures a second.
        let every: Vec<i64> = (0..300).map(|at| at * 40).collect();
        let taken = |wish: Sampling, times: &[i64]| {
            let mut thin = Thin::to(wish);
            times.iter().copied().filter(|time| thin.takes(*time)).collect::<Vec<_>>()
        };
        let [odd, two] = [0.3, 2.0].map(|fps| Sampling::Sampled { fps });
        let alone = taken(odd, &every);
        assert_eq!(alone, [0, 3360, 6680, 10_000]);
        let fast = taken(two, &every);
        let decoded: Vec<i64> = every.into_iter().filter(|time| alone.contains(time) || fast.contains(time)).collect();
        assert_eq!((taken(odd, &decoded), taken(two, &decoded)), (alone, fast));
        assert_eq!(taken(half(odd), &decoded), [0, 6680]);
    }

    #[test]
    fn times_that_are_a_little_early_stay_in_their_period() {
        let mut thin = Thin::to(Sampling::Sampled { fps: 1.0 });
        let taken: Vec<i64> = [0, 480, 999, 1480, 1999, 2480, 3000].into_iter().filter(|time| thin.takes(*time)).collect();
        assert_eq!(taken, [0, 999, 1999, 3000]);
    }
}
