//! The replay audit finds what is wrong with changelogs, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use extractor::model::{ProjectKey, RunState, Site, Verdict};
use extractor::store::ReplayFinding;
use jira_sim::{
    Corruption, Flavor, Issue, IssueId, Planted, Random, SimConfig, World, WorldProfile, generate,
};

use crate::app::{App, SITE};

const ISSUES: usize = 900;
/// Changelogs corrupted in each way.
const EACH: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_corruption_of_a_changelog_of_server_is_found_and_nothing_else() {
    finds_what_is_planted(SimConfig::default(), 61).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_corruption_of_a_changelog_of_cloud_is_found_and_nothing_else() {
    let config = SimConfig { flavor: Flavor::Cloud, ..SimConfig::default() };
    finds_what_is_planted(config, 62).await;
}

async fn finds_what_is_planted(config: SimConfig, seed: u64) {
    let cloud = config.flavor == Flavor::Cloud;
    let mut world = generate(&WorldProfile::new("PROJ", ISSUES, seed)).unwrap();
    let planted = plant_some(&mut world, seed, cloud);
    let app = App::with_config(config, world).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.details.unreplayed, planted.len() as u64);

    let mut findings: BTreeMap<i64, Vec<ReplayFinding>> = BTreeMap::new();
    for finding in found(&app).await {
        assert!(finding.refetched, "{finding:?}");
        findings.entry(finding.issue.0).or_default().push(finding);
    }
    for planted in &planted {
        let found = findings.remove(&i64::try_from(planted.issue).unwrap());
        let found = found.unwrap_or_else(|| panic!("not found: {planted:?}"));
        assert_eq!(found.len(), 1, "{planted:?} {found:?}");
        assert!(is_named(&app, &found[0].field, &planted.field).await, "{planted:?} {found:?}");
    }
    assert!(findings.is_empty(), "false alarms: {findings:?}");
    // Once with their batch, once because of what was found; of some that Cloud delivers, the fields
    // are asked for strictly besides.
    let times = app.times_hydrated();
    for planted in &planted {
        let most = if cloud { 4 } else { 2 };
        assert!((2..=most).contains(&times[&planted.issue]), "{planted:?}");
    }

    // Jira's own mistakes are not fetched again and again.
    app.sim.requests().clear();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.details.unreplayed, planted.len() as u64);
    assert!(app.times_hydrated().is_empty());

    // What is put right, and edited, is healed.
    {
        let mut world = app.sim.world_mut();
        world.advance(Duration::from_secs(60));
        for planted in planted {
            let id = planted.issue;
            world.mend(planted).unwrap();
            world.touch(id).unwrap();
        }
        world.advance(Duration::from_secs(60));
    }
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.details.unreplayed, 0);
    assert!(found(&app).await.is_empty());
    assert_eq!(app.number("SELECT count(*) FROM extractor.unaudited").await, 0);
}

/// Corrupts changelogs, each of another issue, in every way.
fn plant_some(world: &mut World, seed: u64, cloud: bool) -> Vec<Planted> {
    let mut random = Random::new(seed);
    let mut ids: Vec<IssueId> = world.issues("PROJ").map(Issue::id).collect();
    let mut planted = Vec::new();
    for corruption in Corruption::ALL {
        let before = planted.len();
        while planted.len() < before + EACH {
            let id = ids.swap_remove(random.below(ids.len()));
            let Some(done) = world.plant(id, corruption, &mut random).unwrap() else { continue };
            // The end of a document's changelog cannot be compared with the document.
            let is_body = ["description", "environment", "Release Note"].contains(&&*done.field);
            if cloud && is_body {
                world.mend(done).unwrap();
                continue;
            }
            planted.push(done);
        }
    }
    planted
}

async fn found(app: &App) -> Vec<ReplayFinding> {
    let project: ProjectKey = "PROJ".parse().unwrap();
    app.store.list_replay_findings(&Site::new(SITE), &project, 10_000).await.unwrap()
}

/// Whether a field's id is that of the field that a changelog calls by this name.
async fn is_named(app: &App, id: &str, name: &str) -> bool {
    let sql = format!(
        "SELECT count(*) FROM (VALUES (1)) v
        WHERE jira.changelog_field('{SITE}', '{name}', NULL) = '{id}'"
    );
    app.number(&sql).await == 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_was_only_late_is_healed_by_fetching_the_issue_again() {
    let mut world = generate(&WorldProfile::new("PROJ", 60, 63)).unwrap();
    let mut random = Random::new(63);
    let ids: Vec<IssueId> = world.issues("PROJ").map(Issue::id).collect();
    let planted = ids
        .iter()
        .find_map(|id| world.plant(*id, Corruption::DropLast, &mut random).unwrap())
        .unwrap();
    let app = App::new(world).await;
    let (id, planted) = (planted.issue, Arc::new(Mutex::new(Some(planted))));
    let mut fetched = 0;
    app.sim.on_request(move |seen, world| {
        fetched += u32::from(seen.wants_whole_issues());
        // Batches first; what comes after them all is the issue alone.
        if fetched > 1
            && let Some(planted) = planted.lock().unwrap().take()
        {
            world.mend(planted).unwrap();
        }
    });
    let report = app.backfill("PROJ").await.unwrap();
    app.sim.clear_hooks();
    assert_eq!(
        (report.state, report.certificate.verdict),
        (RunState::Completed, Verdict::Complete)
    );
    assert_eq!(report.certificate.details.unreplayed, 0);
    assert_eq!(app.times_hydrated()[&id], 2);
    assert!(found(&app).await.is_empty());
}
