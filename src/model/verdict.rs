//! Verdicts and human labels.

use serde::{Deserialize, Serialize};

use super::{AccountId, Decision, Micros};

/// What a score was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    /// Title, read text, spoken text.
    Text,
    /// Pictures.
    Video,
    /// Sound other than words.
    Audio,
}

/// One moment that a score rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// Which score it is evidence for.
    pub modality: Modality,
    /// `title`, or the analyser's name.
    pub source: String,
    /// First millisecond; 0 for a title.
    pub start_ms: i64,
    /// Last millisecond.
    pub end_ms: i64,
    /// The score of this moment, 0 to 1.
    pub score: f32,
    /// What was found, in words: the matched list and rule for text, the class for pictures.
    pub label: String,
    /// The text that was scored, cut to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// A verdict with everything that it was computed from, so that anyone can recompute it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verdict {
    /// `safe`, `harmful`, `review` or `unknown`.
    pub decision: Decision,
    /// The score that was held against the threshold; null when nothing could be scored.
    pub score: Option<f32>,
    /// The seeds' score: `text_weight` × text + (1 − `text_weight`) × video, over the modalities that are there.
    pub avg_score: Option<f32>,
    /// Text score; null when there was nothing to score.
    pub text: Option<f32>,
    /// Video score; null when there was nothing to score.
    pub video: Option<f32>,
    /// Audio score; null when there was nothing to score.
    pub audio: Option<f32>,
    /// Weight of text in `avg_score`.
    pub text_weight: f32,
    /// `avg_score` at or above it is harmful.
    pub threshold: f32,
    /// Scores nearer to the threshold than this go to review.
    pub review_band: f32,
    /// How it was made, for example `weighted_mean/1`.
    pub method: String,
    /// The moments that the scores rest on, highest first.
    pub evidence: Vec<Evidence>,
    /// Analysers that did not run to their end, as `NAME: reason`.
    pub not_run: Vec<String>,
    /// What the models cannot do, in words, for the reader of the verdict.
    #[serde(default)]
    pub limits: Vec<String>,
}

/// A person's word on a video, kept beside the verdict and never overwritten by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HumanLabel {
    /// `safe` or `harmful`.
    pub label: Decision,
    /// Who said it.
    pub by: AccountId,
    /// When.
    pub at: Micros,
    /// Free text, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}
