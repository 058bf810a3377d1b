//! Issues leave what Jira shows, each in its own way, and are marked with the way they went.

use extractor::model::Absence;
use jira_sim::Flavor;
use rstest::rstest;

use super::{
    ELSEWHERE, MINUTE, OTHER, PROJECT, app, assert_marked, ids, key_of, reconciled, resolve,
    stored_key,
};
use crate::compare::{assert_equal, assert_nothing_open};

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn each_way_to_leave_is_told_apart_by_one_reconcile(#[case] flavor: Flavor) {
    let app = app(flavor, 120).await;
    let ids = ids(&app, PROJECT);
    let (deleted, hidden, archived) = (ids[3], ids[17], ids[29]);
    let (followed, unfollowed, returned) = (ids[41], ids[57], ids[88]);
    let had = [followed, unfollowed, returned].map(|id| (id, key_of(&app, id)));
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        world.delete(deleted).unwrap();
        world.hide(hidden).unwrap();
        world.archive_issue(archived).unwrap();
        world.move_issue(followed, OTHER).unwrap();
        world.move_issue(unfollowed, ELSEWHERE).unwrap();
        world.move_issue(returned, ELSEWHERE).unwrap();
        world.advance(MINUTE);
        world.move_issue(returned, PROJECT).unwrap();
    }
    let report = reconciled(&app, PROJECT).await;
    assert_equal(&app, OTHER).await;
    assert_nothing_open(&app).await;
    let gone = [
        (deleted, "not_found"),
        (hidden, "not_found"),
        (archived, "archived"),
        (unfollowed, "moved"),
    ];
    assert_marked(&app, &gone).await;
    for (id, key) in &had {
        assert_eq!(resolve(&app, key).await, Some(*id), "{key}");
        let now = key_of(&app, *id);
        assert_eq!(resolve(&app, &now).await, Some(*id), "{now}");
        assert_eq!(stored_key(&app, *id).await, now);
    }
    let details = &report.certificate.details;
    assert_eq!(report.certificate.tombstoned(), 4);
    assert_eq!(details.tombstoned.get(&Absence::NotFound), Some(&2));
    assert_eq!(details.tombstoned.get(&Absence::Archived), Some(&1));
    assert_eq!(details.tombstoned.get(&Absence::Moved), Some(&1));
    assert_eq!(details.moved, 1, "{details:?}");
    let by_run =
        format!("SELECT count(*) FROM jira.issues WHERE deleted_by_run = '{}'", report.run.0);
    assert_eq!(app.number(&by_run).await, 4);
    let unsettled = "SELECT count(*) FROM extractor.absences WHERE NOT settled";
    assert_eq!(app.number(unsettled).await, 0);
    // There is nothing to do for another one.
    let again = reconciled(&app, PROJECT).await;
    assert_eq!((again.certificate.tombstoned(), again.counters.written), (0, 0), "{again:?}");
    reconciled(&app, OTHER).await;
    assert_marked(&app, &gone).await;
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn what_was_moved_on_twice_is_found_where_it_ended(#[case] flavor: Flavor) {
    let app = app(flavor, 60).await;
    let ids = ids(&app, PROJECT);
    let (through, away, from_other) = (ids[5], ids[6], super::ids(&app, OTHER)[3]);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        world.move_issue(through, ELSEWHERE).unwrap();
        world.move_issue(through, OTHER).unwrap();
        world.move_issue(away, OTHER).unwrap();
        world.move_issue(away, ELSEWHERE).unwrap();
        world.move_issue(from_other, PROJECT).unwrap();
    }
    // The project that they ended in is not asked first.
    reconciled(&app, PROJECT).await;
    reconciled(&app, OTHER).await;
    assert_equal(&app, PROJECT).await;
    assert_marked(&app, &[(away, "moved")]).await;
    for id in [through, away, from_other] {
        assert_eq!(stored_key(&app, id).await, key_of(&app, id));
    }
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_project_that_is_followed_later_takes_over_what_was_moved_to_it(#[case] flavor: Flavor) {
    let app = app(flavor, 60).await;
    let moved = ids(&app, PROJECT)[9];
    app.sim.world_mut().advance(MINUTE);
    app.sim.world_mut().move_issue(moved, ELSEWHERE).unwrap();
    reconciled(&app, PROJECT).await;
    assert_marked(&app, &[(moved, "moved")]).await;
    app.backfill(ELSEWHERE).await.unwrap();
    assert_equal(&app, ELSEWHERE).await;
    assert_marked(&app, &[]).await;
    reconciled(&app, PROJECT).await;
    reconciled(&app, ELSEWHERE).await;
    assert_marked(&app, &[]).await;
}

/// Neither a delta nor a backfill marks anything, however often they run.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn only_a_reconcile_marks_what_other_runs_miss(#[case] flavor: Flavor) {
    let app = app(flavor, 60).await;
    let ids = ids(&app, PROJECT);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        world.delete(ids[1]).unwrap();
        world.hide(ids[2]).unwrap();
        world.archive_issue(ids[3]).unwrap();
    }
    app.delta(PROJECT).await.unwrap();
    app.backfill(PROJECT).await.unwrap();
    assert_marked(&app, &[]).await;
    reconciled(&app, PROJECT).await;
    let gone = [(ids[1], "not_found"), (ids[2], "not_found"), (ids[3], "archived")];
    assert_marked(&app, &gone).await;
}
