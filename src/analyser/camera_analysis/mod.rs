//! `camera_analysis`: how the camera moves, from sparse optical flow between small pictures a tenth of a second apart, and the
//! similarity (shift, turn, scale) that most points follow. No model.
//!
//! Findings: spans with the labels `static`, `pan_left`, `pan_right`, `tilt_up`, `tilt_down`, `zoom_in`, `zoom_out`, `roll` and `handheld`; words
//! say what the camera does, so in a `pan_right` the picture moves to the left. `value` is `{speed, pan, tilt, zoom, roll, shake}`, means over
//! the span: `pan` (to the right) and `tilt` (upwards) in % of the picture's width per second, `zoom` in % of scale per second, `roll` in
//! degrees per second, clockwise, `shake` the median change of the shift from one tenth of a second to the next, in % of the
//! picture's width per second; `speed` is the part that gave the label its name, without sign (`handheld`: the shake). `confidence` is the share
//! of the followed points that agree on the motion. Where nothing can be followed (a cut, a blank picture) there is no finding. Words
//! under half a second are taken into their neighbours, and what can be followed for less than 0.3 s is not told. Spans: the runner's.

mod flow;
mod similarity;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use image::GrayImage;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use self::flow::Flow;
use self::similarity::Similarity;
use self::words::{Motion, Words};
use super::small::{self, Grey};
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, state};
use crate::infer::Models;
use crate::model::{Finding, MediaInfo};

/// Pictures that are compared lie at least so far apart. Slow motion needs the distance; ten pairs a second are enough.
const APART_MS: i64 = 95;
/// Pictures farther apart than this are not compared.
const APART_MAX_MS: i64 = 1500;
/// A motion that fewer points agree on is none.
const AGREED_MIN: f32 = 0.4;
/// Pictures whose grey levels differ less than this in the mean are the same, texture or not.
const SAME: f32 = 0.2;
/// How sure it is that nothing moves where there is no texture.
const SAME_AGREED: f32 = 0.5;

/// The analyser.
pub struct CameraAnalysis;

impl Analyser for CameraAnalysis {
    fn spec(&self) -> Spec {
        Spec {
            name: "camera_analysis",
            version: 1,
            models: &[],
            optional: &[],
            sampling: Sampling::EveryFrame,
            after: &[],
            limits: "Tells the motion that most of the picture shares: something large that moves before a still camera counts as the \
                     camera's motion, and so do zooms and pans made when editing. Shifts beyond about twice the picture's width per \
                     second, blank pictures and strong blur cannot be followed.",
        }
    }

    fn begin(&self, _media: &MediaInfo, _models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::<CameraPass>::default())
    }
}

#[derive(Default)]
struct CameraPass {
    flow: Flow,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    last: Option<Seen>,
    words: Words,
}

/// The picture that the next is compared with.
#[derive(Serialize, Deserialize)]
struct Seen {
    time_ms: i64,
    width: u32,
    height: u32,
    luma: ByteBuf,
}

impl Pass for CameraPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            let due = self.state.last.as_ref().is_none_or(|last| frame.time_ms.saturating_sub(last.time_ms) >= APART_MS);
            super::resize::pixels(frame)?;
            if due {
                self.look(frame.time_ms, &*small::grey(frame)?, out);
            }
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&self.state)
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        self.state = state::restore(saved)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.state.last.is_none() {
            return Ok(Summary::skipped("no frames"));
        }
        self.state.words.interrupt(out);
        Ok(Summary::done())
    }
}

impl CameraPass {
    fn look(&mut self, time_ms: i64, grey: &Grey, out: &mut Vec<Finding>) {
        let (width, height) = (grey.width, grey.height);
        let now = Seen { time_ms, width, height, luma: ByteBuf::from(grey.luma.clone()) };
        let Some(last) = self.state.last.replace(now) else { return };
        match self.motion(&last, time_ms, grey) {
            Some(motion) => self.state.words.push(motion, out),
            None => self.state.words.interrupt(out),
        }
    }

    fn motion(&mut self, last: &Seen, time_ms: i64, grey: &Grey) -> Option<Motion> {
        let passed_ms = time_ms.saturating_sub(last.time_ms);
        if !(1..=APART_MAX_MS).contains(&passed_ms) || (last.width, last.height) != (grey.width, grey.height) {
            return None;
        }
        let before = GrayImage::from_raw(last.width, last.height, last.luma.to_vec())?;
        let now = GrayImage::from_raw(grey.width, grey.height, grey.luma.clone())?;
        let fitted = similarity::fit(&self.flow.steps(&before, &now)).filter(|fitted| fitted.agreed >= AGREED_MIN);
        let still = || {
            let same = difference(&last.luma, &grey.luma) < SAME;
            same.then_some(Similarity { a: 1.0, b: 0.0, x: 0.0, y: 0.0, agreed: SAME_AGREED })
        };
        Some(motion_of(fitted.or_else(still)?, grey.width, last.time_ms, time_ms))
    }
}

/// What the camera did, from what the picture did.
fn motion_of(picture: Similarity, width: u32, start_ms: i64, end_ms: i64) -> Motion {
    let seconds = (end_ms - start_ms) as f32 / 1000.0;
    let share = 100.0 / width as f32 / seconds;
    Motion {
        start_ms,
        end_ms,
        pan: -picture.x * share,
        tilt: picture.y * share,
        zoom: (picture.scale().clamp(0.1, 10.0).powf(1.0 / seconds).min(1e6) - 1.0) * 100.0,
        roll: -picture.turn() / seconds,
        agreed: picture.agreed,
    }
}

/// The mean difference of the grey levels.
fn difference(one: &[u8], other: &[u8]) -> f32 {
    let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f32 / one.len().max(1) as f32
}
