//! What a configuration must be beyond the types of its keys.

use std::time::Duration;

use super::{Config, ConfigError};

/// Pictures that an analyser takes at a time, at most: as many as are sent ahead.
const BATCH_MOST: usize = 64;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let judge = &config.judge;
    let shares = [
        ("judge.text_weight", judge.text_weight),
        ("judge.decision_threshold", judge.decision_threshold),
        ("judge.review_band", judge.review_band),
        ("judge.list_score", judge.list_score),
    ];
    for (key, value) in shares {
        if !(0.0..=1.0).contains(&value) {
            return Err(ConfigError(format!("`{key}` is {value}; it takes 0 to 1")));
        }
    }
    let counts = [
        ("work.package", config.work.package),
        ("work.analyse", config.work.analyse),
        ("work.other", config.work.other),
        ("http.max_connections", config.http.max_connections),
    ];
    for (key, value) in counts {
        if value == 0 {
            return Err(ConfigError(format!("`{key}` is 0; it takes 1 or more")));
        }
    }
    check_pools(config)?;
    if config.work.lease < Duration::from_secs(2) {
        return Err(ConfigError("`work.lease` is shorter than 2s; a busy machine would lose its tasks".to_owned()));
    }
    Ok(())
}

fn check_pools(config: &Config) -> Result<(), ConfigError> {
    let names: Vec<&str> = config.pool.iter().map(|pool| pool.name.as_str()).collect();
    if names.is_empty() {
        return Err(ConfigError("there is no `[[pool]]`; analysers need one or more".to_owned()));
    }
    for (at, pool) in config.pool.iter().enumerate() {
        if names.iter().position(|name| *name == pool.name) != Some(at) {
            return Err(ConfigError(format!("there are two pools with `pool.name` `{}`", pool.name)));
        }
        for (key, value) in [("members", pool.members), ("threads", pool.threads)] {
            if value == 0 {
                return Err(ConfigError(format!("`pool.{key}` of `{}` is 0; it takes 1 or more", pool.name)));
            }
        }
    }
    for (analyser, own) in &config.analyser {
        if let Some(batch) = own.batch.filter(|batch| !(1..=BATCH_MOST).contains(batch)) {
            return Err(ConfigError(format!("`analyser.{analyser}.batch` is {batch}; it takes 1 to {BATCH_MOST}")));
        }
        if let Some(pool) = own.pool.as_deref().filter(|pool| !names.contains(pool)) {
            let text = format!("`analyser.{analyser}.pool` is `{pool}`, which is no pool; there are {}", names.join(", "));
            return Err(ConfigError(text));
        }
    }
    Ok(())
}
