//! Hard cuts, from the difference of each frame to the one before it.
//!
//! Two rules, after the content and the adaptive detector of PySceneDetect (BSD-3-Clause): a difference of 27 or more is a cut, and
//! so is one of 15 or more that stands out three times over its surroundings (two frames on either side). What keeps false ones
//! away: hue is compared the short way around, so that near-black pictures of a fade, whose hue is noise around red, do not score;
//! the first rule too asks that the difference stands out twice over, which steady motion and fades do not; and a picture that is
//! back after a moment was a flash.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::hsv;

/// Content rule: the mean difference in hue, saturation and value.
const CONTENT: f32 = 27.0;
/// Content rule: how many times the difference stands out over its surroundings.
const CONTENT_RATIO: f32 = 2.0;
/// Adaptive rule: the smallest difference.
const ADAPTIVE: f32 = 15.0;
/// Adaptive rule: how many times the difference stands out.
const ADAPTIVE_RATIO: f32 = 3.0;
/// What is no cut but stands out so many times over its surroundings is worth a second opinion.
const SUSPECT_RATIO: f32 = 1.5;
/// Frames on either side that are the surroundings.
const SURROUNDINGS: usize = 2;
/// A shot is at least this long; of two cuts closer than this the stronger stays.
const SHOT_MIN_MS: i64 = 300;
/// A picture that is back within this time was hidden by a flash.
const FLASH_MAX_MS: i64 = 200;
/// How many frames a flash is followed for: a bound where time stamps stand still.
const FLASH_MAX_FRAMES: u32 = 30;

/// A hard cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Cut {
    /// First frame of the new shot.
    pub(super) frame: u64,
    /// Its time.
    pub(super) time_ms: i64,
    /// Its difference to the frame before.
    pub(super) score: f32,
}

impl Cut {
    /// 0.5 at the content rule's threshold, towards 1 above it; below 0.5 only the adaptive rule found it.
    pub(super) fn confidence(self) -> f32 {
        self.score / (self.score + CONTENT)
    }

    /// Whether only the adaptive rule can have found it.
    pub(super) fn is_weak(self) -> bool {
        self.score < CONTENT
    }
}

/// Follows the differences of a video.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Cuts {
    #[serde(with = "serde_bytes")]
    before: Vec<u8>,
    recent: VecDeque<Recent>,
    /// How many entries of `recent` are settled: they are only surroundings now.
    settled: usize,
    flash: Option<Flash>,
    candidates: Vec<Cut>,
    suspects: Vec<Cut>,
}

/// One frame, while it is decided on and while it is others' surroundings.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Recent {
    cut: Cut,
    /// It belongs to a flash.
    flash: bool,
}

/// The picture before a possible flash.
#[derive(Debug, Serialize, Deserialize)]
struct Flash {
    #[serde(with = "serde_bytes")]
    picture: Vec<u8>,
    start: Cut,
    frames: u32,
}

impl Cuts {
    /// Takes the next frame as HSV; `hsv` is left with the bytes of the frame before, for reuse.
    pub(super) fn push(&mut self, frame: u64, time_ms: i64, hsv: &mut Vec<u8>) {
        let seen = Cut { frame, time_ms, score: hsv::difference(&self.before, hsv) };
        self.recent.push_back(Recent { cut: seen, flash: false });
        self.follow_flash(seen, hsv);
        if seen.score >= ADAPTIVE && !self.recent.back().is_some_and(|recent| recent.flash) && self.flash.is_none() {
            self.flash = Some(Flash { picture: self.before.clone(), start: seen, frames: 0 });
        }
        std::mem::swap(&mut self.before, hsv);
        if self.recent.len() > self.settled + SURROUNDINGS {
            self.settle();
        }
    }

    /// The frames that were settled since the last call and are in doubt: weak cuts, and what is nearly one.
    pub(super) fn take_suspects(&mut self) -> Vec<Cut> {
        std::mem::take(&mut self.suspects)
    }

    /// No frame follows: the last ones are settled.
    pub(super) fn end(&mut self) {
        while self.settled < self.recent.len() {
            self.settle();
        }
    }

    /// The cuts, in order: without those that `denied` names, with those of `confirmed`.
    pub(super) fn finish(mut self, denied: impl Fn(Cut) -> bool, confirmed: impl IntoIterator<Item = Cut>) -> Vec<Cut> {
        self.end();
        self.candidates.retain(|cut| !denied(*cut));
        for cut in confirmed {
            if self.candidates.iter().all(|other| other.frame != cut.frame) {
                self.candidates.push(cut);
            }
        }
        self.candidates.sort_by_key(|cut| cut.frame);
        apart(self.candidates)
    }

    /// Drops the candidates of a flash when the picture before it is back.
    fn follow_flash(&mut self, seen: Cut, hsv: &[u8]) {
        let Some(flash) = &mut self.flash else { return };
        flash.frames += 1;
        let start = flash.start;
        if seen.time_ms - start.time_ms > FLASH_MAX_MS || flash.frames > FLASH_MAX_FRAMES {
            self.flash = None;
            return;
        }
        if hsv::difference(&flash.picture, hsv) < ADAPTIVE.min(start.score / 2.0) {
            self.flash = None;
            self.candidates.retain(|cut| cut.frame < start.frame);
            self.recent.iter_mut().filter(|recent| recent.cut.frame >= start.frame).for_each(|recent| recent.flash = true);
        }
    }

    /// Decides on the oldest frame that has its surroundings.
    fn settle(&mut self) {
        let at = self.settled;
        let Some(&Recent { cut, flash }) = self.recent.get(at) else { return };
        let others = self.recent.iter().enumerate().filter(|(other, _)| *other != at && at.abs_diff(*other) <= SURROUNDINGS);
        let (sum, count) = others.fold((0.0, 0), |(sum, count), (_, other)| (sum + other.cut.score, count + 1));
        let around = if count == 0 { 0.0 } else { sum / count as f32 };
        if !flash && is_cut(cut.score, around) {
            self.candidates.push(cut);
        }
        let found = cut.score >= CONTENT && is_cut(cut.score, around);
        if !flash && !found && cut.score >= ADAPTIVE && cut.score >= SUSPECT_RATIO * around {
            self.suspects.push(cut);
        }
        self.settled += 1;
        if self.settled > SURROUNDINGS {
            self.recent.pop_front();
            self.settled -= 1;
        }
    }
}

fn is_cut(score: f32, around: f32) -> bool {
    let content = score >= CONTENT && score >= CONTENT_RATIO * around;
    let adaptive = score >= ADAPTIVE && score >= ADAPTIVE_RATIO * around;
    content || adaptive
}

/// Of cuts closer than a shot may be short, the stronger; none so close to the beginning.
fn apart(candidates: Vec<Cut>) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    for cut in candidates {
        match cuts.last_mut() {
            Some(last) if cut.time_ms - last.time_ms < SHOT_MIN_MS => {
                if cut.score > last.score {
                    *last = cut;
                }
            }
            None if cut.time_ms < SHOT_MIN_MS => {}
            _ => cuts.push(cut),
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames at 25 per second, each one grey of the given value.
    fn cuts_of(greys: impl IntoIterator<Item = u8>) -> Vec<u64> {
        let mut cuts = Cuts::default();
        let mut hsv = Vec::new();
        for (frame, grey) in greys.into_iter().enumerate() {
            hsv::convert(&[grey; 3 * 64], &mut hsv);
            cuts.push(frame as u64, frame as i64 * 40, &mut hsv);
        }
        cuts.finish(|_| false, []).iter().map(|cut| cut.frame).collect()
    }

    fn shots(shots: &[(u8, usize)]) -> Vec<u8> {
        shots.iter().flat_map(|&(grey, frames)| std::iter::repeat_n(grey, frames)).collect()
    }

    #[test]
    fn finds_the_first_frame_of_each_shot() {
        assert_eq!(cuts_of(shots(&[(10, 20), (200, 20), (90, 20)])), [20, 40]);
    }

    #[test]
    fn finds_a_cut_in_the_last_frames() {
        assert_eq!(cuts_of(shots(&[(10, 20), (200, 1)])), [20]);
        assert_eq!(cuts_of(shots(&[(10, 20), (200, 2)])), [20]);
    }

    #[test]
    fn steady_motion_is_no_cut() {
        let panning: Vec<u8> = (0..60_u32).map(|at| if at % 2 == 0 { 20 } else { 220 }).collect();
        assert_eq!(cuts_of(panning), [] as [u64; 0]);
    }

    #[test]
    fn a_slow_fade_is_no_cut() {
        assert_eq!(cuts_of((0..=250_u8).step_by(5).chain((0..=250).rev().step_by(5))), [] as [u64; 0]);
    }

    #[test]
    fn a_flash_is_no_cut_and_does_not_hide_the_next_one() {
        assert_eq!(cuts_of(shots(&[(40, 20), (250, 2), (40, 20), (200, 20)])), [42]);
        assert_eq!(cuts_of(shots(&[(40, 20), (250, 1), (40, 20)])), [] as [u64; 0]);
    }

    #[test]
    fn a_flash_on_a_cut_leaves_one_cut() {
        assert_eq!(cuts_of(shots(&[(40, 20), (255, 2), (140, 20)])).len(), 1);
    }

    #[test]
    fn of_two_close_cuts_the_stronger_stays() {
        assert_eq!(cuts_of(shots(&[(0, 20), (100, 6), (255, 20)])), [26]);
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert_eq!(cuts_of([]), [] as [u64; 0]);
        assert_eq!(cuts_of([200]), [] as [u64; 0]);
    }
}
