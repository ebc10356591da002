//! What garbage collection may remove.

use std::collections::{BTreeSet, HashSet};

use super::super::sql::{Done, Failure, Tx, Value, placeholders};
use crate::model::{Key, Micros, TaskId};

/// Folders of one call.
const FOLDERS_MAX: usize = 500;

/// Every column that names an object or a folder of objects, with the rows that count.
const NAMES: [(&str, &str, &str); 8] = [
    ("contents", "key", "1 = 1"),
    ("videos", "variants", "variants IS NOT NULL"),
    ("videos", "manifests", "manifests IS NOT NULL"),
    ("videos", "poster", "poster IS NOT NULL"),
    ("videos", "audio", "audio IS NOT NULL"),
    ("analyser_results", "findings_key", "findings_key IS NOT NULL"),
    // What a viewer plays now stays until the session ends.
    ("play_sessions", "variants", "revoked = 0"),
    ("play_sessions", "manifests", "revoked = 0"),
];

/// Those of `folders` that no row names: neither itself, nor something in it, nor a folder that it lies in; and that are not the
/// attempt of a task which runs under the same token.
pub(super) async fn unnamed(tx: &mut Tx, folders: &[Key]) -> Done<Vec<Key>> {
    if folders.len() > FOLDERS_MAX {
        return Err(Failure::Row(format!("{} folders; at most {FOLDERS_MAX} at a time", folders.len())));
    }
    let now = tx.now().await?;
    let above = names_above(tx, folders, now).await?;
    let holding = folders_with_names(tx, folders, now).await?;
    let running = running_attempts(tx, folders).await?;
    let is_named = |folder: &Key| {
        ancestors(folder).any(|key| above.contains(key))
            || holding.contains(folder.as_str())
            || attempt_of(folder).is_some_and(|attempt| running.contains(&attempt))
    };
    Ok(folders.iter().filter(|folder| !is_named(folder)).cloned().collect())
}

/// The key itself and every folder that it lies in.
fn ancestors(key: &Key) -> impl Iterator<Item = &str> {
    let text = key.as_str();
    text.match_indices('/').map(move |(at, _)| &text[..at]).chain([text])
}

/// Which of the folders and their ancestors are named as such.
async fn names_above(tx: &mut Tx, folders: &[Key], now: Micros) -> Done<HashSet<String>> {
    let keys: HashSet<&str> = folders.iter().flat_map(ancestors).collect();
    let values: Vec<Value> = keys.into_iter().map(Value::from).collect();
    let mut found = HashSet::new();
    if values.is_empty() {
        return Ok(found);
    }
    let wanted = placeholders(1, values.len());
    for (table, column, condition) in NAMES {
        let condition = current(table, condition, now);
        let sql = format!("SELECT {column} FROM {table} WHERE {condition} AND {column} IN ({wanted})");
        for mut row in tx.fetch_built(sql, &values).await? {
            found.insert(row.text()?);
        }
    }
    Ok(found)
}

/// Which of the folders hold something that is named: its key begins with the folder and `/` (`0` is the next letter).
async fn folders_with_names(tx: &mut Tx, folders: &[Key], now: Micros) -> Done<HashSet<String>> {
    let mut found = HashSet::new();
    if folders.is_empty() {
        return Ok(found);
    }
    let values: Vec<Value> = folders.iter().map(|folder| folder.as_str().into()).collect();
    let listed: Vec<String> = (1..=folders.len()).map(|number| format!("(CAST(${number} AS TEXT))")).collect();
    let exists = NAMES.map(|(table, column, condition)| {
        let condition = current(table, condition, now);
        format!("EXISTS (SELECT 1 FROM {table} WHERE {condition} AND {column} > f.folder || '/' AND {column} < f.folder || '0')")
    });
    let sql = format!("WITH f (folder) AS (VALUES {}) SELECT f.folder FROM f WHERE {}", listed.join(", "), exists.join(" OR "));
    for mut row in tx.fetch_built(sql, &values).await? {
        found.insert(row.text()?);
    }
    Ok(found)
}

fn current(table: &str, condition: &str, now: Micros) -> String {
    if table == "play_sessions" { format!("{condition} AND expires_at > {}", now.0) } else { condition.to_owned() }
}

/// The attempt `TASK-TOKEN` that a folder belongs to.
fn attempt_of(folder: &Key) -> Option<(String, i64)> {
    folder.as_str().split('/').find_map(|element| {
        let (task, token) = element.rsplit_once('-')?;
        let task: TaskId = task.parse().ok()?;
        Some((task.to_string(), token.parse().ok()?))
    })
}

async fn running_attempts(tx: &mut Tx, folders: &[Key]) -> Done<HashSet<(String, i64)>> {
    let tasks: BTreeSet<String> = folders.iter().filter_map(attempt_of).map(|(task, _)| task).collect();
    let values: Vec<Value> = tasks.into_iter().map(Value::from).collect();
    if values.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = format!("SELECT id, token FROM tasks WHERE state = 'running' AND id IN ({})", placeholders(1, values.len()));
    tx.fetch_built(sql, &values).await?.into_iter().map(|mut row| Ok((row.text()?, row.int()?))).collect()
}
