//! People: mentions that complete each other, and who has been erased.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::*;
use crate::model::KnownPeople;
use crate::store::testing::user;
use crate::store::{PeopleScope, PersonalRows};

const MARK: [u8; 16] = [9; 16];

#[tokio::test]
async fn a_mention_that_says_less_takes_nothing_away_even_in_the_same_batch() {
    let running = Running::start().await;
    let (mut rich, mut poor) = (document(1), document(2));
    rich.users[0].email = Some("ann@example.org".into());
    poor.users[0].display_name = None;
    let stored = "SELECT display_name || ' ' || email FROM jira.users";
    running.hydrate(&[rich, poor.clone()]).await;
    assert_eq!(running.store.value(stored).await.as_deref(), Some("ANN ann@example.org"));
    poor.content_hash = [8; 16];
    running.hydrate(&[poor]).await;
    assert_eq!(running.store.value(stored).await.as_deref(), Some("ANN ann@example.org"));
}

#[tokio::test]
async fn what_does_not_know_of_an_erasure_is_not_written() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let batch = running.batch().await;
    running.store.register_erasure(&site(), "erased-1", &[MARK]).await.unwrap();
    let refused = running.write(&batch, &[document(1)]).await;
    assert!(matches!(refused, Err(StoreError::ErasedMeanwhile)), "{refused:?}");
    let catalogue = crate::model::Catalogue::default();
    let refused = running.store.upsert_catalogue(&site(), &project(), &catalogue, 0).await;
    assert!(matches!(refused, Err(StoreError::ErasedMeanwhile)), "{refused:?}");

    let KnownPeople { erased, .. } = running.store.load_people(&site()).await.unwrap();
    assert_eq!(erased.pseudonyms.get(&MARK).map(String::as_str), Some("erased-1"));
    let mut knowing = result(&batch, &[document(1)]);
    knowing.erasures = erased.generation;
    assert_eq!(running.store.write_batch(&knowing).await.unwrap().written, 1);
}

#[tokio::test]
async fn an_erasure_waits_for_writes_that_do_not_know_of_it() {
    let store = store().await;
    let (begun, enough) = (Notify::new(), Notify::new());
    let writing = store.tx("a test", |tx| {
        let (begun, enough) = (&begun, &enough);
        Box::pin(async move {
            crate::store::people::guard(tx, &site(), 0).await?;
            begun.notify_one();
            enough.notified().await;
            Ok(())
        })
    });
    let registered = AtomicBool::new(false);
    let registering = async {
        begun.notified().await;
        store.register_erasure(&site(), "erased-1", &[MARK]).await.unwrap();
        registered.store(true, Ordering::SeqCst);
    };
    let waits = "SELECT count(*)::text FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let looking = async {
        while store.value(waits).await.as_deref() != Some("1") {}
        assert!(!registered.load(Ordering::SeqCst));
        enough.notify_one();
    };
    let (written, (), ()) = tokio::join!(writing, registering, looking);
    written.unwrap();
    assert!(registered.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_erasure_goes_on_where_it_stood_unless_it_is_wider() {
    let running = Running::start().await;
    running.hydrate(&[document(1), document(2)]).await;
    let store = &running.store;
    let scope = PeopleScope::Person { pseudonym: "erased-1".into(), user: user("ann") };
    let rewrite = |rows: &mut PersonalRows| {
        for issue in &mut rows.issues {
            issue.row.assignee_id = Some("erased-1".into());
        }
    };
    store.register_erasure(&site(), "erased-1", &[MARK]).await.unwrap();
    let page = store.rewrite_people(&site(), &scope, 0, false, &rewrite).await.unwrap();
    assert_eq!((page.until, page.rows.issues), (Some(2), 2));
    let again = store.rewrite_people(&site(), &scope, 0, false, &rewrite).await.unwrap();
    assert_eq!(again.rows.issues, 0, "nothing of them is left");
    store.register_erasure(&site(), "erased-1", &[MARK]).await.unwrap();
    assert_eq!(store.erasure_progress(&site(), "erased-1").await.unwrap(), 2);
    store.register_erasure(&site(), "erased-1", &[[1; 16]]).await.unwrap();
    assert_eq!(store.erasure_progress(&site(), "erased-1").await.unwrap(), 0);
}

#[tokio::test]
async fn people_treated_in_two_ways_are_brought_in_line() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let (mut other, privacy) = (document(2), Some("names=drop".to_owned()));
    other.privacy.clone_from(&privacy);
    other.users[0].time_zone = Some("Etc/UTC".into());
    running.hydrate(&[other]).await;
    let stored = "SELECT privacy || ' ' || coalesce(display_name, 'nobody') FROM jira.users";
    assert_eq!(running.store.value(stored).await.as_deref(), Some("mixed ANN"));
    let rewrite = |user: &mut crate::model::User| user.display_name = None;
    let align =
        async || running.store.align_users(&site(), privacy.as_deref(), &rewrite).await.unwrap();
    assert_eq!((align().await, align().await), (1, 0));
    assert_eq!(running.store.value(stored).await.as_deref(), Some("names=drop nobody"));
}
