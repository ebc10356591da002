//! The worker, its pools and its stages, on SQLite, files and real programs.

mod after;
mod analyse;
mod clean;
mod loops;
mod pool;
mod process;
mod whole;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir::blob::{BlobUrl, Blobs, PutLimits};
use weir::model::{Fact, Guard, Key, NewTask, Personal, Task, TaskId, TaskKind, UploadId, Video, VideoId, WorkerId};
use weir::stage::{Stage, Stages};
use weir::store::{self, Limits, SharedStore, StoreUrl};
use weir::work::{Deps, KeepConfig, WorkConfig, Worker};

/// One installation without server.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) store: SharedStore,
    pub(crate) blobs: Blobs,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            store::open_with(&StoreUrl::Sqlite(folder.path().join("weir.db")), store::conformance::options()).await.unwrap();
        let blobs = Blobs::open(&BlobUrl::File(folder.path().join("blobs"))).unwrap();
        Self { folder, store, blobs }
    }

    pub(crate) fn config(&self, name: &str) -> WorkConfig {
        WorkConfig {
            package: 1,
            analyse: 1,
            other: 2,
            lease: Duration::from_secs(6),
            limits: Limits::default(),
            scratch: self.folder.path().join("scratch").join(name),
            grace: Duration::from_secs(3),
            keep: KeepConfig {
                collect_every: Duration::from_hours(1),
                events: Duration::from_hours(24),
                tasks: Duration::from_hours(24),
            },
        }
    }

    pub(crate) fn worker(&self, stages: Stages) -> Worker {
        self.worker_with(stages, self.config("one"))
    }

    pub(crate) fn worker_with(&self, stages: Stages, config: WorkConfig) -> Worker {
        let (id, store, blobs) = (WorkerId::from_random(rand::random()), self.store.clone(), self.blobs.clone());
        Worker::start(Deps { id, store, blobs, stages, config }).unwrap()
    }

    /// A video without bytes.
    pub(crate) async fn announce(&self) -> (VideoId, UploadId) {
        let (video, upload) = (VideoId::from_random(rand::random()), UploadId::from_random(rand::random()));
        let (owner, labels, title) = ("default".to_owned(), json!({}), Personal("a clip".to_owned()));
        let created =
            Fact::VideoCreated { video: video.clone(), upload: upload.clone(), owner, external_id: None, labels, title };
        self.store.record(&[created], Guard::None).await.unwrap();
        (video, upload)
    }

    /// A video with the bytes of `file`, and a chain of tasks, each after the one before.
    pub(crate) async fn upload(&self, file: &Path, kinds: &[TaskKind]) -> (VideoId, Vec<TaskId>) {
        let (video, upload) = self.announce().await;
        let key = Key::original(&upload);
        let bytes = tokio_util::io::ReaderStream::new(tokio::fs::File::open(file).await.unwrap());
        let limits = PutLimits { max_bytes: 1 << 30, reserve_bytes: 0 };
        let stored = self.blobs.put_stream(&key, bytes, limits).await.unwrap();
        let mut tasks: Vec<NewTask> = Vec::new();
        for kind in kinds {
            let after = tasks.last().map(|task| task.id.clone()).into_iter().collect();
            tasks.push(NewTask { video: Some(video.clone()), after, ..new_task(*kind) });
        }
        let ids = tasks.iter().map(|task| task.id.clone()).collect();
        let (size_bytes, sha256) = (stored.size_bytes as i64, stored.sha256);
        let uploaded = Fact::VideoUploaded { video: video.clone(), key: key.clone(), size_bytes, sha256, tasks };
        for unreferenced in self.store.record(&[uploaded], Guard::None).await.unwrap().unreferenced {
            self.blobs.delete(&unreferenced).await.unwrap();
        }
        (video, ids)
    }

    pub(crate) async fn create(&self, task: NewTask) -> TaskId {
        let id = task.id.clone();
        self.store.record(&[Fact::TasksCreated { tasks: vec![task] }], Guard::None).await.unwrap();
        id
    }

    pub(crate) async fn task(&self, id: &TaskId) -> Task {
        self.store.task(id).await.unwrap().unwrap()
    }

    pub(crate) async fn video(&self, id: &VideoId) -> Video {
        self.store.video(id).await.unwrap().unwrap()
    }

    /// Waits until the task is as wanted; fails after `limit`.
    pub(crate) async fn until(&self, id: &TaskId, limit: Duration, wanted: impl Fn(&Task) -> bool) -> Task {
        let began = Instant::now();
        loop {
            let task = self.task(id).await;
            if wanted(&task) {
                return task;
            }
            assert!(began.elapsed() < limit, "still {task:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn ended(&self, id: &TaskId) -> Task {
        self.until(id, Duration::from_mins(2), |task| task.state.is_final()).await
    }

    /// Every file under the blobs, by its path below them.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(self.blobs.root(), &mut files);
        let below = |file: PathBuf| file.strip_prefix(self.blobs.root()).unwrap().display().to_string();
        let mut files: Vec<String> = files.into_iter().map(below).collect();
        files.sort();
        files
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { walk(&entry.path(), files) } else { files.push(entry.path()) }
    }
}

pub(crate) fn new_task(kind: TaskKind) -> NewTask {
    NewTask {
        id: TaskId::from_random(rand::random()),
        kind,
        video: None,
        owner: "default".to_owned(),
        priority: 0,
        run_at: None,
        after: Vec::new(),
        input: Value::Null,
        max_attempts: 3,
    }
}

pub(crate) fn stages(stage: impl Stage + 'static) -> Stages {
    vec![Arc::new(stage)]
}

/// Makes a clip with ffmpeg: moving pictures, a tone, `seconds` long.
pub(crate) fn clip(folder: &Path, size: &str, seconds: u32) -> PathBuf {
    let file = folder.join(format!("clip-{size}-{seconds}.mp4"));
    let pictures = format!("testsrc2=s={size}:r=25:d={seconds}");
    let sound = format!("sine=f=440:r=48000:d={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &sound])
        .args("-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac".split(' '))
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    file
}

/// Process ids whose command line holds `words`; zombies have none.
pub(crate) fn processes(words: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let line = format!("{} in {}", String::from_utf8_lossy(&line).replace('\0', " "), cwd.display());
        if pid != std::process::id() && line.contains(words) {
            found.push(pid);
        }
    }
    found
}
