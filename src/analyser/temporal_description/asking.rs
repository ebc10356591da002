//! Segment by segment, a vision endpoint is asked what happens: with retries, within a budget, and given up when it does not answer.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::{self, INSTRUCTIONS, Said, Sheet};
use super::frames::{Cut, KeyFrames};
use super::settings::Settings;
use crate::analyser::Rest;
use crate::infer::vision::{Question, Terms, Vision, VisionError};

/// The pause before asking again an endpoint that is not reached or does not want to; it doubles with each try.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(4);
/// So many segments in a row without an answer, and the others are not asked.
const GIVE_UP_AFTER: u32 = 2;

/// An endpoint, and how it is asked.
pub(super) struct Asker {
    pub(super) settings: Settings,
    /// As the configuration names it.
    pub(super) host: String,
    /// Of the request, for the result key.
    pub(super) address: String,
    pub(super) vision: Arc<dyn Vision>,
}

/// What came of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Segment {
    /// A model described it.
    Said {
        said: Said,
        /// The model was not on this machine, nor in a private network.
        external: bool,
        frames: usize,
    },
    /// It did not, for this reason.
    Unsaid(String),
    /// There were no pictures of it.
    Blank,
}

/// How far asking has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Asking {
    /// Of the segments that were asked, in order.
    pub(super) segments: Vec<Segment>,
    /// Why the others are not asked.
    pub(super) gave_up: Option<String>,
    /// Of the segment that comes next.
    tries: u32,
    /// What was wrong with its last answer, for the model.
    complaint: Option<String>,
    /// Its next try waits.
    pause: bool,
    unsaid_in_row: u32,
    spent: Duration,
}

impl Asking {
    /// Asks once. `keys` of segments that are through are forgotten.
    pub(super) fn step(&mut self, asker: &Asker, cut: &Cut, keys: &mut KeyFrames) -> Rest {
        let next = self.segments.len();
        keys.forget_before(cut, next);
        if self.gave_up.is_some() || next >= cut.segments {
            return Rest::None;
        }
        let settings = &asker.settings;
        let (bounds, shown) = (cut.bounds(next), keys.of(cut, next));
        if shown.is_empty() {
            self.through(Segment::Blank);
            return Rest::More;
        }
        let left = settings.budget.saturating_sub(self.spent);
        if left.is_zero() {
            self.gave_up = Some(format!("the budget of {} s was used up", settings.budget.as_secs()));
            return Rest::None;
        }
        let sheet = Sheet::new(shown, bounds, self.complaint.as_deref());
        let schema = answer::schema();
        let question = Question { instructions: INSTRUCTIONS, parts: &sheet.parts(), schema: &schema };
        let terms = Terms { pause: self.pause_now().min(left), timeout: settings.timeout.min(left) };
        let reply = asker.vision.ask(&question, terms);
        self.spent += reply.took;
        let frames = shown.len();
        match reply.answer {
            Ok(answer) => match answer::read(&answer.text, bounds) {
                Ok(said) => self.through(Segment::Said { said, external: answer.external, frames }),
                Err(complaint) => {
                    let error = VisionError::Form(complaint.clone());
                    self.complaint = Some(complaint);
                    self.failed(&error, settings.retries);
                }
            },
            Err(error) => self.failed(&error, settings.retries),
        }
        Rest::More
    }

    fn pause_now(&self) -> Duration {
        let doubled = PAUSE.saturating_mul(1 << self.tries.saturating_sub(1).min(8));
        if self.pause { doubled.min(PAUSE_MAX) } else { Duration::ZERO }
    }

    fn failed(&mut self, error: &VisionError, retries: u32) {
        tracing::info!(%error, segment = self.segments.len(), try_number = self.tries + 1, "the vision endpoint gave no description");
        if error.is_final() {
            self.gave_up = Some(error.to_string());
            return;
        }
        self.tries += 1;
        self.pause = error.wants_pause();
        if self.tries <= retries {
            return;
        }
        self.unsaid_in_row += 1;
        let in_row = self.unsaid_in_row;
        self.through(Segment::Unsaid(error.to_string()));
        self.unsaid_in_row = in_row;
        if in_row >= GIVE_UP_AFTER {
            self.gave_up = Some(error.to_string());
        }
    }

    /// On to the next segment.
    fn through(&mut self, segment: Segment) {
        self.segments.push(segment);
        (self.tries, self.pause, self.unsaid_in_row, self.complaint) = (0, false, 0, None);
    }

    /// Why a segment is not described by the model, if it should be; none for one without pictures.
    pub(super) fn why_not(&self, segment: usize) -> Option<&str> {
        match self.segments.get(segment) {
            Some(Segment::Unsaid(why)) => Some(why),
            Some(Segment::Said { .. } | Segment::Blank) => None,
            None => self.gave_up.as_deref(),
        }
    }

    /// Whether there was anything to ask of.
    pub(super) fn had_pictures(&self) -> bool {
        self.gave_up.is_some() || self.segments.iter().any(|segment| *segment != Segment::Blank)
    }

    /// Whether the model described any segment.
    pub(super) fn said_anything(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Said { .. }))
    }
}
