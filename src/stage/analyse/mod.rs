//! `analyse`: look and listen. One decode feeds a pool; each analyser's result is a step of the task, recorded as soon as it is there.
//!
//! A result belongs to the content, not to the video: what is already known of the same bytes is linked without work. Findings
//! lie in `vod-variants/{video}/{task}-{token}/findings/{analyser}.jsonl`, named by the result's row.

mod deliver;
pub mod fault;
mod feed;
pub mod file;
pub mod host;
pub mod ladder;
mod lane;
pub mod launch;
mod listen;
pub mod outcome;
pub mod pass;
pub mod plan;
pub mod pool;
pub mod reuse;
pub mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use self::outcome::{Looked, analysis_of, key_of, result_of, stands};
use self::pass::{Subject, Watcher};
use self::pool::Pools;
use self::reuse::Reuse;
use super::probe::{original_of, video_of};
use super::{Stage, StageError, TaskCtx};
use crate::analyser::Analyser;
use crate::blob::BlobError;
use crate::infer::Models;
use crate::media::Limits;
use crate::model::{AnalyserResult, AnalyserStatus, Analysis, Fact, Key, OLD_DESCRIPTION, ResultKey, Task, TaskKind, Video};

/// Share of the shown progress that giving the medium to the analysers is.
const GIVING: f32 = 0.95;

/// Looks and listens.
pub struct Analyse {
    /// Analysers that are switched on.
    pub analysers: Vec<Arc<dyn Analyser>>,
    /// For the digests of their models; none is loaded here.
    pub models: Arc<Models>,
    /// Where they run.
    pub pools: Pools,
    /// What decoding may use.
    pub limits: Limits,
    /// This much of the disk stays free.
    pub reserve_bytes: u64,
    /// Counts results that were there already.
    pub reuse: Arc<Reuse>,
}

/// The input of an `analyse` task.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AnalyseInput {
    /// Only these; none: every one that is switched on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub analysers: Option<Vec<String>>,
}

/// An analyser, and what its result on the video is found by.
type Keyed = (Arc<dyn Analyser>, ResultKey);

#[async_trait]
impl Stage for Analyse {
    fn kind(&self) -> TaskKind {
        TaskKind::Analyse
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let Some(video) = video_of(ctx, task).await? else { return Ok(Vec::new()) };
        let wanted = self.wanted(task)?;
        if video.media.is_none() {
            // Probing failed and said why; there is nothing to look at.
            return Ok(vec![Fact::AnalysisMoved { video: video.id, analysis: Analysis::Failed }]);
        }
        ctx.step(vec![Fact::AnalysisMoved { video: video.id.clone(), analysis: Analysis::Running }]).await?;
        let (open, known) = self.not_known(ctx, &video, wanted).await?;
        tokio::select! {
            looked = self.look(ctx, task, &video, &open, &known) => looked?,
            () = ctx.cancelled() => return Err(StageError::Cancelled),
        }
        let analysis = self.state_of(ctx, &video).await?;
        Ok(vec![Fact::AnalysisMoved { video: video.id, analysis }])
    }

    fn on_dead(&self, task: &Task, _error: &str) -> Vec<Fact> {
        let Some(video) = &task.video else { return Vec::new() };
        vec![Fact::AnalysisMoved { video: video.clone(), analysis: Analysis::Failed }]
    }
}

impl Analyse {
    fn wanted(&self, task: &Task) -> Result<Vec<Arc<dyn Analyser>>, StageError> {
        let input: Option<AnalyseInput> = serde_json::from_value(task.input.clone())
            .map_err(|error| StageError::Fail(format!("bad_task: the input of `analyse`: {error}")))?;
        let Some(names) = input.unwrap_or_default().analysers else { return Ok(self.analysers.clone()) };
        pick(&self.analysers, &names).map_err(|words| StageError::Fail(format!("bad_task: {words}")))
    }

    /// Links what is known of the same bytes; answers what is not, and the findings of what is.
    async fn not_known(
        &self,
        ctx: &dyn TaskCtx,
        video: &Video,
        wanted: Vec<Arc<dyn Analyser>>,
    ) -> Result<(Vec<Keyed>, BTreeMap<String, PathBuf>), StageError> {
        let linked = ctx.query().results(&video.id).await?;
        let (mut open, mut known) = (Vec::new(), BTreeMap::new());
        for analyser in wanted {
            let key = key_of(&video.sha256, &*analyser, &self.analysers, &self.models)
                .map_err(|error| StageError::Fail(format!("bad_task: {error}")))?;
            let mut found = linked.iter().find(|result| result.key == key && stands(result)).cloned();
            if found.is_none() {
                found = ctx.query().result(&key).await?.filter(stands);
                if let Some(result) = &found {
                    let result = Box::new(result.clone());
                    ctx.step(vec![Fact::AnalyserFinished { video: video.id.clone(), result }]).await?;
                }
            }
            if found.is_some() {
                self.reuse.hit()
            } else {
                self.reuse.miss()
            }
            match found {
                None => open.push((analyser, key)),
                Some(AnalyserResult { findings_key: Some(key), analyser, .. }) => {
                    known.insert(analyser, ctx.blobs().local_path(&key)?);
                }
                Some(_) => {}
            }
        }
        Ok((open, known))
    }

    async fn look(
        &self,
        ctx: &dyn TaskCtx,
        task: &Task,
        video: &Video,
        open: &[Keyed],
        known: &BTreeMap<String, PathBuf>,
    ) -> Result<(), StageError> {
        let Some(media) = &video.media else { return Ok(()) };
        let path = original_of(ctx, video)?;
        let analysers: Vec<Arc<dyn Analyser>> = open.iter().map(|(analyser, _)| analyser.clone()).collect();
        let folder = Key::attempt(&video.id, &task.id, task.token);
        let mut steps = Steps { ctx, video, open, folder, reserve_bytes: self.reserve_bytes };
        let subject = Subject { path: &path, media, limits: &self.limits, scratch: ctx.scratch(), pools: &self.pools, known };
        pass::look(subject, &analysers, &mut steps).await
    }

    /// Over all analysers that are switched on, also those that this task did not run.
    async fn state_of(&self, ctx: &dyn TaskCtx, video: &Video) -> Result<Analysis, StageError> {
        let results = ctx.query().results(&video.id).await?;
        let status_of = |name: &str| results.iter().find(|result| result.analyser == name).map(|result| result.status);
        let statuses = self.analysers.iter().map(|analyser| status_of(analyser.spec().name).unwrap_or(AnalyserStatus::Skipped));
        Ok(analysis_of(&statuses.collect::<Vec<_>>()))
    }
}

/// The analysers with these names and those that they come after; or words that say which exist.
///
/// # Errors
/// The words.
pub fn pick(all: &[Arc<dyn Analyser>], names: &[String]) -> Result<Vec<Arc<dyn Analyser>>, String> {
    let find = |name: &String| {
        let name = if name == OLD_DESCRIPTION { "temporal_description" } else { name };
        all.iter().find(|analyser| analyser.spec().name == name).cloned().ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|analyser| analyser.spec().name).collect();
            let given: String = name.chars().take(64).collect();
            format!("no analyser `{given}` is switched on; it takes {}", known.join(", "))
        })
    };
    let mut picked = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let mut at = 0;
    while let Some(analyser) = picked.get(at) {
        let has = |name: &str| picked.iter().any(|picked| picked.spec().name == name);
        let missing = analyser.spec().after.iter().filter(|name| !has(name));
        let missing = missing.filter_map(|name| all.iter().find(|analyser| analyser.spec().name == *name));
        let missing: Vec<_> = missing.cloned().collect();
        picked.extend(missing);
        at += 1;
    }
    Ok(picked)
}

/// Records each result as a step of the task.
struct Steps<'a> {
    ctx: &'a dyn TaskCtx,
    video: &'a Video,
    open: &'a [Keyed],
    folder: Key,
    reserve_bytes: u64,
}

#[async_trait]
impl Watcher for Steps<'_> {
    async fn finished(&mut self, looked: Looked) -> Result<(), StageError> {
        let Some((analyser, key)) = self.open.iter().find(|(analyser, _)| analyser.spec().name == looked.analyser) else {
            return Ok(());
        };
        let (findings_key, looked) = match self.keep(&looked).await {
            // The disk will have room again; until then the verdict can stand on the spans.
            Err(error @ BlobError::DiskFull { .. }) => (None, looked.not_kept(&error.to_string())),
            kept => (kept.map_err(|error| StageError::Retry(format!("storing: {error}")))?, looked),
        };
        let result = AnalyserResult { findings_key, ..result_of(&**analyser, key.clone(), looked) };
        self.ctx.step(vec![Fact::AnalyserFinished { video: self.video.id.clone(), result: Box::new(result) }]).await?;
        Ok(())
    }

    fn progress(&self, share: f32) {
        self.ctx.progress(share * GIVING, "analysing");
    }
}

impl Steps<'_> {
    async fn keep(&self, looked: &Looked) -> Result<Option<Key>, BlobError> {
        let Some(file) = &looked.findings else { return Ok(None) };
        let key = self.folder.join(&format!("findings/{}.jsonl", looked.analyser));
        let key = key.map_err(|error| BlobError::Backend(error.to_string()))?;
        self.ctx.blobs().put_file(&key, file, self.reserve_bytes).await?;
        Ok(Some(key))
    }
}
