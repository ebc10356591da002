//! Sound as of many people: applause, babble, cheering. It never pauses as one voice does, is not as even as a machine, and fills the
//! spectrum. A heuristic, from measures of synthetic babble (8 to 16 voices), applause, single voices, music and noise.

use serde::{Deserialize, Serialize};

use super::patches::Patch;

/// How uneven the level is within two thirds of a second, decibels: steady noise 0.4, 16 voices 1.5, 8 voices 2.5, 4 voices 4, one 9.
const DEVIATION: std::ops::Range<f64> = 0.75..3.3;
/// How full the spectrum is: music 0.1, applause 0.29, 8 voices 0.48.
const FLATNESS_MIN: f64 = 0.22;
/// Softer sound is not a crowd's, dBFS.
const LEVEL_MIN: f64 = -50.0;
/// How fast the mean over the patches follows: about 2 s.
const FOLLOW: f64 = 0.05;
/// A crowd begins at this share of such patches, and ends at the other.
const BEGIN: f64 = 0.75;
const END: f64 = 0.45;

/// What lasts from patch to patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    share: f64,
    /// Number of the patch with which it began, and the sum of the shares since.
    open: Option<(usize, f64)>,
    count: usize,
}

/// A crowd, in patches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crowd {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Mean share of patches like those of a crowd.
    pub(super) share: f64,
}

impl State {
    /// Takes the next patch; answers a crowd that ended.
    pub(super) fn push(&mut self, patch: &Patch) -> Option<Crowd> {
        let like = patch.level >= LEVEL_MIN && patch.flatness >= FLATNESS_MIN && DEVIATION.contains(&patch.deviation);
        self.share += FOLLOW * (f64::from(u8::from(like)) - self.share);
        let now = self.count;
        self.count += 1;
        match &mut self.open {
            None if self.share >= BEGIN => self.open = Some((now, self.share)),
            Some(_) if self.share < END => return self.finish(),
            Some((_, sum)) => *sum += self.share,
            None => {}
        }
        None
    }

    /// The crowd that the sound ends with.
    pub(super) fn finish(&mut self) -> Option<Crowd> {
        let (from, sum) = self.open.take()?;
        // The mean follows late: it takes 28 patches from 0 to three quarters.
        Some(Crowd { from: from.saturating_sub(28), to: self.count, share: sum / (self.count - from).max(1) as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patches(deviation: f64, flatness: f64, count: usize) -> Vec<Patch> {
        (0..count).map(|_| Patch { values: Vec::new(), level: -20.0, deviation, flatness }).collect()
    }

    #[test]
    fn a_crowd_is_what_is_neither_even_nor_pauses() {
        let sound = [patches(9.0, 0.2, 100), patches(2.0, 0.4, 200), patches(0.3, 0.5, 100)];
        let (mut state, mut found) = (State::default(), Vec::new());
        for patch in sound.iter().flatten() {
            found.extend(state.push(patch));
        }
        found.extend(state.finish());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].from.abs_diff(100) <= 2 && found[0].to.abs_diff(300) <= 20 && found[0].share > 0.7, "{found:?}");
    }
}
