//! `purge`: the objects of a deleted video go. The row comes first: what this attempt fails to delete is named by nothing any more,
//! and `collect` finds it.

use async_trait::async_trait;

use super::sweep::sweep;
use super::{Stage, StageError, TaskCtx};
use crate::model::{Fact, Task, TaskKind};

/// Deletes what belongs to a deleted video alone.
#[derive(Debug)]
pub struct Purge;

#[async_trait]
impl Stage for Purge {
    fn kind(&self) -> TaskKind {
        TaskKind::Purge
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let Some(video) = &task.video else {
            return Err(StageError::Fail("bad_task: a `purge` task needs a video".to_owned()));
        };
        let unreferenced = ctx.step(vec![Fact::VideoPurged { video: video.clone() }]).await?;
        for original in unreferenced {
            ctx.blobs().delete(&original).await?;
        }
        for bucket in ["vod-variants", "manifests"] {
            // Findings that another video of the same content shares are still named, and stay.
            let gone = sweep(ctx, &format!("{bucket}/{video}"), 0).await?;
            tracing::debug!(%video, bucket, gone, "purged");
        }
        Ok(Vec::new())
    }
}
