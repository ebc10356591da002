//! From the configuration to what each role is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::Listen;
use super::pools::AnalysisPools;
use crate::analyser::{self, Analyser};
use crate::blob::{Blobs, PutLimits};
use crate::config::{self, Config};
use crate::infer::Models;
use crate::media;
use crate::model::{Micros, WorkerId};
use crate::safety::SafetyConfig;
use crate::serve::{Gate, Limits, PlaybackConfig, ServeConfig};
use crate::stage::Stages;
use crate::stage::analyse::Analyse;
use crate::stage::analyse::pool::Pools;
use crate::stage::analyse::reuse::Reuse;
use crate::stage::collect::Collect;
use crate::stage::judge::Judge;
use crate::stage::package::Package;
use crate::stage::probe::Probe;
use crate::stage::purge::Purge;
use crate::store::SharedStore;
use crate::telemetry;
use crate::work::{Deps, KeepConfig, WorkConfig, Worker};

/// A stage that was told to stop is dropped after this, whatever `work.drain` says.
const GRACE: Duration = Duration::from_secs(10);
/// An announced upload whose bytes did not come in this time has failed.
const UPLOADS_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Sends log lines to standard error and to `system_logs`. A command that does the work itself keeps standard error for its own
/// words.
pub(super) fn log_to(config: &Config, listen: Listen) -> anyhow::Result<telemetry::LogWriter> {
    let filter = if listen == Listen::Everywhere { config.log.filter.as_str() } else { "error" };
    let filter = EnvFilter::try_new(filter).with_context(|| format!("`log.filter` {filter}"))?;
    let (layer, writer) = telemetry::stored_logs(|| Micros(jiff::Timestamp::now().as_microsecond()));
    let standard_error = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter);
    tracing_subscriber::registry().with(standard_error).with(layer).try_init()?;
    Ok(writer)
}

/// The analysers that are switched on, in order.
///
/// # Errors
/// When `[analyser.NAME]` names one that is not there, or has a key that it does not know, or may be silent for longer than its pool.
pub fn analysers(config: &Config) -> anyhow::Result<Vec<Arc<dyn Analyser>>> {
    let all = every_analyser(config)?;
    let is_on = |name: &str| config.analyser.get(name).is_none_or(|analyser| analyser.enabled);
    let on: Vec<Arc<dyn Analyser>> = all.into_iter().filter(|analyser| is_on(analyser.spec().name)).collect();
    on.iter().try_for_each(|analyser| check_silence(config, &**analyser))?;
    on.iter().try_for_each(|analyser| check_batch(config, &**analyser))?;
    Ok(on)
}

/// What would change nothing is refused.
fn check_batch(config: &Config, analyser: &dyn Analyser) -> anyhow::Result<()> {
    let name = analyser.spec().name;
    let batch = config.analyser.get(name).and_then(|analyser| analyser.batch).unwrap_or(1);
    anyhow::ensure!(batch == 1 || analyser.batches(), "`analyser.{name}.batch` is {batch}, but it takes pictures one by one");
    Ok(())
}

/// A pool must not be taken for hung while an analyser waits for an answer.
fn check_silence(config: &Config, analyser: &dyn Analyser) -> anyhow::Result<()> {
    let (name, Some(silence)) = (analyser.spec().name, analyser.silence()) else { return Ok(()) };
    let own = config.analyser.get(name).and_then(|analyser| analyser.pool.as_deref());
    let pool = config.pool.iter().find(|pool| own.is_none_or(|own| own == pool.name)).context("there is no `[[pool]]`")?;
    anyhow::ensure!(
        silence < pool.hang_timeout,
        "`analyser.{name}.timeout`: with pauses it may wait {silence:?} for an answer, but its pool `{}` is ended after {:?} of silence; \
         make the `timeout` shorter or `pool.hang_timeout` longer",
        pool.name,
        pool.hang_timeout
    );
    Ok(())
}

pub(super) fn every_analyser(config: &Config) -> anyhow::Result<Vec<Arc<dyn Analyser>>> {
    let options = config.analyser.iter().map(|(name, analyser)| (name.clone(), analyser.options.clone()));
    let all: Vec<Arc<dyn Analyser>> = analyser::all(&analyser::Options(options.collect()))?.into_iter().map(Arc::from).collect();
    let names: Vec<&str> = all.iter().map(|analyser| analyser.spec().name).collect();
    for name in config.analyser.keys() {
        anyhow::ensure!(names.contains(&name.as_str()), "`analyser.{name}` is no analyser; there are {}", names.join(", "));
    }
    Ok(all)
}

/// What each analyser cannot do, by name.
///
/// # Errors
/// As [`analysers`].
pub(super) fn analyser_limits(config: &Config) -> anyhow::Result<BTreeMap<String, String>> {
    let specs = every_analyser(config)?.into_iter().map(|analyser| analyser.spec());
    Ok(specs.map(|spec| (spec.name.to_owned(), spec.limits.to_owned())).collect())
}

/// Starts the worker.
pub(super) fn start_worker(
    config: &Config,
    store: &SharedStore,
    blobs: &Blobs,
    node: &WorkerId,
    pools: &AnalysisPools,
    reuse: &Arc<Reuse>,
) -> anyhow::Result<Worker> {
    let stages = stages(config, pools.pools(), reuse)?;
    let work = WorkConfig {
        package: config.work.package,
        analyse: config.work.analyse,
        other: config.work.other,
        lease: config.work.lease,
        limits: crate::store::Limits { per_kind: Vec::new(), per_owner: Some(config.work.per_owner).filter(|&most| most > 0) },
        scratch: config.data.join("scratch"),
        grace: config.work.drain.min(GRACE),
        keep: KeepConfig { collect_every: config.gc.interval, events: config.gc.keep_events, tasks: config.gc.keep_tasks },
    };
    let deps = Deps { id: node.clone(), store: Arc::clone(store), blobs: blobs.clone(), stages, config: work };
    Worker::start(deps).context("worker")
}

/// Every kind of work that this process can do.
fn stages(config: &Config, pools: Pools, reuse: &Arc<Reuse>) -> anyhow::Result<Stages> {
    let (limits, reserve_bytes) = (media_limits(config), config.upload.disk_reserve.as_u64());
    let models = Arc::new(Models::open(&config.models.dir, 1));
    let analyse = Analyse {
        analysers: analysers(config)?,
        models: Arc::clone(&models),
        pools,
        limits: limits.clone(),
        reserve_bytes,
        reuse: Arc::clone(reuse),
    };
    Ok(vec![
        Arc::new(Probe { limits: limits.clone() }),
        Arc::new(Package { limits, reserve_bytes }),
        Arc::new(analyse),
        Arc::new(Judge::new(models, safety(config))),
        Arc::new(Purge),
        Arc::new(Collect { after: config.gc.after, uploads_after: UPLOADS_AFTER }),
    ])
}

/// What a medium may ask for.
pub fn media_limits(config: &Config) -> media::Limits {
    let media = &config.media;
    media::Limits {
        max_duration: media.max_duration,
        max_pixels: media.max_pixels,
        max_memory_bytes: media.max_memory.as_u64(),
        probe_timeout: media.probe_timeout,
        package_time_factor: media.package_time_factor,
    }
}

fn safety(config: &Config) -> SafetyConfig {
    let judge = &config.judge;
    SafetyConfig {
        text_weight: judge.text_weight,
        decision_threshold: judge.decision_threshold,
        review_band: judge.review_band,
        list_score: judge.list_score,
    }
}

/// Settings of the HTTP side.
pub(super) fn serve(config: &Config) -> ServeConfig {
    let gate = match config.playback.gate {
        config::Gate::None => Gate::None,
        config::Gate::Verdict => Gate::Verdict,
    };
    let defaults = ServeConfig::default();
    ServeConfig {
        upload: PutLimits { max_bytes: config.upload.max_size.as_u64(), reserve_bytes: config.upload.disk_reserve.as_u64() },
        max_attempts: config.work.max_attempts,
        session: config.auth.session,
        secure_cookie: config.auth.secure_cookie,
        playback: PlaybackConfig { address_ttl: config.playback.address_ttl, gate, ..defaults.playback },
        metrics_on_api: config.metrics.on_api,
        ..defaults
    }
}

/// Bounds of the listeners.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        header_timeout: config.http.header_timeout,
        max_header_bytes: config.http.max_header.as_u64() as usize,
        body_timeout: config.http.body_timeout,
        max_connections: config.http.max_connections,
        drain: config.work.drain,
        ..Limits::default()
    }
}
