//! Alerts, dashboard and documentation speak of metrics that there are, with labels and values that
//! there are; and no metric is served that none of them shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use extractor::sync::Progress;
use extractor::telemetry::metric_names::{ALL, SITE};
use serde_json::Value;

use super::exposition::{Exposition, lines_of};
use super::promql::uses;
use super::served::{Served, world};
use crate::app::App;

/// Labels that Prometheus adds.
const ADDED: [&str; 2] = ["job", "instance"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    let file = config::File::from_str(&read(path), config::FileFormat::Yaml);
    config::Config::builder().add_source(file).build().unwrap().try_deserialize().unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana/extractor.json")).unwrap()
}

/// Every rule of the alerts.
fn rules() -> Vec<Value> {
    let alerts = yaml("deploy/prometheus/alerts.yml");
    let groups = alerts["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Every value of `key` in a document, at whatever depth.
fn all_of<'a>(document: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match document {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    found.push(value);
                }
                all_of(value, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all_of(item, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn queries_of(dashboard: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    all_of(dashboard, "expr", &mut found);
    found.iter().map(|query| query.as_str().unwrap()).collect()
}

/// A service with one project that was run, and another that never was.
async fn served() -> Exposition {
    let app = App::new(world("PROJ", 30)).await;
    let served = Served::of(&app, &["PROJ", "IDLE"]).await;
    served.run(&app, "PROJ").await;
    let proven = "UPDATE extractor.cursors SET reconciled_at = clock_timestamp()";
    sqlx::query(proven).execute(&app.pool).await.unwrap();
    served.show_run("IDLE", &Arc::new(Progress::default()));
    served.scrape().await
}

/// Fails if a query asks for what is not served.
fn assert_is_served(query: &str, shown: &Exposition) {
    let labels = shown.labels();
    let found = uses(query);
    assert!(!found.selectors.is_empty(), "no metric in {query}");
    for selector in &found.selectors {
        if selector.name == "up" {
            continue;
        }
        let has = labels.get(selector.name.as_str());
        let has = has.unwrap_or_else(|| panic!("no metric {}: {query}", selector.name));
        for (label, operator, value) in &selector.matchers {
            if ADDED.contains(&label.as_str()) {
                continue;
            }
            assert!(has.contains(label.as_str()), "no label {label} of {}: {query}", selector.name);
            // A variable of the dashboard.
            if value.starts_with('$') {
                continue;
            }
            let values = shown.values_of(&selector.name, label);
            let wanted: Vec<&str> = match operator.as_str() {
                "=~" | "!~" => value.split('|').collect(),
                _ => vec![value],
            };
            for value in wanted {
                assert!(values.contains(value), "no {label} {value:?}: {query}");
            }
        }
    }
    for label in &found.groups {
        let known = found
            .selectors
            .iter()
            .any(|s| labels.get(s.name.as_str()).is_some_and(|of| of.contains(label.as_str())));
        assert!(known || ADDED.contains(&label.as_str()), "no label {label}: {query}");
    }
}

#[tokio::test]
async fn alerts_and_dashboard_ask_for_what_is_served() {
    let shown = served().await;
    let rules = rules();
    let mut queries: Vec<&str> = rules.iter().map(|rule| rule["expr"].as_str().unwrap()).collect();
    let dashboard = dashboard();
    queries.extend(queries_of(&dashboard));
    assert!(queries.len() > 50, "{}", queries.len());
    for query in queries {
        assert_is_served(query, &shown);
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let dashboard = dashboard();
    let asked: BTreeSet<String> = queries_of(&dashboard)
        .into_iter()
        .flat_map(|query| uses(query).selectors)
        .map(|selector| selector.name)
        .collect();
    for metric in ALL {
        let lines = lines_of(metric);
        assert!(lines.iter().any(|line| asked.contains(line)), "{} is shown nowhere", metric.name);
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap().to_owned();
        assert!(name.starts_with("Extractor"), "{name}");
        let severity = rule["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        let annotations = &rule["annotations"];
        let summary = annotations["summary"].as_str().unwrap_or_default();
        let description = annotations["description"].as_str().unwrap_or_default();
        assert!(summary.len() > 15 && summary.len() < 120, "{name}: {summary}");
        assert!(description.len() > 80, "{name}: {description}");
        assert!(names.insert(name.clone()), "{name} twice");
    }
    for (asked, alert) in [
        ("service down", "ExtractorDown"),
        ("not ready", "ExtractorNotReady"),
        ("project stalled", "ExtractorProjectStalled"),
        ("certificate missing", "ExtractorCertificateMissing"),
        ("failures that need a person", "ExtractorFailuresNeedSomebody"),
        ("breaker open for long", "ExtractorJiraDown"),
        ("throttled most of the time", "ExtractorThrottled"),
        ("queue not draining", "ExtractorQueueNotDraining"),
        ("database pool exhausted", "ExtractorDatabasePoolExhausted"),
        ("incomplete issues", "ExtractorIncompleteIssues"),
        ("reconcile overdue", "ExtractorReconcileOverdue"),
        ("mass deletion refused", "ExtractorMassDeletionRefused"),
        ("issues that no search shows", "ExtractorIssuesUnlisted"),
    ] {
        assert!(names.contains(alert), "nothing for {asked}");
    }
}

#[test]
fn every_panel_has_a_title_a_description_and_a_place_of_its_own() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken: BTreeMap<(u64, u64), &str> = BTreeMap::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty(), "{panel}");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is taken");
        if panel["type"] != "row" && panel["type"] != "text" {
            assert!(panel["description"].as_str().is_some_and(|d| d.len() > 20), "{title}");
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}");
        }
        let place = &panel["gridPos"];
        let at = |key: &str| place[key].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            assert!(x < 24, "{title} is too far to the right");
            for y in at("y")..at("y") + at("h") {
                let other = taken.insert((x, y), title);
                assert!(other.is_none(), "{title} lies on {other:?}");
            }
        }
    }
}

/// The table of the documentation.
fn table() -> String {
    let mut table = "| metric | kind | labels | tells |\n|---|---|---|---|\n".to_owned();
    for metric in ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind) = (metric.name, metric.kind.as_str());
        table += &format!("| `{name}` | {kind} | {} | {} |\n", labels.join(" "), metric.help);
    }
    table
}

/// With `EXTRACTOR_WRITE_DOCS` set, the table is written anew.
#[test]
fn the_documentation_lists_every_metric() {
    let text = read("docs/metrics.md");
    let start = text.find("| metric | kind |").expect("the table");
    let end = start + text[start..].find("\n\n").map_or(text.len() - start, |at| at + 1);
    if std::env::var_os("EXTRACTOR_WRITE_DOCS").is_some() {
        let written = format!("{}{}{}", &text[..start], table(), &text[end..]);
        fs::write(root().join("docs/metrics.md"), written).unwrap();
        return;
    }
    assert_eq!(&text[start..end], table(), "EXTRACTOR_WRITE_DOCS=1 writes it anew");
    assert!(text.contains(&format!("`{SITE}`")), "the label of all of them is explained");
}

#[test]
fn what_the_documentation_calls_alerts_there_are() {
    let text = read("docs/metrics.md");
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        assert!(text.contains(&format!("| `{name}` |")), "{name} is not in docs/metrics.md");
    }
}
