//! The model cards: the registry, the disk, what was measured, and the pools' caches.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::pools::{AnalysisPools, running};
use super::settings::every_analyser;
use crate::config::Config;
use crate::infer::registry::{FileSpec, PackageSource, PackageSpec};
use crate::infer::{FileState, ModelFiles, ModelKind, ModelSpec, ModelState};
use crate::serve::models::{
    CardKind, CardSource, CardState, Catalogue, Measured, ModelAccuracy, ModelCache, ModelCard, ModelFile, ModelPackage,
    ModelsAnswer, ResultCache,
};
use crate::stage::analyse::reuse::Reuse;

/// What `weir models measure` wrote last, by model.
const MEASURED: &str = include_str!("../../models/measured.json");

/// Knows everything of the models.
pub(super) struct Models {
    files: ModelFiles,
    /// Analysers by the models that they need, and by those that they do with less without.
    used_by: BTreeMap<String, Vec<String>>,
    helps: BTreeMap<String, Vec<String>>,
    pools: AnalysisPools,
    limits: BTreeMap<String, u64>,
    reuse: Arc<Reuse>,
}

impl Models {
    /// Of a configuration.
    ///
    /// # Errors
    /// When an analyser or a pool is not what it should be.
    pub(super) fn new(config: &Config, pools: AnalysisPools, reuse: Arc<Reuse>) -> anyhow::Result<Self> {
        let (mut used_by, mut helps) = (BTreeMap::new(), BTreeMap::new());
        for spec in every_analyser(config)?.iter().map(|analyser| analyser.spec()) {
            for (names, by) in [(spec.models, &mut used_by), (spec.optional, &mut helps)] {
                for name in names {
                    by.entry((*name).to_owned()).or_insert_with(Vec::new).push(spec.name.to_owned());
                }
            }
        }
        let limits = config.pool.iter().map(|pool| Ok((pool.name.clone(), running(config, pool)?.limit_bytes)));
        let limits = limits.collect::<anyhow::Result<_>>()?;
        Ok(Self { files: ModelFiles::new(&config.models.dir), used_by, helps, pools, limits, reuse })
    }

    fn card(&self, ModelState { spec, state }: ModelState) -> ModelCard {
        static OF: LazyLock<BTreeMap<String, Measured>> = LazyLock::new(|| serde_json::from_str(MEASURED).unwrap_or_default());
        let of = |by: &BTreeMap<String, Vec<String>>| by.get(&spec.name).cloned().unwrap_or_default();
        ModelCard {
            state: match state {
                FileState::Here => CardState::Present,
                FileState::Missing => CardState::Missing,
                FileState::Wrong => CardState::Damaged,
            },
            kind: match spec.kind {
                ModelKind::Runtime => CardKind::Runtime,
                ModelKind::Model => CardKind::Model,
                ModelKind::List => CardKind::List,
                ModelKind::Sample => CardKind::Sample,
            },
            used_by: of(&self.used_by),
            helps: of(&self.helps),
            measured: OF.get(&spec.name).cloned(),
            packages: packages(&spec),
            files: spec.files.iter().map(file).collect(),
            size_bytes: spec.bytes(),
            accuracy: spec.accuracy.map(|found| ModelAccuracy { value: found.value, command: found.command }),
            name: spec.name,
            summary: spec.summary,
            licence: spec.licence,
            licence_read: spec.licence_read,
            limits: spec.limits,
            optional: spec.optional,
        }
    }
}

fn packages(spec: &ModelSpec) -> Vec<ModelPackage> {
    let source = |source: PackageSource| match source {
        PackageSource::Pypi => CardSource::Pypi,
        PackageSource::Npm => CardSource::Npm,
    };
    let package = |package: &PackageSpec| ModelPackage {
        source: source(package.source),
        name: package.name.clone(),
        version: package.version.clone(),
    };
    spec.packages.iter().map(package).collect()
}

fn file(file: &FileSpec) -> ModelFile {
    ModelFile { name: file.name.clone(), sha256: file.sha256.clone(), bytes: file.bytes }
}

impl Catalogue for Models {
    fn cards(&self) -> ModelsAnswer {
        let cache = self.pools.caches().into_iter().map(|(pool, stats)| {
            let limit_bytes = self.limits.get(&pool).copied().unwrap_or(u64::MAX);
            ModelCache { pool, stats, limit_bytes }
        });
        let (hits, misses) = self.reuse.counts();
        ModelsAnswer {
            items: self.files.list().into_iter().map(|state| self.card(state)).collect(),
            cache: cache.collect(),
            results: ResultCache { hits, misses },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_of_models_that_are_known() {
        let measured: BTreeMap<String, Measured> = serde_json::from_str(MEASURED).unwrap();
        let registry = crate::infer::Registry::builtin();
        for name in measured.keys() {
            assert!(registry.find(name).is_ok(), "{name}");
        }
    }
}
