//! `package`: renditions, playlists, poster and extracted sound of a probed video.
//!
//! ffmpeg writes into the attempt's scratch folder; what is to be served is then stored under the attempt's own prefixes:
//! `vod-variants/{video}/{task}-{token}/{rung}/{init.mp4,0.m4s,…}`, `…/poster.jpg`, `…/audio.m4a`, and
//! `manifests/{video}/{task}-{token}/{master.m3u8,{rung}/index.m3u8}`.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::probe::{ended, original_of, video_of};
use super::{Stage, StageError, TaskCtx};
use crate::blob::{BlobError, PutLimits};
use crate::media::Limits;
use crate::media::package::{Packaged, package};
use crate::model::{Fact, Key, MediaInfo, Task, TaskKind, Video, VideoStatus};

/// Objects that are stored at the same time.
const PUTS: usize = 4;
/// Encoding is this much of the shown progress, storing the rest.
const ENCODING: f32 = 0.95;
/// A file that is shorter than it says by more than this gets a note.
const SHORTER_MS: i64 = 1000;

/// Makes renditions, playlists, poster and extracted sound.
#[derive(Debug)]
pub struct Package {
    /// What a file may ask for.
    pub limits: Limits,
    /// This much of the disk stays free.
    pub reserve_bytes: u64,
}

#[async_trait]
impl Stage for Package {
    fn kind(&self) -> TaskKind {
        TaskKind::Package
    }

    async fn run(&self, ctx: &dyn TaskCtx, task: &Task) -> Result<Vec<Fact>, StageError> {
        let Some(video) = video_of(ctx, task).await? else { return Ok(Vec::new()) };
        // Probing failed and said why; there is nothing to add.
        let Some(media) = video.media.clone().filter(|_| video.status != VideoStatus::Failed) else { return Ok(Vec::new()) };
        ctx.step(vec![Fact::StatusMoved { video: video.id.clone(), status: VideoStatus::Transcoding }]).await?;
        tokio::select! {
            facts = self.make(ctx, task, &video, media) => facts,
            () = ctx.cancelled() => Err(StageError::Cancelled),
        }
    }

    fn on_dead(&self, task: &Task, error: &str) -> Vec<Fact> {
        let Some(video) = &task.video else { return Vec::new() };
        vec![Fact::VideoFailed { video: video.clone(), reason: error.to_owned() }]
    }
}

impl Package {
    async fn make(&self, ctx: &dyn TaskCtx, task: &Task, video: &Video, media: MediaInfo) -> Result<Vec<Fact>, StageError> {
        ctx.blobs().check_reserve(0, self.reserve_bytes).map_err(|error| unstored(&error))?;
        let (file, begin) = (original_of(ctx, video)?, Instant::now());
        let show = |done: f32| ctx.progress(done * ENCODING, "encoding");
        let packaged = package(&file, &media, ctx.scratch(), &self.limits, &show).await.map_err(ended)?;
        let places = Places {
            variants: Key::attempt(&video.id, &task.id, task.token),
            manifests: Key::manifests(&video.id, &task.id, task.token),
        };
        let facts = self.keep(ctx, &places, &packaged).await?;
        let mut all = Vec::new();
        if media.duration_ms - packaged.duration_ms > SHORTER_MS {
            all.push(Fact::MediaProbed { video: video.id.clone(), media: shortened(media, packaged.duration_ms) });
        }
        metrics::counter!("variants_generated_total", "stream_type" => "vod").increment(packaged.renditions.len() as u64);
        metrics::histogram!("chunk_processing_latency_seconds", "stream_type" => "vod").record(begin.elapsed().as_secs_f64());
        all.push(Fact::VideoPackaged {
            video: video.id.clone(),
            variants: places.variants,
            manifests: places.manifests,
            poster: facts.poster,
            audio: facts.audio,
            renditions: packaged.renditions.iter().map(|packaged| packaged.rendition.clone()).collect(),
            duration_ms: packaged.duration_ms,
        });
        Ok(all)
    }

    /// Stores everything; playlists last.
    async fn keep(&self, ctx: &dyn TaskCtx, places: &Places, packaged: &Packaged) -> Result<Kept, StageError> {
        let mut pieces: Vec<(Key, &Path, Range<u64>)> = Vec::new();
        for made in &packaged.renditions {
            let folder = join(&places.variants, &made.rendition.name)?;
            pieces.push((join(&folder, "init.mp4")?, &made.file, made.init.clone()));
            for (number, bytes) in made.segments.iter().enumerate() {
                pieces.push((join(&folder, &format!("{number}.m4s"))?, &made.file, bytes.clone()));
            }
        }
        let mut kept = Kept::default();
        for (name, file, key) in
            [("poster.jpg", &packaged.poster, &mut kept.poster), ("audio.m4a", &packaged.audio, &mut kept.audio)]
        {
            if let Some(file) = file {
                let whole = std::fs::metadata(file).map_err(|error| StageError::Retry(format!("scratch: {error}")))?.len();
                let place = key.insert(join(&places.variants, name)?);
                pieces.push((place.clone(), file, 0..whole));
            }
        }
        let (total, mut done) = (pieces.len(), 0_usize);
        let puts: Vec<BoxFuture<'_, _>> =
            pieces.into_iter().map(|(key, file, bytes)| self.put(ctx, key, file, bytes).boxed()).collect();
        let mut puts = stream::iter(puts).buffer_unordered(PUTS);
        while puts.try_next().await?.is_some() {
            done += 1;
            ctx.progress(ENCODING + (1.0 - ENCODING) * done as f32 / total as f32, "storing");
        }
        for made in &packaged.renditions {
            self.put_text(ctx, join(&places.manifests, &made.rendition.playlist)?, &made.playlist).await?;
        }
        self.put_text(ctx, join(&places.manifests, "master.m3u8")?, &packaged.master).await?;
        Ok(kept)
    }

    /// Stores a range of a file.
    async fn put(&self, ctx: &dyn TaskCtx, key: Key, file: &Path, bytes: Range<u64>) -> Result<(), StageError> {
        let scratch = |error: std::io::Error| StageError::Retry(format!("scratch: {error}"));
        let mut file = tokio::fs::File::open(file).await.map_err(scratch)?;
        file.seek(SeekFrom::Start(bytes.start)).await.map_err(scratch)?;
        let size = bytes.end - bytes.start;
        let stream = ReaderStream::with_capacity(file.take(size), 256 << 10);
        let limits = PutLimits { max_bytes: size, reserve_bytes: self.reserve_bytes };
        let stored = ctx.blobs().put_stream(&key, stream, limits).await.map_err(|error| unstored(&error))?;
        if stored.size_bytes != size {
            return Err(StageError::Retry(format!("scratch: `{key}` became {} bytes instead of {size}", stored.size_bytes)));
        }
        Ok(())
    }

    async fn put_text(&self, ctx: &dyn TaskCtx, key: Key, text: &str) -> Result<(), StageError> {
        ctx.blobs().put(&key, Bytes::copy_from_slice(text.as_bytes())).await.map_err(|error| unstored(&error))
    }
}

/// Where this attempt writes.
struct Places {
    variants: Key,
    manifests: Key,
}

#[derive(Default)]
struct Kept {
    poster: Option<Key>,
    audio: Option<Key>,
}

/// What is known of a file that has less in it than it says.
fn shortened(media: MediaInfo, duration_ms: i64) -> MediaInfo {
    let mut notes = media.notes;
    notes.push(format!("it says {} ms, of which {duration_ms} ms can be decoded", media.duration_ms));
    MediaInfo { duration_ms, notes, ..media }
}

fn join(folder: &Key, name: &str) -> Result<Key, StageError> {
    folder.join(name).map_err(|error| StageError::Fail(format!("bad_key: {error}")))
}

fn unstored(error: &BlobError) -> StageError {
    StageError::Retry(format!("storing: {error}"))
}
