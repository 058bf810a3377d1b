//! `jira.issue_versions` has one open version of every issue, without gap or overlap, whatever
//! happens to issues and to whoever writes them.

use std::time::Duration;

use extractor::model::RunKind;
use jira_sim::{Issue, IssueId, LiveScript, Random, World, WorldProfile, generate};

use super::rows;
use crate::app::{App, request};

const ISSUES: usize = 300;
const ROUNDS: u32 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_have_no_gap_under_edits_removals_returns_and_interruptions() {
    let mut world = generate(&WorldProfile::new("PROJ", ISSUES, 71)).unwrap();
    world.add_project("SIDE", "Side");
    let mut app = App::new(world).await;
    app.options.batch_size = 20;
    app.backfill("PROJ").await.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM jira.issue_versions").await, 0);

    // Switched on later: what is written opens a version, a reconcile opens all others.
    app.store = app.store.clone().keeping_history(true);
    let mut script = LiveScript::new("PROJ", 71);
    step(&mut app.sim.world_mut(), &mut script, 10);
    app.delta("PROJ").await.unwrap();
    let some = app.number("SELECT count(*) FROM jira.issue_versions").await;
    assert!((1..ISSUES as i64 / 2).contains(&some), "{some}");
    run(&app, RunKind::Reconcile, None).await;
    assert_whole(&app, "after the first reconcile").await;

    let mut random = Random::new(71);
    for round in 0..ROUNDS {
        step(&mut app.sim.world_mut(), &mut script, 15);
        hide_some(&mut app.sim.world_mut(), &mut random);
        let kind = if round % 3 == 2 { RunKind::Reconcile } else { RunKind::Delta };
        let cut_short = random.chance(0.6).then(|| 2 + random.below(12));
        run(&app, kind, cut_short).await;
        assert_versions(&app, &format!("round {round}, {kind}, cut short {cut_short:?}")).await;
    }
    {
        let mut world = app.sim.world_mut();
        let hidden: Vec<IssueId> =
            world.issues("PROJ").filter(|issue| issue.is_hidden()).map(Issue::id).collect();
        hidden.into_iter().for_each(|id| world.unhide(id).unwrap());
        world.advance(Duration::from_secs(60));
    }
    for _ in 0..2 {
        run(&app, RunKind::Reconcile, None).await;
    }
    assert_whole(&app, "at the end").await;
    let changes = rows(
        &app,
        "SELECT change, count(*) FROM jira.issue_versions GROUP BY change ORDER BY change",
    )
    .await;
    let changes: Vec<&str> = changes.iter().map(|row| row["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["changed", "created", "deleted", "restored"]);

    // Fetched again, nothing changes.
    let before = app.number("SELECT count(*) FROM jira.issue_versions").await;
    run(&app, RunKind::Backfill, None).await;
    assert_eq!(app.number("SELECT count(*) FROM jira.issue_versions").await, before);
}

fn step(world: &mut World, script: &mut LiveScript, steps: u32) {
    for _ in 0..steps {
        world.advance(Duration::from_secs(61));
        script.step(world).unwrap();
    }
    world.advance(Duration::from_secs(61));
}

/// Hides a few issues, and shows some that were hidden.
fn hide_some(world: &mut World, random: &mut Random) {
    let ids: Vec<(IssueId, bool)> =
        world.issues("PROJ").map(|issue| (issue.id(), issue.is_hidden())).collect();
    for (id, hidden) in ids {
        match hidden {
            true if random.chance(0.4) => world.unhide(id).unwrap(),
            false if random.chance(0.008) => world.hide(id).unwrap(),
            true | false => {}
        }
    }
}

/// A run, ended in the middle of its n-th request if so asked.
async fn run(app: &App, kind: RunKind, cut_short: Option<usize>) {
    let process = app.process().await;
    let stop = process.stop.clone();
    let mut left = cut_short.unwrap_or(usize::MAX);
    app.sim.on_request(move |_, _| {
        left = left.saturating_sub(1);
        if left == 0 {
            stop.cancel();
        }
    });
    let ended = process.engine.run_project(&request("PROJ", kind)).await;
    app.sim.clear_hooks();
    process.session.close().await.unwrap();
    assert!(ended.is_ok() || cut_short.is_some(), "{ended:?}");
}

/// What the table's constraints hold, looked at once more, and that the open version is what is
/// stored.
async fn assert_versions(app: &App, context: &str) {
    for (what, sql) in [
        (
            "gaps or overlaps",
            "SELECT count(*) FROM (SELECT valid_from, lag(valid_to) OVER w AS before, version,
                 row_number() OVER w AS n FROM jira.issue_versions
                 WINDOW w AS (PARTITION BY site, issue_id ORDER BY version)) v
             WHERE n > 1 AND before IS DISTINCT FROM valid_from OR n <> version",
        ),
        (
            "issues without one open version",
            "SELECT count(*) FROM (SELECT issue_id FROM jira.issue_versions GROUP BY site, issue_id
                 HAVING count(*) FILTER (WHERE valid_to IS NULL) <> 1) v",
        ),
        (
            "open versions that are not what is stored",
            "SELECT count(*) FROM jira.issue_versions v JOIN jira.issues i
                 ON i.site = v.site AND i.id = v.issue_id
             WHERE v.valid_to IS NULL AND (v.content_hash, v.key, v.fields, v.deleted_reason)
                 IS DISTINCT FROM (i.content_hash, i.key, i.fields, i.deleted_reason)",
        ),
        (
            "versions that are like the one before",
            "SELECT count(*) FROM (SELECT content_hash, key, updated, deleted_reason,
                 lag(content_hash) OVER w AS hash, lag(key) OVER w AS had,
                 lag(updated) OVER w AS at, lag(deleted_reason) OVER w AS gone
                 FROM jira.issue_versions
                 WINDOW w AS (PARTITION BY site, issue_id ORDER BY version)) v
             WHERE (content_hash, key, updated, deleted_reason) IS NOT DISTINCT FROM (hash, had, at, gone)",
        ),
        (
            "versions whose kind is not what happened",
            "SELECT count(*) FROM (SELECT change, lag(change) OVER w AS before
                 FROM jira.issue_versions
                 WINDOW w AS (PARTITION BY site, issue_id ORDER BY version)) v
             WHERE (change = 'restored') <> coalesce(before = 'deleted' AND change <> 'deleted', false)
                OR change = 'created' AND before IS NOT NULL",
        ),
    ] {
        assert_eq!(app.number(sql).await, 0, "{context}: {what}");
    }
}

/// And that there is one for every stored issue.
async fn assert_whole(app: &App, context: &str) {
    assert_versions(app, context).await;
    let without = "SELECT count(*) FROM jira.issues i WHERE NOT EXISTS (
        SELECT FROM jira.issue_versions v WHERE v.site = i.site AND v.issue_id = i.id)";
    assert_eq!(app.number(without).await, 0, "{context}");
}
