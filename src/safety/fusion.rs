//! From scores to a verdict. Pure: the same scores and settings give the same verdict.
//!
//! * Text: the highest score of any read line, spoken segment or the title. A title alone can accuse, not acquit: it is the uploader's word
//!   and says nothing of what is in the video, so where nothing was read or spoken it counts only within reach of the threshold.
//! * Video: the highest mean of [`RUN`] consecutive samples; with fewer samples, the mean of those that are there. Blank pictures (nearly one
//!   colour) carry nothing to score and are no samples.
//! * `avg_score` = text_weight × text + (1 − text_weight) × video; with one of them missing it is the other. With neither: `unknown`.

use super::SafetyConfig;
use crate::model::{Decision, Evidence, Modality, Verdict};

/// How the verdict is made; the number changes when the rules do.
pub const METHOD: &str = "weighted_mean/1";
/// Consecutive pictures whose mean is the video score: one odd picture alone does not decide.
pub const RUN: usize = 3;
/// Moments of text that are kept as evidence.
const TEXT_EVIDENCE_MAX: usize = 5;
/// So that 0.55 is within 0.05 of 0.5 also in binary fractions.
const ROUNDING: f32 = 1e-6;

/// Everything that was scored.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// The title's score, where it had something to score.
    pub title: Option<Evidence>,
    /// Read lines and spoken segments that had something to score.
    pub texts: Vec<Evidence>,
    /// Pictures in the order of time, without blank ones.
    pub pictures: Vec<Evidence>,
    /// Analysers that did not run to their end, as `NAME: reason`.
    pub not_run: Vec<String>,
    /// What a reader must know.
    pub limits: Vec<String>,
}

/// The verdict.
pub fn verdict(scores: Scores, config: &SafetyConfig) -> Verdict {
    let mut evidence = text_evidence(&scores, config);
    let text = evidence.first().map(|moment| moment.score);
    let run = strongest_run(&scores.pictures);
    let video = run.as_ref().map(|run| run.score);
    evidence.extend(run);
    evidence.sort_by(|a, b| b.score.total_cmp(&a.score));
    let avg_score = weighted_mean(text, video, config.text_weight);
    Verdict {
        decision: decide(avg_score, config),
        score: avg_score,
        avg_score,
        text,
        video,
        audio: None,
        text_weight: config.text_weight,
        threshold: config.decision_threshold,
        review_band: config.review_band,
        method: METHOD.to_owned(),
        evidence,
        not_run: scores.not_run,
        limits: scores.limits,
    }
}

/// The moments of text that count, highest first.
fn text_evidence(scores: &Scores, config: &SafetyConfig) -> Vec<Evidence> {
    let in_reach = config.decision_threshold - config.review_band - ROUNDING;
    let title = scores.title.iter().filter(|title| !scores.texts.is_empty() || title.score >= in_reach);
    let mut moments: Vec<Evidence> = title.chain(&scores.texts).cloned().collect();
    moments.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.start_ms.cmp(&b.start_ms)));
    moments.truncate(TEXT_EVIDENCE_MAX);
    moments
}

/// The run of samples with the highest mean, as one moment with the label of its highest sample.
fn strongest_run(pictures: &[Evidence]) -> Option<Evidence> {
    let mean = |run: &[Evidence]| run.iter().map(|sample| f64::from(sample.score)).sum::<f64>() / run.len() as f64;
    let length = RUN.min(pictures.len()).max(1);
    let run = pictures.windows(length).reduce(|best, run| if mean(run) > mean(best) { run } else { best })?;
    let strongest = run.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    Some(Evidence { start_ms: run.first()?.start_ms, end_ms: run.last()?.end_ms, score: mean(run) as f32, ..strongest.clone() })
}

fn weighted_mean(text: Option<f32>, video: Option<f32>, text_weight: f32) -> Option<f32> {
    match (text, video) {
        (Some(text), Some(video)) => Some(text_weight * text + (1.0 - text_weight) * video),
        (one, None) | (None, one) => one,
    }
}

fn decide(score: Option<f32>, config: &SafetyConfig) -> Decision {
    let Some(score) = score else { return Decision::Unknown };
    if (score - config.decision_threshold).abs() <= config.review_band + ROUNDING {
        return Decision::Review;
    }
    if score >= config.decision_threshold { Decision::Harmful } else { Decision::Safe }
}

/// Makes the evidence of a picture or a text.
pub fn moment(modality: Modality, source: &str, span_ms: (i64, i64), score: f32, label: &str) -> Evidence {
    Evidence {
        modality,
        source: source.to_owned(),
        start_ms: span_ms.0,
        end_ms: span_ms.1,
        score,
        label: label.to_owned(),
        text: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: SafetyConfig = SafetyConfig { text_weight: 0.3, decision_threshold: 0.5, review_band: 0.05, list_score: 0.6 };

    fn line(score: f32) -> Evidence {
        moment(Modality::Text, "text_overlay", (1000, 2000), score, "rule")
    }

    fn title(score: f32) -> Evidence {
        moment(Modality::Text, "title", (0, 0), score, "rule")
    }

    fn pictures(scores: &[f32]) -> Vec<Evidence> {
        let at = |(i, score): (usize, &f32)| {
            moment(Modality::Video, "sensitive_content", (i as i64 * 1000, i as i64 * 1000), *score, "nsfw")
        };
        scores.iter().enumerate().map(at).collect()
    }

    fn judged(scores: Scores) -> Verdict {
        verdict(scores, &CONFIG)
    }

    /// A reader's own computation from the fields of the verdict alone.
    fn recomputed(verdict: &Verdict) -> (Option<f32>, Decision) {
        let highest = |modality| {
            verdict.evidence.iter().filter(|moment| moment.modality == modality).map(|moment| moment.score).reduce(f32::max)
        };
        assert_eq!(verdict.text, highest(Modality::Text));
        assert_eq!(verdict.video, highest(Modality::Video));
        let parts = [(verdict.text, verdict.text_weight), (verdict.video, 1.0 - verdict.text_weight)];
        let weight: f32 = parts.iter().filter(|(score, _)| score.is_some()).map(|(_, weight)| weight).sum();
        let sum: f32 = parts.iter().filter_map(|(score, weight)| Some((*score)? * weight)).sum();
        let score = parts.iter().any(|(score, _)| score.is_some()).then(|| sum / weight);
        let decision = match score {
            None => Decision::Unknown,
            Some(score) if (score - verdict.threshold).abs() <= verdict.review_band + 1e-6 => Decision::Review,
            Some(score) if score > verdict.threshold => Decision::Harmful,
            Some(_) => Decision::Safe,
        };
        (score, decision)
    }

    #[test]
    fn both_modalities_are_weighted_as_the_setting_says() {
        let verdict = judged(Scores { texts: vec![line(0.9), line(0.2)], pictures: pictures(&[0.1; 4]), ..Scores::default() });
        assert_eq!((verdict.text, verdict.audio), (Some(0.9), None));
        assert!((verdict.avg_score.unwrap() - 0.34).abs() < 1e-6, "{verdict:?}");
        assert_eq!(verdict.decision, Decision::Safe);
        assert_eq!(verdict.evidence[0].start_ms, 1000);
    }

    #[test]
    fn a_missing_modality_is_null_and_leaves_the_weight_to_the_other() {
        let verdict = judged(Scores { texts: vec![line(0.9)], ..Scores::default() });
        assert_eq!((verdict.video, verdict.score, verdict.decision), (None, Some(0.9), Decision::Harmful));
        let verdict = judged(Scores { pictures: pictures(&[0.2, 0.2]), ..Scores::default() });
        assert_eq!((verdict.text, verdict.decision), (None, Decision::Safe));
    }

    #[test]
    fn nothing_to_score_is_unknown() {
        let verdict = judged(Scores { not_run: vec!["object_detection: it broke".to_owned()], ..Scores::default() });
        assert_eq!((verdict.decision, verdict.score, verdict.avg_score), (Decision::Unknown, None, None));
        assert_eq!(verdict.not_run.len(), 1);
        assert!(verdict.evidence.is_empty());
    }

    #[test]
    fn a_title_alone_accuses_and_does_not_acquit() {
        assert_eq!(judged(Scores { title: Some(title(0.04)), ..Scores::default() }).decision, Decision::Unknown);
        assert_eq!(judged(Scores { title: Some(title(0.99)), ..Scores::default() }).decision, Decision::Harmful);
        assert_eq!(judged(Scores { title: Some(title(0.45)), ..Scores::default() }).decision, Decision::Review);
        let diluted = judged(Scores { title: Some(title(0.04)), pictures: pictures(&[0.6; 3]), ..Scores::default() });
        assert_eq!((diluted.text, diluted.decision), (None, Decision::Harmful));
        let beside = judged(Scores { title: Some(title(0.3)), texts: vec![line(0.1)], ..Scores::default() });
        assert_eq!((beside.text, beside.evidence[0].source.as_str()), (Some(0.3), "title"));
    }

    #[test]
    fn video_is_the_strongest_run_of_three() {
        let verdict = judged(Scores { pictures: pictures(&[0.0, 1.0, 0.0, 0.6, 0.7, 0.8, 0.0]), ..Scores::default() });
        assert!((verdict.video.unwrap() - 0.7).abs() < 1e-6);
        assert_eq!((verdict.evidence[0].start_ms, verdict.evidence[0].end_ms), (3000, 5000));
        let few = judged(Scores { pictures: pictures(&[0.2, 0.4]), ..Scores::default() });
        assert!((few.video.unwrap() - 0.3).abs() < 1e-6);
    }

    #[test]
    fn the_band_round_the_threshold_goes_to_review() {
        let decision = |score| judged(Scores { texts: vec![line(score)], ..Scores::default() }).decision;
        assert_eq!(decision(0.449), Decision::Safe);
        assert_eq!(decision(0.45), Decision::Review);
        assert_eq!(decision(0.55), Decision::Review);
        assert_eq!(decision(0.551), Decision::Harmful);
    }

    proptest! {
        #[test]
        fn anyone_can_recompute_it_from_its_own_fields(
            texts in prop::collection::vec(0.0_f32..=1.0, 0..8),
            samples in prop::collection::vec(0.0_f32..=1.0, 0..8),
            own in prop::option::of(0.0_f32..=1.0),
        ) {
            let scores = Scores { title: own.map(title), texts: texts.into_iter().map(line).collect(), pictures: pictures(&samples), ..Scores::default() };
            let verdict = judged(scores);
            let (score, decision) = recomputed(&verdict);
            prop_assert_eq!(score.is_some(), verdict.avg_score.is_some());
            if let (Some(own), Some(theirs)) = (score, verdict.avg_score) {
                prop_assert!((own - theirs).abs() < 1e-5);
                let edge = [verdict.threshold - verdict.review_band, verdict.threshold + verdict.review_band];
                if edge.iter().all(|edge| (own - edge).abs() > 1e-5) {
                    prop_assert_eq!(decision, verdict.decision);
                }
            }
        }
    }
}
