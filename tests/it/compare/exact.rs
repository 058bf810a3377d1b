//! What a good run leaves beyond the issues and their children: people, sprints, keys and counts,
//! and nothing that is pending, failed or not whole. For sites whose project was never edited, or
//! the people and sprints of former versions are there as well.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::children::{id, sprints, time};
use super::served::{Served, each_served};
use super::{assert_equal, person};
use crate::app::App;

/// Panics unless every row of the site that has to do with the project is as Jira has it.
pub(crate) async fn assert_exact(app: &App, project: &str) {
    assert_equal(app, project).await;
    assert_nothing_open(app).await;
    let served: Vec<(i64, Served)> = each_served(app, project, |id, served| (id, served));
    assert_people(app, &served).await;
    assert_sprints(app, &served).await;
    assert_rows(app, "issues", issue_rows(&served, project)).await;
    assert_rows(app, "issue_keys", key_rows(&served)).await;
}

/// Panics if the site has something that is not whole, failed, or is still to be fetched.
pub(crate) async fn assert_nothing_open(app: &App) {
    for table in ["incomplete_issues", "failures", "pending"] {
        let sql =
            format!("SELECT count(*) FROM extractor.{table} WHERE site = '{}'", app.options.site);
        assert_eq!(app.number(&sql).await, 0, "{table}");
    }
}

async fn rows(app: &App, sql: String) -> Vec<Value> {
    let rows = sqlx::query_as::<_, (String,)>(AssertSqlSafe(sql)).bind(&app.options.site);
    let rows = rows.fetch_all(&app.pool).await.unwrap();
    rows.into_iter().map(|(row,)| serde_json::from_str(&row).unwrap()).collect()
}

/// What is compared of a table besides what issues and children are compared by.
fn columns(table: &str) -> &'static str {
    match table {
        "issues" => {
            "id, project_key, tier, text_repaired, deleted_at, changes_expected, changes_held,
             comments_expected, comments_held, worklogs_expected, worklogs_held"
        }
        "issue_keys" => "issue_id, key, current",
        other => panic!("nothing is known of {other}"),
    }
}

async fn assert_rows(app: &App, table: &str, expected: BTreeSet<String>) {
    let columns = columns(table);
    let sql =
        format!("SELECT jsonb_build_array({columns})::text FROM jira.{table} WHERE site = $1");
    let found: BTreeSet<String> = rows(app, sql).await.iter().map(Value::to_string).collect();
    let lacking: Vec<_> = expected.difference(&found).take(3).collect();
    let extra: Vec<_> = found.difference(&expected).take(3).collect();
    assert!(lacking.is_empty() && extra.is_empty(), "{table}: {lacking:#?} expected, {extra:#?}");
}

/// Issues that were fetched at one instant may describe a sprint differently; each is right.
async fn assert_sprints(app: &App, served: &[(i64, Served)]) {
    let sql = "SELECT jsonb_build_array(id, board_id, name, state, goal,
            (extract(epoch FROM started_at) * 1000)::bigint,
            (extract(epoch FROM ends_at) * 1000)::bigint,
            (extract(epoch FROM completed_at) * 1000)::bigint)::text
        FROM jira.sprints WHERE site = $1";
    let found = rows(app, sql.to_owned()).await;
    let described: BTreeSet<String> =
        served.iter().flat_map(|(_, issue)| sprints(&issue.fields)).map(sprint_row).collect();
    let all = served.iter().flat_map(|(_, issue)| sprints(&issue.fields));
    let ids: BTreeSet<_> = all.map(|sprint| id(&sprint["id"])).collect();
    assert_eq!(found.iter().map(|row| id(&row[0])).collect::<BTreeSet<_>>(), ids, "sprints");
    for row in found {
        assert!(described.contains(&row.to_string()), "no issue says {row}");
    }
}

fn sprint_row(sprint: Value) -> String {
    let goal = sprint["goal"].as_str().filter(|goal| !goal.is_empty());
    let row = json!([
        id(&sprint["id"]),
        id(&sprint["boardId"]),
        sprint["name"],
        sprint["state"],
        goal,
        time(&sprint["startDate"]),
        time(&sprint["endDate"]),
        time(&sprint["completeDate"]),
    ]);
    row.to_string()
}

fn issue_rows(served: &[(i64, Served)], project: &str) -> BTreeSet<String> {
    let row = |(id, issue): &(i64, Served)| {
        let lists = [issue.histories.len(), issue.comments.len(), issue.worklogs.len()];
        let [changes, comments, worklogs] = lists;
        let row = json!([
            id,
            project,
            "full",
            issue.unstorable,
            null,
            changes,
            changes,
            comments,
            comments,
            worklogs,
            worklogs,
        ]);
        row.to_string()
    };
    served.iter().map(row).collect()
}

/// The present keys, and those that changelogs tell of.
fn key_rows(served: &[(i64, Served)]) -> BTreeSet<String> {
    let former = |issue: &Served| -> BTreeSet<String> {
        let items = issue.histories.iter().filter_map(|history| history["items"].as_array());
        let moves = items.flatten().filter(|item| item["field"] == "Key");
        moves
            .filter_map(|item| item["fromString"].as_str().map(str::to_owned))
            .filter(|key| *key != issue.key)
            .collect()
    };
    let of = |(id, issue): &(i64, Served)| -> Vec<String> {
        let former = former(issue);
        let keys = former.iter().map(|key| (key, false)).chain([(&issue.key, true)]);
        keys.map(|(key, current)| json!([id, key, current]).to_string()).collect()
    };
    served.iter().flat_map(of).collect()
}

const OF_PEOPLE: [&str; 5] = ["name", "displayName", "emailAddress", "active", "timeZone"];

/// Mentions of one person may say different things, of which each that is stored must be one.
async fn assert_people(app: &App, served: &[(i64, Served)]) {
    let mut expected: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for mention in served.iter().flat_map(|(_, issue)| mentions(issue)) {
        if let Some(id) = person(mention) {
            expected.entry(id).or_default().push(mention);
        }
    }
    let sql = "SELECT jsonb_build_array(id, name, display_name, email, active, time_zone)::text
        FROM jira.users WHERE site = $1";
    let found = rows(app, sql.to_owned()).await;
    assert_eq!(found.len(), expected.len(), "people");
    for row in found {
        let id = row[0].as_str().unwrap();
        let mentions = expected.get(id).unwrap_or_else(|| panic!("{id} is not mentioned"));
        for (at, name) in OF_PEOPLE.iter().enumerate() {
            let said: Vec<&Value> =
                mentions.iter().map(|of| &of[*name]).filter(|value| !value.is_null()).collect();
            let stored = &row[at + 1];
            let right = if said.is_empty() { stored.is_null() } else { said.contains(&stored) };
            assert!(right, "{name} of {id} is {stored}, but {said:?} was said");
        }
    }
}

fn mentions(issue: &Served) -> impl Iterator<Item = &Value> {
    let of_issue = ["assignee", "reporter", "creator"].map(|name| &issue.fields[name]);
    let lists = [&issue.histories, &issue.comments, &issue.worklogs, &issue.attachments];
    let of_lists = lists.into_iter().flatten();
    let of_lists = of_lists.flat_map(|item| [&item["author"], &item["updateAuthor"]]);
    of_issue.into_iter().chain(of_lists)
}
