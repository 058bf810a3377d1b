//! Where the instance refuses epoch milliseconds, listings begin at minutes as Jira reads them in
//! the user's zone: nothing may be missed while that zone's clock changes.

use std::time::Duration;

use chrono::DateTime;
use chrono_tz::{America::New_York, Europe::Berlin, Tz};
use extractor::jira::Credentials;
use extractor::model::{RunKind, RunState};
use jira_sim::{Random, SimConfig, World};
use rstest::rstest;

use crate::app::App;
use crate::compare::assert_equal;

/// Begun at these offsets from the change of the clock, in minutes; each project has one backfill.
const BACKFILLS: [i64; 8] = [-121, -61, -60, -31, 0, 1, 59, 90];
/// The changes go on from this long before the clock changes, until this long after it.
const BEFORE: i64 = -180;
const AFTER: i64 = 180;

#[rstest]
#[case::new_york_spring(New_York, "2024-03-10T07:00:00Z")]
#[case::new_york_autumn(New_York, "2024-11-03T06:00:00Z")]
#[case::berlin_spring(Berlin, "2024-03-31T01:00:00Z")]
#[case::berlin_autumn(Berlin, "2024-10-27T01:00:00Z")]
#[tokio::test]
async fn nothing_is_missed_while_the_clock_of_the_users_zone_changes(
    #[case] zone: Tz,
    #[case] change: &str,
) {
    let change = DateTime::parse_from_rfc3339(change).unwrap().timestamp_millis();
    let minutes = |minutes: i64| minutes * 60_000;
    let mut world = World::new(change + minutes(BEFORE) - minutes(60));
    for n in 0..BACKFILLS.len() {
        world.add_project(&project(n), "Project");
        for _ in 0..45 {
            world.advance(Duration::from_secs(67));
            world.create_many(&project(n), 1).unwrap();
        }
        world.set_now(change + minutes(BEFORE) - minutes(60));
    }
    let config = SimConfig { epoch_millis: false, user_zone: zone, ..SimConfig::default() };
    let mut app = App::with_config(config, world).await;
    app.options.credentials = Credentials::Bearer("token".into());
    // Small pages and no overlap: every cursor and every jump counts.
    app.options.page_rows = 10;
    app.options.overlap = Duration::ZERO;

    let mut random = Random::new(change.unsigned_abs());
    let mut backfilled = 0;
    let mut at = BEFORE;
    while at < AFTER {
        at += 1 + i64::try_from(random.below(9)).unwrap();
        app.sim.world_mut().set_now(change + minutes(at) + 7_300);
        edit_some(&mut app.sim.world_mut(), &mut random);
        while BACKFILLS.get(backfilled).is_some_and(|due| *due <= at) {
            // Exactly then, or as soon after as the world's clock has got.
            run(&app, backfilled, RunKind::Backfill).await;
            backfilled += 1;
        }
        let some = random.below(backfilled.max(1));
        if backfilled > 0 && random.chance(0.7) {
            run(&app, some, RunKind::Delta).await;
        }
    }
    for n in 0..backfilled {
        run(&app, n, RunKind::Delta).await;
        assert_equal(&app, &project(n)).await;
    }
    assert_eq!(backfilled, BACKFILLS.len());
    let quoted = app.pages().iter().all(|page| {
        let jql = page.seen.jql.clone().unwrap_or_default();
        !jql.contains("updated >= 1")
    });
    assert!(quoted, "the instance refuses epoch milliseconds");
}

#[rstest]
#[case::repeated_hour(New_York, "2024-11-03T06:00:00Z")]
#[case::skipped_hour(Berlin, "2024-03-31T01:00:00Z")]
#[tokio::test]
async fn edits_made_while_runs_go_through_a_clock_change_are_found_by_them_or_the_next(
    #[case] zone: Tz,
    #[case] change: &str,
) {
    let change = DateTime::parse_from_rfc3339(change).unwrap().timestamp_millis();
    let mut world = World::new(change - 2 * 3_600_000);
    world.add_project("P0", "Project");
    for _ in 0..120 {
        world.create_many("P0", 1).unwrap();
        world.advance(Duration::from_secs(29));
    }
    let config = SimConfig { epoch_millis: false, user_zone: zone, ..SimConfig::default() };
    let mut app = App::with_config(config, world).await;
    app.options.credentials = Credentials::Bearer("token".into());
    app.options.page_rows = 10;
    app.options.overlap = Duration::from_secs(300);
    let mut random = Random::new(5);
    // Each request takes a minute, and somebody edits meanwhile.
    app.sim.on_request(move |_, world| {
        world.advance(Duration::from_secs(61));
        edit_some(world, &mut random);
    });
    for kind in [RunKind::Backfill, RunKind::Delta, RunKind::Delta] {
        app.watched("P0", kind).await.unwrap();
    }
    app.sim.clear_hooks();
    assert!(app.sim.world().now() > change + 3_600_000, "the clock has changed meanwhile");
    app.sim.world_mut().advance(Duration::from_secs(60));
    run(&app, 0, RunKind::Delta).await;
    assert_equal(&app, "P0").await;
}

fn project(n: usize) -> String {
    format!("P{n}")
}

/// Edits a few issues of every project, and creates one now and then.
fn edit_some(world: &mut World, random: &mut Random) {
    for n in 0..BACKFILLS.len() {
        let ids: Vec<_> = world.issues(&project(n)).map(jira_sim::Issue::id).collect();
        if ids.is_empty() {
            continue;
        }
        for _ in 0..1 + random.below(3) {
            let id = *random.pick(&ids).unwrap();
            world.add_comment(id, "a word").unwrap();
        }
        if random.chance(0.1) {
            world.create_many(&project(n), 1).unwrap();
        }
    }
}

async fn run(app: &App, n: usize, kind: RunKind) {
    let report = app.watched(&project(n), kind).await.unwrap();
    assert_eq!(report.kind, kind);
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(report.certificate.attempts, 1, "{report:?}");
}
