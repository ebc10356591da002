//! The planner: what all analysers of a task want to see and hear, as one decode.

use super::wire::Track;
use crate::analyser::Sampling;

/// Version of the rules in this file and of the decoder's way of choosing frames; part of every result key.
pub const PLANNER_VERSION: u32 = 1;

/// What one decode gives.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Needs {
    /// Every frame, small.
    pub small: bool,
    /// Sampled frames, large, at this many per second: the most that any analyser wants.
    pub large_fps: Option<f32>,
    /// Pictures in the source's own pixels, at this many per second.
    pub detail_fps: Option<f32>,
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
                Sampling::Sampled { fps } => needs.large_fps = Some(needs.large_fps.map_or(fps, |most| most.max(fps))),
                Sampling::Detail { fps } => needs.detail_fps = Some(needs.detail_fps.map_or(fps, |most| most.max(fps))),
                Sampling::Audio => needs.audio = true,
                Sampling::Findings => {}
            }
        }
        needs
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
        // A millisecond of rounding must not push a frame into the period before.
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
        let wishes = [Sampling::Sampled { fps: 0.5 }, Sampling::Audio, Sampling::Sampled { fps: 2.0 }];
        assert_eq!(Needs::of(wishes), Needs { large_fps: Some(2.0), audio: true, ..Needs::default() });
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
    fn times_that_are_a_little_early_stay_in_their_period() {
        let mut thin = Thin::to(Sampling::Sampled { fps: 1.0 });
        let taken: Vec<i64> = [0, 480, 999, 1480, 1999, 2480, 3000].into_iter().filter(|time| thin.takes(*time)).collect();
        assert_eq!(taken, [0, 999, 1999, 3000]);
    }
}
