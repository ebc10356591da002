//! `weir analyse`: look at one file, without a server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{Exit, Settings, say};
use crate::analyser::Analyser;
use crate::app;
use crate::config::Config;
use crate::infer::Models;
use crate::media::{MediaError, probe};
use crate::model::{AnalyserResult, AnalyserStatus, Finding, MediaInfo, ModelRuns};
use crate::stage::analyse::file::analyse_file;
use crate::stage::analyse::pass::Subject;
use crate::stage::analyse::pick;

/// Steps of the progress bar.
const STEPS: f32 = 1000.0;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A media or audio file.
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Only these analysers, separated by commas [default: all that are switched on].
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    analysers: Vec<String>,
    /// Where the result goes: `-` for standard output, or a file. Without it, a summary is printed.
    #[arg(long, value_name = "-|OUT")]
    json: Option<String>,
}

/// The result, as `--json` writes it.
#[derive(Serialize)]
struct Report {
    media: MediaInfo,
    wall_ms: u64,
    /// Wall time per second of media.
    rtf: f64,
    analysers: BTreeMap<String, AnalyserReport>,
    /// What each model was run, by its name.
    models: BTreeMap<String, ModelRuns>,
}

#[derive(Serialize)]
struct AnalyserReport {
    status: AnalyserStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    version: u32,
    model: String,
    ms: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery: Vec<String>,
    findings: Vec<Finding>,
}

impl From<AnalyserResult> for AnalyserReport {
    fn from(result: AnalyserResult) -> Self {
        let AnalyserResult { status, reason, version, model, ms, recovery, findings, .. } = result;
        Self { status, reason, version, model, ms, recovery, findings }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Exit> {
    let config = arguments.settings.load()?;
    let file = &arguments.file;
    if !file.is_file() {
        return Err(Exit::bad_use(format!("`{}` is no file", file.display())));
    }
    let analysers = chosen(&config, &arguments.analysers)?;
    let begin = Instant::now();
    let limits = app::media_limits(&config);
    let media = probe::probe(file, &limits).await.map_err(|error| exit_of(&error))?;
    let pools = app::AnalysisPools::new(&config)?;
    let scratch = tempfile::tempdir().map_err(|error| Exit::other(format!("temporary folder: {error}")))?;
    let (all, known) = (pools.pools(), BTreeMap::new());
    let subject = Subject { path: file, media: &media, scratch: scratch.path(), pools: &all, limits: &limits, known: &known };
    let style =
        ProgressStyle::with_template("analysing {bar:40} {percent} %  {eta}").map_err(|error| Exit::other(error.to_string()))?;
    let bar = ProgressBar::new(STEPS as u64).with_style(style);
    let shown = bar.clone();
    let show = move |share: f32| shown.set_position((share * STEPS) as u64);
    let results = analyse_file(subject, &analysers, &Models::open(&config.models.dir, 1), &show).await;
    bar.finish_and_clear();
    pools.stop();
    let wall_ms = begin.elapsed().as_millis() as u64;
    let rtf = wall_ms as f64 / media.duration_ms.max(1) as f64;
    let analysers = results?.into_iter().map(|result| (result.analyser.clone(), result.into())).collect();
    let mut models: BTreeMap<String, ModelRuns> = BTreeMap::new();
    for (name, runs) in pools.caches().into_iter().flat_map(|(_, cache)| cache.runs) {
        *models.entry(name).or_default() += runs;
    }
    print(&Report { media, wall_ms, rtf, analysers, models }, arguments.json.as_deref())
}

fn chosen(config: &Config, wanted: &[String]) -> Result<Vec<Arc<dyn Analyser>>, Exit> {
    let enabled = app::analysers(config).map_err(|error| Exit::bad_use(format!("{error:#}")))?;
    if wanted.is_empty() {
        return Ok(enabled);
    }
    pick(&enabled, wanted).map_err(|words| Exit::bad_use(format!("`--analysers`: {words}")))
}

fn exit_of(error: &MediaError) -> Exit {
    if error.is_final() { Exit::media(error.to_string()) } else { Exit::other(error.to_string()) }
}

fn print(report: &Report, json: Option<&str>) -> Result<(), Exit> {
    match json {
        Some("-") => say(&serde_json::to_string(report).map_err(anyhow::Error::from)?),
        Some(path) => {
            let text = serde_json::to_vec(report).map_err(anyhow::Error::from)?;
            std::fs::write(path, text).map_err(|error| Exit::other(format!("`{path}`: {error}")))?;
        }
        None => summary(report),
    }
    Ok(())
}

fn summary(report: &Report) {
    say(&format!("{:.1} s of media in {:.1} s", report.media.duration_ms as f64 / 1000.0, report.wall_ms as f64 / 1000.0));
    for (name, result) in &report.analysers {
        let mut counts = BTreeMap::new();
        for finding in &result.findings {
            *counts.entry(finding.label.as_str()).or_insert(0_usize) += 1;
        }
        let counts: Vec<String> = counts.into_iter().map(|(label, count)| format!("{label} {count}")).collect();
        let status =
            serde_json::to_value(result.status).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        let reason = result.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        say(&format!("{name:<22} {status}{reason}  {} ms  {}", result.ms, counts.join(", ")));
    }
}
