//! What is stored of people: treated as configured, or erased, wherever Jira mentions them. Whole
//! databases are searched, every column of every table.

mod command;
mod erasing;
mod real;
mod treated;

use std::collections::{BTreeMap, BTreeSet};

use extractor::model::{HashKey, Privacy, Stream, Treatment};
use jira_sim::{SimConfig, User, World, WorldProfile, generate};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::app::App;

const PROJECT: &str = "PROJ";

/// Somebody whose log-in name and key are an e-mail address.
fn addressed() -> User {
    User::new("zoe.zimmer@corp.example", "Zoë Zimmer-Quux")
}

/// A project in which people stand in every place where Jira puts them.
fn world(issues: usize) -> World {
    let mut world = generate(&WorldProfile::new(PROJECT, issues, 51).with_streams()).unwrap();
    let origin = world.origin().to_owned();
    let zoe = addressed();
    let person: serde_json::Value = serde_json::from_str(zoe.json(&origin).as_str()).unwrap();
    let ids: Vec<_> = world.issues(PROJECT).map(jira_sim::Issue::id).take(4).collect();
    world.set_actor(Some(zoe.clone()));
    world.edit(ids[0], &[("assignee", person.clone())]).unwrap();
    world.add_comment(ids[0], "ask [~zoe.zimmer@corp.example] and [~user1]").unwrap();
    world.add_worklog(ids[1], 600).unwrap();
    world.add_attachment(ids[1], "a.txt", 4).unwrap();
    world.add_watcher(ids[2], &zoe).unwrap();
    world.add_vote(ids[2], &zoe).unwrap();
    let mention = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "mention", "attrs": {"id": "zoe.zimmer@corp.example", "text": "@Zoë Zimmer-Quux"}}
    ]}]});
    world.edit_silently(ids[2], "description", &mention).unwrap();
    let value = json!({"approvers": [person], "asked": "zoe.zimmer@corp.example"});
    world.set_property(ids[3], "approval", &value).unwrap();
    world
}

async fn app(config: SimConfig, issues: usize) -> App {
    let mut app = App::with_config(config, world(issues)).await;
    app.options.streams = Stream::ALL.to_vec();
    app.store = app.store.clone().keeping_history(true);
    app
}

fn privacy(emails: Treatment, display_names: Treatment) -> Privacy {
    let salt = Some(HashKey::of_salt("a salt that is long enough"));
    Privacy { emails, display_names, salt }
}

/// What is known of everybody, from a database in which everything is kept.
#[derive(Debug)]
struct Everybody {
    names: BTreeSet<String>,
    addresses: BTreeSet<String>,
    users: i64,
}

async fn everybody(app: &App) -> Everybody {
    let texts = async |column: &str| -> BTreeSet<String> {
        let sql = format!("SELECT DISTINCT {column} FROM jira.users WHERE {column} IS NOT NULL");
        let rows: Vec<(String,)> =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&app.pool).await.unwrap();
        rows.into_iter().map(|(text,)| text).collect()
    };
    Everybody {
        names: texts("display_name").await,
        addresses: texts("email").await,
        users: app.number("SELECT count(*) FROM jira.users").await,
    }
}

/// In how many rows of which tables any of these texts stands, whatever the column.
async fn places(app: &App, texts: &BTreeSet<String>) -> BTreeMap<String, i64> {
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname IN ('jira', 'extractor') ORDER BY 1",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let escaped =
        |text: &String| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    // In JSON, in addresses, and as they are.
    let patterns: Vec<String> = texts
        .iter()
        .flat_map(|text| [text.clone(), text.replace('@', "%40")])
        .map(|text| format!("%{}%", escaped(&text)))
        .collect();
    let mut places = BTreeMap::new();
    for (table,) in tables {
        let sql = format!("SELECT count(*) FROM {table} AS t WHERE t::text LIKE ANY($1)");
        let (rows,): (i64,) =
            sqlx::query_as(AssertSqlSafe(sql)).bind(&patterns).fetch_one(&app.pool).await.unwrap();
        if rows > 0 {
            places.insert(table, rows);
        }
    }
    places
}

/// Everybody whom a row names is in `jira.users`.
async fn assert_people_join(app: &App) {
    for (table, column) in [
        ("issues", "assignee_id"),
        ("issues", "reporter_id"),
        ("issues", "creator_id"),
        ("changes", "author_id"),
        ("comments", "author_id"),
        ("comments", "update_author_id"),
        ("worklogs", "author_id"),
        ("attachments", "author_id"),
        ("watchers", "user_id"),
        ("voters", "user_id"),
    ] {
        let stray = format!(
            "SELECT count(*) FROM jira.{table} t WHERE {column} IS NOT NULL AND NOT EXISTS (
                 SELECT FROM jira.users u WHERE u.site = t.site AND u.id = t.{column})"
        );
        assert_eq!(app.number(&stray).await, 0, "{table}.{column}");
        let named = format!("SELECT count(*) FROM jira.{table} WHERE {column} IS NOT NULL");
        assert!(app.number(&named).await > 0, "{table}.{column} shows nothing");
    }
}

/// Who stands inside the fields is who stands in the columns.
async fn assert_fields_agree(app: &App) {
    let differing = "SELECT count(*) FROM jira.issues i JOIN jira.users u
             ON u.site = i.site AND u.id = i.reporter_id
         WHERE coalesce(i.fields #>> '{reporter,accountId}', i.fields #>> '{reporter,key}',
                   i.fields #>> '{reporter,name}') IS DISTINCT FROM u.id
            OR i.fields #>> '{reporter,displayName}' IS DISTINCT FROM u.display_name";
    assert_eq!(app.number(differing).await, 0);
}
