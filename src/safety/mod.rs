//! Text scoring, fusion, verdict: pure functions over what the analysers found.
//!
//! [`text`] scores one text, [`fusion`] makes a verdict from all scores.

mod english;
pub mod fusion;
mod lists;
pub mod text;

/// What the verdict depends on besides the findings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafetyConfig {
    /// Weight of the text score in `avg_score`, 0 to 1; pictures have the rest.
    pub text_weight: f32,
    /// `avg_score` at or above it is harmful.
    pub decision_threshold: f32,
    /// Scores this near to the threshold go to review.
    pub review_band: f32,
    /// Score of a text with a listed word.
    pub list_score: f32,
}

impl Default for SafetyConfig {
    fn default() -> Self {
        Self { text_weight: 0.3, decision_threshold: 0.5, review_band: 0.05, list_score: 0.6 }
    }
}
