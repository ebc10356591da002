//! What the jobs of a round say: findings are kept in files, results are handed on.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::outcome::Looked;
use super::pass::{FINDINGS_BYTES_MAX, Group, Round, file_of};
use super::pool::Said;
use crate::model::AnalyserStatus;
use crate::stage::StageError;

/// How often progress is told while a job says nothing.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Listens to one group until its job is over or its pool died. Tells `ended` the names of those that ended.
pub(super) async fn listen(round: &Round<'_, '_>, group: &Group, ended: mpsc::Sender<String>) -> Result<(), StageError> {
    loop {
        let said = tokio::time::timeout(PROGRESS_EVERY, group.session.next()).await;
        if let Ok(watcher) = round.watcher.try_lock() {
            watcher.progress(round.shared.with(|state| state.given));
        }
        match said {
            Err(_) => {}
            Ok(Err(error)) => {
                group.note(Err(error));
                hold_back(round, group.names()).await;
                return Ok(());
            }
            Ok(Ok(Said::Idle)) => {
                group.idle.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Ok(Ok(Said::Findings { analyser, lines })) => keep(round.subject.scratch, group, &analyser, &lines).await?,
            Ok(Ok(Said::Finished { analyser, outcome, spans })) => {
                let path = file_of(round.subject.scratch, &analyser);
                let findings = path.exists().then_some(path);
                let recovery = round.shared.recovery_of(&analyser);
                finished(round, group, Looked { analyser: analyser.clone(), outcome, spans, findings, recovery }).await?;
                // The receiver lives as long as this round.
                let _over = ended.send(analyser).await;
            }
        }
    }
}

async fn finished(round: &Round<'_, '_>, group: &Group, mut looked: Looked) -> Result<(), StageError> {
    let Some(analyser) = group.take(&looked.analyser) else { return Ok(()) };
    if let Some(why) = round.shared.with(|state| state.cut_short.clone()) {
        looked = looked.cut_short(&why);
    }
    looked = looked.eased(round.ease).without(&round.shared.failed_of(analyser.spec().after));
    if looked.outcome.status == AnalyserStatus::Failed {
        round.shared.with(|state| state.failed.push(looked.analyser.clone()));
    }
    round.watcher.lock().await.finished(looked).await
}

/// These analysers died with their pool: those in other pools that come after one of them are called off, and run again when that
/// one has; else they would end with less than an undisturbed run gives.
pub(super) async fn hold_back(round: &Round<'_, '_>, mut lost: Vec<&'static str>) {
    loop {
        let before = lost.len();
        for group in round.groups.iter().filter(|group| group.is_up()) {
            for name in group.hold_after(&lost) {
                group.note(group.session.forget(name).await);
                lost.push(name);
            }
        }
        if lost.len() == before {
            return;
        }
    }
}

/// Appends findings to the analyser's file.
async fn keep(scratch: &Path, group: &Group, analyser: &str, lines: &[u8]) -> Result<(), StageError> {
    if !group.has(analyser) {
        let words = format!("pool: findings of `{analyser}`, which was not asked");
        return Err(StageError::Retry(words));
    }
    let write = async {
        let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(file_of(scratch, analyser)).await?;
        if file.metadata().await?.len() + lines.len() as u64 > FINDINGS_BYTES_MAX {
            return Err(std::io::Error::other(format!("findings of `{analyser}` are over {FINDINGS_BYTES_MAX} bytes")));
        }
        file.write_all(lines).await?;
        file.flush().await
    };
    write.await.map_err(|error| StageError::Retry(format!("scratch: {error}")))
}
