//! Analysing a file without a server: the same passes, with the results in the answer.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::outcome::{Looked, key_of, result_of};
use super::pass::{self, FINDINGS_BYTES_MAX, Subject, Watcher};
use crate::analyser::Analyser;
use crate::infer::Models;
use crate::model::{AnalyserResult, Finding};
use crate::stage::StageError;

/// Looks at a file with these analysers; answers one result per analyser, in their order, with all findings. `progress` is told the
/// share of the medium that was given to the analysers, 0 to 1. Dropping the future stops everything.
///
/// # Errors
/// When the file cannot be read, or no pool can be started.
pub async fn analyse_file(
    subject: Subject<'_>,
    analysers: &[Arc<dyn Analyser>],
    models: &Models,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> anyhow::Result<Vec<AnalyserResult>> {
    let sha256 = blocking(subject.path.to_owned(), |path| digest_of(&path)).await?;
    let mut gather = Gather { progress, looked: Vec::new() };
    pass::look(subject, analysers, &mut gather).await?;
    let mut results = Vec::new();
    for analyser in analysers {
        let name = analyser.spec().name;
        let Some(at) = gather.looked.iter().position(|looked| looked.analyser == name) else { continue };
        let looked = gather.looked.swap_remove(at);
        let findings = match looked.findings.clone() {
            Some(file) => blocking(file, |file| read_findings(&file)).await?,
            None => Vec::new(),
        };
        let key = key_of(&sha256, &**analyser, analysers, models)?;
        results.push(AnalyserResult { findings, ..result_of(&**analyser, key, looked) });
    }
    Ok(results)
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    read: impl FnOnce(PathBuf) -> std::io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(move || read(path)).await??)
}

fn digest_of(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash, mut part) = (File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut part)?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(part.get(..count).unwrap_or_default());
    }
}

fn read_findings(path: &Path) -> std::io::Result<Vec<Finding>> {
    let lines = BufReader::new(File::open(path)?.take(FINDINGS_BYTES_MAX)).lines();
    lines.map(|line| serde_json::from_str(&line?).map_err(std::io::Error::other)).collect()
}

struct Gather<'a> {
    progress: &'a (dyn Fn(f32) + Send + Sync),
    looked: Vec<Looked>,
}

#[async_trait]
impl Watcher for Gather<'_> {
    async fn finished(&mut self, looked: Looked) -> Result<(), StageError> {
        self.looked.push(looked);
        Ok(())
    }

    fn progress(&self, share: f32) {
        (self.progress)(share);
    }
}
