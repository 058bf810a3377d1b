//! A large Cloud project whose search is late for some edits, and which is edited all the while, is
//! equal after its backfill and the next two deltas.

use std::time::Duration;

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{
    IndexLag, Issue, IssueId, LiveScript, Random, SimConfig, World, WorldProfile, generate,
};

use crate::app::{App, request};
use crate::compare::{assert_equal_but_for_departed, assert_nothing_open};

const ISSUES: usize = 20_000;
const SEED: u64 = 23;
/// Issues of which Cloud cuts every list short.
const LONG: usize = 120;
/// How far the world's clock goes between two changes.
const PACE: Duration = Duration::from_millis(1_700);
/// How late the search shows some of the edits.
const LAG: Duration = Duration::from_secs(7 * 60);

fn world() -> World {
    let mut world = generate(&WorldProfile::new("PROJ", ISSUES, SEED).plain(700)).unwrap();
    world.add_project("SIDE", "Side");
    let ids = ids(&world, "PROJ");
    for id in ids.iter().step_by(ISSUES / LONG) {
        for n in 1..=45_u64 {
            world.edit(*id, &[("summary", format!("draft {n}").into())]).unwrap();
            world.add_worklog(*id, 60 * n).unwrap();
            if n <= 30 {
                world.add_comment(*id, &format!("remark {n}\n\nin two paragraphs")).unwrap();
            }
        }
        world.advance(Duration::from_secs(61));
    }
    world.advance(Duration::from_secs(3_600));
    world.set_index_lag(IndexLag::Some { share: 0.05, lag: LAG.as_millis() as i64 });
    world
}

fn ids(world: &World, project: &str) -> Vec<IssueId> {
    world.issues(project).map(Issue::id).collect()
}

/// The simulator's script of edits, with moves in and out.
struct Script {
    edits: LiveScript,
    random: Random,
}

impl Script {
    fn new(seed: u64) -> Self {
        Self { edits: LiveScript::new("PROJ", seed), random: Random::new(seed) }
    }

    fn step(&mut self, world: &mut World) {
        world.advance(PACE);
        match self.random.below(40) {
            0..=1 => self.move_one(world, "PROJ", "SIDE"),
            2..=3 => self.move_one(world, "SIDE", "PROJ"),
            _ => {
                self.edits.step(world).unwrap();
            }
        }
    }

    fn move_one(&mut self, world: &mut World, from: &str, to: &str) {
        if let Some(id) = self.random.pick(&ids(world, from)).copied() {
            world.move_issue(id, to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_issues_are_equal_after_a_backfill_and_two_deltas_under_live_changes() {
    let mut app = App::with_config(SimConfig::cloud(), world()).await;
    app.options.overlap = Duration::from_hours(12);
    for (kind, seed) in [(RunKind::Backfill, SEED), (RunKind::Delta, SEED + 1)] {
        let mut during = Script::new(seed);
        (0..40).for_each(|_| during.step(&mut app.sim.world_mut()));
        let process = app.process().await;
        app.sim.on_request(move |_, world| during.step(world));
        let report = process.engine.run_project(&request("PROJ", kind)).await.unwrap();
        app.sim.clear_hooks();
        process.session.close().await.unwrap();
        assert_eq!(report.kind, kind);
        assert!(report.counters.written > 0, "{report:?}");
        if kind == RunKind::Backfill {
            assert!(app.sim.world().index_is_behind(), "some edits should be late");
            assert_lists_were_completed(&app);
        }
    }
    app.sim.world_mut().advance(LAG);
    let report = app.delta("PROJ").await.unwrap();
    assert!(!app.sim.world().index_is_behind());
    assert_eq!((report.kind, report.state), (RunKind::Delta, RunState::Completed), "{report:?}");
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    let departed = assert_equal_but_for_departed(&app, "PROJ").await;
    assert!(departed > 0, "the script should have deleted and moved something");
    assert_nothing_open(&app).await;
    assert_long_lists(&app).await;
}

fn assert_lists_were_completed(app: &App) {
    let asked = |what: &str| app.sim.requests().count(|r| r.seen.resource().ends_with(what));
    assert!(asked("changelog/bulkfetch") > 0, "changelogs");
    for list in ["/comment", "/worklog"] {
        assert!(asked(list) >= LONG, "{} times {list}", asked(list));
    }
}

/// There are lists longer than what comes inline, and they are stored to the last item.
async fn assert_long_lists(app: &App) {
    let cloud = app.sim.config().cloud;
    let (mut long, mut held) = ([0; 3], [0; 3]);
    for issue in app.sim.world().visible_issues("PROJ") {
        let has = [issue.histories().len(), issue.comments().len(), issue.worklogs().len()];
        let inline = [cloud.inline_changelog, cloud.inline_comments, cloud.inline_worklogs];
        for list in 0..3 {
            long[list] += usize::from(has[list] > inline[list]);
            held[list] += has[list] as i64;
        }
    }
    assert!(long.iter().all(|issues| *issues > LONG / 2), "too few long lists: {long:?}");
    let mut stored = [0; 3];
    for (list, column) in ["changes_held", "comments_held", "worklogs_held"].iter().enumerate() {
        let visible = "deleted_at IS NULL AND project_key = 'PROJ'";
        let sql = format!("SELECT sum({column})::bigint FROM jira.issues WHERE {visible}");
        stored[list] = app.number(&sql).await;
    }
    let at_least = stored.iter().zip(&held).all(|(stored, held)| stored >= held);
    assert!(at_least, "{stored:?} stored of {held:?}");
}
