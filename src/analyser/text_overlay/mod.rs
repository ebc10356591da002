//! `text_overlay`: lines of text in the picture, by PP-OCRv6; Vietnamese ones by TrueOCR, where that model is here.
//!
//! Findings: one per line and sample, label `text`; `text` is the line in NFC, `value` is `{track, position, script, reader}` and, where
//! TrueOCR's reading was taken, `language_hint: "vi"`:
//! * `track`: a number that a text keeps while it stays.
//! * `position`: `top_left`, `top`, `top_right`, `left`, `centre`, `right`, `bottom_left`, `bottom` or `bottom_right`, the ninth of the picture
//!   that has the line's middle.
//! * `script`: of most of its letters, as Unicode names it, in lower case (`latin`, `han`, `hangul`, `cyrillic`, …); `kana` for both
//!   Japanese syllabaries, `none` without letters.
//! * `reader`: `ppocr` or `trueocr`; the rule is in [`choice`].
//!
//! Spans: one per text from its first to its last sample, with the surest reading, TrueOCR's before PP-OCR's; `value` has `at_once` too, the
//! highest number of lines in one of its samples.
//!
//! A picture that barely changed since the last one that was read is not looked at again: its findings are those of that picture. The rule
//! is in [`change`]. In one that changed the lines are found anew, and those that look as they did are not read again: [`memory`].

mod change;
mod choice;
mod detect;
mod memory;
mod place;
mod recognise;
mod rectangle;
mod script;
mod similar;
mod trueocr;
mod view;

use std::sync::Arc;

use serde_json::json;

use self::change::Change;
use self::choice::{Line, Reader};
use self::detect::{Lines, SIDE_MAX};
use self::memory::{Memory, Remembered};
use self::recognise::{CONFIDENCE_MIN, PpOcr};
use self::rectangle::Rectangle;
use self::trueocr::TrueOcr;
use self::view::{Grey, View};
use super::resize::{Shown, Stretcher};
use super::track::Tracks;
use super::{Analyser, Frame, Options, Pass, Sampling, Spec, Summary, options, span, state};
use crate::infer::{Models, Session};
use crate::model::{Finding, MediaInfo};

const NAME: &str = "text_overlay";
const SAMPLING: Sampling = Sampling::Sampled { fps: 1.0 };

/// The analyser.
pub struct TextOverlay {
    sampling: Sampling,
    /// Lines that are read with less certainty are left out.
    threshold: f32,
    /// The longest side that the detector looks at, pixels.
    size: u32,
}

impl TextOverlay {
    /// With its options.
    ///
    /// # Errors
    /// When one is not accepted.
    pub(super) fn of(options: &Options) -> anyhow::Result<Box<dyn Analyser>> {
        let mut own = options.own(NAME);
        let (sampling, threshold, size) = (own.sampling(SAMPLING)?, own.threshold(CONFIDENCE_MIN)?, own.size()?);
        own.end()?;
        Ok(Box::new(Self { sampling, threshold, size: size.unwrap_or(SIDE_MAX) }))
    }
}

impl Analyser for TextOverlay {
    fn spec(&self) -> Spec {
        Spec {
            name: NAME,
            version: 2,
            models: &["ppocr_det", "ppocr_rec"],
            optional: &[trueocr::MODEL],
            sampling: self.sampling,
            after: &[],
            limits: "Reads sampled pictures, at most 40 lines of each; text lower than about 2 % of the picture, upside down, curved or \
                     handwritten is missed or misread. Vietnamese is read by a model made for printed pages: some tone marks are wrong, more \
                     of them in outlined text on a busy picture and in unusual typefaces; without the model trueocr its letters are missing. \
                     `script` and `language_hint` are no language detection.",
        }
    }

    fn parameters(&self) -> String {
        options::parameter("threshold", self.threshold, CONFIDENCE_MIN)
            + &options::parameter("size", self.size as f32, SIDE_MAX as f32)
    }

    fn batches(&self) -> bool {
        true
    }

    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>> {
        Ok(Box::new(TextPass {
            detector: models.session("ppocr_det", "ppocr_det.onnx")?,
            readers: Readers::open(models, self.threshold)?,
            size: self.size,
            shown: Shown::of(media),
            stretcher: Stretcher::default(),
            change: Change::default(),
            memory: Memory::default(),
            tracks: Tracks::new(NAME, span::gap_ms(self.sampling, media), same_text).ranked(rank),
            samples: 0,
        }))
    }
}

struct TextPass {
    detector: Arc<Session>,
    readers: Readers,
    size: u32,
    shown: Shown,
    stretcher: Stretcher,
    change: Change,
    /// What the picture said that was looked at last.
    memory: Memory,
    tracks: Tracks,
    samples: u64,
}

impl Pass for TextPass {
    fn frames(&mut self, batch: &[Frame], out: &mut Vec<Finding>) -> anyhow::Result<()> {
        let new = batch.iter().map(|frame| self.change.is_new(frame)).collect::<anyhow::Result<Vec<bool>>>()?;
        let changed: Vec<&Frame> = batch.iter().zip(&new).filter(|(_, new)| **new).map(|(frame, _)| frame).collect();
        let mut lines = detect::detect(&self.detector, &mut self.stretcher, &changed, self.size)?.into_iter();
        for (frame, new) in batch.iter().zip(new) {
            if let Some(lines) = new.then(|| lines.next()).flatten() {
                self.memory = self.read(frame, &lines)?;
            }
            let mut seen: Vec<Finding> = self.memory.findings().cloned().collect();
            for finding in &mut seen {
                (finding.start_ms, finding.end_ms, finding.frame) = (frame.time_ms, frame.time_ms, Some(frame.index));
            }
            self.tracks.push(frame.time_ms, &mut seen);
            out.append(&mut seen);
            self.samples += 1;
        }
        Ok(())
    }

    fn batch(&self) -> usize {
        self.detector.best_batch()
    }

    fn save(&self) -> anyhow::Result<Vec<u8>> {
        state::save(&(self.tracks.followed(), &self.change, &self.memory, self.samples))
    }

    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()> {
        let followed;
        (followed, self.change, self.memory, self.samples) = state::restore(saved)?;
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
    fn read(&mut self, frame: &Frame, lines: &Lines) -> anyhow::Result<Memory> {
        let grey = Grey::of(frame)?;
        let mut seen = Vec::with_capacity(lines.rectangles.len());
        for rectangle in &lines.rectangles {
            let Some(view) = View::of(frame, lines.grid, rectangle) else { continue };
            if let Some(known) = self.memory.recall(&grey, &view) {
                seen.push(known.clone());
                continue;
            }
            let line = self.readers.read(frame, &grey, view)?;
            let finding = line.map(|line| self.finding(frame, lines, rectangle, line));
            seen.push(Remembered::of(&grey, view, finding));
        }
        Ok(Memory::of(seen))
    }

    fn finding(&self, frame: &Frame, lines: &Lines, rectangle: &Rectangle, line: Line) -> Finding {
        let corners = rectangle.corners();
        let low = |axis: usize| corners.iter().map(|corner| corner[axis]).fold(f32::INFINITY, f32::min);
        let high = |axis: usize| corners.iter().map(|corner| corner[axis]).fold(f32::NEG_INFINITY, f32::max);
        let mut value = json!({
            "position": place::word(rectangle.centre, lines.grid),
            "script": script::of(&line.reading.text).to_string(),
            "reader": line.reader,
        });
        if line.reader == Reader::Trueocr {
            value["language_hint"] = json!("vi");
        }
        Finding {
            label: "text".into(),
            confidence: line.reading.confidence,
            bounds: Some(self.shown.bounds(frame, lines.grid, [low(0), low(1), high(0), high(1)])),
            text: Some(line.reading.text),
            value: Some(value),
            ..Finding::default()
        }
    }
}

/// Who reads lines.
struct Readers {
    ppocr: PpOcr,
    trueocr: Option<TrueOcr>,
    /// The least certainty of the reading that is taken.
    threshold: f32,
}

impl Readers {
    fn open(models: &Models, threshold: f32) -> anyhow::Result<Self> {
        // A higher threshold is for the reading that is taken, which may be TrueOCR's of a line of which PP-OCR is not as sure.
        let ppocr = PpOcr::open(models, threshold.min(CONFIDENCE_MIN))?;
        Ok(Self { ppocr, trueocr: TrueOcr::open(models)?, threshold })
    }

    fn read(&self, frame: &Frame, grey: &Grey, view: View) -> anyhow::Result<Option<Line>> {
        let line = self.chosen(frame, grey, view)?;
        Ok(line.filter(|line| line.reading.confidence >= self.threshold))
    }

    fn chosen(&self, frame: &Frame, grey: &Grey, view: View) -> anyhow::Result<Option<Line>> {
        let Some(reading) = self.ppocr.read(frame, view)? else { return Ok(None) };
        let in_ppocr = |letter| self.ppocr.knows(letter);
        let Some(trueocr) = &self.trueocr else { return Ok(Some(choice::choose(reading, Vec::new(), in_ppocr))) };
        let mut others = Vec::new();
        if choice::may_be_vietnamese(&reading, |letter| trueocr.knows(letter)) {
            for crop in trueocr::CROPS {
                let Some(other) = trueocr.read(grey, view, crop)? else { break };
                let ends = choice::settles(&reading, &other, in_ppocr);
                others.push(other);
                if ends {
                    break;
                }
            }
        }
        Ok(Some(choice::choose(reading, others, in_ppocr)))
    }
}

fn same_text(one: &Finding, other: &Finding) -> bool {
    similar::similar(&told(one), &told(other))
}

fn told(finding: &Finding) -> similar::Line<'_> {
    similar::Line { text: finding.text.as_deref().unwrap_or_default(), reader: reader(finding) }
}

/// PP-OCR is often as sure of a Vietnamese line whose letters it lacks.
fn rank(finding: &Finding) -> u8 {
    u8::from(reader(finding) == "trueocr")
}

fn reader(finding: &Finding) -> &str {
    finding.value.as_ref().and_then(|value| value["reader"].as_str()).unwrap_or_default()
}
