//! The log lines of runs: numbered, followed, and bounded.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::model::EventLevel;
use crate::store::{EVENTS_KEPT, RunEvent};

fn event(number: i64) -> RunEvent {
    RunEvent {
        at: at(number),
        level: EventLevel::Warn,
        message: "page listed".to_owned(),
        fields: json!({ "number": number }),
    }
}

async fn numbers(store: &Store, run: RunId, after: Option<i64>, limit: u32) -> Vec<i64> {
    let events = store.list_events(run, after, limit).await.unwrap();
    events.iter().map(|stored| stored.seq).collect()
}

#[tokio::test]
async fn lines_come_back_in_their_order_and_can_be_followed() {
    let store = store().await;
    let (one, other) = (RunId(Uuid::now_v7()), RunId(Uuid::now_v7()));
    store.record_events(&[]).await.unwrap();
    store.record_events(&[(one, event(5)), (other, event(1)), (one, event(4))]).await.unwrap();
    store.record_events(&[(one, event(6))]).await.unwrap();
    let all = store.list_events(one, None, 10).await.unwrap();
    assert_eq!(all.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(all.iter().map(|e| e.event.clone()).collect::<Vec<_>>(), [5, 4, 6].map(event));
    assert_eq!(numbers(&store, one, None, 2).await, [2, 3], "the last ones");
    assert_eq!(numbers(&store, one, Some(0), 2).await, [1, 2], "the first ones");
    assert_eq!(numbers(&store, one, Some(2), 2).await, [3]);
    assert_eq!(numbers(&store, one, Some(3), 2).await, [0; 0]);
    assert_eq!(numbers(&store, other, None, 2).await, [1]);
}

#[tokio::test]
async fn who_writes_at_once_takes_turns_and_the_newest_thousand_stay() {
    let store = store().await;
    let runs = [RunId(Uuid::now_v7()), RunId(Uuid::now_v7())];
    let lines = |reversed: bool| {
        let mut lines: Vec<_> =
            (0..300).flat_map(|number| runs.map(|run| (run, event(number)))).collect();
        if reversed {
            lines.reverse();
        }
        lines
    };
    let (forth, back) = (lines(false), lines(true));
    let written = tokio::join!(
        store.record_events(&forth),
        store.record_events(&back),
        store.record_events(&forth),
        store.record_events(&back),
    );
    for outcome in [written.0, written.1, written.2, written.3] {
        outcome.unwrap();
    }
    for run in runs {
        let kept = numbers(&store, run, None, u32::MAX).await;
        assert_eq!(kept.len(), usize::try_from(EVENTS_KEPT).unwrap());
        assert_eq!((kept.first(), kept.last()), (Some(&201), Some(&1_200)));
    }
}

#[tokio::test]
async fn old_lines_are_removed_when_a_run_starts() {
    let store = store().await;
    let run = RunId(Uuid::now_v7());
    let now = store.database_time().await.unwrap();
    let aged = |days: i64| RunEvent { at: now - chrono::Duration::days(days), ..event(days) };
    store.record_events(&[(run, aged(31)), (run, aged(29))]).await.unwrap();
    let session = session(&store).await;
    let lease = lease(&store, &session).await;
    assert_eq!(numbers(&store, run, None, 9).await, [1, 2]);
    store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    assert_eq!(numbers(&store, run, None, 9).await, [2]);
}

#[tokio::test]
async fn a_line_that_postgres_cannot_hold_does_not_lose_the_others() {
    let store = store().await;
    let run = RunId(Uuid::now_v7());
    let bad = RunEvent { message: "a\0b".to_owned(), fields: json!({ "e": "\0" }), ..event(1) };
    store.record_events(&[(run, bad), (run, event(2))]).await.unwrap();
    let stored = store.list_events(run, None, 9).await.unwrap();
    assert_eq!(stored[0].event.message, "a\u{FFFD}b");
    assert_eq!(stored[0].event.fields, json!({ "e": "\u{FFFD}" }));
    assert_eq!(stored[1].event, event(2));
}
