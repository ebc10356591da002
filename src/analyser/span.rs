//! Merging findings into spans: what becomes rows.

use std::collections::HashMap;

use super::Sampling;
use crate::model::{AnalyserResult, Finding, MediaInfo, Span, VideoTrack};

/// The longest pause, in milliseconds, over which two findings of one analyser still touch: one and a half sampling periods, so
/// that neighbouring samples touch and a missed sample parts. Where the pictures of the medium are rarer than two in a period, it is one period
/// and the time between two pictures. Analysers that look at everything state their own times: 0.
pub fn gap_ms(sampling: Sampling, media: &MediaInfo) -> i64 {
    let Some(fps) = sampling.fps().filter(|fps| *fps > 0.0) else { return 0 };
    let period = 1000.0 / f64::from(fps);
    // A sample is the first picture of its period, which comes by so much after the period begins.
    let late = media.video.as_ref().map(VideoTrack::fps).filter(|fps| *fps > 0.0).map_or(0.0, |fps| 1000.0 / fps);
    (period + late.max(period / 2.0)) as i64
}

/// Merges findings that have the same label and text and lie at most `gap_ms` apart. The most confident finding stands for its
/// span, with the span's times. Spans come in time order, at most [`AnalyserResult::SPANS_MAX`] of them.
pub fn merge(analyser: &str, findings: &[Finding], gap_ms: i64) -> Vec<Span> {
    let mut in_time: Vec<&Finding> = findings.iter().collect();
    in_time.sort_by_key(|finding| (finding.start_ms, finding.end_ms));
    let mut spans: Vec<Span> = Vec::new();
    let mut last: HashMap<(&str, Option<&str>), usize> = HashMap::new();
    for finding in in_time {
        let key = (finding.label.as_str(), finding.text.as_deref());
        let open = last.get(&key).and_then(|&at| spans.get_mut(at));
        match open {
            Some(span) if finding.start_ms.saturating_sub(span.finding.end_ms) <= gap_ms => extend(span, finding),
            _ => {
                last.insert(key, spans.len());
                spans.push(begin(analyser, finding));
            }
        }
    }
    strongest(spans)
}

/// A span of one finding.
pub fn begin(analyser: &str, finding: &Finding) -> Span {
    Span { analyser: analyser.to_owned(), finding: finding.clone(), count: 1 }
}

/// Takes one more finding into a span: the times cover both, the more confident of the two stands for the span.
pub fn extend(span: &mut Span, finding: &Finding) {
    cover(span, finding);
    if finding.confidence > span.finding.confidence {
        stand(span, finding);
    }
}

/// Takes the times of one more finding into a span, and counts it.
pub(super) fn cover(span: &mut Span, finding: &Finding) {
    span.finding.start_ms = span.finding.start_ms.min(finding.start_ms);
    span.finding.end_ms = span.finding.end_ms.max(finding.end_ms);
    span.count = span.count.saturating_add(1);
}

/// Makes a finding stand for its span, with the span's times.
pub(super) fn stand(span: &mut Span, finding: &Finding) {
    let Finding { start_ms, end_ms, .. } = span.finding;
    span.finding = Finding { start_ms, end_ms, ..finding.clone() };
}

/// The spans in time order; where there are more than [`AnalyserResult::SPANS_MAX`], the most confident of them.
pub fn strongest(mut spans: Vec<Span>) -> Vec<Span> {
    if spans.len() > AnalyserResult::SPANS_MAX {
        spans.sort_by(|a, b| b.finding.confidence.total_cmp(&a.finding.confidence).then(b.count.cmp(&a.count)));
        spans.truncate(AnalyserResult::SPANS_MAX);
    }
    spans.sort_by_key(|span| (span.finding.start_ms, span.finding.end_ms));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(label: &str, start_ms: i64, end_ms: i64, confidence: f32) -> Finding {
        Finding { start_ms, end_ms, label: label.into(), confidence, ..Finding::default() }
    }

    #[test]
    fn merges_equal_labels_that_touch_and_keeps_the_strongest() {
        let findings =
            [seen("dog", 1000, 1000, 0.9), seen("dog", 0, 0, 0.5), seen("cat", 500, 500, 0.4), seen("dog", 5000, 5000, 0.6)];
        let spans = merge("object_detection", &findings, 1500);
        let shown: Vec<_> = spans
            .iter()
            .map(|span| {
                (span.finding.label.as_str(), span.finding.start_ms, span.finding.end_ms, span.finding.confidence, span.count)
            })
            .collect();
        assert_eq!(shown, [("dog", 0, 1000, 0.9, 2), ("cat", 500, 500, 0.4, 1), ("dog", 5000, 5000, 0.6, 1)]);
        assert!(spans.iter().all(|span| span.analyser == "object_detection"));
    }

    #[test]
    fn never_merges_different_texts() {
        let mut one = seen("speech", 0, 1000, 0.9);
        one.text = Some("never".into());
        let mut two = seen("speech", 1000, 2000, 0.9);
        two.text = Some("again".into());
        assert_eq!(merge("speech_transcription", &[one, two], 0).len(), 2);
    }

    #[test]
    fn a_short_finding_inside_a_long_one_does_not_shorten_it() {
        let spans = merge("a", &[seen("music", 0, 9000, 0.5), seen("music", 100, 200, 0.6), seen("music", 9000, 9500, 0.1)], 0);
        assert_eq!(spans.len(), 1);
        assert_eq!((spans[0].finding.start_ms, spans[0].finding.end_ms, spans[0].count), (0, 9500, 3));
    }

    #[test]
    fn keeps_at_most_the_agreed_number_and_the_most_confident() {
        let findings: Vec<_> = (0..2000_i64).map(|at| seen("person", at * 10_000, at * 10_000, at as f32 / 2000.0)).collect();
        let spans = merge("object_detection", &findings, 1500);
        assert_eq!(spans.len(), AnalyserResult::SPANS_MAX);
        assert_eq!(spans[0].finding.start_ms, 1500 * 10_000);
        assert!(spans.is_sorted_by_key(|span| span.finding.start_ms));
    }

    #[test]
    fn sampled_findings_touch_over_one_period_and_not_over_two() {
        for fps in [0.1, 0.5, 1.0, 2.0, 10.0] {
            let gap = gap_ms(Sampling::Sampled { fps }, &MediaInfo::default());
            let period = (1000.0 / fps) as i64;
            assert!(gap >= period && gap < 2 * period, "{fps}");
        }
        assert_eq!(gap_ms(Sampling::Sampled { fps: 0.0 }, &MediaInfo::default()), 0);
    }

    #[test]
    fn samples_touch_where_pictures_are_hardly_more_frequent() {
        let of = |fps_num: u32| {
            let video = VideoTrack { fps_num, fps_den: 1, ..VideoTrack::default() };
            gap_ms(Sampling::Sampled { fps: 10.0 }, &MediaInfo { video: Some(video), ..MediaInfo::default() })
        };
        // Of 12 pictures a second the first ones of every 100 ms are up to 167 ms apart; of 5 every one is a sample.
        assert_eq!([0, 5, 12, 25].map(of), [150, 300, 183, 150]);
    }
}
