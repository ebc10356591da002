//! How much one record may hold: it is one transaction, and larger work is steps.

use serde::Serialize;

use super::super::RecordError;
use crate::model::{AnalyserResult, Fact, NewTask, Personal};

/// Rows of one record.
const ROWS_MAX: usize = 1_000;
/// Bytes of one fact: its texts and JSON; numbers count 8.
const FACT_BYTES_MAX: usize = 64 << 10;
/// The numbers of a span or of a task's row.
const NUMBERS_BYTES: usize = 64;

/// Refuses what is too large; that is a bug of the caller.
pub(super) fn check(facts: &[Fact]) -> Result<(), RecordError> {
    let rows: usize = facts.iter().map(rows).sum();
    if rows > ROWS_MAX {
        return Err(RecordError::TooLarge(format!("{rows} rows; at most {ROWS_MAX}")));
    }
    for fact in facts {
        let bytes = bytes(fact);
        if bytes > FACT_BYTES_MAX {
            let name = format!("{fact:?}").chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
            return Err(RecordError::TooLarge(format!("a `{name}` of {bytes} bytes; at most {FACT_BYTES_MAX}")));
        }
    }
    Ok(())
}

/// Rows that a fact writes, its event included.
fn rows(fact: &Fact) -> usize {
    let task_rows = |tasks: &[NewTask]| tasks.iter().map(|task| 1 + task.after.len()).sum::<usize>();
    match fact {
        Fact::VideoCreated { labels, .. } => 2 + labels.as_object().map_or(0, serde_json::Map::len),
        Fact::VideoUploaded { tasks, .. } => 3 + task_rows(tasks),
        Fact::AnalysisAsked { tasks, .. } => 2 + task_rows(tasks),
        Fact::TasksCreated { tasks } => task_rows(tasks),
        Fact::AnalyserFinished { result, .. } => 3 + result.spans.len(),
        _ => 3,
    }
}

fn bytes(fact: &Fact) -> usize {
    match fact {
        Fact::VideoCreated { owner, external_id, labels, title: Personal(title), .. } => {
            owner.len() + external_id.as_ref().map_or(0, String::len) + json(labels) + title.len()
        }
        Fact::VideoUploaded { key, sha256, tasks, .. } => key.as_str().len() + sha256.len() + of_tasks(tasks),
        Fact::AnalysisAsked { tasks, .. } | Fact::TasksCreated { tasks } => of_tasks(tasks),
        Fact::VideoDeleted { purge, .. } => of_tasks(std::slice::from_ref(purge)),
        Fact::MediaProbed { media, .. } => json(media),
        Fact::VideoPackaged { renditions, .. } => json(renditions),
        Fact::VideoFailed { reason, .. } => reason.len(),
        Fact::AnalyserFinished { result, .. } => of_result(result),
        Fact::VerdictGiven { verdict, .. } => json(verdict),
        Fact::HumanLabelled { label, .. } => json(label),
        Fact::TaskEnded { end, .. } => json(end),
        Fact::Announced { stream, outcome, .. } => stream.as_ref().map_or(0, String::len) + outcome.len(),
        Fact::StatusMoved { .. }
        | Fact::AnalysisMoved { .. }
        | Fact::VideoPurged { .. }
        | Fact::CancelAsked { .. }
        | Fact::TaskReplayed { .. } => NUMBERS_BYTES,
    }
}

/// The largest of the tasks: each has its own row.
fn of_tasks(tasks: &[NewTask]) -> usize {
    tasks.iter().map(|task| NUMBERS_BYTES + task.owner.len() + json(&task.input)).max().unwrap_or(0)
}

fn of_result(result: &AnalyserResult) -> usize {
    let spans = result.spans.iter().map(|span| {
        let finding = &span.finding;
        NUMBERS_BYTES
            + finding.label.len()
            + finding.text.as_ref().map_or(0, String::len)
            + finding.value.as_ref().map_or(0, json)
    });
    spans.sum::<usize>() + result.model.len() + result.reason.as_ref().map_or(0, String::len) + json(&result.findings)
}

fn json<T: Serialize>(value: &T) -> usize {
    serde_json::to_string(value).map_or(usize::MAX / 2, |text| text.len())
}
