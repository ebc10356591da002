//! What a model costs on this machine: opening it, running it, and the memory of both.

use std::time::{Duration, Instant};

use super::{ModelError, Models};

/// Sizes of the batches that are tried.
const BATCHES: [usize; 4] = [1, 2, 4, 8];
const ONNX: &str = ".onnx";

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Opening all of its ONNX files, their digests compared.
    pub load: Duration,
    /// By which the peak of this process's memory grew while it was opened and run.
    pub memory_bytes: u64,
    /// Items, and the time for all of them, by the better of two runs of its first file that has an input of a fixed size.
    pub latency: Vec<(usize, Duration)>,
}

/// Opens and runs a model; measured best in a process of its own. None for what is no ONNX model.
///
/// # Errors
/// When it is not here or does not load.
pub fn measure(models: &Models, name: &str) -> Result<Option<Cost>, ModelError> {
    let files = models.files().registry().find(name)?.files.iter().map(|file| file.name.clone());
    let files: Vec<String> = files.filter(|file| file.ends_with(ONNX)).collect();
    if files.is_empty() {
        return Ok(None);
    }
    models.require(&[name])?;
    let before = memory("VmRSS:");
    let began = Instant::now();
    let sessions = files.iter().map(|file| models.session(name, file)).collect::<Result<Vec<_>, _>>()?;
    let load = began.elapsed();
    let latency = sessions.iter().find_map(|session| {
        let sizes = BATCHES.into_iter().filter(|batch| *batch == 1 || session.takes_many());
        let times = sizes.map(|batch| Some((batch, session.cost(batch)? * batch as u32)));
        times.collect::<Option<Vec<_>>>()
    });
    let memory_bytes = memory("VmHWM:").saturating_sub(before);
    Ok(Some(Cost { load, memory_bytes, latency: latency.unwrap_or_default() }))
}

/// A line of `/proc/self/status`, bytes; 0 where there is none.
pub(super) fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status.lines().find_map(|found| found.strip_prefix(line));
    let kibibytes = kibibytes.and_then(|words| words.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
