//! What the service does by itself: the schedule, over restarts; failures of one project; projects
//! that come.

use super::{assert_nothing_leased, runs, service, until, world};
use crate::app::App;
use crate::binary::Home;
use crate::compare::assert_equal;

#[tokio::test]
async fn the_service_backfills_and_follows_until_it_is_told_to_stop() {
    let (app, home) = (App::new(world(&[("PROJ", 60), ("OPS", 20)])).await, Home::new());
    let program = service(&home, &app, "PROJ,OPS", "1s").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 2).await;
    until(&app, &runs("OPS", "completed"), |runs| runs >= 2).await;
    let created = app.sim.world_mut().create_many("PROJ", 7).unwrap().len();
    assert_eq!(created, 7);
    let stored = "SELECT count(*) FROM jira.issues WHERE project_key = 'PROJ'";
    until(&app, stored, |issues| issues == 67).await;
    program.terminate();
    let ended = program.ended().await.with(0);
    assert!(ended.stderr.contains("told to end"), "{}", ended.stderr);
    assert_equal(&app, "PROJ").await;
    assert_equal(&app, "OPS").await;
    assert_nothing_leased(&app).await;
    let backfills = "SELECT count(*) FROM extractor.runs WHERE kind = 'backfill'";
    assert_eq!(app.number(backfills).await, 2, "each project is listed whole once");
}

#[tokio::test]
async fn a_restart_goes_on_with_the_schedule_and_starts_no_storm() {
    let (app, home) = (App::new(world(&[("PROJ", 30), ("OPS", 20)])).await, Home::new());
    let program = service(&home, &app, "PROJ,OPS", "1h");
    let first = program.start();
    until(&app, &runs("PROJ", "completed"), |runs| runs == 1).await;
    until(&app, &runs("OPS", "completed"), |runs| runs == 1).await;
    let ahead = "SELECT count(*) FROM extractor.schedules
        WHERE next_run_at > clock_timestamp() + interval '50 minutes'";
    until(&app, ahead, |projects| projects == 2).await;
    first.terminate();
    first.ended().await.with(0);

    // Only the one that is due meanwhile is run.
    let due = "UPDATE extractor.schedules SET next_run_at = clock_timestamp()
        WHERE project_key = 'OPS'";
    sqlx::query(due).execute(&app.pool).await.unwrap();
    let second = program.start();
    until(&app, &runs("OPS", "completed"), |runs| runs == 2).await;
    until(&app, ahead, |projects| projects == 2).await;
    second.terminate();
    second.ended().await.with(0);
    assert_eq!(app.number(&runs("PROJ", "completed")).await, 1, "it was not due");
    let all = "SELECT count(*) FROM extractor.runs";
    assert_eq!(app.number(all).await, 3);
}

#[tokio::test]
async fn a_project_that_fails_backs_off_alone_and_recovers() {
    let mut world = world(&[("PROJ", 20), ("OPS", 20)]);
    world.forbid_project("OPS", true);
    let (app, home) = (App::new(world).await, Home::new());
    let program = service(&home, &app, "OPS,PROJ", "1s").start();
    let failures = "SELECT failures_in_a_row FROM extractor.schedules WHERE project_key = 'OPS'";
    let failures =
        format!("SELECT coalesce(max(failures_in_a_row), 0)::bigint FROM ({failures}) f");
    until(&app, &failures, |failures| failures >= 2).await;
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 4).await;
    let told = "SELECT count(*) FROM extractor.schedules WHERE project_key = 'OPS'
        AND trouble LIKE '%may not see it%' AND trouble_category = 'admin_required'";
    assert_eq!(app.number(told).await, 1);
    let others = "SELECT count(*) FROM extractor.schedules
        WHERE project_key = 'PROJ' AND trouble IS NOT NULL";
    assert_eq!(app.number(others).await, 0);

    app.sim.world_mut().forbid_project("OPS", false);
    until(&app, &runs("OPS", "completed"), |runs| runs >= 1).await;
    until(&app, &failures, |failures| failures == 0).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "OPS").await;
}

#[tokio::test]
async fn with_a_star_projects_come_and_go_with_their_visibility() {
    let mut world = world(&[("PROJ", 20), ("LATER", 20), ("OLD", 5)]);
    world.forbid_project("LATER", true);
    world.archive_project("OLD", true);
    let (app, home) = (App::new(world).await, Home::new());
    let program = service(&home, &app, "*", "1s").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 1).await;
    app.sim.world_mut().forbid_project("LATER", false);
    until(&app, &runs("LATER", "completed"), |runs| runs >= 1).await;
    app.sim.world_mut().archive_project("LATER", true);
    let followed = "SELECT count(*) FROM extractor.schedules";
    until(&app, followed, |projects| projects == 1).await;
    program.terminate();
    program.ended().await.with(0);
    let old = "SELECT count(*) FROM extractor.runs WHERE project_key = 'OLD'";
    assert_eq!(app.number(old).await, 0, "an archived project is left out");
    assert_eq!(
        app.number("SELECT count(*) FROM jira.issues WHERE project_key = 'LATER'").await,
        20
    );
}
