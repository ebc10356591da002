//! Reads: filters, pages, figures, what garbage collection may take.

use serde_json::json;

use super::{LONG, announce, create, end, lease_one, new_task, result, span, uploaded, verdict};
use crate::model::{
    AccountId, AnalyserStatus, Analysis, AudioTrack, Decision, Fact, Guard, HumanLabel, Key, MediaInfo, Micros, NewTask,
    Personal, PlaySession, PlaySessionId, Rendition, TaskEnd, TaskKind, TaskState, UploadId, VideoId, VideoStatus, VideoTrack,
};
use crate::store::{LogLine, SharedStore, TaskFilter, VideoFilter};

async fn announced_as(store: &SharedStore, owner: &str, title: &str, labels: serde_json::Value) -> VideoId {
    let video = VideoId::from_random(rand::random());
    let fact = Fact::VideoCreated {
        video: video.clone(),
        upload: UploadId::from_random(rand::random()),
        owner: owner.to_owned(),
        external_id: None,
        labels,
        title: Personal(title.to_owned()),
    };
    store.record(&[fact], Guard::None).await.expect("a video is announced");
    video
}

async fn ids(store: &SharedStore, filter: VideoFilter) -> Vec<VideoId> {
    let page = store.videos(&VideoFilter { limit: 50, ..filter }).await.expect("videos are read");
    page.items.into_iter().map(|video| video.id).collect()
}

/// Every filter of the list, alone and together.
pub async fn videos_are_filtered(store: SharedStore) {
    let news = announced_as(&store, "a", "Évening NEWS 100%", json!({"show": "news", "lang": "fr"})).await;
    let sport = announced_as(&store, "b", "Sport", json!({"show": "sport", "count": 1})).await;
    let judged = Fact::VerdictGiven { video: sport.clone(), verdict: Box::new(verdict(Decision::Harmful)) };
    store.record(&[judged], Guard::None).await.expect("it is judged");
    let none = VideoFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let of_sport = store.video(&sport).await.expect("read").expect("it is there").created_at;
    for (filter, wanted) in [
        (none(), vec![&sport, &news]),
        (VideoFilter { owner: text("a"), ..none() }, vec![&news]),
        (VideoFilter { video: Some(sport.clone()), ..none() }, vec![&sport]),
        (VideoFilter { decision: Some(Decision::Harmful), ..none() }, vec![&sport]),
        (VideoFilter { status: Some(VideoStatus::Created), ..none() }, vec![&sport, &news]),
        (VideoFilter { status: Some(VideoStatus::Ready), ..none() }, vec![]),
        (VideoFilter { label: text("show"), ..none() }, vec![&sport, &news]),
        (VideoFilter { label: text("show=news"), ..none() }, vec![&news]),
        (VideoFilter { label: text("count"), ..none() }, vec![]),
        (VideoFilter { title: text("évening news"), ..none() }, vec![&news]),
        (VideoFilter { title: text("100%"), ..none() }, vec![&news]),
        (VideoFilter { title: text("1_0"), ..none() }, vec![]),
        (VideoFilter { since: Some(of_sport), ..none() }, vec![&sport]),
        (VideoFilter { until: Some(of_sport), ..none() }, vec![&news]),
        (VideoFilter { owner: text("b"), label: text("show=sport"), title: text("sp"), ..none() }, vec![&sport]),
        (VideoFilter { owner: text("a"), label: text("show=sport"), ..none() }, vec![]),
    ] {
        let found = ids(&store, filter.clone()).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
    }
}

/// Pages of videos and tasks: newest first, every row once.
pub async fn lists_are_paged(store: SharedStore) {
    let mut videos = Vec::new();
    for _ in 0..5 {
        videos.push(announce(&store).await.video);
    }
    videos.reverse();
    // All of one record have the same time, so their ids decide.
    let tasks: Vec<_> = (0..5).map(|_| new_task(TaskKind::Probe)).collect();
    create(&store, tasks.clone()).await;
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.videos(&VideoFilter { limit: 2, cursor, ..VideoFilter::default() }).await.expect("videos are read");
        paged.extend(page.items.into_iter().map(|video| video.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, videos);
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.tasks(&TaskFilter { limit: 5, cursor, ..TaskFilter::default() }).await.expect("tasks are read");
        paged.extend(page.items.into_iter().map(|task| task.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut wanted: Vec<_> = tasks.into_iter().map(|task| task.id).collect();
    wanted.sort();
    wanted.reverse();
    assert_eq!(paged, wanted);
    let running = TaskFilter { state: Some(TaskState::Running), limit: 5, ..TaskFilter::default() };
    lease_one(&store, LONG).await.expect("a task");
    assert_eq!(store.tasks(&running).await.expect("tasks are read").items.len(), 1);
}

/// The figures of the overview.
pub async fn the_overview_counts(store: SharedStore) {
    let id = uploaded(&store).await;
    announce(&store).await;
    let facts = [
        Fact::AnalysisMoved { video: id.clone(), analysis: Analysis::Partial },
        Fact::VerdictGiven { video: id.clone(), verdict: Box::new(verdict(Decision::Review)) },
    ];
    store.record(&facts, Guard::None).await.expect("recorded");
    create(&store, vec![new_task(TaskKind::Probe), new_task(TaskKind::Probe)]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    end(&store, &held, TaskEnd::Done).await.expect("an end is recorded");
    let overview = store.overview().await.expect("the overview is read");
    let count = |word: &str, count| (word.to_owned(), count);
    assert_eq!((overview.videos, overview.original_bytes), (2, 1000));
    assert_eq!(overview.by_status, [count("created", 1), count("uploaded", 1)]);
    assert_eq!(overview.by_decision, [count("pending", 1), count("review", 1)]);
    assert_eq!(overview.by_analysis, [count("partial", 1), count("queued", 1)]);
    assert_eq!(overview.queue.len(), 1, "ended tasks are not open");
    assert_eq!((overview.queue[0].0.as_str(), overview.queue[0].1.as_str(), overview.queue[0].2), ("probe", "ready", 1));
    assert_eq!(overview.per_minute.len(), 60);
    let sums = overview
        .per_minute
        .iter()
        .fold((0, 0, 0, 0), |sum, line| (sum.0 + line.1, sum.1 + line.2, sum.2 + line.3, sum.3 + line.4));
    assert_eq!(sums, (1, 0, 1, 1));
    assert_eq!(overview.latest.iter().map(|video| &video.id).collect::<Vec<_>>(), [&id]);
}

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

/// Named: what a row names, what holds something that a row names, what lies in it, what a viewer plays, what a running attempt
/// owns. Everything else may go.
pub async fn only_what_nobody_names_is_unnamed(store: SharedStore) {
    let announced = announce(&store).await;
    let id = announced.video.clone();
    store.record(&[announced.uploaded("named", Vec::new())], Guard::None).await.expect("it is uploaded");
    create(&store, vec![new_task(TaskKind::Package)]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    let won = "task-00000000000a-2";
    let mut found = result("named", AnalyserStatus::Done, Vec::new());
    found.findings_key = Some(key(&format!("vod-variants/{id}/task-00000000000b-1/objects.jsonl")));
    let facts = [
        Fact::VideoPackaged {
            video: id.clone(),
            variants: key(&format!("vod-variants/{id}/{won}")),
            manifests: key(&format!("manifests/{id}/{won}")),
            poster: None,
            audio: None,
            renditions: Vec::new(),
            duration_ms: 1,
        },
        Fact::AnalyserFinished { video: id.clone(), result: Box::new(found) },
    ];
    store.record(&facts, Guard::None).await.expect("recorded");
    open_session(&store, &id).await;
    let named = [
        Key::original(&announced.upload),
        key(&format!("vod-raw/{}", announced.upload)),
        key(&format!("vod-variants/{id}/{won}")),
        key(&format!("vod-variants/{id}/{won}/360p/seg-1.m4s")),
        key(&format!("vod-variants/{id}/task-00000000000b-1")),
        key(&format!("manifests/{id}/{won}")),
        key(&format!("vod-variants/{id}/task-00000000000c-1")),
        Key::attempt(&id, &held.id, held.token),
    ];
    let unnamed = [
        key("vod-raw/up-000000000000"),
        key(&format!("vod-variants/{id}/{won}2")),
        key(&format!("vod-variants/{id}/task-00000000000b-2")),
        Key::manifests(&id, &held.id, held.token + 1),
    ];
    let both: Vec<Key> = named.iter().chain(&unnamed).cloned().collect();
    assert_eq!(store.unnamed(&both).await.expect("names are read"), unnamed);
    end(&store, &held, TaskEnd::Done).await.expect("an end is recorded");
    let attempt = Key::attempt(&id, &held.id, held.token);
    assert_eq!(store.unnamed(std::slice::from_ref(&attempt)).await.expect("names are read"), [attempt]);
    assert_eq!(store.unnamed(&[]).await.expect("names are read"), []);
}

/// Somebody plays an older attempt of the video.
async fn open_session(store: &SharedStore, id: &VideoId) {
    let end = store.now().await.expect("time").plus_ms(60_000);
    let session = PlaySession {
        id: PlaySessionId::from_random([5; 12]),
        token_sha256: "5".repeat(64),
        video: id.clone(),
        variants: key(&format!("vod-variants/{id}/task-00000000000c-1")),
        manifests: key(&format!("manifests/{id}/task-00000000000c-1")),
        expires_at: end,
        renew_until: end,
        revoked: false,
    };
    store.open_play_session(&session).await.expect("a session is opened");
}

/// A level and everything worse, newest first, by page.
pub async fn logs_are_read_by_level(store: SharedStore) {
    let line = |level: &str, message: &str| LogLine {
        id: 0,
        timestamp: "2026-01-01T00:00:00.000Z".to_owned(),
        level: level.to_owned(),
        message: message.to_owned(),
        source: "test".to_owned(),
    };
    store.add_logs(&[line("info", "one"), line("error", "two"), line("warn", "three")]).await.expect("logs are written");
    let read = async |level, before, limit| store.logs(level, before, limit).await.expect("logs are read");
    let messages = |lines: &[LogLine]| lines.iter().map(|line| line.message.clone()).collect::<Vec<_>>();
    assert_eq!(messages(&read("info", None, 10).await), ["three", "two", "one"]);
    assert_eq!(messages(&read("warn", None, 10).await), ["three", "two"]);
    assert_eq!(messages(&read("error", None, 10).await), ["two"]);
    let newest = read("info", None, 1).await;
    assert_eq!(messages(&read("info", Some(newest[0].id), 1).await), ["two"]);
    assert!(store.logs("loud", None, 1).await.is_err());
}

/// Attempts of a video's tasks, with their ends.
pub async fn attempts_tell_the_history(store: SharedStore) {
    let id = uploaded(&store).await;
    create(&store, vec![NewTask { video: Some(id.clone()), ..new_task(TaskKind::Probe) }]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    end(&store, &held, TaskEnd::Fail { error: super::error() }).await.expect("an end is recorded");
    let attempts = store.attempts(&id).await.expect("attempts are read");
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].outcome.as_deref(), attempts[0].error.clone()), (Some("fail"), Some(super::error())));
    assert_eq!(Some(&attempts[0].worker), held.worker.as_ref());
    assert!(attempts[0].ended_at.is_some_and(|ended| ended >= attempts[0].started_at));
}

/// A video with a row in each of the seeds' views; what is in the views can only be read with SQL.
pub async fn fill_views(store: &SharedStore) -> VideoId {
    let id = uploaded(store).await;
    let rendition = |name: &str| Rendition {
        name: name.to_owned(),
        width: 0,
        height: 0,
        bandwidth_bps: 0,
        average_bandwidth_bps: 0,
        codecs: String::new(),
        frame_rate: 25.0,
        playlist: format!("{name}/index.m3u8"),
        segments: 1,
        size_bytes: 1,
    };
    let media = MediaInfo {
        video: Some(VideoTrack { width: 640, height: 360, ..VideoTrack::default() }),
        audio: Some(AudioTrack::default()),
        ..MediaInfo::default()
    };
    let label = HumanLabel { label: Decision::Harmful, by: AccountId::from_random([1; 12]), at: Micros(1), note: None };
    let found = result("views", AnalyserStatus::Done, vec![span("second", 500, 600), span("first", 0, 900)]);
    let facts = [
        Fact::MediaProbed { video: id.clone(), media },
        Fact::VideoPackaged {
            video: id.clone(),
            variants: key(&format!("vod-variants/{id}/task-00000000000a-1")),
            manifests: key(&format!("manifests/{id}/task-00000000000a-1")),
            poster: None,
            audio: None,
            renditions: vec![rendition("720p"), rendition("360p")],
            duration_ms: 1,
        },
        Fact::AnalyserFinished { video: id.clone(), result: Box::new(found) },
        Fact::VerdictGiven { video: id.clone(), verdict: Box::new(verdict(Decision::Review)) },
        Fact::HumanLabelled { video: id.clone(), label },
    ];
    store.record(&facts, Guard::None).await.expect("recorded");
    id
}
