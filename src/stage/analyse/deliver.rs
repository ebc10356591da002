//! Giving findings to the analysers that come after others.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

use super::pass::{FINDINGS_BYTES_MAX, Group, Round, file_of};
use super::pool::Input;
use crate::stage::StageError;

/// JSON lines per message.
const PART_BYTES: usize = 4 << 20;

/// Gives every group what its analysers come after: what is known from before at once when the decode has ended, the rest as `ended`
/// tells it. Returns when nobody can end any more.
pub(super) async fn deliver(round: &Round<'_, '_>, mut ended: mpsc::Receiver<String>) -> Result<(), StageError> {
    round.shared.fed.notified().await;
    let wanted: BTreeSet<&str> = round.groups.iter().flat_map(Group::awaited).collect();
    for of in wanted.into_iter().filter(|of| !round.asked.contains(of)) {
        give(round, of).await?;
    }
    while let Some(of) = ended.recv().await {
        give(round, &of).await?;
    }
    Ok(())
}

async fn give(round: &Round<'_, '_>, of: &str) -> Result<(), StageError> {
    for group in round.groups.iter().filter(|group| group.is_up() && group.awaited().contains(&of)) {
        let known = round.subject.known.get(of).cloned();
        let path = known.unwrap_or_else(|| file_of(round.subject.scratch, of));
        send(group, of, &path).await.map_err(|error| StageError::Retry(format!("findings of `{of}`: {error}")))?;
    }
    Ok(())
}

/// A pool that dies meanwhile is no error here: its listener says so.
async fn send(group: &Group, of: &str, path: &Path) -> std::io::Result<()> {
    let mut part = BytesMut::new();
    if path.exists() {
        let mut reader = BufReader::new(File::open(path).await?.take(FINDINGS_BYTES_MAX));
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).await? > 0 {
            if part.len() + line.len() > PART_BYTES && !part.is_empty() {
                feed(group, of, part.split().freeze(), Last::No).await;
            }
            part.extend_from_slice(&line);
            line.clear();
        }
    }
    feed(group, of, part.freeze(), Last::Yes).await;
    Ok(())
}

#[derive(PartialEq)]
enum Last {
    Yes,
    No,
}

async fn feed(group: &Group, of: &str, lines: Bytes, last: Last) {
    let input = Input::Findings { of: of.to_owned(), lines, last: last == Last::Yes };
    group.note(group.session.feed(input).await);
}
