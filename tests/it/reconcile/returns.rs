//! What was marked comes back, mostly with the `updated` it had, and issues appear that are older
//! than anything listed: one reconcile finds them.

use jira_sim::{Draft, Flavor, Imported};
use rstest::rstest;

use super::{ELSEWHERE, MINUTE, PROJECT, app, assert_marked, ids, reconciled, resolve};
use crate::app::App;
use crate::compare::assert_equal;

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn what_comes_back_is_unmarked_with_its_old_updated(#[case] flavor: Flavor) {
    let app = app(flavor, 120).await;
    let ids = ids(&app, PROJECT);
    let (hidden, archived, moved) = (ids[10], ids[20], ids[30]);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        world.hide(hidden).unwrap();
        world.archive_issue(archived).unwrap();
        world.move_issue(moved, ELSEWHERE).unwrap();
    }
    reconciled(&app, PROJECT).await;
    let gone = [(hidden, "not_found"), (archived, "archived"), (moved, "moved")];
    assert_marked(&app, &gone).await;
    {
        let mut world = app.sim.world_mut();
        // Long enough ago that no delta reaches back to it.
        world.advance(MINUTE * 60 * 24);
        world.unhide(hidden).unwrap();
        world.restore_issue(archived).unwrap();
        world.silently(|world| world.move_issue(moved, PROJECT)).unwrap();
    }
    let report = reconciled(&app, PROJECT).await;
    assert_marked(&app, &[]).await;
    assert_eq!(report.certificate.tombstoned(), 0);
    let by_run = "SELECT count(*) FROM jira.issues
                  WHERE deleted_reason IS NOT NULL OR deleted_by_run IS NOT NULL";
    assert_eq!(app.number(by_run).await, 0);
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn issues_imported_with_old_times_are_found(#[case] flavor: Flavor) {
    let app = app(flavor, 60).await;
    let imported = {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60 * 24);
        let old = Imported {
            draft: Draft::new("from elsewhere"),
            created: 1_400_000_000_000,
            updated: Some(1_400_000_600_000),
            ..Imported::default()
        };
        let undated = Imported { updated: None, ..old.clone() };
        [world.import(PROJECT, old).unwrap(), world.import(PROJECT, undated).unwrap()]
    };
    reconciled(&app, PROJECT).await;
    assert_marked(&app, &[]).await;
    for id in imported {
        let key = super::key_of(&app, id);
        assert_eq!(resolve(&app, &key).await, Some(id));
    }
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn issues_that_this_account_may_see_at_last_are_found(#[case] flavor: Flavor) {
    let world = {
        let mut world = super::world(60);
        let ids: Vec<_> = world.issues(PROJECT).map(jira_sim::Issue::id).collect();
        ids.iter().step_by(7).for_each(|id| world.hide(*id).unwrap());
        world
    };
    let app = App::with_config(super::config(flavor), world).await;
    app.backfill(PROJECT).await.unwrap();
    assert_equal(&app, PROJECT).await;
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60 * 24);
        let hidden: Vec<_> = world
            .issues(PROJECT)
            .filter(|issue| issue.is_hidden())
            .map(jira_sim::Issue::id)
            .collect();
        assert!(hidden.len() > 5);
        hidden.into_iter().for_each(|id| world.unhide(id).unwrap());
    }
    reconciled(&app, PROJECT).await;
}

/// A document that changed without its `updated`, and one that is stored newer than it is: what the
/// listing cannot tell is not claimed; what it can is healed.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn an_edit_that_the_index_never_learned_of_is_healed_once_it_does(#[case] flavor: Flavor) {
    let app = app(flavor, 60).await;
    let id = ids(&app, PROJECT)[11];
    {
        let mut world = app.sim.world_mut();
        let before = world.issue(id).unwrap().updated();
        world.advance(MINUTE);
        world.edit(id, &[("summary", "changed".into())]).unwrap();
        world.skew_index(id, before).unwrap();
        world.advance(MINUTE * 60 * 24);
    }
    let report = reconciled(&app, PROJECT).await;
    assert!(report.certificate.details.healed > 0, "{:?}", report.certificate);
}
