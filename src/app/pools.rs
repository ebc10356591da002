//! The pools of the configuration, as processes of this program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use super::settings::every_analyser;
use crate::config::{self, Config, Pool};
use crate::infer::{Device, Models, Running};
use crate::model::CacheStats;
use crate::stage::analyse::fault::{Fault, FaultKind};
use crate::stage::analyse::host;
use crate::stage::analyse::pool::Pools;
use crate::work::pool::{PoolConfig, Processes};

/// The processes in which analysers run. Nothing is started until there is work.
#[derive(Clone)]
pub struct AnalysisPools {
    processes: Vec<Arc<Processes>>,
    pools: Pools,
}

impl AnalysisPools {
    /// As configured.
    ///
    /// # Errors
    /// When this program's own path is not known.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let processes = config.pool.iter().map(|pool| Ok(Arc::new(Processes::new(pool_config(config, pool)?))));
        let processes = processes.collect::<anyhow::Result<Vec<_>>>()?;
        let place = |name: &String| config.pool.iter().position(|pool| pool.name == *name);
        let places = config.analyser.iter().filter_map(|(name, own)| Some((name.clone(), place(own.pool.as_ref()?)?)));
        let places: BTreeMap<String, usize> = places.collect();
        let all = processes.iter().map(|processes| Arc::clone(processes) as _).collect();
        Ok(Self { processes, pools: Pools::new(all, places).context("there is no `[[pool]]`")? })
    }

    /// For those who have work.
    pub fn pools(&self) -> Pools {
        self.pools.clone()
    }

    /// The model caches of each pool, by its name.
    pub fn caches(&self) -> Vec<(String, CacheStats)> {
        self.processes.iter().map(|processes| (processes.name().to_owned(), processes.cache())).collect()
    }

    /// Ends the processes that have no work, and lets no work begin any more.
    pub fn stop(&self) {
        self.processes.iter().for_each(|processes| processes.stop());
    }
}

/// This program again, as `weir pool NAME`, with what it needs of the configuration.
fn pool_config(config: &Config, pool: &Pool) -> anyhow::Result<PoolConfig> {
    let mut command: Vec<OsString> =
        vec![std::env::current_exe().context("own path")?.into(), "pool".into(), (&pool.name).into()];
    let pools = config.pool.iter().map(inline).collect::<Result<Vec<_>, _>>()?;
    let mut set = vec![
        format!("models.dir={}", config.models.dir),
        format!("models.runtime={}", config.models.runtime),
        format!("pool=[{}]", pools.join(", ")),
    ];
    let faults = config.fault.iter().map(inline).collect::<Result<Vec<_>, _>>()?;
    set.push(format!("fault=[{}]", faults.join(", ")));
    for (name, analyser) in &config.analyser {
        set.push(format!("analyser.{name}={}", inline(analyser)?));
    }
    for setting in set {
        command.extend(["--set".into(), setting.into()]);
    }
    Ok(PoolConfig {
        name: pool.name.clone(),
        command,
        members: pool.members,
        memory_limit_bytes: pool.max_memory.as_u64(),
        recycle_after_jobs: u64::from(pool.recycle_after),
        stall: pool.hang_timeout,
    })
}

/// As a TOML inline table.
fn inline<T: Serialize>(table: &T) -> anyhow::Result<String> {
    Ok(toml::Value::try_from(table).context("configuration of a pool")?.to_string())
}

/// `weir pool NAME`: runs analysers until the worker's end of the socket closes.
///
/// # Errors
/// When there is no such pool, or the socket breaks in the middle of a message.
pub fn run_pool(config: &Config, name: &str) -> anyhow::Result<()> {
    let pool = config.pool.iter().find(|pool| pool.name == name).with_context(|| format!("there is no pool `{name}`"))?;
    let batches = config.analyser.iter().filter_map(|(name, analyser)| Some((name.clone(), analyser.batch?)));
    let batches: BTreeMap<String, usize> = batches.filter(|(name, _)| is_in(config, name, pool)).collect();
    let models = Arc::new(Models::open_in(&config.models.dir, running(config, pool)?));
    let faults = config.fault.iter().map(fault_of).collect();
    host::run_on_stdin(&host::Host { analysers: every_analyser(config)?, models, faults, batches })
}

/// Whether the analyser runs in this pool: it names it, or names none and this is the first.
fn is_in(config: &Config, analyser: &str, pool: &Pool) -> bool {
    let named = config.analyser.get(analyser).and_then(|own| own.pool.as_deref());
    named.or(config.pool.first().map(|first| first.name.as_str())) == Some(&pool.name)
}

/// How a pool runs its models.
///
/// # Errors
/// When its device is none.
pub(super) fn running(config: &Config, pool: &Pool) -> anyhow::Result<Running> {
    let mut device = match &pool.device {
        Some(device) => device.parse::<Device>().map_err(|words| anyhow::anyhow!("`pool.device` of `{}`: {words}", pool.name))?,
        None => Device::Cpu,
    };
    if let Some(memory) = pool.gpu_memory {
        device = device.within(memory.as_u64());
    }
    let memory_bytes = pool.max_memory.as_u64();
    let limit_bytes = pool.model_memory.map_or(memory_bytes / 2, |memory| memory.as_u64());
    let library = (!config.models.runtime.is_empty()).then(|| PathBuf::from(&config.models.runtime));
    Ok(Running { device, library, limit_bytes, memory_bytes, pinned: pool.pin.clone(), ..Running::on_cpu(pool.threads) })
}

fn fault_of(fault: &config::Fault) -> Fault {
    let kind = match fault.kind {
        config::FaultKind::Crash => FaultKind::Crash,
        config::FaultKind::Hang => FaultKind::Hang,
        config::FaultKind::Allocate => FaultKind::Allocate,
        config::FaultKind::Fail => FaultKind::Fail,
    };
    Fault { analyser: fault.analyser.clone(), at_ms: fault.at_ms, kind }
}
