//! Model cards: what each model is, where it comes from, and what was measured of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Ctx;
use super::error::{Answer, Problem};
use crate::model::CacheStats;

/// Knows the models.
pub trait Catalogue: Send + Sync {
    /// The cards as they are now. Looks at the disk.
    fn cards(&self) -> ModelsAnswer;
}

/// Every model, and how the caches do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ModelsAnswer {
    /// The cards.
    pub items: Vec<ModelCard>,
    /// Opened models of each pool.
    pub cache: Vec<ModelCache>,
    /// Results of analysers that were there already, and those that were not, since this process began.
    pub results: ResultCache,
}

/// One model.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelCard {
    /// Its name: that of its folder.
    pub name: String,
    /// What it is for.
    pub kind: CardKind,
    /// One sentence.
    pub summary: String,
    /// SPDX identifier.
    pub licence: String,
    /// Where the licence was read.
    pub licence_read: String,
    /// What a user must know before trusting a result.
    pub limits: String,
    /// Where it comes from.
    pub packages: Vec<ModelPackage>,
    /// What is loaded.
    pub files: Vec<ModelFile>,
    /// Of all files.
    pub size_bytes: u64,
    /// What the disk has of it.
    pub state: CardState,
    /// It is only pulled when asked for by name.
    pub optional: bool,
    /// Analysers that need it.
    pub used_by: Vec<String>,
    /// Analysers that do with less where it is not here.
    pub helps: Vec<String>,
    /// What it costs, where that was measured.
    pub measured: Option<Measured>,
    /// How right it is, where that was measured.
    pub accuracy: Option<ModelAccuracy>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// The library that runs models.
    Runtime,
    /// Weights.
    Model,
    /// A word list.
    List,
    /// A sample video.
    Sample,
}

/// What the disk has of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    /// All of it.
    Present,
    /// Nothing, or not all.
    Missing,
    /// Files of another size or digest.
    Damaged,
}

/// A package registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardSource {
    /// Python's.
    Pypi,
    /// JavaScript's.
    Npm,
}

/// A package.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelPackage {
    /// Which package registry serves it.
    pub source: CardSource,
    /// Its name there.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelFile {
    /// Its name.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// When, as YYYY-MM-DD.
    pub date: String,
    /// On what.
    pub machine: String,
    /// Threads per model.
    pub threads: usize,
    /// Opening all of its files, milliseconds.
    pub load_ms: f64,
    /// Memory that opening and running it took.
    pub memory_bytes: u64,
    /// Running it; empty where its input has no fixed size.
    pub latency: Vec<Latency>,
    /// The command that measures it again.
    pub command: String,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// Items.
    pub batch: usize,
    /// Milliseconds for all of them.
    pub ms: f64,
}

/// How right a model is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelAccuracy {
    /// What was found.
    pub value: String,
    /// The command that finds it again.
    pub command: String,
}

/// Opened models of one pool.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelCache {
    /// The pool.
    pub pool: String,
    /// What it did, and holds after its last job.
    #[serde(flatten)]
    pub stats: CacheStats,
    /// What it may hold.
    pub limit_bytes: u64,
}

/// Results that were reused.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct ResultCache {
    /// Of the same content, found.
    pub hits: u64,
    /// Made anew.
    pub misses: u64,
}

/// Every model, with what is known of it.
#[utoipa::path(
    get, path = "/models", tag = "analysis",
    extensions(("x-weir-role" = json!("viewer"))),
    responses((status = 200, body = ModelsAnswer))
)]
pub async fn list(State(server): Ctx) -> Answer<Json<ModelsAnswer>> {
    let models = Arc::clone(&server.app.models);
    let cards = tokio::task::spawn_blocking(move || models.cards()).await;
    cards.map(Json).map_err(|error| Problem::down(&error))
}
