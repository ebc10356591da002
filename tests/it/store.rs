//! The store's suites on both databases, and what only one of them can show.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use weir::model::{
    AccountId, Cursor, Decision, Fact, Guard, HumanLabel, Micros, NewTask, Personal, TaskId, TaskKind, UploadId, VideoId,
};
use weir::store::conformance::{direct, event, lease, query, record, retry};
use weir::store::{self, SharedStore, StoreUrl};

/// Every case of every suite as a test of its own, per database.
macro_rules! suites {
    ($($suite:ident: $($case:ident),+ $(,)?;)+) => {
        mod sqlite {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$suite::$case(super::sqlite_store(folder.path()).await).await;
            })+)+
        }

        mod postgres {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(url) = crate::postgres::database().await else { return };
                super::$suite::$case(super::open(&url).await).await;
            })+)+
        }
    };
}

suites! {
    lease:
        order_is_priority_then_schedule, renewing_keeps_a_lease, stale_steps_and_ends_are_refused_whole, an_end_needs_its_guard,
        a_killed_workers_task_is_leased_after_its_lease, a_lost_last_attempt_is_dead, limits_hold_at_every_instant,
        concurrent_leases_never_share_a_task, progress_is_shown_under_the_lease, a_commit_wakes;
    retry:
        a_counter_reaches_zero_once, dependants_go_on_after_any_end, backoff_stays_in_its_bounds, dead_letters_are_replayed,
        a_replay_reopens_the_video, a_handed_back_attempt_does_not_count, cancelling_reaches_every_state, deleting_stops_the_work;
    record:
        a_video_goes_forward, uploaded_twice_conflicts, equal_bytes_are_kept_once, an_external_id_is_unique_per_owner,
        a_human_label_survives_a_verdict, a_result_is_stored_once_and_shared, a_failed_result_makes_way, a_purge_leaves_a_tombstone,
        an_end_comes_with_its_facts, a_bad_record_does_not_spoil_its_group, what_is_too_large_is_refused,
        hostile_text_is_only_text, announcements_need_the_fence_and_the_position, a_task_is_created_once;
    event:
        pages_hold_every_event_once, a_reader_skips_nothing_of_concurrent_writers, an_old_cursor_expires,
        a_refused_record_tells_nothing;
    query:
        videos_are_filtered, lists_are_paged, the_overview_counts, only_what_nobody_names_is_unnamed, logs_are_read_by_level,
        attempts_tell_the_history;
    direct:
        accounts_and_their_sign_ins, api_keys_are_found_by_their_digest, play_sessions_open_once, a_place_has_one_holder,
        old_rows_are_forgotten;
}

async fn open(url: &StoreUrl) -> SharedStore {
    store::open_with(url, store::conformance::options()).await.unwrap()
}

async fn sqlite_store(folder: &Path) -> SharedStore {
    open(&StoreUrl::Sqlite(folder.join("weir.db"))).await
}

/// Raw access to an SQLite file beside its store.
async fn sqlite_beside(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("weir.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

const FUTURE_SQLITE: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                             VALUES (9999, 'future', 1, x'00', 0)";
const FUTURE_POSTGRES: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                               VALUES (9999, 'future', true, '\\x00', 0)";

fn refused(opened: Result<SharedStore, store::StoreError>) -> String {
    match opened {
        Ok(_) => panic!("a newer database was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_older_binary_refuses_a_newer_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let url: StoreUrl = format!("sqlite:{}", folder.path().join("weir.db").display()).parse().unwrap();
    let id = store::open(&url).await.unwrap().installation().await.unwrap();
    assert_eq!(store::open(&url).await.unwrap().installation().await.unwrap(), id, "the id stays");
    sqlx::raw_sql(FUTURE_SQLITE).execute(&mut sqlite_beside(folder.path()).await).await.unwrap();
    let words = refused(store::open(&url).await);
    assert!(words.contains("newer weir") && words.contains("9999") && words.contains("weir.db"), "{words}");
}

#[tokio::test]
async fn an_older_binary_refuses_a_newer_postgres_database() {
    let Some(url) = crate::postgres::database().await else { return };
    let id = store::open(&url).await.unwrap().installation().await.unwrap();
    assert_eq!(store::open(&url).await.unwrap().installation().await.unwrap(), id, "the id stays");
    sqlx::raw_sql(FUTURE_POSTGRES).execute(&mut crate::postgres::connect_beside(&url).await).await.unwrap();
    let words = refused(store::open(&url).await);
    assert!(words.contains("newer weir") && words.contains("9999"), "{words}");
}

fn tasks(count: usize) -> Vec<Fact> {
    let task = || NewTask {
        id: TaskId::from_random(rand::random()),
        kind: TaskKind::Collect,
        video: None,
        owner: "default".to_owned(),
        priority: 0,
        run_at: None,
        after: Vec::new(),
        input: serde_json::Value::Null,
        max_attempts: 1,
    };
    vec![Fact::TasksCreated { tasks: (0..count).map(|_| task()).collect() }]
}

/// A commit of one process wakes another one, well before it would poll.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_processes_commit_wakes_on_postgres() {
    let Some(url) = crate::postgres::database().await else { return };
    let (here, there) = (open(&url).await, open(&url).await);
    // The listener is connected in the background; a wake within 300 ms cannot be the fallback of 1 s.
    for _ in 0..20 {
        let (changed, begun) = (here.changed(), Instant::now());
        there.record(&tasks(1), Guard::None).await.unwrap();
        changed.await;
        if begun.elapsed() < Duration::from_millis(300) {
            return;
        }
    }
    panic!("no commit of another process woke this one in time");
}

/// An event of a transaction that began earlier and commits later is not skipped: nothing behind it is handed out before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_commit_is_not_skipped_on_postgres() {
    let Some(url) = crate::postgres::database().await else { return };
    let store = open(&url).await;
    let mut beside = crate::postgres::connect_beside(&url).await;
    let early = "BEGIN; INSERT INTO events (epoch, at, key, kind, data) VALUES (0, 0, 'early', 'video.created', '{}')";
    sqlx::raw_sql(early).execute(&mut beside).await.unwrap();
    let video = VideoId::from_random(rand::random());
    let late = announcement(&video);
    let recorded = store.record(&[late], Guard::None).await.unwrap();
    assert_eq!(store.events(Cursor::default(), 10).await.unwrap(), [], "the earlier one is still open");
    assert_eq!(store.newest_event().await.unwrap(), Cursor::default());
    assert_eq!(store.forget(Micros(i64::MAX), Micros(0)).await.unwrap(), 0, "what nobody could read is not forgotten");
    sqlx::raw_sql("COMMIT").execute(&mut beside).await.unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while store.newest_event().await.unwrap() != recorded.cursor {
        assert!(Instant::now() < until, "the events never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let keys: Vec<_> = store.events(Cursor::default(), 10).await.unwrap().into_iter().map(|event| event.key).collect();
    assert_eq!(keys, ["early", video.as_str()]);
}

fn announcement(video: &VideoId) -> Fact {
    Fact::VideoCreated {
        video: video.clone(),
        upload: UploadId::from_random(rand::random()),
        owner: "default".to_owned(),
        external_id: None,
        labels: serde_json::json!({}),
        title: Personal(String::new()),
    }
}

fn labelled(video: &VideoId, label: Decision) -> Fact {
    let label = HumanLabel { label, by: AccountId::from_random([1; 12]), at: Micros(1), note: None };
    Fact::HumanLabelled { video: video.clone(), label }
}

/// A record that began early and was held up does not fall behind a later one of the same key: the last event of a key is of the
/// record that its row is of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_key_are_in_commit_order_on_postgres() {
    let Some(url) = crate::postgres::database().await else { return };
    let store = open(&url).await;
    let videos: Vec<_> = (0..3).map(|_| VideoId::from_random(rand::random())).collect();
    store.record(&videos.iter().map(announcement).collect::<Vec<_>>(), Guard::None).await.unwrap();
    let mut beside = crate::postgres::connect_beside(&url).await;
    let hold = format!("BEGIN; UPDATE videos SET reason = NULL WHERE id = '{}'", videos[1]);
    sqlx::raw_sql(sqlx::AssertSqlSafe(hold)).execute(&mut beside).await.unwrap();
    let record = |facts: Vec<Fact>| {
        let store = store.clone();
        tokio::spawn(async move { store.record(&facts, Guard::None).await.unwrap() })
    };
    // It writes of the first video, which gives it its place in the order, and waits for the second.
    let slow = record(videos.iter().map(|video| labelled(video, Decision::Safe)).collect());
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut beside).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let fast = record(vec![labelled(&videos[2], Decision::Harmful)]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    sqlx::raw_sql("COMMIT").execute(&mut beside).await.unwrap();
    let last = slow.await.unwrap().cursor.max(fast.await.unwrap().cursor);
    let until = Instant::now() + Duration::from_secs(10);
    while store.newest_event().await.unwrap() < last {
        assert!(Instant::now() < until, "the events never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = store.events(Cursor::default(), 100).await.unwrap();
    let told = events.iter().rfind(|event| event.key == videos[2].as_str()).unwrap().data["label"].clone();
    let row = store.video(&videos[2]).await.unwrap().unwrap().human_label.unwrap();
    assert_eq!(told, row.label.as_str());
}

/// The rows of the seeds' views, on either database, as text.
const PREDICTIONS: &str =
    "SELECT video_id || '|' || raw_text || '|' || human_label || '|' || text_verdict || '|' || video_verdict
                           || '|' || final_decision || '|' || CAST(created_at AS TEXT) FROM video_predictions";
const METADATA: &str = "SELECT stream_id || '|' || title || '|' || status || '|' || resolution || '|' || checksum || '|' ||
                        CAST(variants_generated AS TEXT) || '|' || CAST(variant_paths AS TEXT) || '|' || manifest_path || '|' ||
                        audio_track_id || '|' || video_track_id || '|' || CAST(processing_latency_ms >= 0 AS TEXT) FROM vod_metadata";

#[tokio::test]
async fn the_seeds_views_are_there_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let video = query::fill_views(&sqlite_store(folder.path()).await).await;
    let mut beside = sqlite_beside(folder.path()).await;
    let prediction: String = sqlx::query_scalar(PREDICTIONS).fetch_one(&mut beside).await.unwrap();
    let metadata: String = sqlx::query_scalar(METADATA).fetch_one(&mut beside).await.unwrap();
    check_views(&video, &prediction, &metadata);
    assert!(metadata.contains(r#"["720p","360p"]"#), "{metadata}");
}

#[tokio::test]
async fn the_seeds_views_are_there_on_postgres() {
    let Some(url) = crate::postgres::database().await else { return };
    let video = query::fill_views(&open(&url).await).await;
    let mut beside = crate::postgres::connect_beside(&url).await;
    let prediction: String = sqlx::query_scalar(PREDICTIONS).fetch_one(&mut beside).await.unwrap();
    let metadata: String = sqlx::query_scalar(METADATA).fetch_one(&mut beside).await.unwrap();
    check_views(&video, &prediction, &metadata);
    assert!(metadata.contains("{720p,360p}"), "{metadata}");
}

fn check_views(video: &VideoId, prediction: &str, metadata: &str) {
    let wanted = format!("{video}|A title\nread first\nread second|harmful|harmful|safe|review|20");
    assert!(prediction.starts_with(&wanted), "{prediction}");
    assert!(metadata.starts_with(&format!("{video}|A title|ready|640x360|")), "{metadata}");
    let folder = format!("{video}/task-00000000000a-1");
    for part in [format!("vod-variants/{folder}/720p"), format!("manifests/{folder}/master.m3u8")] {
        assert!(metadata.contains(&part), "{metadata}");
    }
    assert!(metadata.contains(&format!("|audio-{video}|video-{video}|")), "{metadata}");
}
