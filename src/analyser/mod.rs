//! Analysers: one file each, one line each in [`all`]. Synchronous, no I/O of their own (what they ask of elsewhere, they ask through `infer`); the
//! same code looks at recorded files and, later, at live streams.
//!
//! To add one: write `analyser/NAME.rs` with a type that implements [`Analyser`], add a line to [`all`], add a fixture test. Where it
//! has options, [`Options::own`] gives them.

pub mod age_estimation;
pub mod audio_analysis;
pub mod audio_environment;
pub mod background_segmentation;
pub mod body_pose;
pub mod camera_analysis;
pub mod color_analysis;
pub mod content_quality;
pub mod cut_analysis;
pub mod eye_tracking;
mod face;
mod hearing;
pub mod object_detection;
mod options;
mod region;
mod resize;
mod round;
pub mod scene_segmentation;
pub mod sensitive_content;
mod small;
pub mod span;
pub mod speech_emotion;
pub mod speech_flow;
pub mod speech_transcription;
mod state;
pub mod temporal_description;
pub mod temporal_flow;
pub mod text_overlay;
mod thumbnail;
mod track;

use std::sync::Arc;
use std::time::Duration;

pub use self::options::Options;
use crate::infer::Models;
pub use crate::media::frame::{DETAIL_HEIGHT, DETAIL_WIDTH, Derived, Frame, LARGE_SIDE, Pcm, SAMPLE_RATE, SMALL_WIDTH};
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
    /// Models that it uses where they are here; it does with less where they are not.
    pub optional: &'static [&'static str],
    /// What it looks at.
    pub sampling: Sampling,
    /// Analysers whose findings it is given before it finishes, by name.
    pub after: &'static [&'static str],
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
        /// Frames per second, 0.1 to 10.
        fps: f32,
    },
    /// `fps` pictures per second: the middle of the picture in the source's own pixels, at most [`DETAIL_WIDTH`] × [`DETAIL_HEIGHT`],
    /// RGB24. For what scaling would hide: noise, blocks, sharpness.
    Detail {
        /// As for `Sampled`.
        fps: f32,
    },
    /// 16 kHz mono f32 PCM, in order, without gaps.
    Audio,
    /// Only the findings of [`Spec::after`].
    Findings,
}

impl Sampling {
    /// Samples per second, where it is by samples.
    pub fn fps(self) -> Option<f32> {
        match self {
            Self::Sampled { fps } | Self::Detail { fps } => Some(fps),
            Self::EveryFrame | Self::Audio | Self::Findings => None,
        }
    }
}

/// One analyser.
pub trait Analyser: Send + Sync {
    /// What it is and needs.
    fn spec(&self) -> Spec;

    /// Parameters that change its results, as a stable text; part of the result key.
    fn parameters(&self) -> String {
        String::new()
    }

    /// The longest that one call of its pass waits for something else than the processor, its option `timeout` included. A pool that says nothing for
    /// its `hang_timeout` is ended, which must be longer.
    fn silence(&self) -> Option<Duration> {
        None
    }

    /// The same analyser with less: a smaller model, for a machine that has too little memory for this one.
    fn fallback(&self) -> Option<Box<dyn Analyser>> {
        None
    }

    /// Whether its models take several pictures at a time: see [`Pass::batch`].
    fn batches(&self) -> bool {
        false
    }

    /// Begins a pass over one medium. `models` holds every model of the spec.
    ///
    /// # Errors
    /// When a model does not load.
    fn begin(&self, media: &MediaInfo, models: &Arc<Models>) -> anyhow::Result<Box<dyn Pass>>;

    /// Begins a pass that goes on where the pass that gave `saved` was: it gives what that pass would have given.
    ///
    /// # Errors
    /// As for `begin`; or `saved` was not given by this version of the analyser.
    fn resume(&self, media: &MediaInfo, models: &Arc<Models>, saved: &[u8]) -> anyhow::Result<Box<dyn Pass>> {
        let mut pass = self.begin(media, models)?;
        pass.restore(saved)?;
        Ok(pass)
    }
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

    /// How many pictures it takes best at a time: `frames` is given so many when they are there, and fewer when they are not.
    fn batch(&self) -> usize {
        1
    }

    /// Listens, in order.
    ///
    /// # Errors
    /// As for frames.
    fn audio(&mut self, _pcm: &Pcm, _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        Ok(())
    }

    /// Takes findings of `analyser`, one of [`Spec::after`], in time order; called several times for a long medium, and not at all
    /// when that analyser gave nothing. All come after the last frame and sound.
    ///
    /// # Errors
    /// As for frames.
    fn findings(&mut self, _analyser: &str, _findings: &[Finding], _out: &mut Vec<Finding>) -> anyhow::Result<()> {
        Ok(())
    }

    /// Does one piece of what is left when nothing more comes, for a pass that waits for something else than the processor. The runner calls it
    /// until it answers [`Rest::None`]; between two pieces it shows that it lives, and looks whether it was called off.
    ///
    /// # Errors
    /// As for frames.
    fn rest(&mut self, _out: &mut Vec<Finding>) -> anyhow::Result<Rest> {
        Ok(Rest::None)
    }

    /// The state that [`Analyser::resume`] needs: everything that a later finding depends on. See [`state`].
    ///
    /// # Errors
    /// When the state cannot be written.
    fn save(&self) -> anyhow::Result<Vec<u8>>;

    /// Takes a saved state over.
    ///
    /// # Errors
    /// When it was not given by [`Pass::save`] of this version.
    fn restore(&mut self, saved: &[u8]) -> anyhow::Result<()>;

    /// Ends the pass: what is left is done, what was held back is given out.
    ///
    /// # Errors
    /// As for frames.
    fn finish(self: Box<Self>, out: &mut Vec<Finding>) -> anyhow::Result<Summary>;
}

/// Whether a pass has work left before it can finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It has more pieces.
    More,
    /// It can finish.
    None,
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

/// Every analyser, by name, with its options.
///
/// # Errors
/// When an option is unknown or has a value that is not accepted; the error names the key.
pub fn all(options: &Options) -> anyhow::Result<Vec<Box<dyn Analyser>>> {
    Ok(vec![
        age_estimation::AgeEstimation::of(options)?,
        options.none("audio_analysis", audio_analysis::AudioAnalysis)?,
        options.none("audio_environment", audio_environment::AudioEnvironment)?,
        background_segmentation::BackgroundSegmentation::of(options)?,
        body_pose::BodyPose::of(options)?,
        options.none("camera_analysis", camera_analysis::CameraAnalysis)?,
        options.none("color_analysis", color_analysis::ColorAnalysis)?,
        content_quality::ContentQuality::of(options)?,
        options.none("cut_analysis", cut_analysis::CutAnalysis)?,
        eye_tracking::EyeTracking::of(options)?,
        object_detection::ObjectDetection::of(options)?,
        scene_segmentation::SceneSegmentation::of(options)?,
        sensitive_content::SensitiveContent::of(options)?,
        options.none("speech_emotion", speech_emotion::SpeechEmotion)?,
        options.none("speech_flow", speech_flow::SpeechFlow)?,
        Box::new(speech_transcription::SpeechTranscription::new(options)?),
        temporal_description::TemporalDescription::of(options)?,
        options.none("temporal_flow", temporal_flow::TemporalFlow)?,
        text_overlay::TextOverlay::of(options)?,
    ])
}

/// The names of [`all`], in order.
pub fn names() -> Vec<&'static str> {
    // Nothing can be refused of options that nobody gave.
    all(&Options::default()).unwrap_or_default().iter().map(|analyser| analyser.spec().name).collect()
}
