//! `judge`: from what the analysers found to a verdict. It waits for the end of analysis, however that ended: what did not run is named.
//!
//! Read lines come from the rows of `text_overlay` (merged spans), spoken segments and pictures from the findings blobs, which hold all of
//! them.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Stage, StageError, TaskCtx};
use crate::analyser;
use crate::blob::BlobError;
use crate::infer::{ModelError, Models};
use crate::model::{AnalyserResult, AnalyserStatus, Evidence, Fact, Finding, Modality, Task, TaskKind, Verdict};
use crate::safety::SafetyConfig;
use crate::safety::fusion::{self, Scores, moment};
use crate::safety::text::TextScorer;
use crate::store::StoreError;

const TEXT_OVERLAY: &str = "text_overlay";
const SPEECH: &str = "speech_transcription";
const SENSITIVE: &str = "sensitive_content";
const TITLE: &str = "title";

/// A larger blob is not read; the rows stand in for it.
const FINDINGS_BYTES_MAX: u64 = 64 << 20;
/// Spoken language that is less sure than this is taken as unknown.
const LANGUAGE_SURE: f64 = 0.5;
/// Characters of a text that are kept as evidence.
const TEXT_CHARS: usize = 200;
/// Characters of a reason that are kept.
const REASON_CHARS: usize = 300;

const LIMITS: [&str; 3] = [
    "text is scored for swearing: an English model and word lists of 30 languages; hate without swear words is not found",
    "pictures are scored for nudity and sexual content only, not for violence, weapons or symbols",
    "sound other than words is not scored; the mean of both scores can hide one that is high alone: see the evidence",
];

/// Gives verdicts.
pub struct Judge {
    models: Arc<Models>,
    config: SafetyConfig,
    /// Kept once every model of it was here.
    scorer: Arc<Mutex<Option<Arc<TextScorer>>>>,
}

impl Judge {
    /// A judge with the text models of `models`.
    pub fn new(models: Arc<Models>, config: SafetyConfig) -> Self {
        Self { models, config, scorer: Arc::default() }
    }
}

#[async_trait]
impl Stage for Judge {
    fn kind(&self) -> TaskKind {
        TaskKind::Judge
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let id = task.video.clone().ok_or_else(|| StageError::Fail("no_video: a judge task names a video".to_owned()))?;
        let Some(video) = ctx.query().video(&id).await.map_err(store_error)? else { return Ok(Vec::new()) };
        let results = ctx.query().results(&id).await.map_err(store_error)?;
        ctx.progress(0.1, "reading findings");
        let mut material = Material { title: video.title, not_run: not_run(&results), ..Material::default() };
        for result in &results {
            material.take(ctx, result).await?;
        }
        ctx.progress(0.5, "scoring");
        let (models, config, kept) = (self.models.clone(), self.config, self.scorer.clone());
        let scored = tokio::task::spawn_blocking(move || {
            let scorer = scorer(&models, &kept)?;
            Ok::<Verdict, ModelError>(fusion::verdict(material.score(&scorer, &config), &config))
        });
        let verdict = scored.await.map_err(|error| StageError::Fail(format!("judge: {error}")))?;
        let verdict = verdict.map_err(|error| StageError::Fail(format!("model: {error}")))?;
        Ok(vec![Fact::VerdictGiven { video: id, verdict: Box::new(verdict) }])
    }

    /// A video must not wait for ever: nothing could be scored.
    fn on_dead(&self, task: &Task, error: &str) -> Vec<Fact> {
        let scores = Scores { not_run: vec![format!("judge: {}", cut(error, REASON_CHARS))], ..Scores::default() };
        let verdict = Box::new(fusion::verdict(scores, &self.config));
        task.video.iter().map(|video| Fact::VerdictGiven { video: video.clone(), verdict: verdict.clone() }).collect()
    }
}

/// What there is to score.
#[derive(Debug, Default)]
struct Material {
    title: String,
    texts: Vec<Passage>,
    pictures: Vec<Evidence>,
    not_run: Vec<String>,
    limits: Vec<String>,
}

#[derive(Debug)]
struct Passage {
    source: &'static str,
    start_ms: i64,
    end_ms: i64,
    text: String,
    language: Option<String>,
}

impl Material {
    async fn take(&mut self, ctx: &dyn TaskCtx, result: &AnalyserResult) -> Result<(), StageError> {
        match result.analyser.as_str() {
            TEXT_OVERLAY => {
                let lines = result.spans.iter().map(|span| &span.finding);
                self.texts.extend(lines.filter_map(|line| passage(TEXT_OVERLAY, line)));
                if result.spans.len() >= AnalyserResult::SPANS_MAX {
                    self.limits.push(format!("more than {} lines were read; the surest were scored", AnalyserResult::SPANS_MAX));
                }
            }
            SPEECH => {
                let found = self.findings(ctx, result).await?;
                let doubtful = found.iter().filter(|segment| flag(segment, "low_confidence")).count();
                if doubtful > 0 {
                    self.limits.push(format!("{doubtful} of {} spoken segments are of low confidence", found.len()));
                }
                self.texts.extend(found.iter().filter_map(|segment| passage(SPEECH, segment)));
            }
            SENSITIVE => {
                let mut found = self.findings(ctx, result).await?;
                let samples = found.len();
                // A picture of nearly one colour carries nothing to score.
                found.retain(|sample| !flag(sample, "blank"));
                if found.len() < samples {
                    self.limits.push(format!("{} of {samples} pictures are blank and were not scored", samples - found.len()));
                }
                found.sort_by_key(|sample| sample.start_ms);
                self.pictures = found.iter().map(picture).collect();
            }
            _ => {}
        }
        Ok(())
    }

    /// Every finding of a result, from its blob.
    async fn findings(&mut self, ctx: &dyn TaskCtx, result: &AnalyserResult) -> Result<Vec<Finding>, StageError> {
        let Some(key) = &result.findings_key else { return Ok(result.findings.clone()) };
        let bytes = match ctx.blobs().get(key, FINDINGS_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(BlobError::TooLarge { .. }) => {
                self.limits.push(format!(
                    "{} found too much to read; its {} spans were scored",
                    result.analyser,
                    result.spans.len()
                ));
                return Ok(result.spans.iter().map(|span| span.finding.clone()).collect());
            }
            Err(error @ BlobError::Missing(_)) => return Err(StageError::Fail(format!("missing_findings: {error}"))),
            Err(error) => return Err(StageError::Retry(format!("blobs: {error}"))),
        };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let parsed: Result<Vec<Finding>, _> = lines.map(serde_json::from_slice).collect();
        parsed.map_err(|error| StageError::Fail(format!("broken_findings: `{key}`: {error}")))
    }

    fn score(self, scorer: &TextScorer, config: &SafetyConfig) -> Scores {
        // File names join their words with underscores, which the model takes for letters.
        let title = Passage { source: TITLE, start_ms: 0, end_ms: 0, text: self.title.replace('_', " "), language: None };
        let title = title.score(scorer, config);
        let mut not_run = self.not_run;
        not_run.extend(scorer.missing().iter().cloned());
        let limits = LIMITS.iter().map(|limit| (*limit).to_owned()).chain(self.limits).collect();
        Scores {
            title,
            texts: self.texts.iter().filter_map(|text| text.score(scorer, config)).collect(),
            pictures: self.pictures,
            not_run,
            limits,
        }
    }
}

impl Passage {
    fn score(&self, scorer: &TextScorer, config: &SafetyConfig) -> Option<Evidence> {
        let given = scorer.score(&self.text, self.language.as_deref(), config)?;
        let made = moment(Modality::Text, self.source, (self.start_ms, self.end_ms), given.score, &given.rule);
        Some(Evidence { text: Some(cut(&self.text, TEXT_CHARS)), ..made })
    }
}

fn passage(source: &'static str, finding: &Finding) -> Option<Passage> {
    let text = finding.text.clone().filter(|text| !text.trim().is_empty())?;
    let value = finding.value.as_ref();
    let sure =
        value.and_then(|value| value["language_confidence"].as_f64()).is_some_and(|confidence| confidence >= LANGUAGE_SURE);
    let language = value.and_then(|value| value["language"].as_str()).filter(|_| sure).map(str::to_owned);
    Some(Passage { source, start_ms: finding.start_ms, end_ms: finding.end_ms, text, language })
}

fn picture(sample: &Finding) -> Evidence {
    let of = |name: &str| sample.value.as_ref().and_then(|value| value[name].as_f64()).unwrap_or_default();
    let label = if of("open_nsfw") >= of("porn") + of("hentai") { "open_nsfw" } else { "nsfwjs porn + hentai" };
    moment(Modality::Video, SENSITIVE, (sample.start_ms, sample.end_ms), sample.confidence.clamp(0.0, 1.0), label)
}

fn flag(finding: &Finding, name: &str) -> bool {
    finding.value.as_ref().is_some_and(|value| value[name] == true)
}

/// Analysers without a result of their own, as `NAME: reason`.
fn not_run(results: &[AnalyserResult]) -> Vec<String> {
    let absent = analyser::names().into_iter().filter(|name| results.iter().all(|result| result.analyser != *name));
    let mut lines: Vec<String> = absent.map(|name| format!("{name}: no result")).collect();
    let broken = results.iter().filter(|result| matches!(result.status, AnalyserStatus::Failed | AnalyserStatus::Skipped));
    lines.extend(broken.map(|result| {
        let reason = result.reason.as_deref().unwrap_or("no reason given");
        format!("{}: {}", result.analyser, cut(reason, REASON_CHARS))
    }));
    lines.sort();
    lines
}

fn scorer(models: &Models, kept: &Mutex<Option<Arc<TextScorer>>>) -> Result<Arc<TextScorer>, ModelError> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(scorer) = kept.as_ref() {
        return Ok(scorer.clone());
    }
    let opened = Arc::new(TextScorer::open(models.files())?);
    if opened.missing().is_empty() {
        *kept = Some(opened.clone());
    }
    Ok(opened)
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` needs")]
fn store_error(error: StoreError) -> StageError {
    StageError::Retry(format!("database: {error}"))
}
