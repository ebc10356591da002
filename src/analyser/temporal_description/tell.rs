//! From what a vision endpoint said to findings, and to words on what is missing.

use serde_json::{Value, json};

use super::asking::{Asker, Asking, Segment};
use super::frames::Cut;
use super::{State, UNANSWERED, compose};
use crate::model::Finding;

/// A model tells no confidence; this is neither trust nor doubt.
const UNKNOWN: f32 = 0.5;
/// With every text of a model.
const LIMITS: &str = "a model wrote it after still frames, and it may be wrong";

/// Each segment as the model described it, and composed where it did not.
pub(super) fn described(asker: &Asker, cut: &Cut, state: &State) -> Vec<Finding> {
    let mut found = Vec::new();
    for at in 0..cut.segments {
        let (start_ms, end_ms) = cut.bounds(at);
        if let Some(segment @ Segment::Said { .. }) = state.asking.segments.get(at) {
            found.extend(of_model(asker, (start_ms, end_ms), segment));
            continue;
        }
        let mut composed: Vec<Finding> = compose::describe_between(&state.gathered, start_ms, end_ms).into_iter().collect();
        note_why(&mut composed, state.asking.why_not(at));
        found.extend(composed);
    }
    found
}

fn of_model(asker: &Asker, (start_ms, end_ms): (i64, i64), segment: &Segment) -> Vec<Finding> {
    let Segment::Said { said, external, frames } = segment else { return Vec::new() };
    let value = json!({
        "method": "model",
        "model": asker.settings.model,
        "endpoint_host": asker.host,
        "external": external,
        "frames": frames,
        "events": said.events.iter().map(|event| json!({ "at_ms": event.at_ms, "text": event.text })).collect::<Vec<_>>(),
        "confidence": "unknown",
        "limits": LIMITS,
    });
    let finding = |label: &str, start_ms: i64, end_ms: i64, text: &str, value: Value| Finding {
        start_ms,
        end_ms,
        label: label.to_owned(),
        confidence: UNKNOWN,
        text: Some(text.to_owned()),
        value: Some(value),
        ..Finding::default()
    };
    let of_event = json!({ "method": "model", "confidence": "unknown", "limits": LIMITS });
    let events = said.events.iter().map(|event| finding("event", event.at_ms, event.at_ms, &event.text, of_event.clone()));
    std::iter::once(finding("description", start_ms, end_ms, &said.summary, value)).chain(events).collect()
}

/// Notes in composed findings why no model wrote them.
pub(super) fn note_why(composed: &mut [Finding], why: Option<&str>) {
    let Some(why) = why else { return };
    for value in composed.iter_mut().filter_map(|finding| finding.value.as_mut()) {
        value["without_model"] = json!(why);
    }
}

/// What the result lacks, in words; none when the model described every segment that has pictures.
pub(super) fn lacks(asking: &Asking, cut: &Cut) -> Option<String> {
    let missing: Vec<&str> = (0..cut.segments).filter_map(|at| asking.why_not(at)).collect();
    let why = missing.last()?;
    let begin = if asking.said_anything() { "" } else { UNANSWERED };
    Some(format!("{begin}{} of {} parts are composed: {why}", missing.len(), cut.segments))
}
