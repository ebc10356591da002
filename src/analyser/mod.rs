//! Analysers: one file each, one line each in [`all`]. Synchronous, no I/O of their own; the same code looks at recorded files
//! and, later, at live streams.
//!
//! To add one: write `analyser/NAME.rs` with a type that implements [`Analyser`], add a line to [`all`], add a fixture test.

pub mod audio_analysis;
pub mod cut_analysis;
pub mod object_detection;
mod resize;
pub mod sensitive_content;
pub mod span;
pub mod speech_transcription;
pub mod text_overlay;
mod track;

use std::sync::Arc;

use crate::infer::Models;
pub use crate::media::frame::{Frame, LARGE_SIDE, Pcm, SAMPLE_RATE, SMALL_WIDTH};
use crate::model::{AnalyserStatus, Finding, MediaInfo, Span};

/// What an analyser is and needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Its name: the file's name.
    pub name: &'static str,
    /// Version of its code; part of the result key.
    pub version: u32,
    /// Models by their names in the registry. When one is missing the analyser is skipped.
    pub models: &'static [&'static str],
    /// What it looks at.
    pub sampling: Sampling,
    /// What a reader of its results must know, in one or two sentences.
    pub limits: &'static str,
}

/// What an analyser looks at. The planner makes one decode of all wishes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampling {
    /// Every frame, small: RGB24, width [`SMALL_WIDTH`], height by aspect.
    EveryFrame,
    /// `fps` frames per second (at least one frame of a non-empty video), RGB24, the long side at most [`LARGE_SIDE`], never enlarged.
    Sampled {
        /// Frames per second; one of 0.5, 1, 2.
        fps: f32,
    },
    /// 16 kHz mono f32 PCM, in order, without gaps.
    Audio,
}

/// One analyser.
pub trait Analyser: Send + Sync {
    /// What it is and needs.
    fn spec(&self) -> Spec;

    /// Parameters that change its results, as a stable text; part of the result key.
    fn parameters(&self) -> String {
        String::new()
    }

    /// Begins a pass over one medium. `models` holds every model of the spec.
    ///
    /// # Errors
    /// When a model does not load.
    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>>;
}

/// One analyser looking at one medium. Findings may be appended at any time; the runner sorts them by time.
pub trait Pass: Send {
    /// Looks at frames, in order.
    ///
    /// # Errors
    /// When the model fails: the analyser is `failed`, others go on.
    fn frames(&mut self, _batch: &[Frame], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        Ok(())
    }

    /// Listens, in order.
    ///
    /// # Errors
    /// As for frames.
    fn audio(&mut self, _pcm: &Pcm, _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        Ok(())
    }

    /// The state that a later `resume` needs; empty when there is none.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Ends the pass: what was held back is given out.
    ///
    /// # Errors
    /// As for frames.
    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary>;
}

/// What an analyser says at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// `Done`, `Degraded` or `Skipped`.
    pub status: AnalyserStatus,
    /// Why, when not `Done`.
    pub reason: Option<String>,
    /// Merged spans, when the analyser merges in a way of its own; `None`: the runner merges equal labels that touch (see
    /// [`span::merge`]).
    pub spans: Option<Vec<Span>>,
}

impl Summary {
    /// It looked at everything; the runner merges.
    pub fn done() -> Self {
        Self { status: AnalyserStatus::Done, reason: None, spans: None }
    }

    /// There was nothing to look at.
    pub fn skipped(reason: &str) -> Self {
        Self { status: AnalyserStatus::Skipped, reason: Some(reason.to_owned()), spans: None }
    }
}

/// Every analyser, by name.
pub fn all() -> Vec<Box<dyn Analyser>> {
    vec![
        Box::new(audio_analysis::AudioAnalysis),
        Box::new(cut_analysis::CutAnalysis),
        Box::new(object_detection::ObjectDetection),
        Box::new(sensitive_content::SensitiveContent),
        Box::new(speech_transcription::SpeechTranscription),
        Box::new(text_overlay::TextOverlay),
    ]
}
