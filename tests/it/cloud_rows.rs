//! Every row that an extraction of a Cloud site stores is as that site serves it; and both flavours
//! of one world end as the same rows where they agree.

use extractor::model::{Basis, RunState, Verdict};
use jira_sim::{CloudSite, SimConfig, World, WorldProfile, account_id, generate};
use rstest::rstest;
use sqlx::AssertSqlSafe;

use crate::app::App;
use crate::compare::{assert_equal, assert_exact, differences};

fn world(issues: usize) -> World {
    generate(&WorldProfile::new("PROJ", issues, 31)).unwrap()
}

/// Everything is cut short everywhere, times are numbers, most bodies are rich.
fn hard() -> CloudSite {
    CloudSite {
        inline_changelog: 4,
        inline_comments: 1,
        inline_worklogs: 1,
        numeric_changelog_times: true,
        rich_bodies: 0.8,
        page_cap: 70,
        whole_page_cap: 30,
        ..CloudSite::default()
    }
}

#[rstest]
#[case::as_most_are(CloudSite::default())]
#[case::where_everything_is_cut_short(hard())]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_stores_every_row_as_cloud_serves_it(#[case] cloud: CloudSite) {
    let user_zone = chrono_tz::Asia::Kolkata;
    let config = SimConfig { cloud, user_zone, ..SimConfig::cloud() };
    let app = App::with_config(config, world(600)).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(
        (report.certificate.verdict, report.certificate.basis),
        (Verdict::Complete, Basis::Census)
    );
    assert_exact(&app, "PROJ").await;
    for (table, fewest) in [("changes", 2_000), ("comments", 500), ("worklogs", 100), ("links", 50)]
    {
        let rows = app.number(&format!("SELECT count(*) FROM jira.{table}")).await;
        assert!(rows >= fewest, "{rows} {table} show little");
    }
}

#[tokio::test]
async fn a_row_that_is_wrong_is_noticed() {
    let app = App::with_config(SimConfig::cloud(), world(80)).await;
    app.backfill("PROJ").await.unwrap();
    assert_equal(&app, "PROJ").await;
    let mut known = Vec::new();
    for (table, change) in [
        ("issues", "labels = labels || '{wrong}'"),
        ("issues", "fields = jsonb_set(fields, '{reporter,displayName}', '\"Nobody\"')"),
        ("changes", "field_id = 'wrong'"),
        ("comments", "body = reverse(body)"),
        ("comments", "body_adf = jsonb_set(body_adf, '{version}', '2')"),
        ("comments", "author_id = NULL"),
        ("worklogs", "comment_adf = '{}'"),
        ("worklogs", "started = started + interval '1 second'"),
        ("links", "other_id = 7"),
        ("attachments", "mime_type = 'wrong'"),
        ("issue_sprints", "sprint_id = 7"),
    ] {
        let one = format!("(SELECT ctid FROM jira.{table} ORDER BY random() LIMIT 1)");
        let sql = format!("UPDATE jira.{table} SET {change} WHERE ctid = {one}");
        sqlx::query(AssertSqlSafe(sql)).execute(&app.pool).await.unwrap();
        let differ = differences(&app, "PROJ").await;
        assert_ne!(differ, known, "{table}: {change}");
        known = differ;
    }
}

const ON_SERVER: &str = "server";
const ON_CLOUD: &str = "cloud";

/// What is compared of each table: what the flavours have in common. People are called by their
/// account, lines of text are taken without blanks at their ends, and without empty ones.
const IN_COMMON: [(&str, &str); 8] = [
    (
        "issues",
        "id, key, project_key, summary, issue_type, status, status_category, priority, resolution,
         account(site, assignee_id), account(site, reporter_id), account(site, creator_id),
         parent_id, labels, created, updated, resolved, due, tier, text_repaired, deleted_at,
         changes_held, comments_held, worklogs_held",
    ),
    ("issue_keys", "issue_id, key, current"),
    (
        "changes",
        "issue_id, history_id, item, account(site, author_id), at, field,
         CASE WHEN is_of_people(field) THEN account(site, from_id) ELSE from_id END, from_text,
         CASE WHEN is_of_people(field) THEN account(site, to_id) ELSE to_id END, to_text",
    ),
    (
        "comments",
        "issue_id, comment_id, account(site, author_id), account(site, update_author_id), created,
         updated, visibility, lines(body)",
    ),
    (
        "worklogs",
        "issue_id, worklog_id, account(site, author_id), account(site, update_author_id), created,
         updated, started, time_spent_secs, nullif(lines(comment), '')",
    ),
    ("links", "issue_id, link_id, direction, type, other_id, other_key"),
    (
        "attachments",
        "issue_id, attachment_id, account(site, author_id), created, filename, mime_type,
         size_bytes, content_url",
    ),
    ("issue_sprints", "issue_id, sprint_id"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_flavours_of_a_project_end_as_the_same_rows_of_two_sites() {
    const ISSUES: usize = 1_200;
    let mut server = App::new(world(ISSUES)).await;
    server.options.site = ON_SERVER.to_owned();
    let plain = CloudSite { rich_bodies: 0.0, ..CloudSite::default() };
    let config = SimConfig { cloud: plain, ..SimConfig::cloud() };
    let cloud = server.beside(ON_CLOUD.to_owned(), config, world(ISSUES)).await;
    for app in [&server, &cloud] {
        let report = app.backfill("PROJ").await.unwrap();
        assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
        assert_equal(app, "PROJ").await;
    }
    let people = name_accounts(&server).await;
    assert!(people > 20, "{people} people");
    for (table, columns) in IN_COMMON {
        let side = |site: &str| format!("SELECT {columns} FROM jira.{table} WHERE site = '{site}'");
        let (server_side, cloud_side) = (side(ON_SERVER), side(ON_CLOUD));
        let rows = server.number(&format!("SELECT count(*) FROM ({server_side}) s")).await;
        assert!(rows >= 20, "{rows} {table} show little");
        for (one, other) in [(&server_side, &cloud_side), (&cloud_side, &server_side)] {
            let sql = format!("SELECT r::text FROM (({one}) EXCEPT ALL ({other})) r LIMIT 3");
            let only: Vec<(String,)> =
                sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&server.pool).await.unwrap();
            assert!(only.is_empty(), "{table}, of {rows}: {only:#?} by {one}");
        }
    }
}

/// Gives the database the functions by which rows of both sites are compared.
async fn name_accounts(app: &App) -> usize {
    let people: Vec<(String, String)> = sqlx::query_as(
        "SELECT called, id FROM jira.users, unnest(ARRAY[id, name]) called
         WHERE site = $1 AND called IS NOT NULL
         UNION SELECT called, called FROM jira.changes, unnest(ARRAY[from_id, to_id]) called
         WHERE site = $1 AND field IN ('assignee', 'reporter', 'creator', 'Reviewer') AND called IS NOT NULL
           AND called NOT IN (SELECT name FROM jira.users WHERE site = $1 AND name IS NOT NULL)",
    )
    .bind(ON_SERVER)
    .fetch_all(&app.pool)
    .await
    .unwrap();
    let (called, accounts): (Vec<String>, Vec<String>) =
        people.iter().map(|(called, key)| (called.clone(), account_id(key))).unzip();
    sqlx::raw_sql(
        "CREATE TABLE accounts (called text, account text);
         CREATE FUNCTION account(site text, person text) RETURNS text LANGUAGE sql STABLE RETURN
             CASE WHEN person IS NULL OR site = 'cloud' THEN person
             ELSE (SELECT min(a.account) FROM accounts a WHERE a.called = person) END;
         CREATE FUNCTION is_of_people(field text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN
             field IN ('assignee', 'reporter', 'creator', 'Reviewer');
         CREATE FUNCTION lines(body text) RETURNS text LANGUAGE sql IMMUTABLE RETURN
             btrim(regexp_replace(body, E'([ \\t]*[\\r\\n])+', E'\\n', 'g'), E' \\t\\n');",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query("INSERT INTO accounts SELECT * FROM unnest($1::text[], $2::text[])")
        .bind(&called)
        .bind(&accounts)
        .execute(&app.pool)
        .await
        .unwrap();
    people.len()
}
