//! E-mail addresses and display names, hashed or dropped.

use extractor::model::{Privacy, RunState, Treatment};
use jira_sim::SimConfig;
use rstest::rstest;
use sqlx::AssertSqlSafe;

use super::{PROJECT, app, assert_fields_agree, assert_people_join, everybody, places, privacy};
use crate::app::App;
use crate::compare::assert_equal;

/// Answers how many issues were written.
async fn under(app: &mut App, privacy: Privacy) -> u64 {
    app.options.privacy = privacy;
    let report = app.backfill(PROJECT).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    report.counters.written
}

#[rstest]
#[case::server_hashed(SimConfig::default(), Treatment::Hash, Treatment::Hash)]
#[case::server_dropped(SimConfig::default(), Treatment::Drop, Treatment::Drop)]
#[case::server_without_addresses(SimConfig::default(), Treatment::Drop, Treatment::Keep)]
#[case::server_without_names(SimConfig::default(), Treatment::Keep, Treatment::Hash)]
#[case::cloud_hashed(SimConfig::cloud(), Treatment::Hash, Treatment::Hash)]
#[case::cloud_dropped(SimConfig::cloud(), Treatment::Drop, Treatment::Drop)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_people_is_stored_that_should_not_be(
    #[case] config: SimConfig,
    #[case] emails: Treatment,
    #[case] names: Treatment,
) {
    let kept = app(config, 120).await;
    kept.backfill(PROJECT).await.unwrap();
    let people = everybody(&kept).await;
    assert!(people.names.contains("Zoë Zimmer-Quux") && people.names.len() > 10, "{people:?}");
    for (texts, fewest) in [(&people.names, 3), (&people.addresses, 2)] {
        let found = places(&kept, texts).await;
        assert!(found.len() >= fewest, "the search finds little: {found:?}");
    }

    let mut app = kept.beside("other".to_owned(), kept.sim.config(), super::world(120)).await;
    clear(&app).await;
    under(&mut app, privacy(emails, names)).await;
    for (texts, treatment) in [(&people.addresses, emails), (&people.names, names)] {
        let found = places(&app, texts).await;
        match treatment {
            Treatment::Keep => assert!(!found.is_empty()),
            Treatment::Hash | Treatment::Drop => assert!(found.is_empty(), "{found:?}"),
        }
    }
    if emails != Treatment::Keep {
        let address = ["zoe.zimmer@corp.example".to_owned()].into();
        assert!(places(&app, &address).await.is_empty(), "{:?}", places(&app, &address).await);
    }
    assert_eq!(app.number("SELECT count(*) FROM jira.users").await, people.users);
    assert_people_join(&app).await;
    assert_fields_agree(&app).await;
    if names == Treatment::Hash {
        let strangers = "SELECT count(*) FROM jira.changes c
             WHERE field = 'assignee' AND to_text <> '' AND NOT EXISTS (
                 SELECT FROM jira.users u WHERE u.display_name = c.to_text)
               AND to_text NOT LIKE 'person-%' AND to_text NOT LIKE 'email-%'";
        assert_eq!(app.number(strangers).await, 0);
        let zoes = "SELECT count(DISTINCT to_text) FROM jira.changes
             WHERE field = 'assignee' AND to_text IN (SELECT display_name FROM jira.users)";
        assert!(app.number(zoes).await > 0, "no name in the history is that of a user");
    }

    // The same again is the same, even where it is fetched.
    sqlx::query("UPDATE jira.issues SET streams = NULL").execute(&app.pool).await.unwrap();
    app.sim.requests().clear();
    let hash = "SELECT count(DISTINCT content_hash) FROM jira.issues";
    let hashes = "SELECT string_agg(encode(content_hash, 'hex'), ',' ORDER BY id) FROM jira.issues";
    let stored: (String,) = sqlx::query_as(hashes).fetch_one(&app.pool).await.unwrap();
    assert!(app.number(hash).await > 100);
    under(&mut app, privacy(emails, names)).await;
    assert!(app.times_hydrated().len() > 100);
    let again: (String,) = sqlx::query_as(hashes).fetch_one(&app.pool).await.unwrap();
    assert_eq!(stored, again, "another fetch has another hash");
    assert_eq!(under(&mut app, privacy(emails, names)).await, 0);
}

/// Forgets everything stored.
async fn clear(app: &App) {
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname IN ('jira', 'extractor') AND tablename <> 'schema_migrations'",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    let names: Vec<String> = tables.into_iter().map(|(name,)| name).collect();
    let sql = format!("TRUNCATE {}", names.join(", "));
    sqlx::query(AssertSqlSafe(sql)).execute(&app.pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_brings_in_line_what_was_stored_otherwise() {
    let mut app = app(SimConfig::default(), 60).await;
    app.backfill(PROJECT).await.unwrap();
    let people = everybody(&app).await;
    let all = people.names.union(&people.addresses).cloned().collect();
    // Jira has it no more, so it cannot be fetched again.
    let gone = app.sim.world().issues(PROJECT).nth(9).unwrap().id();
    app.sim.world_mut().delete(gone).unwrap();
    let tombstone = format!(
        "UPDATE jira.issues SET deleted_at = now(), deleted_reason = 'not_found' WHERE id = {gone}"
    );
    sqlx::query(AssertSqlSafe(tombstone)).execute(&app.pool).await.unwrap();

    let live = "SELECT count(*) FROM jira.issues WHERE deleted_at IS NULL";
    let live = usize::try_from(app.number(live).await).unwrap();
    let mut hashes = Vec::new();
    for treatment in [Treatment::Hash, Treatment::Drop, Treatment::Hash] {
        app.sim.requests().clear();
        under(&mut app, privacy(treatment, treatment)).await;
        assert_eq!(app.times_hydrated().len(), live, "{treatment:?}");
        let found = places(&app, &all).await;
        assert!(found.is_empty(), "{treatment:?}: {found:?}");
        let hash = "SELECT count(*) FROM jira.users WHERE display_name LIKE 'person-%'";
        hashes.push(app.number(hash).await);
        let print = "SELECT count(DISTINCT privacy) FROM jira.issues";
        assert_eq!(app.number(print).await, 1);
    }
    assert_eq!(hashes[1], 0);
    assert_eq!(hashes[0], people.users);
    assert_people_join(&app).await;

    under(&mut app, Privacy::default()).await;
    let hidden = "SELECT count(*) FROM jira.issues
         WHERE deleted_at IS NULL AND (privacy IS NOT NULL OR fields::text LIKE '%person-%')";
    assert_eq!(app.number(hidden).await, 0);
    // Whom only the tombstone names is not brought back.
    let mut names = everybody(&app).await.names;
    names.retain(|name| !name.starts_with("person-"));
    assert!(names.len() > 15 && names.is_subset(&people.names), "{names:?}");
    assert_equal(&app, PROJECT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_brings_people_in_line_and_leaves_issues_to_a_backfill() {
    let mut app = app(SimConfig::default(), 40).await;
    app.backfill(PROJECT).await.unwrap();
    app.options.privacy = privacy(Treatment::Drop, Treatment::Drop);
    app.delta(PROJECT).await.unwrap();
    let told = "SELECT count(*) FROM jira.users
         WHERE display_name IS NOT NULL OR email IS NOT NULL OR privacy IS NULL";
    assert_eq!(app.number(told).await, 0);
    let print = app.options.privacy.fingerprint();
    let left = app.store.count_under_other_privacy(None, print.as_deref()).await.unwrap();
    assert!(left > 30, "{left}");
}
