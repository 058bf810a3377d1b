//! The description of the schema in docs/schema.md is that of the database, and dbt's sources are in
//! the form that dbt reads.

use config::{Config, File, FileFormat};
use serde_json::Value;

use crate::app::{App, new_database};
use crate::binary::Home;
use jira_sim::{WorldProfile, generate};

#[tokio::test]
async fn schema_md_is_what_the_database_says_of_itself() {
    let home = Home::new();
    let out = home.path().join("schema.md");
    let program = home
        .extractor("schema docs --out")
        .arguments(&[out.to_str().unwrap()])
        .set("database.url", &new_database().await);
    program.run().await.with(0);
    let now = std::fs::read_to_string(out).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema.md");
    if std::env::var_os("UPDATE_SCHEMA_DOCS").is_some() {
        std::fs::write(file, &now).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap();
    let differs = committed.lines().zip(now.lines()).find(|(old, new)| old != new);
    assert!(
        committed == now,
        "docs/schema.md is out of date: run `just schema-docs` (scripts/schema-docs.sh). First: {differs:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dbt_s_sources_name_every_table_and_column_and_how_fresh_they_are() {
    let app = App::new(generate(&WorldProfile::new("PROJ", 5, 1)).unwrap()).await;
    app.backfill("PROJ").await.unwrap();
    let home = Home::new();
    let ended = home.extractor_at(&app, "schema dbt").run().await.with(0);
    let yaml = Config::builder().add_source(File::from_str(&ended.stdout, FileFormat::Yaml));
    let sources: Value = yaml.build().unwrap().try_deserialize().unwrap();
    assert_eq!(sources["version"], 2);
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let schemas: Vec<Value> = list(&sources, "sources");
    let names: Vec<&str> = schemas.iter().filter_map(|schema| schema["name"].as_str()).collect();
    assert_eq!(names, ["jira", "jira_views"]);
    let (mut columns, mut fresh) = (0, Vec::new());
    for table in schemas.iter().flat_map(|schema| list(schema, "tables")) {
        let name = table["name"].as_str().unwrap().to_owned();
        assert!(!table["description"].as_str().unwrap().is_empty(), "{name}");
        for column in list(&table, "columns") {
            for part in ["name", "data_type", "description"] {
                assert!(!column[part].as_str().unwrap().is_empty(), "{name}: {column}");
            }
            columns += 1;
        }
        let freshness = &table["config"];
        if freshness.is_object() {
            let field = freshness["loaded_at_field"].as_str().unwrap().to_owned();
            assert!(list(&table, "columns").iter().any(|column| column["name"] == field.as_str()));
            assert!(freshness["freshness"]["warn_after"]["count"].is_number(), "{freshness}");
            fresh.push(name);
        }
    }
    let there = "SELECT count(*) FROM information_schema.columns WHERE table_schema IN ('jira', 'jira_views')";
    assert_eq!(columns, app.number(there).await);
    for table in ["issues", "fields", "proj", "all_issues"] {
        assert!(fresh.iter().any(|name| name == table), "{table}: {fresh:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_says_what_became_of_each_view() {
    let app = App::new(generate(&WorldProfile::new("PROJ", 5, 1)).unwrap()).await;
    app.backfill("PROJ").await.unwrap();
    let home = Home::new();
    let ended = home.extractor_at(&app, "schema refresh --json").run().await.with(0);
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    let nothing = serde_json::json!([]);
    assert_eq!((&said["written"], &said["failed"]), (&nothing, &nothing), "{said}");
    assert_eq!(said["unchanged"], serde_json::json!(["proj", "all_issues"]));
    assert_eq!(said["reader"], true);
    sqlx::raw_sql("DROP VIEW jira_views.proj").execute(&app.pool).await.unwrap();
    let ended = home.extractor_at(&app, "schema refresh").run().await.with(0);
    assert!(ended.stdout.contains("jira_views.proj: written"), "{}", ended.stdout);
    assert_eq!(app.number("SELECT count(*) FROM jira_views.proj").await, 5);
}
