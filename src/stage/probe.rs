//! `probe`: what the uploaded file is. A file that is no medium ends here, with the reason on the video.

use async_trait::async_trait;

use super::{Stage, StageError, TaskCtx};
use crate::media::{Limits, MediaError, probe};
use crate::model::{Analysis, Fact, Task, TaskKind, Video, VideoStatus};

/// Reads the media's properties.
#[derive(Debug)]
pub struct Probe {
    /// What a file may ask for.
    pub limits: Limits,
}

#[async_trait]
impl Stage for Probe {
    fn kind(&self) -> TaskKind {
        TaskKind::Probe
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let Some(video) = video_of(ctx, task).await? else { return Ok(Vec::new()) };
        ctx.step(vec![Fact::StatusMoved { video: video.id.clone(), status: VideoStatus::Processing }]).await?;
        ctx.progress(0.0, "probing");
        let file = original_of(ctx, &video)?;
        let media = tokio::select! {
            media = probe::probe(&file, &self.limits) => media.map_err(ended)?,
            () = ctx.cancelled() => return Err(StageError::Cancelled),
        };
        Ok(vec![Fact::MediaProbed { video: video.id, media }])
    }

    fn on_dead(&self, task: &Task, error: &str) -> Vec<Fact> {
        let Some(video) = &task.video else { return Vec::new() };
        vec![
            Fact::VideoFailed { video: video.clone(), reason: error.to_owned() },
            Fact::AnalysisMoved { video: video.clone(), analysis: Analysis::Failed },
        ]
    }
}

/// The task's video; none when it was deleted meanwhile.
pub(super) async fn video_of(ctx: &dyn TaskCtx, task: &Task) -> Result<Option<Video>, StageError> {
    let Some(id) = &task.video else {
        return Err(StageError::Fail(format!("bad_task: a `{}` task needs a video", task.kind)));
    };
    ctx.query().video(id).await.map_err(|error| StageError::Retry(format!("database: {error}")))
}

/// The local file with the uploaded bytes.
pub(super) fn original_of(ctx: &dyn TaskCtx, video: &Video) -> Result<std::path::PathBuf, StageError> {
    let Some(original) = &video.original else {
        return Err(StageError::Fail("bad_task: the bytes of the video are not stored yet".to_owned()));
    };
    ctx.blobs().local_path(original).map_err(|error| StageError::Retry(format!("blobs: {error}")))
}

/// How a task ends after this: another try helps when the machine was at fault, not when the file is.
pub(super) fn ended(error: MediaError) -> StageError {
    match error {
        MediaError::Cancelled => StageError::Cancelled,
        error if error.is_final() => StageError::Fail(error.to_string()),
        error => StageError::Retry(error.to_string()),
    }
}
