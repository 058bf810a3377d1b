//! A filter narrows what is listed; changing it lists everything again.

use std::time::Duration;

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{Action, Endpoint, IssueId, When, WorldProfile, generate};

use crate::app::App;

const MINOR: &str = "SELECT count(*) FROM jira.issues WHERE priority = 'Minor'";
const ALL: &str = "SELECT count(*) FROM jira.issues";

#[tokio::test]
async fn only_what_the_filter_matches_is_extracted_and_changing_it_lists_everything() {
    let world = generate(&WorldProfile::new("PROJ", 300, 17).plain(600)).unwrap();
    let mut app = App::new(world).await;
    app.sim.world_mut().advance(Duration::from_secs(6 * 3_600));
    let ids: Vec<IssueId> = app.sim.world().issues("PROJ").map(jira_sim::Issue::id).collect();
    set_priorities(&app, &ids);
    app.sim.world_mut().advance(Duration::from_secs(6 * 3_600));

    // An OR in it must not let the rest of the query slip.
    app.options.filter = Some("priority = Minor OR priority = Nothing".replace("Nothing", "Minor"));
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_eq!((app.number(MINOR).await, app.number(ALL).await), (100, 100));
    assert_eq!(report.certificate.counted, 100);

    // The same filter: a delta. An issue that is edited into it comes.
    app.sim.world_mut().advance(Duration::from_secs(600));
    app.sim.world_mut().edit(ids[1], &[("priority", "Minor".into())]).unwrap();
    app.sim.world_mut().edit(ids[2], &[("summary", "still major".into())]).unwrap();
    app.sim.world_mut().advance(Duration::from_secs(60));
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Delta, RunState::Completed));
    assert_eq!((app.number(MINOR).await, app.number(ALL).await), (101, 101));

    // Another filter, and none: everything is listed, though nothing was edited.
    app.sim.world_mut().advance(Duration::from_secs(6 * 3_600));
    app.options.filter = Some("priority = Major".to_owned());
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed), "{report:?}");
    assert_eq!(report.counters.written, 199);
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!(app.number(ALL).await, 300);
    app.options.filter = None;
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed));
    assert_eq!(report.counters.unchanged, 300);
    assert!(app.times_hydrated().is_empty());
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.counters.listed), (RunKind::Delta, 0));
    crate::compare::assert_equal(&app, "PROJ").await;
}

/// The first run with a new filter lists everything, even if it takes two: it is the run that the
/// cursor stands at which must have had the filter, not the one that was tried last.
#[tokio::test]
async fn a_changed_filter_lists_everything_although_the_first_try_fails() {
    let world = generate(&WorldProfile::new("PROJ", 60, 18).plain(600)).unwrap();
    let mut app = App::new(world).await;
    app.sim.world_mut().advance(Duration::from_secs(6 * 3_600));
    let ids: Vec<IssueId> = app.sim.world().issues("PROJ").map(jira_sim::Issue::id).collect();
    set_priorities(&app, &ids);
    app.sim.world_mut().advance(Duration::from_secs(6 * 3_600));
    app.options.filter = Some("priority = Minor".to_owned());
    app.backfill("PROJ").await.unwrap();
    assert_eq!(app.number(ALL).await, 20);

    app.options.filter = None;
    let process = app.process().await;
    let away = Action::Redirect("https://sso.example.invalid/".to_owned());
    let redirect = app.sim.faults().on(Endpoint::SearchListing, When::Always, away);
    let delta = crate::app::request("PROJ", RunKind::Delta);
    process.engine.run_project(&delta).await.unwrap_err();
    process.session.close().await.unwrap();
    app.sim.faults().remove(redirect);

    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed));
    assert_eq!(app.number(ALL).await, 60);
}

/// A third becomes Minor, the others Major.
fn set_priorities(app: &App, ids: &[IssueId]) {
    let mut world = app.sim.world_mut();
    for (n, id) in ids.iter().enumerate() {
        let priority = if n % 3 == 0 { "Minor" } else { "Major" };
        world.edit(*id, &[("priority", priority.into())]).unwrap();
    }
}
