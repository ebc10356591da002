//! What the members of a pool told of their model caches.

use std::collections::BTreeMap;

use crate::model::CacheStats;
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
        let before = self.members.insert(pid, told).unwrap_or_default();
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
        self.members.values().fold(self.gone, |total, told| sum(&total, told))
    }
}

fn sum(one: &CacheStats, other: &CacheStats) -> CacheStats {
    CacheStats {
        loaded: one.loaded + other.loaded,
        bytes: one.bytes + other.bytes,
        hits: one.hits + other.hits,
        misses: one.misses + other.misses,
        evictions: one.evictions + other.evictions,
    }
}

fn since(now: &CacheStats, before: &CacheStats) -> CacheStats {
    CacheStats {
        hits: now.hits.saturating_sub(before.hits),
        misses: now.misses.saturating_sub(before.misses),
        evictions: now.evictions.saturating_sub(before.evictions),
        ..*now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outlive_their_process_and_models_do_not() {
        let mut told = Told::default();
        told.note("p", 1, CacheStats { loaded: 2, bytes: 20, hits: 1, misses: 2, evictions: 0 });
        told.note("p", 1, CacheStats { loaded: 3, bytes: 30, hits: 5, misses: 3, evictions: 1 });
        told.note("p", 2, CacheStats { loaded: 1, bytes: 10, hits: 0, misses: 1, evictions: 0 });
        assert_eq!(told.total(), CacheStats { loaded: 4, bytes: 40, hits: 5, misses: 4, evictions: 1 });
        told.forget("p", 1);
        told.forget("p", 7);
        assert_eq!(told.total(), CacheStats { loaded: 1, bytes: 10, hits: 5, misses: 4, evictions: 1 });
    }
}
