//! The result of one analyser on one content.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Finding, Key, Span};

/// What `temporal_description` was called in the systems that weir replaces: taken where an analyser is chosen or configured.
pub const OLD_DESCRIPTION: &str = "qwen2_vl_temporal";

/// How an analyser ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnalyserStatus {
    /// It looked at everything that it asked for.
    Done,
    /// It looked, with less than it asked for; `reason` says with what.
    Degraded,
    /// There was nothing for it to look at, it is switched off, or its model is not here; `reason` says which.
    Skipped,
    /// It broke; `reason` says how.
    Failed,
}

/// What identifies a result: equal keys mean equal inputs, so the result is reused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResultKey(pub String);

impl ResultKey {
    /// SHA-256 over the parts, each ended by a zero byte, as hex.
    pub fn of(content_sha256: &str, analyser: &str, version: u32, planner: u32, model_digest: &str, parameters: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [content_sha256, analyser, &version.to_string(), &planner.to_string(), model_digest, parameters] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Self(hex::encode(hash.finalize()))
    }
}

/// One analyser's result on one content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalyserResult {
    /// What it is a function of.
    pub key: ResultKey,
    /// Name, as in `analyser::all()`.
    pub analyser: String,
    /// Version of the analyser's code.
    pub version: u32,
    /// Models used, for example `nanodet`; empty when it needs none.
    pub model: String,
    /// How it ended.
    pub status: AnalyserStatus,
    /// Why, for anything but `done`; also what a reader must know of its limits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Milliseconds of work inside the analyser.
    pub ms: i64,
    /// How many frames or audio windows it looked at.
    pub samples: u64,
    /// What was tried after the process of the analyser died, in order; empty when nothing happened.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub recovery: Vec<String>,
    /// Per-sample findings, in time order. In the store they live in the blob `findings_key`.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// At most [`AnalyserResult::SPANS_MAX`] merged spans: these become rows.
    #[serde(default)]
    pub spans: Vec<Span>,
    /// The blob with the per-sample findings (JSON lines, time order), once stored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub findings_key: Option<Key>,
}

impl AnalyserResult {
    /// Rows per video and analyser.
    pub const SPANS_MAX: usize = 500;
}

/// How a cache of opened models did: of one process since it began, or of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CacheStats {
    /// Models that are open.
    pub loaded: u64,
    /// Size of their files: about what their weights take in memory.
    pub bytes: u64,
    /// Times that a model was wanted and open.
    pub hits: u64,
    /// Times that it had to be loaded.
    pub misses: u64,
    /// Times that one was closed to make room.
    pub evictions: u64,
    /// What the models were run, by their names.
    pub runs: BTreeMap<String, ModelRuns>,
}

/// How often a model was run, and how long that took together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelRuns {
    /// Times; a batch is one.
    pub count: u64,
    /// Microseconds on the clock, those included in which others had the processor.
    pub micros: u64,
}

impl ModelRuns {
    /// What was added since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { count: self.count.saturating_sub(before.count), micros: self.micros.saturating_sub(before.micros) }
    }
}

impl AddAssign for ModelRuns {
    fn add_assign(&mut self, more: Self) {
        self.count += more.count;
        self.micros += more.micros;
    }
}
