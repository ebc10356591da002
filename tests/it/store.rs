//! The store's suites on both databases, and what only one of them can show.

use weir::store::conformance::{direct, event, lease, query, record, retry};

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

async fn sqlite_store(folder: &std::path::Path) -> weir::store::SharedStore {
    let url = weir::store::StoreUrl::Sqlite(folder.join("weir.db"));
    weir::store::open_with(&url, weir::store::conformance::options()).await.unwrap()
}
