//! Accounts, keys, sessions, places, forgetting.

use std::time::Duration;

use super::{LONG, SHORT, create, end, lease_one, new_task, worker};
use crate::model::{
    Account, AccountId, ApiKey, ApiKeyId, Micros, NewTask, PlaySession, PlaySessionId, Role, SignIn, TaskEnd, TaskKind, VideoId,
};
use crate::store::{LogLine, SharedStore};

fn account(name: &str) -> Account {
    Account {
        id: AccountId::from_random(rand::random()),
        name: name.to_owned(),
        role: Role::Viewer,
        password_hash: "$argon2id$x".to_owned(),
        created_at: Micros(1),
    }
}

/// Names are unique; an account's sign-ins go with it.
pub async fn accounts_and_their_sign_ins(store: SharedStore) {
    let (anna, bert) = (account("anna"), account("bert"));
    assert!(store.add_account(&bert).await.expect("added"));
    assert!(store.add_account(&anna).await.expect("added"));
    assert!(!store.add_account(&account("anna")).await.expect("answered"), "the name is taken");
    assert_eq!(store.accounts().await.expect("read"), [anna.clone(), bert]);
    let promoted = Account { role: Role::Admin, password_hash: "$argon2id$y".to_owned(), ..anna.clone() };
    assert!(store.update_account(&promoted).await.expect("updated"));
    assert_eq!(store.account_by_name("anna").await.expect("read"), Some(promoted.clone()));
    let now = store.now().await.expect("time");
    let sign_in = |cookie: &str, ms| SignIn {
        cookie_sha256: cookie.to_owned(),
        account: anna.id.clone(),
        csrf: "csrf".to_owned(),
        expires_at: now.plus_ms(ms),
    };
    for sign_in in [sign_in("old", -1), sign_in("new", 60_000), sign_in("other", 60_000)] {
        store.add_sign_in(&sign_in).await.expect("signed in");
    }
    assert!(store.sign_in("old").await.expect("read").is_none(), "it has expired");
    assert_eq!(store.sign_in("new").await.expect("read"), Some((sign_in("new", 60_000), promoted)));
    store.delete_sign_in("new").await.expect("signed out");
    assert!(store.sign_in("new").await.expect("read").is_none());
    assert!(store.delete_account(&anna.id).await.expect("deleted"));
    assert!(!store.delete_account(&anna.id).await.expect("answered"), "it is gone");
    assert!(store.sign_in("other").await.expect("read").is_none(), "its sign-ins went with it");
}

/// A key is found by its secret's digest, and its use is noted.
pub async fn api_keys_are_found_by_their_digest(store: SharedStore) {
    let key = ApiKey {
        id: ApiKeyId::from_random([1; 12]),
        name: "camera".to_owned(),
        role: Role::Operator,
        owner: "hall".to_owned(),
        secret_sha256: "d".repeat(64),
        created_at: Micros(1),
        last_used_at: None,
    };
    store.add_api_key(&key).await.expect("added");
    assert_eq!(store.api_key_by_secret(&key.secret_sha256).await.expect("read"), Some(key.clone()));
    assert!(store.api_key_by_secret("another").await.expect("read").is_none());
    let noted = store.api_keys().await.expect("read").remove(0).last_used_at;
    assert!(noted.is_some());
    store.api_key_by_secret(&key.secret_sha256).await.expect("read");
    assert_eq!(store.api_keys().await.expect("read").remove(0).last_used_at, noted, "noted once a minute");
    assert!(store.delete_api_key(&key.id).await.expect("deleted"));
    assert!(!store.delete_api_key(&key.id).await.expect("answered"));
}

/// A token opens one session; it is renewed within its bounds, and not after it was revoked.
pub async fn play_sessions_open_once(store: SharedStore) {
    let now = store.now().await.expect("time");
    let session = |number: u8| PlaySession {
        id: PlaySessionId::from_random([number; 12]),
        token_sha256: "a".repeat(64),
        video: VideoId::from_random([1; 12]),
        variants: "vod-variants/x".parse().expect("a key"),
        manifests: "manifests/x".parse().expect("a key"),
        expires_at: now.plus_ms(1_000),
        renew_until: now.plus_ms(5_000),
        revoked: false,
    };
    let first = store.open_play_session(&session(1)).await.expect("opened");
    assert_eq!(first, session(1));
    assert_eq!(store.open_play_session(&session(2)).await.expect("answered"), first, "the token has opened one before");
    let renewed = store.renew_play_session(&first.id, now.plus_ms(3_000)).await.expect("renewed").expect("it is there");
    assert_eq!(renewed.expires_at, now.plus_ms(3_000));
    let most = store.renew_play_session(&first.id, now.plus_ms(9_000)).await.expect("renewed").expect("it is there");
    assert_eq!(most.expires_at, now.plus_ms(5_000));
    assert!(store.revoke_play_session(&first.id).await.expect("revoked"));
    assert!(store.renew_play_session(&first.id, now.plus_ms(1)).await.expect("answered").is_none());
    assert!(store.play_session(&first.token_sha256).await.expect("read").expect("it is there").revoked);
    assert!(!store.revoke_play_session(&session(2).id).await.expect("answered"));
}

/// One holder at a time; the next one has a higher fence, and the old one moves nothing any more.
pub async fn a_place_has_one_holder(store: SharedStore) {
    let (first, second) = (worker(), worker());
    let take = async |worker, lease| store.hold("sink:test", worker, lease).await.expect("places");
    let held = take(&first, SHORT).await.expect("it is free");
    assert_eq!(held.position, "");
    assert!(store.advance("sink:test", held.fence, "1.2.3").await.expect("places"));
    assert!(take(&second, LONG).await.is_none(), "another holds it");
    let again = take(&first, SHORT).await.expect("it is ours");
    assert_eq!((again.fence, again.position.as_str()), (held.fence, "1.2.3"));
    tokio::time::sleep(SHORT + Duration::from_millis(50)).await;
    let taken = take(&second, LONG).await.expect("the lease ran out");
    assert!(taken.fence > held.fence);
    assert_eq!(taken.position, "1.2.3");
    assert!(!store.advance("sink:test", held.fence, "9.9.9").await.expect("places"), "the fence is another's");
    assert!(take(&first, SHORT).await.is_none());
    assert_eq!(take(&second, LONG).await.expect("it is theirs").position, "1.2.3");
}

/// Ended tasks and expired sessions go; what is open, or waited for, stays. The newest log lines stay.
pub async fn old_rows_are_forgotten(store: SharedStore) {
    let ended = new_task(TaskKind::Probe);
    let open = NewTask { after: vec![ended.id.clone()], ..new_task(TaskKind::Package) };
    create(&store, vec![ended.clone(), open.clone()]).await;
    let held = lease_one(&store, LONG).await.expect("a task");
    end(&store, &held, TaskEnd::Done).await.expect("an end is recorded");
    let line = LogLine {
        id: 0,
        timestamp: "2026-01-01T00:00:00.000Z".to_owned(),
        level: "info".to_owned(),
        message: "x".to_owned(),
        source: "test".to_owned(),
    };
    store.add_logs(&vec![line; 1_200]).await.expect("logs are written");
    assert_eq!(store.forget(Micros(0), Micros(0)).await.expect("forget"), 0, "nothing is that old");
    let future = store.now().await.expect("time").plus_ms(1_000);
    assert_eq!(store.forget(Micros(0), future).await.expect("forget"), 1);
    assert!(store.task(&ended.id).await.expect("read").is_none());
    assert!(store.task(&open.id).await.expect("read").is_some());
    assert_eq!(store.logs("info", None, 200).await.expect("read").len(), 200);
    store.ping().await.expect("the database answers");
    assert_eq!(store.installation().await.expect("id").len(), 24);
}
