//! Whole projects are archived, renamed, hidden and deleted.

use extractor::model::{Absence, RunState};
use extractor::sync::SyncError;
use jira_sim::{Draft, Flavor};
use rstest::rstest;

use super::{
    MINUTE, OTHER, PROJECT, app, assert_marked, ids, reconcile, reconcile_with, reconciled,
    resolve, stored_key, tombstones,
};
use crate::compare::assert_equal;

const ISSUES: usize = 60;
const RENAMED: &str = "NEWKEY";

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn an_archived_project_is_marked_whole_and_comes_back_whole(#[case] flavor: Flavor) {
    let app = app(flavor, ISSUES).await;
    app.sim.world_mut().archive_project(PROJECT, true);
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{:#?}", report.certificate);
    let all: Vec<_> = ids(&app, PROJECT).into_iter().map(|id| (id, "project_archived")).collect();
    assert_marked(&app, &all).await;
    let marked = report.certificate.details.tombstoned.get(&Absence::ProjectArchived);
    assert_eq!(marked, Some(&(ISSUES as u64)));
    assert_equal(&app, OTHER).await;
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60 * 24);
        world.archive_project(PROJECT, false);
    }
    reconciled(&app, PROJECT).await;
    assert_marked(&app, &[]).await;
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_renamed_project_keeps_its_rows_under_their_new_keys(
    #[case] flavor: Flavor,
    #[values(false, true)] old_key_in_jql: bool,
    #[values(PROJECT, RENAMED)] asked_for: &str,
) {
    let app = app(flavor, ISSUES).await;
    let ids = ids(&app, PROJECT);
    let before = app.number("SELECT count(*) FROM jira.issues").await;
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60 * 24);
        world.set_former_projects_in_jql(old_key_in_jql);
        world.rename_project(PROJECT, RENAMED).unwrap();
        world.create(RENAMED, Draft::new("after the new key")).unwrap();
    }
    let report = reconcile(&app, asked_for).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{:#?}", report.certificate);
    assert_eq!(report.project.as_str(), RENAMED);
    assert_equal(&app, RENAMED).await;
    if asked_for == RENAMED {
        // The old key is still followed: a run of it finds that there is nothing left of it.
        reconcile(&app, PROJECT).await.unwrap();
        assert_equal(&app, RENAMED).await;
    }
    assert_marked(&app, &[]).await;
    assert_eq!(app.number("SELECT count(*) FROM jira.issues").await, before + 1);
    for (id, number) in ids.iter().zip(1..) {
        let key = stored_key(&app, *id).await;
        assert!(key.starts_with("NEWKEY-"), "{key}");
        let old = key.replace("NEWKEY-", "PROJ-");
        assert_eq!(resolve(&app, &old).await, Some(*id), "{number}: {old}");
        assert_eq!(resolve(&app, &key).await, Some(*id), "{number}: {key}");
    }
    let left = "SELECT count(*) FROM jira.issues WHERE project_key = 'PROJ'";
    assert_eq!(app.number(left).await, 0);
    // Whoever is configured with the old key goes on, and finds what is new.
    app.sim.world_mut().advance(MINUTE);
    app.sim.world_mut().create(RENAMED, Draft::new("later")).unwrap();
    app.delta(PROJECT).await.unwrap();
    assert_equal(&app, RENAMED).await;
}

/// Not to be told from a permission that was lost, so nobody marks it without being asked to.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_project_that_is_gone_is_marked_only_where_that_is_allowed(
    #[case] flavor: Flavor,
    #[values(false, true)] deleted: bool,
) {
    let app = app(flavor, ISSUES).await;
    let all: Vec<_> = ids(&app, PROJECT).into_iter().map(|id| (id, "project_gone")).collect();
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60);
        match deleted {
            true => world.delete_project(PROJECT).unwrap(),
            false => world.forbid_project(PROJECT, true),
        }
    }
    let error = reconcile(&app, PROJECT).await.unwrap_err();
    assert!(matches!(&error, SyncError::ProjectNotVisible { .. }), "{error:?}");
    assert!(error.to_string().contains(PROJECT), "{error}");
    assert!(tombstones(&app).await.is_empty());
    let report = reconcile_with(&app, PROJECT, true).await.unwrap();
    assert_eq!(report.certificate.tombstoned(), ISSUES as u64, "{:#?}", report.certificate);
    assert_marked(&app, &all).await;
    assert_equal(&app, OTHER).await;
    if !deleted {
        app.sim.world_mut().advance(MINUTE * 60 * 24);
        app.sim.world_mut().forbid_project(PROJECT, false);
        reconciled(&app, PROJECT).await;
        assert_marked(&app, &[]).await;
    }
}

/// Issues that were moved out before their project went are not lost with it.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn what_was_moved_out_of_a_project_before_it_went_is_kept(#[case] flavor: Flavor) {
    let app = app(flavor, ISSUES).await;
    let ids = ids(&app, PROJECT);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60);
        world.move_issue(ids[4], OTHER).unwrap();
        world.move_issue(ids[5], super::ELSEWHERE).unwrap();
        world.delete_project(PROJECT).unwrap();
    }
    reconcile_with(&app, PROJECT, true).await.unwrap();
    assert_equal(&app, OTHER).await;
    let marked = tombstones(&app).await;
    assert!(!marked.contains_key(&ids[4]));
    assert_eq!(marked[&ids[5]].1, "moved");
    assert!(
        ids.iter().filter(|id| marked.get(id).is_some_and(|m| m.1 == "project_gone")).count()
            == ISSUES - 2
    );
}
