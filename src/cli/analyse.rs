//! `weir analyse`: look at files, one after the other, without a server.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
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
use crate::media::{Limits, MediaError, probe};
use crate::model::{AnalyserResult, AnalyserStatus, Finding, MediaInfo, ModelRuns};
use crate::stage::analyse::file::analyse_file;
use crate::stage::analyse::pass::Subject;
use crate::stage::analyse::pick;

/// Steps of the progress bar.
const STEPS: f32 = 1000.0;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Media or audio files. The models stay open from one to the next.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Only these analysers, separated by commas [default: all that are switched on].
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    analysers: Vec<String>,
    /// Where the results go, a line for each file: `-` for standard output, or a file. Without it, summaries are printed.
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
    if let Some(file) = arguments.files.iter().find(|file| !file.is_file()) {
        return Err(Exit::bad_use(format!("`{}` is no file", file.display())));
    }
    let analysers = chosen(&config, &arguments.analysers)?;
    let limits = app::media_limits(&config);
    let pools = app::AnalysisPools::new(&config)?;
    let mut out = Out::of(arguments.json.as_deref());
    let mut known = BTreeMap::new();
    for file in &arguments.files {
        let begin = Instant::now();
        let media = probe::probe(file, &limits).await.map_err(|error| exit_of(file, &error))?;
        let analysers = look(file, &media, &analysers, &pools, &limits, &Models::open(&config.models.dir, 1)).await?;
        let wall_ms = begin.elapsed().as_millis() as u64;
        let rtf = wall_ms as f64 / media.duration_ms.max(1) as f64;
        let now = runs(&pools);
        let models = since(&now, &known);
        known = now;
        out.print(file, &Report { media, wall_ms, rtf, analysers, models })?;
    }
    pools.stop();
    Ok(())
}

/// What the analysers find in one file, by their names.
async fn look(
    file: &Path,
    media: &MediaInfo,
    analysers: &[Arc<dyn Analyser>],
    pools: &app::AnalysisPools,
    limits: &Limits,
    models: &Models,
) -> Result<BTreeMap<String, AnalyserReport>, Exit> {
    let scratch = tempfile::tempdir().map_err(|error| Exit::other(format!("temporary folder: {error}")))?;
    let (all, known) = (pools.pools(), BTreeMap::new());
    let subject = Subject { path: file, media, scratch: scratch.path(), pools: &all, limits, known: &known };
    let style =
        ProgressStyle::with_template("analysing {bar:40} {percent} %  {eta}").map_err(|error| Exit::other(error.to_string()))?;
    let bar = ProgressBar::new(STEPS as u64).with_style(style);
    let shown = bar.clone();
    let show = move |share: f32| shown.set_position((share * STEPS) as u64);
    let results = analyse_file(subject, analysers, models, &show).await;
    bar.finish_and_clear();
    Ok(results?.into_iter().map(|result| (result.analyser.clone(), result.into())).collect())
}

/// What the models were run until now, in all pools.
fn runs(pools: &app::AnalysisPools) -> BTreeMap<String, ModelRuns> {
    let mut sum: BTreeMap<String, ModelRuns> = BTreeMap::new();
    for (name, runs) in pools.caches().into_iter().flat_map(|(_, cache)| cache.runs) {
        *sum.entry(name).or_default() += runs;
    }
    sum
}

fn since(now: &BTreeMap<String, ModelRuns>, before: &BTreeMap<String, ModelRuns>) -> BTreeMap<String, ModelRuns> {
    let of = |name: &String, runs: &ModelRuns| runs.since(before.get(name).copied().unwrap_or_default());
    now.iter().map(|(name, runs)| (name.clone(), of(name, runs))).filter(|(_, runs)| runs.count > 0).collect()
}

fn chosen(config: &Config, wanted: &[String]) -> Result<Vec<Arc<dyn Analyser>>, Exit> {
    let enabled = app::analysers(config).map_err(|error| Exit::bad_use(format!("{error:#}")))?;
    if wanted.is_empty() {
        return Ok(enabled);
    }
    pick(&enabled, wanted).map_err(|words| Exit::bad_use(format!("`--analysers`: {words}")))
}

fn exit_of(file: &Path, error: &MediaError) -> Exit {
    let words = format!("`{}`: {error}", file.display());
    if error.is_final() { Exit::media(words) } else { Exit::other(words) }
}

/// Where results go.
enum Out<'a> {
    Summaries,
    Lines,
    /// Made with the first result: what is there stays when there is none.
    File(&'a str, Option<File>),
}

impl<'a> Out<'a> {
    fn of(json: Option<&'a str>) -> Self {
        match json {
            None => Self::Summaries,
            Some("-") => Self::Lines,
            Some(path) => Self::File(path, None),
        }
    }

    fn print(&mut self, of: &Path, report: &Report) -> Result<(), Exit> {
        let line = || serde_json::to_string(report).map_err(anyhow::Error::from);
        match self {
            Self::Summaries => summary(of, report),
            Self::Lines => say(&line()?),
            Self::File(path, file) => {
                let made = match file.take() {
                    Some(file) => Ok(file),
                    None => File::create(*path),
                };
                let mut made = made.map_err(|error| cannot_write(path, &error))?;
                writeln!(made, "{}", line()?).map_err(|error| cannot_write(path, &error))?;
                *file = Some(made);
            }
        }
        Ok(())
    }
}

fn cannot_write(path: &str, error: &std::io::Error) -> Exit {
    Exit::other(format!("`{path}`: {error}"))
}

fn summary(of: &Path, report: &Report) {
    let of = of.display();
    say(&format!("{of}: {:.1} s of media in {:.1} s", report.media.duration_ms as f64 / 1000.0, report.wall_ms as f64 / 1000.0));
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
