//! One person erased, while everything else stays and goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use extractor::store::{FoundUser, Store, UserLookup};
use extractor::sync::{ErasedPerson, Erasing};
use jira_sim::{CostModel, SimConfig};
use rstest::rstest;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{PROJECT, app, assert_fields_agree, assert_people_join, places};
use crate::app::{App, connect};

/// Somebody of whom much is stored, and whose display name is nobody else's.
async fn busiest(app: &App) -> FoundUser {
    let sql = "SELECT u.id FROM jira.users u JOIN jira.comments c ON c.author_id = u.id
         WHERE u.display_name IN (
             SELECT display_name FROM jira.users GROUP BY display_name HAVING count(*) = 1)
           AND EXISTS (SELECT FROM jira.watchers w WHERE w.user_id = u.id)
         GROUP BY u.id ORDER BY count(*) DESC, u.id LIMIT 1";
    let (id,): (String,) = sqlx::query_as(sql).fetch_one(&app.pool).await.unwrap();
    person(&app.store, &id).await
}

async fn person(store: &Store, id: &str) -> FoundUser {
    let ids = [id.to_owned()];
    let mut found = store.find_users(None, &UserLookup::Exactly(&ids), 5).await.unwrap();
    found.retain(|found| found.user.id == id);
    found.remove(0)
}

async fn erase(app: &App, who: &FoundUser) -> ErasedPerson {
    Erasing::new(app.store.clone(), who.clone(), &who.user.id).erase().await.unwrap()
}

/// What tells of a person. A log-in name such as `user1` also begins those of others.
fn tells(who: &FoundUser) -> std::collections::BTreeSet<String> {
    let user = &who.user;
    let quoted = [Some(&user.id), user.name.as_ref()].into_iter().flatten();
    let quoted =
        quoted.flat_map(|id| [format!("\"{id}\""), format!("\"\"{id}\"\""), format!("[~{id}]")]);
    let plain = [&user.display_name, &user.email].into_iter().flatten().cloned();
    quoted.chain(plain).collect()
}

/// How much each column holds of somebody.
async fn tally(app: &App, id: &str) -> BTreeMap<String, i64> {
    let mut tally = BTreeMap::new();
    for column in [
        "issues.assignee_id",
        "issues.reporter_id",
        "issues.creator_id",
        "changes.author_id",
        "changes.to_id",
        "comments.author_id",
        "comments.update_author_id",
        "worklogs.author_id",
        "attachments.author_id",
        "watchers.user_id",
        "voters.user_id",
    ] {
        let (table, name) = column.split_once('.').unwrap();
        let sql = format!("SELECT count(*) FROM jira.{table} WHERE {name} = '{id}'");
        tally.insert(column.to_owned(), app.number(&sql).await);
    }
    tally
}

#[rstest]
#[case::server(SimConfig::default())]
#[case::cloud(SimConfig::cloud())]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_person_is_a_pseudonym_everywhere_and_stays_one(#[case] config: SimConfig) {
    let app = app(config, 260).await;
    app.backfill(PROJECT).await.unwrap();
    let who = busiest(&app).await;
    let tells = tells(&who);
    let before = tally(&app, &who.user.id).await;
    assert!(places(&app, &tells).await.contains_key("jira.issue_versions"));

    let counted = Erasing::new(app.store.clone(), who.clone(), "").count().await.unwrap();
    assert!(places(&app, &tells).await.len() > 2, "counting changes nothing");
    let erased = erase(&app, &who).await;
    assert_eq!(erased.rows, counted.rows);
    assert!(erased.rows.issues > 10 && !erased.has_namesake, "{erased:?}");
    let found = places(&app, &tells).await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(tally(&app, &erased.pseudonym).await, before);
    assert_people_join(&app).await;
    assert_fields_agree(&app).await;

    // Nothing is fetched for it; and what is fetched brings nobody back.
    app.sim.requests().clear();
    assert_eq!(app.backfill(PROJECT).await.unwrap().counters.written, 0);
    assert!(app.times_hydrated().len() < 5, "only what was edited a moment ago");
    let ids: Vec<_> = app.sim.world().issues(PROJECT).map(jira_sim::Issue::id).collect();
    for id in &ids {
        app.sim.world_mut().touch(*id).unwrap();
    }
    app.backfill(PROJECT).await.unwrap();
    assert!(app.times_hydrated().len() > 200);
    let found = places(&app, &tells).await;
    assert!(found.is_empty(), "after a refetch: {found:?}");
    assert_eq!(tally(&app, &erased.pseudonym).await, before);
    assert_people_join(&app).await;
    assert_fields_agree(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_ids_are_an_address_is_erased_with_all_of_them() {
    let app = app(SimConfig::default(), 30).await;
    app.backfill(PROJECT).await.unwrap();
    let who = person(&app.store, "zoe.zimmer@corp.example").await;
    let tells = ["Zoë Zimmer-Quux", "zoe.zimmer@corp.example"].map(str::to_owned).into();
    assert!(places(&app, &tells).await.len() > 6, "{:?}", places(&app, &tells).await);
    let erased = erase(&app, &who).await;
    assert!(places(&app, &tells).await.is_empty(), "{:?}", places(&app, &tells).await);
    let mention = format!(
        "SELECT count(*) FROM jira.comments WHERE body LIKE 'ask [~{}] and%'",
        erased.pseudonym
    );
    assert_eq!(app.number(&mention).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_is_cut_short_goes_on() {
    let app = app(SimConfig::default(), 420).await;
    app.backfill(PROJECT).await.unwrap();
    let who = busiest(&app).await;
    let before = tally(&app, &who.user.id).await;

    // Somebody holds a row of the last page, so the erasure stands still after those before.
    let mut other = PgConnection::connect(&app.database_url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let last = "SELECT id FROM jira.issues WHERE reporter_id = $1 ORDER BY id DESC LIMIT 1
         FOR UPDATE";
    let (id,): (i64,) =
        sqlx::query_as(last).bind(&who.user.id).fetch_one(&mut *held).await.unwrap();
    let before_it = format!("SELECT count(*) FROM jira.issues WHERE id < {id}");
    assert!(app.number(&before_it).await > 200, "it is on the first page");
    let doomed = connect(&app.database_url).await;
    let erasing = Arc::new(Erasing::new(doomed, who.clone(), &who.user.id));
    let cut_short = tokio::spawn(async move { erasing.erase().await });
    let stands = "SELECT count(*) FROM extractor.erased_people WHERE rewritten_until > 0";
    while app.number(stands).await == 0 {
        tokio::task::yield_now().await;
    }
    let waits = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while app.number(waits).await == 0 {
        tokio::task::yield_now().await;
    }
    assert!(cut_short.await.unwrap().is_err());
    held.rollback().await.unwrap();
    assert_eq!(app.store.unfinished_erasures().await.unwrap().len(), 1);

    let erased = erase(&app, &person(&app.store, &who.user.id).await).await;
    let found = places(&app, &tells(&who)).await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(tally(&app, &erased.pseudonym).await, before);
    assert!(app.store.unfinished_erasures().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_under_way_brings_nobody_back() {
    let cost = CostModel { per_issue: std::time::Duration::from_millis(4), ..CostModel::default() };
    let mut app = app(SimConfig { cost, ..SimConfig::default() }, 200).await;
    app.options.batch_size = 10;
    app.backfill(PROJECT).await.unwrap();
    let who = busiest(&app).await;
    let ids: Vec<_> = app.sim.world().issues(PROJECT).map(jira_sim::Issue::id).collect();
    for id in ids {
        app.sim.world_mut().touch(id).unwrap();
    }
    let begun = app.sim.requests().expect(3, |seen| seen.wants_whole_issues());
    let (report, ()) = tokio::join!(app.backfill(PROJECT), async {
        begun.wait().await;
        erase(&app, &who).await;
    });
    report.unwrap();
    let found = places(&app, &tells(&who)).await;
    assert!(found.is_empty(), "{found:?}");
    let fetched = "SELECT count(*) FROM jira.comments WHERE author_id LIKE 'erased-%'";
    assert!(app.number(fetched).await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shares_a_display_name_is_not_taken_for_the_other() {
    let app = app(SimConfig::default(), 60).await;
    app.backfill(PROJECT).await.unwrap();
    let who = busiest(&app).await;
    let twin = format!(
        "INSERT INTO jira.users (site, id, name, display_name, seen_at)
         VALUES ('{}', 'twin', 'twin', '{}', now())",
        who.site,
        who.user.display_name.as_deref().unwrap(),
    );
    sqlx::query(AssertSqlSafe(twin)).execute(&app.pool).await.unwrap();
    let erased = erase(&app, &who).await;
    assert!(erased.has_namesake);
    let twin =
        "SELECT count(*) FROM jira.users WHERE id = 'twin' AND display_name NOT LIKE 'erased-%'";
    assert_eq!(app.number(twin).await, 1);
}
