//! From motions between pictures to words with a span.
//!
//! Each motion is judged in its surroundings of about a second: by the medians of its parts, so that one bad pair of pictures does
//! not matter, and by the shake, the median change from one motion to the next.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::Finding;

/// Motions on either side that are a motion's surroundings: half a second.
const SURROUNDINGS: usize = 5;
/// Slower than this is no pan and no tilt, % of the picture's width per second.
const SHIFT_MIN: f32 = 1.5;
/// Slower than this is no zoom, % per second.
const ZOOM_MIN: f32 = 1.5;
/// Slower than this is no roll, degrees per second.
const ROLL_MIN: f32 = 1.0;
/// Less shake than this is a tripod, % of the picture's width per second.
const SHAKE_MIN: f32 = 1.5;
/// A direction counts when it is at least so many times as fast as the shake.
const OVER_SHAKE: f32 = 0.75;
/// Points half way from the middle to the side are a quarter of the width away from the middle.
const LEVER: f32 = 0.25;
/// Shorter words are taken into the one before them.
const WORD_MIN_MS: i64 = 500;
/// What can be followed for less than this says nothing.
const ALONE_MIN_MS: i64 = 300;

/// How the camera moved from one picture to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Motion {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// To the right, % of the picture's width per second.
    pub(super) pan: f32,
    /// Upwards, % of the picture's width per second.
    pub(super) tilt: f32,
    /// How much larger the picture becomes in a second, %.
    pub(super) zoom: f32,
    /// Clockwise, degrees per second.
    pub(super) roll: f32,
    /// Share of the followed points that agree, 0 to 1.
    pub(super) agreed: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Word {
    Static,
    PanLeft,
    PanRight,
    TiltUp,
    TiltDown,
    ZoomIn,
    ZoomOut,
    RollLeft,
    RollRight,
    Handheld,
}

impl Word {
    fn label(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::PanLeft => "pan_left",
            Self::PanRight => "pan_right",
            Self::TiltUp => "tilt_up",
            Self::TiltDown => "tilt_down",
            Self::ZoomIn => "zoom_in",
            Self::ZoomOut => "zoom_out",
            Self::RollLeft | Self::RollRight => "roll",
            Self::Handheld => "handheld",
        }
    }
}

/// Follows the motions of a video.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Words {
    recent: VecDeque<Motion>,
    /// How many of `recent` have their word: they are only surroundings now.
    settled: usize,
    open: Option<Segment>,
    /// The segment before `open`, which may yet take up a short one.
    held: Option<Segment>,
}

impl Words {
    /// Takes the next motion, which begins where the one before ended.
    pub(super) fn push(&mut self, motion: Motion, out: &mut Vec<Finding>) {
        self.recent.push_back(motion);
        if self.recent.len() > self.settled + SURROUNDINGS {
            self.settle(out);
        }
    }

    /// The motion cannot be followed further: a cut, a picture without texture, the end.
    pub(super) fn interrupt(&mut self, out: &mut Vec<Finding>) {
        while self.settled < self.recent.len() {
            self.settle(out);
        }
        if let Some(open) = self.open.take() {
            self.close(open, out);
        }
        let held = self.held.take().filter(|held| held.end_ms - held.start_ms >= ALONE_MIN_MS);
        out.extend(held.map(Segment::finding));
        self.recent.clear();
        self.settled = 0;
    }

    /// Finds the word of the oldest motion that has its surroundings.
    fn settle(&mut self, out: &mut Vec<Finding>) {
        let at = self.settled;
        let Some(&motion) = self.recent.get(at) else { return };
        let around: Vec<Motion> = self
            .recent
            .iter()
            .skip(at.saturating_sub(SURROUNDINGS))
            .take(SURROUNDINGS.min(at) + SURROUNDINGS + 1)
            .copied()
            .collect();
        let shake = shake(&around);
        let word = word(&around, shake);
        self.settled += 1;
        if self.settled > SURROUNDINGS {
            self.recent.pop_front();
            self.settled -= 1;
        }
        if let Some(open) = self.open.as_mut().filter(|open| open.word == word) {
            open.take(motion, shake);
            return;
        }
        if let Some(open) = self.open.replace(Segment::begin(word, motion, shake)) {
            self.close(open, out);
        }
    }

    fn close(&mut self, segment: Segment, out: &mut Vec<Finding>) {
        let Some(mut held) = self.held.take() else {
            self.held = Some(segment);
            return;
        };
        if segment.word == held.word {
            held.join(segment);
        } else if segment.is_short() {
            held.end_ms = segment.end_ms;
        } else if held.is_short() {
            held = Segment { start_ms: held.start_ms, ..segment };
        } else {
            out.push(held.finding());
            held = segment;
        }
        self.held = Some(held);
    }
}

/// Motions in a row that have the same word, with the sums of their parts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Segment {
    word: Word,
    start_ms: i64,
    end_ms: i64,
    count: u32,
    pan: f64,
    tilt: f64,
    zoom: f64,
    roll: f64,
    shake: f64,
    agreed: f64,
}

impl Segment {
    fn begin(word: Word, motion: Motion, shake: f32) -> Self {
        let (start_ms, end_ms) = (motion.start_ms, motion.start_ms);
        let mut segment =
            Self { word, start_ms, end_ms, count: 0, pan: 0.0, tilt: 0.0, zoom: 0.0, roll: 0.0, shake: 0.0, agreed: 0.0 };
        segment.take(motion, shake);
        segment
    }

    fn take(&mut self, motion: Motion, shake: f32) {
        self.end_ms = motion.end_ms;
        self.count += 1;
        self.pan += f64::from(motion.pan);
        self.tilt += f64::from(motion.tilt);
        self.zoom += f64::from(motion.zoom);
        self.roll += f64::from(motion.roll);
        self.shake += f64::from(shake);
        self.agreed += f64::from(motion.agreed);
    }

    fn join(&mut self, other: Self) {
        self.end_ms = other.end_ms;
        self.count += other.count;
        self.pan += other.pan;
        self.tilt += other.tilt;
        self.zoom += other.zoom;
        self.roll += other.roll;
        self.shake += other.shake;
        self.agreed += other.agreed;
    }

    fn is_short(&self) -> bool {
        self.end_ms - self.start_ms < WORD_MIN_MS
    }

    fn finding(self) -> Finding {
        let mean = |sum: f64| sum / f64::from(self.count.max(1));
        let round = |value: f64| (value * 100.0).round() / 100.0;
        let [pan, tilt, zoom, roll, shake] = [self.pan, self.tilt, self.zoom, self.roll, self.shake].map(|sum| round(mean(sum)));
        let speed = match self.word {
            Word::Static => round(mean(self.pan).hypot(mean(self.tilt))),
            Word::PanLeft | Word::PanRight => pan.abs(),
            Word::TiltUp | Word::TiltDown => tilt.abs(),
            Word::ZoomIn | Word::ZoomOut => zoom.abs(),
            Word::RollLeft | Word::RollRight => roll.abs(),
            Word::Handheld => shake,
        };
        Finding {
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            label: self.word.label().into(),
            confidence: mean(self.agreed) as f32,
            value: Some(json!({ "speed": speed, "pan": pan, "tilt": tilt, "zoom": zoom, "roll": roll, "shake": shake })),
            ..Finding::default()
        }
    }
}

/// The median of the changes of the shift from motion to motion, % of the picture's width per second.
fn shake(around: &[Motion]) -> f32 {
    median(around.windows(2).filter_map(|pair| match pair {
        [one, next] => Some((next.pan - one.pan).hypot(next.tilt - one.tilt)),
        _ => None,
    }))
}

fn word(around: &[Motion], shake: f32) -> Word {
    let part = |of: fn(&Motion) -> f32| median(around.iter().map(of));
    let (pan, tilt) = (part(|motion| motion.pan), part(|motion| motion.tilt));
    let (zoom, roll) = (part(|motion| motion.zoom), part(|motion| motion.roll));
    // Each with what it moves in the picture, in the unit of the shake, so that the strongest can be told.
    let parts = [
        (pan.abs() >= SHIFT_MIN, pan.abs(), if pan > 0.0 { Word::PanRight } else { Word::PanLeft }),
        (tilt.abs() >= SHIFT_MIN, tilt.abs(), if tilt > 0.0 { Word::TiltUp } else { Word::TiltDown }),
        (zoom.abs() >= ZOOM_MIN, zoom.abs() * LEVER, if zoom > 0.0 { Word::ZoomIn } else { Word::ZoomOut }),
        (
            roll.abs() >= ROLL_MIN,
            roll.abs().to_radians() * 100.0 * LEVER,
            if roll > 0.0 { Word::RollRight } else { Word::RollLeft },
        ),
    ];
    let clear = parts.into_iter().filter(|&(fast, moved, _)| fast && moved >= OVER_SHAKE * shake);
    match clear.max_by(|one, other| one.1.total_cmp(&other.1)) {
        Some((_, _, word)) => word,
        None if shake >= SHAKE_MIN => Word::Handheld,
        None => Word::Static,
    }
}

/// The middle value; of an even number the lower of the two. 0 of none.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}
