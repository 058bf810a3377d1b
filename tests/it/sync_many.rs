//! Many projects at once, some of which cannot be had: the others are certified, and those are
//! named with their reasons.

use std::collections::{BTreeMap, BTreeSet};

use jira_sim::{SimConfig, World, WorldProfile, populate};
use rstest::rstest;
use serde_json::Value;

use crate::app::App;
use crate::binary::Home;
use crate::compare::assert_equal;

const ISSUES: usize = 6;
const FORBIDDEN: &str = "FORBID";
const ARCHIVED: &str = "ARCHIVE";
/// A word of JQL's own, which a query must quote.
const RESERVED: &str = "ORDER";
/// Without any issue.
const EMPTY: &str = "EMPTY";

/// Fifty projects, of which the account sees 48.
fn fifty() -> Vec<String> {
    let plain = (1..=46).map(|n| format!("P{n:02}"));
    let odd = [FORBIDDEN, ARCHIVED, RESERVED, EMPTY].map(str::to_owned);
    odd.into_iter().chain(plain).collect()
}

fn world(projects: &[String]) -> World {
    let mut world = World::new(1_577_836_800_000);
    for (project, seed) in projects.iter().zip(1..) {
        let issues = if project == EMPTY { 0 } else { ISSUES };
        populate(&mut world, &WorldProfile::new(project, issues, seed).plain(300)).unwrap();
    }
    world.forbid_project(FORBIDDEN, true);
    world.archive_project(ARCHIVED, true);
    world
}

/// The result of each project, by its key.
fn by_project(document: &Value) -> BTreeMap<String, &Value> {
    let runs = document["runs"].as_array().unwrap();
    let by = runs.iter().map(|run| (run["project"].as_str().unwrap().to_owned(), run));
    let by: BTreeMap<_, _> = by.collect();
    assert_eq!(by.len(), runs.len(), "a project has two results");
    by
}

fn certified(results: &BTreeMap<String, &Value>) -> BTreeSet<String> {
    let complete = results.iter().filter(|(_, run)| run["certificate"]["verdict"] == "complete");
    complete.map(|(project, _)| project.clone()).collect()
}

#[rstest]
#[case::server(SimConfig::default())]
#[case::cloud(SimConfig::cloud())]
#[tokio::test]
async fn forty_eight_of_fifty_are_certified_and_two_are_named(#[case] config: SimConfig) {
    let projects = fifty();
    assert_eq!(projects.len(), 50);
    let (app, home) = (App::with_config(config, world(&projects)).await, Home::new());
    let sync = home.extractor_at(&app, "sync --once --json");
    let ended = sync.set("sync.projects", &projects.join(",")).run().await.with(1);
    let document = ended.json();
    let results = by_project(&document);
    assert_eq!(
        results.keys().cloned().collect::<BTreeSet<_>>(),
        projects.iter().cloned().collect()
    );
    let complete = certified(&results);
    assert_eq!(complete.len(), 48);
    assert!(complete.contains(RESERVED) && complete.contains(EMPTY));
    for (project, reason) in [
        (FORBIDDEN, "does not exist, or this account may not see it"),
        (ARCHIVED, "is archived, and Jira's search leaves archived issues out"),
    ] {
        let error = results[project]["error"].to_string();
        assert!(error.contains(reason) && error.contains(project), "{error}");
        ended
            .complaint()
            .lines()
            .find(|line| line.contains(project) && line.contains(reason))
            .unwrap_or_else(|| panic!("{project} is not named in {}", ended.complaint()));
    }
    assert_eq!(document["exit_code"], 1);
    for project in &complete {
        assert_equal(&app, project).await;
    }
    let stored = app.number("SELECT count(*) FROM jira.issues").await;
    assert_eq!(stored, 47 * ISSUES as i64);
    let cursors =
        app.number("SELECT count(*) FROM extractor.cursors WHERE completed_until IS NOT NULL");
    assert_eq!(cursors.await, 48);
}

#[rstest]
#[case::server(SimConfig::default())]
#[case::cloud(SimConfig::cloud())]
#[tokio::test]
async fn a_star_means_every_visible_project(#[case] config: SimConfig) {
    let projects: Vec<String> =
        [FORBIDDEN, ARCHIVED, RESERVED, EMPTY, "ONE", "TWO"].map(str::to_owned).to_vec();
    let (app, home) = (App::with_config(config, world(&projects)).await, Home::new());
    let sync = home.extractor_at(&app, "sync --once --json").set("sync.projects", "*");
    let document = sync.run().await.with(0).json();
    let expected = [RESERVED, EMPTY, "ONE", "TWO"].map(str::to_owned).into_iter().collect();
    assert_eq!(certified(&by_project(&document)), expected);
    // One that becomes visible later is found by the next run.
    app.sim.world_mut().forbid_project(FORBIDDEN, false);
    let document = sync.run().await.with(0).json();
    let results = by_project(&document);
    assert_eq!(results.len(), 5);
    assert_eq!(results[FORBIDDEN]["kind"], "backfill");
    assert_eq!(results["ONE"]["kind"], "delta");
    assert_equal(&app, FORBIDDEN).await;
}
