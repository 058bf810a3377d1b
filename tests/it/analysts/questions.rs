//! The questions of docs/queries.md, each answered on a generated project and held against what the
//! tables say, and on real projects where they are at hand.

use jira_sim::{World, WorldProfile, generate, load_payloads};
use serde_json::json;
use sqlx::PgPool;

use super::{fields_in, learn, payload, rows};
use crate::app::{App, SITE};

/// What holds of an answer. `ANSWER` stands for the question's query; the check gives one truth value.
const CHECKS: &[(&str, &str)] = &[
    (
        "Created against resolved, by week",
        "SELECT (SELECT (sum(created), sum(resolved)) FROM (ANSWER) AS a)
            = (SELECT (count(created)::numeric, count(resolved)::numeric) FROM jira.issues)",
    ),
    (
        "Cycle time by type",
        "SELECT bool_and(median_days BETWEEN 0 AND p85_days) AND sum(issues)
            = (SELECT count(cycle_secs) FROM jira.cycle_times) FROM (ANSWER) AS a",
    ),
    (
        "Time in status",
        "SELECT bool_and(median_days >= 0) AND sum(stays) = (SELECT count(*) FROM jira.changes WHERE field = 'status')
         FROM (ANSWER) AS a",
    ),
    (
        "Reopened issues",
        "SELECT bool_and(times_reopened > 0 AND EXISTS (SELECT FROM jira.changes c JOIN jira.statuses s
                ON s.site = c.site AND s.id = c.from_id AND s.category = 'done'
             JOIN jira.issues i ON i.site = c.site AND i.id = c.issue_id AND i.key = a.key
             WHERE c.field = 'status')) FROM (ANSWER) AS a",
    ),
    (
        "Sprint carry-over",
        "SELECT sum(issues) = (SELECT count(*) FROM jira.issue_sprints)
            AND sum(carried_over) = (SELECT count(*) - count(DISTINCT issue_id) FROM jira.issue_sprints)
            AND sum(carried_over) > 0 FROM (ANSWER) AS a",
    ),
    (
        "Story points by sprint",
        "SELECT bool_and(coalesce(points_done, 0) <= points) AND sum(points) > 0
            AND bool_and(sprint IN (SELECT name FROM jira.sprints)) FROM (ANSWER) AS a",
    ),
    (
        "What blocks most",
        "SELECT sum(blocks) = (SELECT count(*) FROM jira.links l JOIN jira.issues a ON a.id = l.issue_id
            JOIN jira.issues b ON b.id = l.other_id WHERE l.type = 'Blocker' AND l.direction = 'inward'
              AND a.resolved IS NULL AND b.resolved IS NULL) FROM (ANSWER) AS a",
    ),
    (
        "Who resolves",
        "SELECT sum(issues) BETWEEN 20 AND (SELECT count(resolution) FROM jira.issues)
            AND bool_or(who IN (SELECT display_name FROM jira.users)) FROM (ANSWER) AS a",
    ),
    (
        "Open issues by age",
        "SELECT sum(issues) = (SELECT count(*) FROM jira.issues WHERE resolved IS NULL)
            AND bool_and(unassigned <= issues) FROM (ANSWER) AS a",
    ),
    (
        "Estimate against time spent",
        "SELECT sum(estimated) = 40 AND abs(sum(spent)
            - (SELECT sum(time_spent_secs) / 3600.0 FROM jira.worklogs WHERE issue_id IN
                (SELECT id FROM jira.issues WHERE fields ->> 'timeoriginalestimate' = '7200'))) < 0.5
         FROM (ANSWER) AS a",
    ),
    (
        "Open bugs by component",
        "SELECT bool_and(urgent <= open_bugs) AND sum(open_bugs) = (SELECT sum(greatest(1,
                jsonb_array_length(fields -> 'components'))) FROM jira.issues WHERE issue_type = 'Bug' AND resolved IS NULL)
         FROM (ANSWER) AS a",
    ),
    (
        "What is left for each version",
        "SELECT sum(issues) = (SELECT sum(jsonb_array_length(fields -> 'fixVersions')) FROM jira.issues)
            AND bool_and(version IN (SELECT name FROM jira.versions)) FROM (ANSWER) AS a",
    ),
];

/// A question: its heading and its query.
struct Question {
    title: String,
    sql: String,
}

fn questions() -> Vec<Question> {
    let document = include_str!("../../../docs/queries.md");
    let question = |section: &str| {
        let title = section.lines().next().unwrap().to_owned();
        let (_, sql) =
            section.split_once("```sql\n").unwrap_or_else(|| panic!("{title} has no query"));
        let (sql, _) = sql.split_once("```").unwrap();
        Question { title, sql: sql.trim().to_owned() }
    };
    document.split("\n## ").skip(1).map(question).collect()
}

/// A project whose twenty issues with most worklogs are estimated at two hours each.
fn world() -> World {
    let mut world = generate(&WorldProfile::new("PROJ", 700, 11)).unwrap();
    let mut logged: Vec<_> =
        world.issues("PROJ").map(|issue| (issue.worklogs().len(), issue.id())).collect();
    logged.sort_unstable();
    for (_, id) in logged.into_iter().rev().take(20) {
        world.edit_silently(id, "timeoriginalestimate", &json!(7_200)).unwrap();
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_is_answered_rightly_on_a_generated_project() {
    let app = App::new(world()).await;
    app.backfill("PROJ").await.unwrap();
    let asked: Vec<Question> = questions();
    let titles: Vec<&str> = asked.iter().map(|question| question.title.as_str()).collect();
    assert_eq!(titles, CHECKS.iter().map(|(title, _)| *title).collect::<Vec<_>>());
    for (question, (title, check)) in asked.iter().zip(CHECKS) {
        let answer = rows(&app.pool, &question.sql).await;
        assert!(!answer.is_empty(), "{title}: no answer");
        println!("{title}: {} rows, first {:?}", answer.len(), answer[0]);
        let verdict = rows(&app.pool, &check.replace("ANSWER", &question.sql)).await;
        assert_eq!(verdict, [["t"]], "{title}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_questions_can_be_asked_of_real_projects() {
    for (file, fewest) in [
        ("apache-arrow/issues.jsonl", 5),
        ("apache-2025/issues_with_changelog.jsonl", 5),
        ("apache-2025/issues_all_navigable_fields.jsonl", 5),
    ] {
        let (Some(file), Some(catalogue)) =
            (payload(file), payload("catalogues-public-jiras/fields_Apache.json"))
        else {
            return;
        };
        let (world, loaded) = load_payloads(&[&file]).unwrap();
        let app = App::new(world).await;
        for project in &loaded.projects {
            app.backfill(project).await.unwrap();
            learn(&app.store, SITE, project, fields_in(&catalogue)).await;
            let answered = ask(&app.pool, project).await;
            assert!(answered >= fewest, "{project}: {answered} of {}", CHECKS.len());
        }
    }
}

/// Asks every question whose columns the project has, and answers how many had an answer.
async fn ask(pool: &PgPool, project: &str) -> usize {
    let view = project.to_lowercase();
    let mut answered = 0;
    for question in questions() {
        // This Jira has no field of this name.
        if question.sql.contains("story_points") {
            continue;
        }
        let sql = question.sql.replace("jira_views.proj", &format!("jira_views.{view}"));
        let answer = rows(pool, &sql.replace("'PROJ'", &format!("'{project}'"))).await;
        println!("{project}: {}: {} rows", question.title, answer.len());
        answered += usize::from(!answer.is_empty());
    }
    answered
}
