//! State changes: what conflicts, what is shared, what stays.

use serde_json::json;

use super::{
    Announced, LONG, announce, announcement, create, lease_one, new_task, result, span, task, told, uploaded, verdict, want,
    worker,
};
use crate::model::{
    AccountId, AnalyserStatus, Analysis, Cursor, Decision, Fact, Guard, HumanLabel, Key, Micros, NewTask, Personal, Rendition,
    ResultKey, TaskEnd, TaskId, TaskKind, TaskState, Topic, UploadId, Video, VideoId, VideoStatus,
};
use crate::store::{RecordError, Recorded, SharedStore, VideoFilter};

async fn record(store: &SharedStore, facts: &[Fact]) -> Result<Recorded, RecordError> {
    store.record(facts, Guard::None).await
}

async fn video(store: &SharedStore, id: &VideoId) -> Video {
    store.video(id).await.expect("videos are read").expect("the video is there")
}

fn conflicts<T: std::fmt::Debug>(outcome: &Result<T, RecordError>) {
    assert!(matches!(outcome, Err(RecordError::Conflict(_))), "{outcome:?}");
}

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

fn packaged(video: &VideoId) -> Fact {
    let rendition = Rendition {
        name: "360p".to_owned(),
        width: 640,
        height: 360,
        bandwidth_bps: 900_000,
        average_bandwidth_bps: 800_000,
        codecs: "avc1.64001f".to_owned(),
        frame_rate: 25.0,
        playlist: "360p/index.m3u8".to_owned(),
        segments: 2,
        size_bytes: 10,
    };
    Fact::VideoPackaged {
        video: video.clone(),
        variants: key(&format!("vod-variants/{video}/task-000000000000-1")),
        manifests: key(&format!("manifests/{video}/task-000000000000-1")),
        poster: None,
        audio: None,
        renditions: vec![rendition],
        duration_ms: 1234,
    }
}

/// The way of a video through its states, with its tasks and its events; backward moves have no effect.
pub async fn a_video_goes_forward(store: SharedStore) {
    let announced = announce(&store).await;
    let id = announced.video.clone();
    assert_eq!(store.video_of_upload(&announced.upload).await.expect("read").map(|video| video.id), Some(id.clone()));
    let probe = NewTask { video: Some(id.clone()), ..new_task(TaskKind::Probe) };
    record(&store, &[announced.uploaded("forward", vec![probe.clone()])]).await.expect("it is uploaded");
    assert!(store.video_of_upload(&announced.upload).await.expect("read").is_none(), "the upload is finished");
    assert_eq!(task(&store, &probe.id).await.state, TaskState::Ready);
    let moved = |status| Fact::StatusMoved { video: id.clone(), status };
    let facts = [moved(VideoStatus::Processing), moved(VideoStatus::Transcoding), moved(VideoStatus::Processing), packaged(&id)];
    record(&store, &facts).await.expect("it is packaged");
    record(&store, &[Fact::VideoFailed { video: id.clone(), reason: "late: no".to_owned() }]).await.expect("no effect");
    let ready = video(&store, &id).await;
    assert_eq!((ready.status, ready.duration_ms, ready.reason), (VideoStatus::Ready, Some(1234), None));
    assert_eq!((ready.size_bytes, ready.original), (1000, Some(Key::original(&announced.upload))));
    assert_eq!((ready.renditions.len(), ready.analysis, ready.decision), (1, Analysis::Queued, Decision::Pending));
    let times =
        [ready.uploaded_at, ready.processing_started_at, ready.transcoding_started_at, ready.completed_at].map(|at| at.is_some());
    assert_eq!(times, [true; 4]);
    let events = told(&store, 5).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["video.created", "video.uploaded", "video.processing", "video.transcoding", "video.ready"]);
    assert!(events.iter().all(|event| event.key == id.as_str() && !event.data.to_string().contains("A title")));
    // weir's own upload in the seeds' form.
    let (seed, installation) = (&events[1], store.installation().await.expect("id"));
    assert_eq!(seed.topic, Some(Topic::VodChunks));
    for (name, value) in [("stream_id", json!(id)), ("stream_type", json!("vod")), ("origin", json!(installation))] {
        assert_eq!(seed.data[name], value);
    }
    assert_eq!(seed.data["checksum"], json!(ready.sha256));
}

/// Bytes come once; an announcement with a known id does not come twice.
pub async fn uploaded_twice_conflicts(store: SharedStore) {
    let announced = announce(&store).await;
    let uploaded = announced.uploaded("twice", vec![new_task(TaskKind::Probe)]);
    record(&store, std::slice::from_ref(&uploaded)).await.expect("it is uploaded");
    conflicts(&record(&store, &[uploaded]).await);
    conflicts(&record(&store, &[announcement(&announced.video, &announced.upload, "again")]).await);
    let unknown = Announced { video: VideoId::from_random([1; 12]), upload: UploadId::from_random([1; 12]) };
    conflicts(&record(&store, &[unknown.uploaded("unknown", Vec::new())]).await);
    assert_eq!(store.tasks(&crate::store::TaskFilter { limit: 9, ..Default::default() }).await.expect("tasks").items.len(), 1);
}

/// Equal bytes are kept once: the second upload's object is unreferenced, and the original goes with its last video.
pub async fn equal_bytes_are_kept_once(store: SharedStore) {
    let (first, second) = (announce(&store).await, announce(&store).await);
    let one = record(&store, &[first.uploaded("equal", Vec::new())]).await.expect("it is uploaded");
    assert_eq!(one.unreferenced, []);
    let two = record(&store, &[second.uploaded("equal", Vec::new())]).await.expect("it is uploaded");
    assert_eq!(two.unreferenced, [Key::original(&second.upload)]);
    let shared = Some(Key::original(&first.upload));
    assert_eq!(video(&store, &second.video).await.original, shared);
    assert_eq!(store.overview().await.expect("overview").original_bytes, 1000, "two videos, one content");
    assert_eq!(purge(&store, &first.video).await.unreferenced, [], "the second still needs it");
    assert_eq!(purge(&store, &second.video).await.unreferenced, [Key::original(&first.upload)]);
    let third = announce(&store).await;
    let three = record(&store, &[third.uploaded("equal", Vec::new())]).await.expect("it is uploaded");
    assert_eq!((three.unreferenced, video(&store, &third.video).await.original), (vec![], Some(Key::original(&third.upload))));
}

async fn purge(store: &SharedStore, id: &VideoId) -> Recorded {
    let purge = NewTask { video: Some(id.clone()), ..new_task(TaskKind::Purge) };
    let deleted = Fact::VideoDeleted { video: id.clone(), purge };
    conflicts(&record(store, &[Fact::VideoPurged { video: id.clone() }]).await);
    record(store, &[deleted]).await.expect("it is deleted");
    let purged = record(store, &[Fact::VideoPurged { video: id.clone() }]).await.expect("it is purged");
    let again = record(store, &[Fact::VideoPurged { video: id.clone() }]).await.expect("a second purge has no effect");
    assert_eq!((again.unreferenced, again.cursor), (vec![], Cursor::default()));
    purged
}

/// An external id is unique per owner, among videos that are not deleted.
pub async fn an_external_id_is_unique_per_owner(store: SharedStore) {
    let with_id = |owner: &str| Fact::VideoCreated {
        video: VideoId::from_random(rand::random()),
        upload: UploadId::from_random(rand::random()),
        owner: owner.to_owned(),
        external_id: Some("mine-1".to_owned()),
        labels: json!({"show": "news", "count": 3}),
        title: Personal(String::new()),
    };
    record(&store, &[with_id("a")]).await.expect("the first");
    record(&store, &[with_id("b")]).await.expect("another owner's");
    conflicts(&record(&store, &[with_id("a")]).await);
    let found = store.video_by_external_id("a", "mine-1").await.expect("read").expect("it is there");
    assert_eq!(found.labels, json!({"show": "news", "count": 3}));
    let purge = NewTask { video: Some(found.id.clone()), ..new_task(TaskKind::Purge) };
    record(&store, &[Fact::VideoDeleted { video: found.id, purge }]).await.expect("it is deleted");
    assert!(store.video_by_external_id("a", "mine-1").await.expect("read").is_none());
    record(&store, &[with_id("a")]).await.expect("the id is free again");
}

fn label(label: Decision, note: &str) -> HumanLabel {
    HumanLabel { label, by: AccountId::from_random([3; 12]), at: Micros(5_000_000), note: Some(note.to_owned()) }
}

/// A human label stays through a new verdict and a new analysis; all labels are kept, the newest first.
pub async fn a_human_label_survives_a_verdict(store: SharedStore) {
    let id = uploaded(&store).await;
    let labelled = |how| Fact::HumanLabelled { video: id.clone(), label: how };
    record(&store, &[labelled(label(Decision::Safe, "first"))]).await.expect("it is labelled");
    record(&store, &[labelled(label(Decision::Harmful, "second"))]).await.expect("it is labelled");
    let judged = |decision| Fact::VerdictGiven { video: id.clone(), verdict: Box::new(verdict(decision)) };
    record(&store, &[judged(Decision::Safe)]).await.expect("it is judged");
    let tasks = vec![NewTask { video: Some(id.clone()), ..new_task(TaskKind::Analyse) }];
    let asked = Fact::AnalysisAsked { video: id.clone(), tasks };
    record(&store, std::slice::from_ref(&asked)).await.expect("it is analysed again");
    let open = video(&store, &id).await;
    assert_eq!((open.decision, open.analysis, open.decided_at), (Decision::Pending, Analysis::Queued, None));
    conflicts(&record(&store, &[asked]).await);
    record(&store, &[judged(Decision::Review)]).await.expect("it is judged again");
    let after = video(&store, &id).await;
    assert_eq!((after.decision, after.human_label), (Decision::Review, Some(label(Decision::Harmful, "second"))));
    let all = store.human_labels(&id).await.expect("labels are read");
    assert_eq!(all, [label(Decision::Harmful, "second"), label(Decision::Safe, "first")]);
    assert_eq!(store.verdict(&id).await.expect("read"), Some(verdict(Decision::Review)));
    let events = told(&store, 7).await;
    assert!(events.iter().all(|event| !event.data.to_string().contains("second")), "a note reached an event");
}

/// A result is stored once per key and linked to every video of the content; the spans go with the last of them.
pub async fn a_result_is_stored_once_and_shared(store: SharedStore) {
    let (first, second) = (uploaded(&store).await, uploaded(&store).await);
    let finished = |video: &VideoId, result| Fact::AnalyserFinished { video: video.clone(), result: Box::new(result) };
    let found = result("shared", AnalyserStatus::Done, vec![span("person", 0, 900), span("dog", 400, 500)]);
    record(&store, &[finished(&first, found.clone())]).await.expect("a result is stored");
    let without_spans = result("shared", AnalyserStatus::Failed, Vec::new());
    record(&store, &[finished(&second, without_spans.clone())]).await.expect("an equal key is linked");
    let stored = store.result(&found.key).await.expect("results are read").expect("the result is there");
    assert_eq!(stored, crate::model::AnalyserResult { spans: Vec::new(), ..found.clone() });
    for video in [&first, &second] {
        assert_eq!(store.results(video).await.expect("results are read"), std::slice::from_ref(&found));
    }
    let overlapping = store.spans(&second, Some("object_detection"), 600, 2_000, 10).await.expect("spans are read");
    assert_eq!(overlapping, [span("person", 0, 900)]);
    assert_eq!(store.spans(&second, None, 0, 450, 1).await.expect("spans are read").len(), 1, "the limit holds");
    assert_eq!(store.spans(&second, Some("cut_analysis"), 0, 450, 9).await.expect("spans are read"), []);
    purge(&store, &first).await;
    assert_eq!(store.results(&second).await.expect("results are read").len(), 1);
    purge(&store, &second).await;
    assert!(store.result(&found.key).await.expect("results are read").is_none());
}

/// A failed result makes way for a later one of the same key; a good one is final.
pub async fn a_failed_result_makes_way(store: SharedStore) {
    let id = uploaded(&store).await;
    let statuses = [AnalyserStatus::Failed, AnalyserStatus::Degraded, AnalyserStatus::Failed, AnalyserStatus::Done];
    let kept = [AnalyserStatus::Failed, AnalyserStatus::Degraded, AnalyserStatus::Degraded, AnalyserStatus::Done];
    for (status, kept) in statuses.into_iter().zip(kept) {
        let found = result("again", status, vec![span("person", 0, 100)]);
        record(&store, &[Fact::AnalyserFinished { video: id.clone(), result: Box::new(found) }]).await.expect("recorded");
        let results = store.results(&id).await.expect("results are read");
        assert_eq!((results[0].status, results[0].spans.len()), (kept, 1));
    }
    let key = ResultKey::of("again", "object_detection", 1, 1, "", "");
    assert_eq!(store.result(&key).await.expect("read").map(|result| result.status), Some(AnalyserStatus::Done));
}

/// What is left of a purged video is a tombstone: nothing of what a person wrote.
pub async fn a_purge_leaves_a_tombstone(store: SharedStore) {
    let id = uploaded(&store).await;
    let facts = [
        packaged(&id),
        Fact::VerdictGiven { video: id.clone(), verdict: Box::new(verdict(Decision::Harmful)) },
        Fact::HumanLabelled { video: id.clone(), label: label(Decision::Harmful, "note") },
    ];
    record(&store, &facts).await.expect("recorded");
    purge(&store, &id).await;
    assert!(store.video(&id).await.expect("read").is_none());
    assert!(store.verdict(&id).await.expect("read").is_none());
    assert_eq!(store.human_labels(&id).await.expect("read"), []);
    let all = VideoFilter { limit: 10, ..VideoFilter::default() };
    assert_eq!(store.videos(&all).await.expect("read").items, []);
    conflicts(&record(&store, &[Fact::HumanLabelled { video: id.clone(), label: label(Decision::Safe, "") }]).await);
    conflicts(&store.record(&[], Guard::Video(id.clone())).await);
    conflicts(&record(&store, &[announcement(&id, &UploadId::from_random([9; 12]), "reborn")]).await);
}

/// The end of a task and its other facts are recorded whole or not at all.
pub async fn an_end_comes_with_its_facts(store: SharedStore) {
    let id = uploaded(&store).await;
    create(&store, vec![new_task(TaskKind::Package)]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    let ended = Fact::TaskEnded { lease: held.lease(), end: TaskEnd::Done };
    let unknown = Fact::HumanLabelled { video: VideoId::from_random([1; 12]), label: label(Decision::Safe, "") };
    conflicts(&store.record(&[packaged(&id), ended.clone(), unknown], Guard::Lease(held.lease())).await);
    assert_eq!(video(&store, &id).await.status, VideoStatus::Uploaded);
    assert_eq!(task(&store, &held.id).await.state, TaskState::Running);
    let recorded = store.record(&[packaged(&id), ended], Guard::Lease(held.lease())).await.expect("both are recorded");
    let last = told(&store, 4).await.pop().expect("an event");
    assert_eq!((recorded.cursor, last.kind.as_str()), (last.cursor, "task.ended"));
    assert_eq!(video(&store, &id).await.status, VideoStatus::Ready);
    assert_eq!(task(&store, &held.id).await.state, TaskState::Done);
}

/// One bad record among 63 good ones, all at once: it leaves nothing, and they all stay.
pub async fn a_bad_record_does_not_spoil_its_group(store: SharedStore) {
    let bad = VideoId::from_random([1; 12]);
    let attempts = (0..64).map(|number| {
        let store = store.clone();
        let bad = bad.clone();
        tokio::spawn(async move {
            let video = VideoId::from_random(rand::random());
            let mut facts = vec![announcement(&video, &UploadId::from_random(rand::random()), "one of many")];
            if number == 31 {
                facts.push(Fact::VideoPurged { video: bad });
            }
            (video, store.record(&facts, Guard::None).await.is_ok())
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(attempts).await.into_iter().map(|ended| ended.expect("an end")).collect();
    assert_eq!(outcomes.iter().filter(|(_, recorded)| *recorded).count(), 63);
    for (id, recorded) in outcomes {
        assert_eq!(store.video(&id).await.expect("read").is_some(), recorded);
    }
    assert_eq!(told(&store, 63).await.len(), 63);
}

/// More than 1,000 rows, or a fact of more than 64 KiB, is refused; the most spans that a result may have are not.
pub async fn what_is_too_large_is_refused(store: SharedStore) {
    let id = uploaded(&store).await;
    let spans = (0..500).map(|at| span("person", at, at + 1)).collect();
    let most = Fact::AnalyserFinished { video: id.clone(), result: Box::new(result("most", AnalyserStatus::Done, spans)) };
    record(&store, std::slice::from_ref(&most)).await.expect("500 spans are allowed");
    let too_many = record(&store, &[most.clone(), most]).await;
    assert!(matches!(too_many, Err(RecordError::TooLarge(_))), "{too_many:?}");
    let title = "x".repeat(65 << 10);
    let too_long = record(&store, &[announcement(&id, &UploadId::from_random([2; 12]), &title)]).await;
    assert!(matches!(too_long, Err(RecordError::TooLarge(_))), "{too_long:?}");
}

/// Text of any kind comes back as it went in; U+0000, which PostgreSQL cannot hold, comes back as U+FFFD.
pub async fn hostile_text_is_only_text(store: SharedStore) {
    let (video_id, upload) = (VideoId::from_random([4; 12]), UploadId::from_random([4; 12]));
    let title = "'; DROP TABLE videos; -- \u{1F600} ../../etc \0 %_\\ $1";
    record(&store, &[announcement(&video_id, &upload, title)]).await.expect("it is announced");
    assert_eq!(video(&store, &video_id).await.title, title.replace('\0', "\u{FFFD}"));
    for (part, found) in [("%_\\ $1", 1), ("drop table VIDEOS", 1), ("_%", 0)] {
        let filter = VideoFilter { title: Some(part.to_owned()), limit: 5, ..VideoFilter::default() };
        assert_eq!(store.videos(&filter).await.expect("read").items.len(), found, "{part}");
    }
}

/// Announcements are kept in order under the fence and the position of their partition.
pub async fn announcements_need_the_fence_and_the_position(store: SharedStore) {
    let (place, holder) = ("feed:vod-chunks:1", worker());
    let held = store.hold(place, &holder, LONG).await.expect("places").expect("it is free");
    let announced = |offset| Fact::Announced {
        topic: Topic::VodChunks,
        partition: 1,
        offset,
        stream: Some("vod-0123456789ab".to_owned()),
        outcome: "accepted".to_owned(),
    };
    let guard = |fence, after| Guard::Feed { topic: Topic::VodChunks, partition: 1, fence, after };
    conflicts(&record(&store, &[announced(0)]).await);
    store.record(&[announced(4)], guard(held.fence, -1)).await.expect("the first");
    for stale in [guard(held.fence, -1), guard(held.fence + 1, 4)] {
        let refused = store.record(&[announced(5)], stale).await;
        assert!(matches!(refused, Err(RecordError::Stale)), "{refused:?}");
    }
    store.record(&[announced(5)], guard(held.fence, 4)).await.expect("the next");
    let again = store.hold(place, &holder, LONG).await.expect("places").expect("it is ours");
    assert_eq!(again.position, "5");
    let events = told(&store, 2).await;
    assert_eq!(events.iter().map(|event| event.key.as_str()).collect::<Vec<_>>(), ["vod-chunks-1"; 2]);
}

/// A task that is there already is not created twice.
pub async fn a_task_is_created_once(store: SharedStore) {
    let new = new_task(TaskKind::Probe);
    create(&store, vec![new.clone()]).await;
    conflicts(&record(&store, &[Fact::TasksCreated { tasks: vec![new_task(TaskKind::Judge), new.clone()] }]).await);
    assert_eq!(store.lease(&worker(), &want(LONG), 9).await.expect("a lease").len(), 1);
    assert!(store.task(&TaskId::from_random([1; 12])).await.expect("read").is_none());
    let read = task(&store, &new.id).await;
    assert_eq!((read.input, read.owner, read.max_attempts), (new.input, new.owner, new.max_attempts));
}
