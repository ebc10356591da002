//! Purge and collect: what is deleted or lost leaves no object behind, and nothing that is named goes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use weir::model::{Analysis, Fact, Guard, NewTask, TaskKind, TaskState, VideoId, VideoStatus};
use weir::stage::collect::Collect;
use weir::stage::purge::Purge;

use super::analyse::analysing;
use super::{House, clip, new_task, stages};

async fn delete(house: &House, video: &VideoId) {
    let purge = NewTask { video: Some(video.clone()), ..new_task(TaskKind::Purge) };
    let id = purge.id.clone();
    let deleted = Fact::VideoDeleted { video: video.clone(), purge };
    house.store.record(&[deleted], Guard::None).await.unwrap();
    assert_eq!(house.ended(&id).await.state, TaskState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_video_leaves_what_another_shares_and_the_last_leaves_nothing() {
    let house = House::new().await;
    let file = clip(house.folder.path(), "320x240", 2);
    let (mut stages, _pool) = analysing(&["sound"]);
    stages.push(Arc::new(Purge));
    let worker = house.worker(stages);
    let mut videos = Vec::new();
    for _ in 0..2 {
        let (video, tasks) = house.upload(&file, &[TaskKind::Probe, TaskKind::Analyse]).await;
        house.ended(&tasks[1]).await;
        let stray = format!("vod-variants/{video}/{}-7/720p/0.m4s", tasks[0]);
        house.blobs.put(&stray.parse().unwrap(), Bytes::from_static(b"x")).await.unwrap();
        videos.push(video);
    }
    assert_eq!(house.files().len(), 4, "{:?}", house.files());
    delete(&house, &videos[0]).await;
    let left = house.files();
    let kinds = ["sound.jsonl", "0.m4s", "source"].map(|name| left.iter().filter(|file| file.ends_with(name)).count());
    assert_eq!((kinds, left.len()), ([1, 1, 1], 3), "{left:?}");
    let shared = house.store.results(&videos[1]).await.unwrap();
    assert!(house.blobs.size(shared[0].findings_key.as_ref().unwrap()).await.is_ok());
    delete(&house, &videos[1]).await;
    // The findings lie in the first video's folder, and nothing names them any more: collect's turn.
    assert!(house.files().iter().all(|file| file.ends_with("sound.jsonl")), "{:?}", house.files());
    worker.stop().await;
    collect(&house, Duration::ZERO, Duration::from_hours(1)).await;
    assert_eq!(house.files(), Vec::<String>::new());
}

async fn collect(house: &House, after: Duration, uploads_after: Duration) {
    let collect = house.create(new_task(TaskKind::Collect)).await;
    let worker = house.worker(stages(Collect { after, uploads_after }));
    assert_eq!(house.ended(&collect).await.state, TaskState::Done);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn collects_what_is_old_and_named_by_nothing() {
    let house = House::new().await;
    let file = clip(house.folder.path(), "320x240", 2);
    let (video, _) = house.upload(&file, &[]).await;
    let named = house.files();
    let strays = [
        "vod-raw/up-000000000000000000000001/source",
        "vod-variants/vod-000000000000000000000001/task-000000000000000000000001-1/720p/0.m4s",
        "manifests/vod-000000000000000000000001/task-000000000000000000000001-1/master.m3u8",
    ];
    for stray in strays {
        house.blobs.put(&stray.parse().unwrap(), Bytes::from_static(b"x")).await.unwrap();
    }
    let temporary = house.blobs.root().join("vod-raw/up-000000000000000000000002/source#3");
    std::fs::create_dir_all(temporary.parent().unwrap()).unwrap();
    std::fs::write(&temporary, b"half").unwrap();
    collect(&house, Duration::from_hours(1), Duration::from_hours(1)).await;
    assert_eq!(house.files().len(), named.len() + strays.len() + 1, "what is young stays");
    collect(&house, Duration::ZERO, Duration::from_hours(1)).await;
    assert_eq!(house.files(), named);
    assert!(!temporary.parent().unwrap().exists());
    assert_eq!(house.video(&video).await.status, VideoStatus::Uploaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_upload_that_never_came_fails() {
    let house = House::new().await;
    let (video, _) = house.announce().await;
    collect(&house, Duration::from_hours(1), Duration::from_hours(1)).await;
    assert_eq!(house.video(&video).await.status, VideoStatus::Created);
    tokio::time::sleep(Duration::from_millis(50)).await;
    collect(&house, Duration::from_hours(1), Duration::ZERO).await;
    let video = house.video(&video).await;
    assert_eq!((video.status, video.analysis), (VideoStatus::Failed, Analysis::Failed));
    assert!(video.reason.unwrap().starts_with("upload_abandoned: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_creates_one_collect_task_per_interval() {
    let house = House::new().await;
    let mut config = house.config("one");
    config.keep.collect_every = Duration::from_secs(2);
    let worker = house.worker_with(stages(Collect { after: Duration::ZERO, uploads_after: Duration::from_hours(1) }), config);
    tokio::time::sleep(Duration::from_millis(5500)).await;
    worker.stop().await;
    let filter = weir::store::TaskFilter { kind: Some(TaskKind::Collect), limit: 50, ..weir::store::TaskFilter::default() };
    let created = house.store.tasks(&filter).await.unwrap().items.len();
    assert!((2..=3).contains(&created), "{created}");
}
