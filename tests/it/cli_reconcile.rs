//! `extractor reconcile`: what it prints, what it marks, what it refuses, and how it ends.

use jira_sim::{IssueId, WorldProfile, generate};

use crate::app::App;
use crate::binary::{Ended, Home, assert_keys};
use crate::compare::assert_equal;

const ISSUES: usize = 60;
/// What the certificate of a reconcile has for a script.
const CERTIFICATE: [&str; 20] = [
    "as_of",
    "counted",
    "basis",
    "listed",
    "stored",
    "failed",
    "attempts",
    "verdict",
    "findings",
    "tiers",
    "incomplete",
    "healed",
    "moved",
    "tombstoned",
    "refused",
    "unlisted",
    "outside_filter",
    "unreplayed",
    "index",
    "conclusion",
];

/// A project that is stored, of which so many issues were deleted since.
async fn stage(deleted: usize) -> (App, Home) {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 61).plain(700)).unwrap();
    let (app, home) = (App::new(world).await, Home::new());
    app.backfill("PROJ").await.unwrap();
    let mut world = app.sim.world_mut();
    let ids: Vec<IssueId> = world.issues("PROJ").map(jira_sim::Issue::id).take(deleted).collect();
    for id in ids {
        world.delete(id).unwrap();
    }
    drop(world);
    (app, home)
}

async fn reconcile(app: &App, home: &Home, more: &str) -> Ended {
    home.extractor_at(app, &format!("reconcile {more}")).set("sync.projects", "PROJ").run().await
}

const MARKED: &str = "SELECT count(*) FROM jira.issues WHERE deleted_reason = 'not_found'";

#[tokio::test]
async fn it_prints_a_certificate_that_can_be_handed_on() {
    let (app, home) = stage(2).await;
    let ended = reconcile(&app, &home, "").await.with(0);
    for line in [
        "PROJ: reconcile completed",
        "Certificate for PROJ, of run ",
        "  in Jira         58 issues, counted by Jira in its search index",
        "  listed          58 distinct issues, in 1 listing",
        "  stored          58 issues of those; in all 58 fetched at once",
        "  failed          none",
        "  healed          none were missing or stale",
        "  marked deleted  2 issues: 2 deleted or hidden",
        "  conclusion      complete: every issue that Jira shows (58) is stored, whole",
    ] {
        assert!(ended.stdout.contains(line), "no {line:?} in\n{}", ended.stdout);
    }
    assert_equal(&app, "PROJ").await;
    assert_eq!(app.number(MARKED).await, 2);
    let proven = "SELECT count(*) FROM extractor.cursors c JOIN extractor.runs r
        ON r.id = c.reconcile_run_id WHERE c.reconciled_at IS NOT NULL AND r.kind = 'reconcile'";
    assert_eq!(app.number(proven).await, 1);

    let status = home.extractor_at(&app, "status --json").run().await.with(0).json();
    let project = &status["projects"][0];
    assert_eq!(project["issues"]["tombstones"]["not_found"], 2);
    assert!(project["cursor"]["reconciled_at"].is_string(), "{project}");
    assert_eq!(project["reconcile_certificate"]["tombstoned"]["not_found"], 2);
}

#[tokio::test]
async fn a_script_gets_the_same() {
    let (app, home) = stage(1).await;
    let json = reconcile(&app, &home, "PROJ --json").await.with(0).json();
    let run = &json["runs"][0];
    assert_eq!((&run["kind"], &run["state"]), (&"reconcile".into(), &"completed".into()));
    assert_keys(&run["certificate"], &CERTIFICATE);
    assert_eq!(run["certificate"]["tombstoned"]["not_found"], 1);
    assert_eq!(json["exit_code"], 0);
}

#[tokio::test]
async fn what_is_too_much_is_marked_only_where_it_is_allowed() {
    let (app, home) = stage(ISSUES / 2).await;
    let refused = reconcile(&app, &home, "PROJ").await.with(1);
    assert!(refused.stdout.contains("more than people usually delete"), "{}", refused.stdout);
    assert!(refused.stdout.contains("--allow-mass-delete"), "{}", refused.stdout);
    assert_eq!(app.number("SELECT count(*) FROM jira.issues WHERE deleted_at IS NULL").await, 60);
    let unproven = "SELECT count(*) FROM extractor.cursors
        WHERE reconcile_run_id IS NOT NULL AND reconciled_at IS NULL";
    assert_eq!(app.number(unproven).await, 1);

    let allowed = reconcile(&app, &home, "PROJ --allow-mass-delete").await.with(0);
    assert!(allowed.stdout.contains("marked deleted  30 issues"), "{}", allowed.stdout);
    assert_eq!(app.number(MARKED).await, 30);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_dry_run_marks_nothing_and_goes_with_no_override() {
    let (app, home) = stage(3).await;
    let dry = reconcile(&app, &home, "--dry-run").await.with(0);
    assert!(dry.stdout.contains("PROJ: dry run, nothing fetched"), "{}", dry.stdout);
    assert_eq!(app.number(MARKED).await, 0);
    reconcile(&app, &home, "--dry-run --allow-mass-delete").await.with(64);
}
