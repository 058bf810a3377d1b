//! Comments, worklogs, links and attachments that vanished.

use jira_sim::{Access, Action, Endpoint, Flavor, IssueId, Rule, When};
use rstest::rstest;

use super::{MINUTE, PROJECT, app, ids, reconcile, reconciled};
use crate::app::App;
use crate::compare::{assert_equal, assert_nothing_open, differences};

/// Three of each on two issues, all of it stored, and more worklogs than come with an issue.
async fn with_children(flavor: Flavor) -> (App, IssueId, IssueId) {
    let app = app(flavor, 40).await;
    let ids = ids(&app, PROJECT);
    let (one, other) = (ids[8], ids[21]);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        for id in [one, other] {
            for (n, far) in ids.iter().enumerate().take(3) {
                world.add_comment(id, &format!("comment {n}")).unwrap();
                world.add_attachment(id, &format!("file {n}"), 10).unwrap();
                world.add_link(id, *far).unwrap();
            }
            for n in 0..30 {
                world.add_worklog(id, 60 + n).unwrap();
            }
        }
        world.advance(MINUTE);
    }
    Box::pin(app.delta(PROJECT)).await.unwrap();
    assert_equal(&app, PROJECT).await;
    (app, one, other)
}

fn last(children: &[jira_sim::Child]) -> u64 {
    children.last().unwrap().id
}

fn vanish(app: &App, id: IssueId) {
    let mut world = app.sim.world_mut();
    let issue = world.issue(id).unwrap();
    let (comment, file) = (last(issue.comments()), last(issue.attachments()));
    let (worklog, link) = (last(issue.worklogs()), last(issue.links()));
    world.delete_comment(id, comment).unwrap();
    world.delete_attachment(id, file).unwrap();
    world.delete_worklog(id, worklog).unwrap();
    world.remove_link(id, link).unwrap();
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn vanished_children_are_taken_out(#[case] flavor: Flavor) {
    let (app, one, other) = with_children(flavor).await;
    app.sim.world_mut().advance(MINUTE * 60 * 24);
    vanish(&app, one);
    vanish(&app, other);
    reconciled(&app, PROJECT).await;
    assert_nothing_open(&app).await;
}

/// The issue's `updated` stays; only the feed of deleted worklogs tells.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_worklog_that_vanishes_in_silence_is_learned_of_from_the_feed(#[case] flavor: Flavor) {
    let (app, one, other) = with_children(flavor).await;
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60 * 24);
        for id in [one, other] {
            let worklog = last(world.issue(id).unwrap().worklogs());
            world.silently(|world| world.delete_worklog(id, worklog)).unwrap();
        }
    }
    let report = reconciled(&app, PROJECT).await;
    assert_eq!(report.counters.hydrated, 2, "only the issues of those worklogs: {report:?}");
}

/// Where the feed is kept from us, they stay until the issue is fetched for another reason, and
/// nothing else suffers.
#[rstest]
#[case::forbidden(Access::Forbidden)]
#[case::absent(Access::Absent)]
#[tokio::test]
async fn without_the_feed_a_reconcile_still_completes(
    #[case] feed: Access,
    #[values(Flavor::Server, Flavor::Cloud)] flavor: Flavor,
) {
    let (app, one, _) = with_children(flavor).await;
    app.sim.configure(|config| config.worklog_feed = feed);
    let worklog = {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60);
        let worklog = last(world.issue(one).unwrap().worklogs());
        world.silently(|world| world.delete_worklog(one, worklog)).unwrap();
        worklog
    };
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert_eq!(report.state, extractor::model::RunState::Completed, "{:#?}", report.certificate);
    let differences = differences(&app, PROJECT).await;
    assert!(differences.iter().any(|line| line.contains(&worklog.to_string())), "{differences:?}");
    app.sim.world_mut().advance(MINUTE);
    app.sim.world_mut().touch(one).unwrap();
    reconciled(&app, PROJECT).await;
}

/// A list that could not be read to its end takes nothing out.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_list_that_was_cut_short_takes_nothing_out(#[case] flavor: Flavor) {
    let (app, one, _) = with_children(flavor).await;
    app.sim.world_mut().advance(MINUTE * 60);
    vanish(&app, one);
    let (endpoint, action) = (Endpoint::Children, Action::Fail(500));
    app.sim.faults().add(Rule { endpoint, when: When::Always, issue: Some(one), action });
    let held = "SELECT count(*) FROM jira.worklogs";
    let before = app.number(held).await;
    reconcile(&app, PROJECT).await.unwrap();
    // What came inline may be new; what did not come is still there.
    assert_eq!(app.number(held).await, before);
    app.sim.faults().clear();
    let hurry = "UPDATE extractor.failures SET next_try = clock_timestamp()";
    sqlx::query(hurry).execute(&app.pool).await.unwrap();
    app.sim.world_mut().touch(one).unwrap();
    reconciled(&app, PROJECT).await;
    assert_eq!(app.number(held).await, before - 1);
}
