//! Changelogs of real people replay: the audit has nothing to say about the real payloads, but for what
//! their publishers did to them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jira_sim::load_payloads;
use serde_json::Value;

use crate::app::App;
use crate::payloads::directory;

/// Files with changelogs, and how many items each has.
const FILES: [(&str, i64); 3] = [
    ("apache-2025/issues_with_changelog.jsonl", 3_700),
    ("grimoirelab-cloud/issues_finos.jsonl", 14),
    ("grimoirelab-fiware/issues.jsonl", 0),
];
/// GrimoireLab has put custom fields into objects of id, name and value.
const WRAPPED: &str = "grimoirelab-cloud/issues_patternfly.jsonl";
/// Fields of which that makes another value than the changelog's, by field.
const SPOILED: [(&str, i64); 5] = [
    ("customfield_10003", 1),
    ("customfield_10005", 4),
    ("customfield_10007", 4),
    ("customfield_10009", 4),
    ("customfield_10011", 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_changelogs_replay() {
    for (file, least) in FILES {
        let path = directory().join(file);
        if !path.is_file() {
            eprintln!("SKIPPED: no {}", path.display());
            continue;
        }
        let app = stored(&path).await;
        let items = app.number("SELECT count(*) FROM jira.changes").await;
        assert!(items >= least, "{file}: {items}");
        assert_eq!(findings(&app).await, [], "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_publisher_did_to_custom_fields_is_all_that_does_not_replay() {
    let path = directory().join(WRAPPED);
    if !path.is_file() {
        eprintln!("SKIPPED: no {}", path.display());
        return;
    }
    let expected = SPOILED.map(|(field, count)| (field.to_owned(), count));
    assert_eq!(findings(&stored(&path).await).await, expected);
    let folder = tempfile::tempdir().unwrap();
    let app = stored(&unwrapped(&path, folder.path())).await;
    assert_eq!(findings(&app).await, []);
    assert!(app.number("SELECT count(*) FROM jira.changes").await >= 183);
}

async fn stored(path: &Path) -> App {
    let (world, loaded) = load_payloads(&[path]).unwrap();
    let app = App::new(world).await;
    for project in &loaded.projects {
        app.backfill(project).await.unwrap();
    }
    app
}

async fn findings(app: &App) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT field_id, count(*) FROM extractor.replay_findings GROUP BY field_id ORDER BY field_id",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap()
}

/// The same issues with custom fields as Jira gave them.
fn unwrapped(path: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("issues.jsonl");
    let mut out = std::fs::File::create(&copy).unwrap();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut issue: Value = serde_json::from_str(line).unwrap();
        for (name, field) in issue["fields"].as_object_mut().unwrap() {
            if name.starts_with("customfield_") && field.get("value").is_some() {
                *field = field["value"].take();
            }
        }
        writeln!(out, "{issue}").unwrap();
    }
    copy
}
