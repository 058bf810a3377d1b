//! The views over whole projects: what stands in `fields` stands in a column, or is counted.

use std::path::Path;

use extractor::model::RunState;
use jira_sim::{CloudSite, SimConfig, WorldProfile, generate, load_payloads};
use sqlx::PgPool;

use super::{fields_in, learn, payload, rows};
use crate::app::{App, SITE};

/// Every column of fields, with the field and the kind.
const COLUMNS: &str = "SELECT column_name, field_id, kind FROM extractor.view_columns ORDER BY 1";

/// Compares each column with the values that it shows: as many are not null, but for those that
/// `jira_views.field_coverage` counts. Answers how many values were compared.
async fn assert_nothing_is_lost(pool: &PgPool, view: &str, project: &str) -> i64 {
    let columns = rows(pool, COLUMNS).await;
    let counts: Vec<String> = columns
        .iter()
        .map(|column| {
            let (name, field) = (&column[0], &column[1]);
            format!(
                "count(v.\"{name}\"), count(nullif(i.fields -> '{field}', 'null')),
                 (SELECT coalesce(sum(c.unread), 0) FROM coverage AS c WHERE c.column_name = '{name}')"
            )
        })
        .collect();
    let mut compared = 0;
    // A row of Postgres has 1,664 cells at most.
    for (columns, counts) in columns.chunks(200).zip(counts.chunks(200)) {
        let sql = format!(
            "WITH coverage AS MATERIALIZED (SELECT * FROM jira_views.field_coverage WHERE project_key = '{project}')
             SELECT {} FROM jira_views.{view} AS v JOIN jira.issues AS i ON i.site = v.site AND i.id = v.id",
            counts.join(", ")
        );
        let row = rows(pool, &sql).await.remove(0);
        let number = |at: usize| row[at].parse::<i64>().unwrap();
        for (at, column) in columns.iter().enumerate() {
            let (shown, filled, unread) = (number(3 * at), number(3 * at + 1), number(3 * at + 2));
            assert!(
                shown <= filled && filled <= shown + unread,
                "{column:?}: {shown} of {filled}, {unread} unread"
            );
            compared += filled;
            if unread > 0 {
                println!("  {column:?}: {unread} of {filled} unread");
            }
        }
    }
    compared
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_project_has_its_view_from_its_first_run_on() {
    let app = App::new(generate(&WorldProfile::new("PROJ", 400, 3)).unwrap()).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    let compared = assert_nothing_is_lost(&app.pool, "proj", "PROJ").await;
    assert!(compared > 4_000, "{compared}");
    let unread = "SELECT column_name, unread::text FROM jira_views.field_coverage WHERE unread > 0 AND kind IS NOT NULL";
    assert_eq!(rows(&app.pool, unread).await, Vec::<Vec<String>>::new());
    for (what, sql) in [
        ("issues", "SELECT count(*) FROM jira_views.proj"),
        ("points", "SELECT count(*) FROM jira_views.proj WHERE story_points >= 0"),
        ("options", "SELECT count(*) FROM jira_views.proj WHERE severity LIKE 'Option 10%'"),
        ("lists", "SELECT count(*) FROM jira_views.proj WHERE cardinality(environments) = 2"),
        (
            "people",
            "SELECT count(*) FROM jira_views.proj p JOIN jira.users u ON u.site = p.site AND u.id = p.reviewer",
        ),
        (
            "days",
            "SELECT count(*) FROM jira_views.proj WHERE target BETWEEN '2019-01-01' AND '2025-01-01'",
        ),
        (
            "Java's times",
            "SELECT count(*) FROM jira_views.proj WHERE date_trunc('second', updated) = last_comment",
        ),
        (
            "times without a zone",
            "SELECT count(*) FROM jira_views.proj WHERE date_trunc('second', updated) = date_trunc('second', first_response)",
        ),
        ("sprints as text", "SELECT count(*) FROM jira_views.proj WHERE sprint[1] LIKE 'Sprint %'"),
        (
            "sprints as objects",
            "SELECT count(*) FROM jira_views.proj WHERE iteration[1] LIKE 'Iteration %'",
        ),
    ] {
        assert!(app.number(sql).await > 5, "{what}");
    }
    // The tables are what counts; both sprint fields together name the same.
    let different = "SELECT count(*) FROM jira_views.proj p WHERE
        ARRAY(SELECT s.name FROM jira.issue_sprints x JOIN jira.sprints s ON s.site = x.site AND s.id = x.sprint_id
              WHERE x.site = p.site AND x.issue_id = p.id ORDER BY 1)
        <> ARRAY(SELECT n FROM unnest(p.sprint || p.iteration) AS n ORDER BY 1)";
    assert_eq!(app.number(different).await, 0);
    let again = app.delta("PROJ").await.unwrap();
    assert_eq!(again.state, RunState::Completed);
    let written = "SELECT count(*) FROM extractor.views WHERE written_at > (SELECT min(started_at) FROM extractor.runs WHERE kind = 'delta')";
    assert_eq!(app.number(written).await, 0, "nothing has changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_without_a_view_that_cannot_be_written() {
    let app = App::new(generate(&WorldProfile::new("PROJ", 20, 3)).unwrap()).await;
    sqlx::raw_sql("CREATE TABLE jira_views.all_issues (mine int)")
        .execute(&app.pool)
        .await
        .unwrap();
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(app.number("SELECT count(*) FROM jira_views.proj").await, 20);
    assert_eq!(app.number("SELECT count(*) FROM jira_views.all_issues").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloud_s_documents_are_text_in_the_views() {
    let cloud = CloudSite { rich_bodies: 1.0, ..CloudSite::default() };
    let world = generate(&WorldProfile::new("PROJ", 150, 5)).unwrap();
    let app = App::with_config(SimConfig { cloud, ..SimConfig::cloud() }, world).await;
    app.backfill("PROJ").await.unwrap();
    assert!(assert_nothing_is_lost(&app.pool, "proj", "PROJ").await > 1_000);
    let documents =
        "SELECT count(*) FROM jira.issues WHERE fields #>> '{description,type}' = 'doc'";
    assert!(app.number(documents).await > 80);
    let json = "SELECT count(*) FROM jira_views.proj WHERE description LIKE '{\"%' OR release_note LIKE '{\"%'";
    assert_eq!(app.number(json).await, 0);
    // No word of a document is lost.
    let lost = "SELECT count(*) FROM jira.issues i JOIN jira_views.proj p ON p.site = i.site AND p.id = i.id,
            jsonb_path_query(i.fields -> 'description', 'strict $.**.text') AS t
        WHERE jsonb_typeof(t) = 'string' AND strpos(p.description, t #>> '{}') = 0";
    assert_eq!(app.number(lost).await, 0);
    assert_eq!(
        app.number(
            "SELECT count(*) FROM jira_views.proj WHERE assignee_id IS NOT NULL AND reviewer = ''"
        )
        .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_of_real_issues_is_lost_without_being_counted() {
    for (file, catalogue) in [
        ("apache-arrow/issues.jsonl", "catalogues-public-jiras/fields_Apache.json"),
        (
            "apache-2025/issues_all_navigable_fields.jsonl",
            "catalogues-public-jiras/fields_Apache.json",
        ),
        ("apache-2025/issues_with_changelog.jsonl", "catalogues-public-jiras/fields_Apache.json"),
        ("grimoirelab-fiware/issues.jsonl", "grimoirelab-fiware/jira_fields.json"),
    ] {
        let (Some(file), Some(catalogue)) = (payload(file), payload(catalogue)) else { return };
        look_at(&file, &catalogue).await;
    }
}

async fn look_at(file: &Path, catalogue: &Path) {
    let (world, loaded) = load_payloads(&[file]).unwrap();
    let app = App::new(world).await;
    println!("{}", file.display());
    for project in &loaded.projects {
        app.backfill(project).await.unwrap();
        learn(&app.store, SITE, project, fields_in(catalogue)).await;
        let view = project.to_lowercase();
        let compared = assert_nothing_is_lost(&app.pool, &view, project).await;
        println!("  {project}: {compared} values compared");
        assert!(compared > 20, "{compared}");
    }
    // Every custom field that an issue fills is in the catalogue, or named as not being there.
    let named = "SELECT DISTINCT field_id, coalesce(column_name, 'no column: not in the catalogue'), coalesce(kind, '-')
        FROM jira_views.field_coverage WHERE field_id LIKE 'customfield%' ORDER BY 1";
    for row in rows(&app.pool, named).await {
        println!("  {}", row.join("  "));
    }
    let silent = "SELECT field_id, field_name FROM jira_views.field_coverage
        WHERE field_id LIKE 'customfield%' AND column_name IS NULL AND field_name IS NOT NULL";
    assert_eq!(rows(&app.pool, silent).await, Vec::<Vec<String>>::new());
}
