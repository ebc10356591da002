//! From what a pool said to a result that can be recorded: its key, its size, its status.

use std::path::PathBuf;
use std::sync::Arc;

use super::ladder::Ease;
use super::plan::PLANNER_VERSION;
use super::wire::Outcome;
use crate::analyser::Analyser;
use crate::analyser::temporal_description::UNANSWERED;
use crate::infer::Models;
use crate::model::{AnalyserResult, AnalyserStatus, Analysis, ResultKey, Span};

/// Texts, labels and values of the spans of one result, in bytes: a fact is at most 64 KiB, its numbers included.
const SPANS_BYTES: usize = 24 << 10;
/// Begins the reason of a result that must not be tried again: see [`quarantined`].
const QUARANTINED: &str = "quarantined: ";
/// Begins the reason of a result that was made with less, for want of memory: it is tried again, perhaps where there is more.
const WITH_LESS: &str = "with less memory: ";
/// Begins the reason of a result whose findings could not be stored: it is tried again.
const NOT_KEPT: &str = "findings not stored: ";
/// Begins the reason of a result that lacks what failed analysers would have given: it is tried again with them.
const WITHOUT: &str = "without what failed: ";

/// What one analyser gave for one medium.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Its name.
    pub analyser: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Merged spans.
    pub spans: Vec<Span>,
    /// A file with its findings as JSON lines; none when there are none.
    pub findings: Option<PathBuf>,
    /// What was tried after its process died, in order.
    pub recovery: Vec<String>,
}

impl Looked {
    /// An analyser that gave nothing.
    pub fn nothing(analyser: &str, status: AnalyserStatus, reason: String) -> Self {
        let outcome = Outcome { status, reason: Some(reason), ms: 0, samples: 0 };
        Self { analyser: analyser.to_owned(), outcome, spans: Vec::new(), findings: None, recovery: Vec::new() }
    }

    /// An analyser whose process died of this medium twice, the second time while nothing else ran in it.
    pub fn quarantined(analyser: &str, why: &str) -> Self {
        let reason = format!("{QUARANTINED}the medium ended two pool processes, the second with this analyser alone: {why}");
        Self::nothing(analyser, AnalyserStatus::Failed, reason)
    }

    /// Notes that the medium broke off. What was seen until then stays.
    #[must_use]
    pub fn cut_short(mut self, why: &str) -> Self {
        if !matches!(self.outcome.status, AnalyserStatus::Done | AnalyserStatus::Degraded) {
            return self;
        }
        let seen = self.outcome.samples > 0;
        self.outcome.status = if seen { AnalyserStatus::Degraded } else { AnalyserStatus::Failed };
        self.outcome.reason = Some(format!("decoding broke off: {why}"));
        self
    }

    /// Notes that its findings could not be stored.
    #[must_use]
    pub fn not_kept(mut self, why: &str) -> Self {
        self.outcome.status = AnalyserStatus::Degraded;
        self.outcome.reason = Some(format!("{NOT_KEPT}{why}"));
        self
    }

    /// Notes what it lacks because it ran with less.
    #[must_use]
    pub fn eased(mut self, ease: Ease) -> Self {
        if let (Some(lacks), AnalyserStatus::Done) = (ease.lacks(), self.outcome.status) {
            self.outcome.status = AnalyserStatus::Degraded;
            self.outcome.reason = Some(format!("{WITH_LESS}{lacks}"));
        }
        self
    }

    /// Notes that analysers that this one comes after failed.
    #[must_use]
    pub fn without(mut self, failed: &[&str]) -> Self {
        if !failed.is_empty() && self.outcome.status == AnalyserStatus::Done {
            self.outcome.status = AnalyserStatus::Degraded;
            self.outcome.reason = Some(format!("{WITHOUT}{}", failed.join(", ")));
        }
        self
    }
}

/// What the result of an analyser on this content is a function of: those of `all` that it comes after take part.
///
/// # Errors
/// When the analyser names a model that is not in the registry.
pub fn key_of(
    content_sha256: &str,
    analyser: &dyn Analyser,
    all: &[Arc<dyn Analyser>],
    models: &Models,
) -> anyhow::Result<ResultKey> {
    let spec = analyser.spec();
    let used = spec.models.iter().chain(spec.optional.iter().filter(|name| models.has(name)));
    let digests: Result<Vec<String>, _> = used.map(|name| models.digest(name)).collect();
    let mut parameters = analyser.parameters();
    if let Some(fps) = spec.sampling.fps() {
        parameters.push_str(&format!(" fps {fps}"));
    }
    for before in all.iter().filter(|other| spec.after.contains(&other.spec().name)) {
        parameters.push_str(&format!(" {}={}", before.spec().name, key_of(content_sha256, &**before, all, models)?.0));
    }
    Ok(ResultKey::of(content_sha256, spec.name, spec.version, PLANNER_VERSION, &digests?.join(" "), &parameters))
}

/// The result, without findings: those are in a blob.
pub fn result_of(analyser: &dyn Analyser, key: ResultKey, looked: Looked) -> AnalyserResult {
    let spec = analyser.spec();
    let Looked { outcome, spans, recovery, .. } = looked;
    AnalyserResult {
        key,
        analyser: spec.name.to_owned(),
        version: spec.version,
        model: spec.models.join(" "),
        status: outcome.status,
        reason: outcome.reason.map(|reason| reason.chars().take(500).collect()),
        ms: outcome.ms,
        samples: outcome.samples,
        recovery: recovery.into_iter().map(|step| step.chars().take(300).collect()).collect(),
        findings: Vec::new(),
        spans: fit(spans),
        findings_key: None,
    }
}

/// Whether a stored result stands for a new one. What failed or was skipped is tried again, for example after `weir models pull`;
/// what ended pools is not.
pub fn stands(result: &AnalyserResult) -> bool {
    match result.status {
        AnalyserStatus::Done => true,
        AnalyserStatus::Degraded => result
            .reason
            .as_deref()
            .is_none_or(|reason| ![WITHOUT, NOT_KEPT, WITH_LESS, UNANSWERED].iter().any(|begin| reason.starts_with(begin))),
        AnalyserStatus::Failed => result.reason.as_deref().is_some_and(|reason| reason.starts_with(QUARANTINED)),
        AnalyserStatus::Skipped => false,
    }
}

/// The state of an analysis whose analysers ended so. Where none is switched on there was nothing to do, and nothing failed.
pub fn analysis_of(statuses: &[AnalyserStatus]) -> Analysis {
    if statuses.is_empty() {
        return Analysis::Done;
    }
    if !statuses.iter().any(|status| matches!(status, AnalyserStatus::Done | AnalyserStatus::Degraded)) {
        return Analysis::Failed;
    }
    if statuses.iter().all(|status| *status == AnalyserStatus::Done) { Analysis::Done } else { Analysis::Partial }
}

/// Makes spans fit into one fact. Values go first: the findings have them too; then long texts are cut; then the least confident
/// spans go.
fn fit(mut spans: Vec<Span>) -> Vec<Span> {
    if bytes_of(&spans) > SPANS_BYTES {
        for span in &mut spans {
            span.finding.value = None;
        }
    }
    if bytes_of(&spans) > SPANS_BYTES {
        for text in spans.iter_mut().filter_map(|span| span.finding.text.as_mut()) {
            *text = text.chars().take(200).collect();
        }
    }
    let mut bytes = bytes_of(&spans);
    while bytes > SPANS_BYTES {
        let least = spans.iter().enumerate().min_by(|(_, a), (_, b)| a.finding.confidence.total_cmp(&b.finding.confidence));
        let Some(at) = least.map(|(at, _)| at) else { break };
        bytes -= bytes_of(&[spans.remove(at)]);
    }
    spans
}

fn bytes_of(spans: &[Span]) -> usize {
    let of_one = |span: &Span| {
        let finding = &span.finding;
        let value = finding.value.as_ref().map_or(0, |value| value.to_string().len());
        finding.label.len() + finding.text.as_ref().map_or(0, String::len) + value
    };
    spans.iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analyser::{self, Options};
    use crate::model::Finding;

    fn span(text: &str, confidence: f32, value: Option<serde_json::Value>) -> Span {
        let finding = Finding { label: "speech".into(), text: Some(text.into()), confidence, value, ..Finding::default() };
        Span { analyser: "speech_transcription".into(), finding, count: 1 }
    }

    #[test]
    fn a_key_tells_what_the_configuration_changes() {
        let models = Models::open("no-models-here", 1);
        let key = |name: &str, given: &serde_json::Value| {
            let options = BTreeMap::from([("text_overlay".to_owned(), given.as_object().cloned().unwrap())]);
            let all: Vec<Arc<dyn Analyser>> = analyser::all(&Options(options)).unwrap().into_iter().map(Arc::from).collect();
            let analyser = all.iter().find(|analyser| analyser.spec().name == name).unwrap();
            key_of("5e", &**analyser, &all, &models).unwrap()
        };
        let usual = serde_json::json!({ "fps": 1, "threshold": 0.5, "size": 736 });
        assert_eq!(key("text_overlay", &usual), key("text_overlay", &serde_json::json!({})));
        for (option, value) in [("fps", 0.3), ("threshold", 0.6), ("size", 960.0)] {
            let other = serde_json::json!({ option: value });
            assert_ne!(key("text_overlay", &other), key("text_overlay", &usual), "{other}");
            assert_ne!(key("temporal_description", &other), key("temporal_description", &usual), "it comes after: {other}");
            assert_eq!(key("body_pose", &other), key("body_pose", &usual), "{other}");
        }
    }

    #[test]
    fn spans_that_fit_stay_as_they_are() {
        let spans = vec![span("hello", 0.5, Some(serde_json::json!({"words": []}))); 100];
        assert_eq!(fit(spans.clone()), spans);
    }

    #[test]
    fn values_go_before_texts_and_texts_before_spans() {
        let words = serde_json::json!({ "words": "w".repeat(100) });
        let few = fit(vec![span(&"é".repeat(150), 0.5, Some(words.clone())); 60]);
        assert_eq!((few.len(), few[0].finding.text.as_deref().map(str::len)), (60, Some(300)));
        assert!(few[0].finding.value.is_none());
        let mut many: Vec<Span> = (0..500).map(|at| span(&"x".repeat(1000), at as f32 / 500.0, Some(words.clone()))).collect();
        many.reverse();
        let left = fit(many);
        assert!(bytes_of(&left) <= SPANS_BYTES && left.len() > 100, "{}", left.len());
        assert!(left.iter().all(|span| span.finding.confidence > 0.7));
        assert!(left.is_sorted_by(|a, b| a.finding.confidence >= b.finding.confidence), "the order stays");
    }

    #[test]
    fn an_analysis_is_as_good_as_its_analysers() {
        use AnalyserStatus::{Degraded, Done, Failed, Skipped};
        for (statuses, analysis) in [
            (&[Done, Done][..], Analysis::Done),
            (&[Done, Skipped], Analysis::Partial),
            (&[Degraded, Done], Analysis::Partial),
            (&[Failed, Skipped], Analysis::Failed),
            (&[], Analysis::Done),
        ] {
            assert_eq!(analysis_of(statuses), analysis, "{statuses:?}");
        }
    }

    #[test]
    fn only_what_may_end_better_is_tried_again() {
        let with = |looked: Looked| {
            let (status, reason) = (looked.outcome.status, looked.outcome.reason);
            let (key, analyser, model) = (ResultKey(String::new()), String::new(), String::new());
            let (recovery, findings, spans, findings_key) = (Vec::new(), Vec::new(), Vec::new(), None);
            AnalyserResult {
                key,
                analyser,
                version: 1,
                model,
                status,
                reason,
                ms: 0,
                samples: 0,
                recovery,
                findings,
                spans,
                findings_key,
            }
        };
        assert!(stands(&with(Looked::quarantined("a", "signal 9"))));
        assert!(!stands(&with(Looked::nothing("a", AnalyserStatus::Failed, "out of memory".into()))));
        assert!(!stands(&with(Looked::nothing("a", AnalyserStatus::Skipped, "model nanodet is not here".into()))));
        assert!(stands(&with(Looked::nothing("a", AnalyserStatus::Done, String::new()))));
    }
}
