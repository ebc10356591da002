//! Events: order, pages, what concurrent writers may not do to a reader, forgetting.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{LONG, announce, announcement, told, uploaded, worker};
use crate::model::{Cursor, Event, Fact, Guard, Micros, UploadId, VideoId, VideoStatus};
use crate::store::{EventsError, SharedStore};

/// Pages of any size hold every event once, in order, and a cursor survives its text form.
pub async fn pages_hold_every_event_once(store: SharedStore) {
    for _ in 0..25 {
        announce(&store).await;
    }
    let whole = told(&store, 25).await;
    assert_eq!(whole.len(), 25);
    assert!(whole.is_sorted_by_key(|event| event.cursor));
    assert_eq!(store.newest_event().await.expect("cursor"), whole[24].cursor);
    for size in [1, 7, 25, 100] {
        let (mut paged, mut after) = (Vec::new(), Cursor::default());
        loop {
            let page = store.events(after, size).await.expect("events are read");
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            after = last.cursor.to_string().parse().expect("a cursor");
            paged.extend(page);
        }
        assert_eq!(paged, whole, "pages of {size}");
    }
}

/// Eight writers, each with videos of its own and one shared by all, and a reader that follows them: it sees every event once, and
/// those of one key in the order of their records.
pub async fn a_reader_skips_nothing_of_concurrent_writers(store: SharedStore) {
    const RECORDS: usize = 30;
    let shared = uploaded(&store).await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(follow(store.clone(), done.clone()));
    let writers = (0..8).map(|_| tokio::spawn(write_some(store.clone(), shared.clone(), RECORDS)));
    for ended in futures::future::join_all(writers).await {
        ended.expect("a writer ends");
    }
    done.store(true, Ordering::Release);
    let seen = reader.await.expect("the reader ends");
    assert_eq!(seen.len(), 2 + 8 * RECORDS * 3);
    assert_eq!(seen, told(&store, seen.len()).await, "the reader saw what is there, in the same order");
    let mut of_key: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in &seen {
        of_key.entry(&event.key).or_default().push(&event.kind);
    }
    for (key, kinds) in of_key {
        if key != shared.as_str() {
            assert_eq!(kinds, ["video.created", "video.uploaded"], "{key}");
        }
    }
}

async fn write_some(store: SharedStore, shared: VideoId, records: usize) {
    for _ in 0..records {
        let announced = announce(&store).await;
        let content = announced.video.to_string();
        let asked = Fact::AnalysisAsked { video: shared.clone(), tasks: Vec::new() };
        store.record(&[asked, announced.uploaded(&content, Vec::new())], Guard::None).await.expect("recorded");
    }
}

async fn follow(store: SharedStore, done: Arc<AtomicBool>) -> Vec<Event> {
    let (mut seen, mut after) = (Vec::new(), Cursor::default());
    loop {
        let last_round = done.load(Ordering::Acquire);
        let page = store.events(after, 50).await.expect("events are read");
        match page.last() {
            Some(last) => after = last.cursor,
            // Transactions of others (a test beside this one) may hold the horizon back for a moment.
            None if last_round && seen.len() >= 2 + 8 * 30 * 3 => return seen,
            None => tokio::time::sleep(Duration::from_millis(1)).await,
        }
        seen.extend(page);
        assert!(seen.len() <= 2 + 8 * 30 * 3, "an event came twice");
    }
}

/// Old events go, and a reader that stands before them learns it; one at the end does not, and the default cursor begins with what
/// is there. A slow sink keeps what it needs.
pub async fn an_old_cursor_expires(store: SharedStore) {
    for _ in 0..6 {
        announce(&store).await;
    }
    let before = told(&store, 6).await;
    let future = store.now().await.expect("time").plus_ms(60_000);
    let sink = store.hold("sink:slow", &worker(), LONG).await.expect("places").expect("it is free");
    assert_eq!(store.forget(future, Micros(0)).await.expect("forget"), 0, "a sink that has not begun needs everything");
    assert!(store.advance("sink:slow", sink.fence, &before[2].cursor.to_string()).await.expect("places"));
    assert_eq!(store.forget(future, Micros(0)).await.expect("forget"), 3);
    assert_eq!(told(&store, 3).await, before[3..]);
    let Err(EventsError::Expired { oldest }) = store.events(before[1].cursor, 10).await else {
        unreachable!("the cursor should have expired")
    };
    assert_eq!(store.events(oldest, 10).await.expect("the reader starts anew"), before[3..]);
    assert_eq!(store.events(before[2].cursor, 10).await.expect("nothing was missed"), before[3..]);
    assert!(store.advance("sink:slow", sink.fence, &before[5].cursor.to_string()).await.expect("places"));
    assert_eq!(store.forget(Micros(1), Micros(0)).await.expect("forget"), 0, "nothing is that old");
    assert_eq!(store.forget(future, Micros(0)).await.expect("forget"), 3);
    assert_eq!(store.newest_event().await.expect("cursor"), before[5].cursor, "a reader from now misses nothing");
    announce(&store).await;
    assert_eq!(told(&store, 1).await, store.events(before[5].cursor, 10).await.expect("events are read"));
}

/// A record that is refused appends nothing, and one without events answers no cursor.
pub async fn a_refused_record_tells_nothing(store: SharedStore) {
    let id = uploaded(&store).await;
    let moved = Fact::StatusMoved { video: id.clone(), status: VideoStatus::Processing };
    let known = announcement(&id, &UploadId::from_random([8; 12]), "known");
    assert!(store.record(&[moved, known], Guard::None).await.is_err());
    let nothing = store.record(&[], Guard::Video(id)).await.expect("the guard holds");
    assert_eq!(nothing.cursor, Cursor::default());
    // What is told next comes after what was told before, with nothing in between.
    announce(&store).await;
    let kinds: Vec<_> = told(&store, 3).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["video.created", "video.uploaded", "video.created"]);
}
