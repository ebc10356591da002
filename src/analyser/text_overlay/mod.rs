//! `text_overlay`: lines of text in the picture, by PP-OCRv6.
//!
//! Findings: one per line and sample, label `text`; `text` is the line, `value` is `{track}`, a number that a text keeps while it stays.
//! Spans: one per text, with the surest reading; `value` is `{track, at_once}`, the latter the highest number of lines in one of its
//! samples.
//!
//! A picture that barely changed since the last one that was read is not read again: its findings are those of that picture. The
//! rule is in [`change`].

mod change;
mod detect;
mod recognise;
mod rectangle;
mod similar;

use std::sync::Arc;

use self::change::Change;
use self::detect::Lines;
use self::recognise::{Characters, Reading};
use self::rectangle::Rectangle;
use super::resize::{Shown, Stretcher};
use super::track::Tracks;
use super::{Analyser, Frame, Pass, Sampling, Spec, Summary, span, state};
use crate::infer::{Models, Session};
use crate::model::{Finding, MediaInfo};

const NAME: &str = "text_overlay";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };

/// The analyser.
pub struct TextOverlay;

impl Analyser for TextOverlay {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 1,
            models: &["ppocr_det", "ppocr_rec"],
            optional: &[],
            sampling: SAMPLING,
            after: &[],
            limits: "Reads one picture a second, at most 40 lines of it; text lower than about 2 % of the picture, upside down, curved or \
                     handwritten is missed or misread. Vietnamese lines are found but read with wrong letters: the model lacks 44 of them.",
        }
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        let recogniser = models.session("ppocr_rec", "ppocr_rec.onnx")?;
        Ok(Box::new(TextPass {
            detector: models.session("ppocr_det", "ppocr_det.onnx")?,
            characters: Characters::of(&recogniser)?,
            recogniser,
            shown: Shown::of(media),
            stretcher: Stretcher::default(),
            change: Change::default(),
            last: Vec::new(),
            tracks: Tracks::new(NAME, span::gap_ms(SAMPLING), same_text),
            samples: 0,
        }))
    }
}

struct TextPass {
    detector: Arc<Session>,
    recogniser: Arc<Session>,
    characters: Characters,
    shown: Shown,
    stretcher: Stretcher,
    change: Change,
    /// What the picture said that was read last.
    last: Vec<Finding>,
    tracks: Tracks,
    samples: u64,
}

impl Pass for TextPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        for frame in batch {
            if self.change.is_new(frame)? {
                self.last = self.read(frame)?;
            }
            let mut seen = self.last.clone();
            for finding in &mut seen {
                (finding.start_ms, finding.end_ms, finding.frame) = (frame.time_ms, frame.time_ms, Some(frame.index));
            }
            self.tracks.push(frame.time_ms, &mut seen);
            out.append(&mut seen);
            self.samples += 1;
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.tracks.followed(), &self.change, &self.last, self.samples))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let followed;
        (followed, self.change, self.last, self.samples) = state::restore(saved)?;
        self.tracks.go_on(followed);
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut Vec<Finding>) -> anyhow::Result<Summary> {
        if self.samples == 0 {
            return Ok(Summary::skipped("no frames"));
        }
        Ok(Summary { spans: Some(self.tracks.finish()), ..Summary::done() })
    }
}

impl TextPass {
    fn read(&mut self, frame: &Frame) -> anyhow::Result<Vec<Finding>> {
        let lines = detect::detect(&self.detector, &mut self.stretcher, frame)?;
        let mut read = Vec::new();
        for line in &lines.rectangles {
            if let Some(reading) = recognise::recognise(&self.recogniser, &self.characters, frame, &lines, line)? {
                read.push(self.finding(frame, &lines, line, reading));
            }
        }
        Ok(read)
    }

    fn finding(&self, frame: &Frame, lines: &Lines, line: &Rectangle, reading: Reading) -> Finding {
        let corners = line.corners();
        let low = |axis: usize| corners.iter().map(|corner| corner[axis]).fold(f32::INFINITY, f32::min);
        let high = |axis: usize| corners.iter().map(|corner| corner[axis]).fold(f32::NEG_INFINITY, f32::max);
        Finding {
            label: "text".into(),
            confidence: reading.confidence,
            bounds: Some(self.shown.bounds(frame, lines.grid, [low(0), low(1), high(0), high(1)])),
            text: Some(reading.text),
            ..Finding::default()
        }
    }
}

fn same_text(one: &Finding, other: &Finding) -> bool {
    similar::similar(one.text.as_deref().unwrap_or_default(), other.text.as_deref().unwrap_or_default())
}
