//! What the members of a pool told of their model caches.

use std::collections::BTreeMap;

use crate::model::{CacheStats, ModelRuns};
use crate::work::metric;

/// By process, and what those that are gone had counted.
#[derive(Debug, Default)]
pub(super) struct Told {
    members: BTreeMap<u32, CacheStats>,
    gone: CacheStats,
}

impl Told {
    /// A member told this; what it counted since it told something last goes to the metrics.
    pub(super) fn note(&mut self, pool: &str, pid: u32, told: CacheStats) {
        let before = self.members.insert(pid, told.clone()).unwrap_or_default();
        metric::model_cache_counted(pool, &since(&told, &before));
        metric::model_cache_holds(pool, &self.total());
    }

    /// A member is gone, and its models with it.
    pub(super) fn forget(&mut self, pool: &str, pid: u32) {
        let Some(told) = self.members.remove(&pid) else { return };
        self.gone = sum(&self.gone, &CacheStats { loaded: 0, bytes: 0, ..told });
        metric::model_cache_holds(pool, &self.total());
    }

    pub(super) fn total(&self) -> CacheStats {
        self.members.values().fold(self.gone.clone(), |total, told| sum(&total, told))
    }
}

fn sum(one: &CacheStats, other: &CacheStats) -> CacheStats {
    CacheStats {
        loaded: one.loaded + other.loaded,
        bytes: one.bytes + other.bytes,
        hits: one.hits + other.hits,
        misses: one.misses + other.misses,
        evictions: one.evictions + other.evictions,
        runs: sum_of_runs(&one.runs, &other.runs),
    }
}

fn sum_of_runs(one: &BTreeMap<String, ModelRuns>, other: &BTreeMap<String, ModelRuns>) -> BTreeMap<String, ModelRuns> {
    let mut sum = one.clone();
    for (model, more) in other {
        *sum.entry(model.clone()).or_default() += *more;
    }
    sum
}

fn since(now: &CacheStats, before: &CacheStats) -> CacheStats {
    let before_of = |model: &String| before.runs.get(model).copied().unwrap_or_default();
    CacheStats {
        hits: now.hits.saturating_sub(before.hits),
        misses: now.misses.saturating_sub(before.misses),
        evictions: now.evictions.saturating_sub(before.evictions),
        runs: now.runs.iter().map(|(model, runs)| (model.clone(), runs.since(before_of(model)))).collect(),
        ..*now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(counts: [u64; 5], runs: u64) -> CacheStats {
        let [loaded, bytes, hits, misses, evictions] = counts;
        let runs = [("m".to_owned(), ModelRuns { count: runs, micros: runs * 10 })].into();
        CacheStats { loaded, bytes, hits, misses, evictions, runs }
    }

    #[test]
    fn counts_outlive_their_process_and_models_do_not() {
        let mut told = Told::default();
        told.note("p", 1, stats([2, 20, 1, 2, 0], 3));
        told.note("p", 1, stats([3, 30, 5, 3, 1], 7));
        told.note("p", 2, stats([1, 10, 0, 1, 0], 1));
        assert_eq!(told.total(), stats([4, 40, 5, 4, 1], 8));
        told.forget("p", 1);
        told.forget("p", 7);
        assert_eq!(told.total(), stats([1, 10, 5, 4, 1], 8));
    }

    #[test]
    fn only_what_is_new_goes_to_the_metrics() {
        let new = since(&stats([3, 30, 5, 3, 1], 7), &stats([2, 20, 1, 2, 0], 3));
        assert_eq!(new, stats([3, 30, 4, 1, 1], 4));
    }
}
