//! `weir models measure`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::cli::{Exit, say};
use crate::infer::{Cost, Models, measure};
use crate::serve::models::{Latency, Measured};

/// Measures each of `names`, says it as JSON, and keeps it in the file `into`.
pub(super) fn run(models: &Models, names: &[String], threads: usize, into: Option<&Path>) -> Result<(), Exit> {
    let mut all: BTreeMap<String, Measured> = match into {
        Some(file) if file.exists() => {
            let text = std::fs::read(file).map_err(|error| Exit::other(format!("`{}`: {error}", file.display())))?;
            serde_json::from_slice(&text).map_err(|error| Exit::other(format!("`{}`: {error}", file.display())))?
        }
        _ => BTreeMap::new(),
    };
    let mut found = BTreeMap::new();
    for name in names {
        match measure(models, name).map_err(|error| Exit::other(error.to_string()))? {
            Some(cost) => drop(found.insert(name.clone(), measured(name, &cost, threads))),
            None => crate::cli::complain(&format!("`{name}` is no ONNX model; there is nothing to run")),
        }
    }
    say(&serde_json::to_string_pretty(&found).unwrap_or_default());
    let Some(file) = into else { return Ok(()) };
    all.extend(found);
    let text = serde_json::to_string_pretty(&all).unwrap_or_default() + "\n";
    std::fs::write(file, text).map_err(|error| Exit::other(format!("`{}`: {error}", file.display())))
}

fn measured(name: &str, cost: &Cost, threads: usize) -> Measured {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Measured {
        date: jiff::Zoned::now().date().to_string(),
        machine: format!("{cores} cores, {}", std::env::consts::ARCH),
        threads,
        load_ms: milliseconds(cost.load),
        memory_bytes: cost.memory_bytes,
        latency: cost.latency.iter().map(|(batch, time)| Latency { batch: *batch, ms: milliseconds(*time) }).collect(),
        command: format!("weir models measure {name}"),
    }
}

/// With two places.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}
