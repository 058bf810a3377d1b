//! A large project is equal after its backfill, and again after deltas during which it was edited.

use std::collections::HashMap;
use std::time::Duration;

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{LiveScript, Random, Scope, World, WorldProfile, generate, populate};

use crate::app::{App, request};
use crate::compare::{assert_equal, assert_equal_but_for_departed};

const SEED: u64 = 20;
/// How far the world's clock goes between two changes.
const PACE: Duration = Duration::from_millis(1_700);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_issues_are_equal_after_a_backfill_and_after_deltas_under_live_changes() {
    let mut world = generate(&WorldProfile::new("PROJ", 20_000, SEED).plain(1_500)).unwrap();
    world.add_project("SIDE", "Side");
    assert_is_hard(&world, "PROJ");
    equal_throughout(world, "PROJ", 4, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_realistic_project_is_equal_after_a_backfill_and_after_deltas_under_live_changes() {
    let mut world = World::new(1_577_836_800_000);
    populate(&mut world, &WorldProfile::new("REAL", 2_000, SEED)).unwrap();
    world.add_project("SIDE", "Side");
    equal_throughout(world, "REAL", 3, 40).await;
}

/// A backfill of a quiet world, then deltas with changes between and during them, then a quiet one.
async fn equal_throughout(world: World, project: &str, deltas: u32, between: u32) {
    let app = App::new(world).await;
    let issues = app.sim.world().issues(project).count();
    let report = app.watched(project, RunKind::Backfill).await.unwrap();
    let (pages, full_pages) = (app.pages().len(), issues.div_ceil(1_000));
    // A page more for the issues without `updated`, and the last one need not be full.
    assert!(pages * 10 <= full_pages * 12 + 20, "{pages} requests for {full_pages} pages");
    assert!(app.times_hydrated().values().all(|times| *times == 1));
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed));
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!(report.certificate.attempts, 1, "{report:?}");
    assert_equal(&app, project).await;

    let mut script = Script::new(project, SEED);
    for _ in 0..deltas {
        (0..between).for_each(|_| script.step(&mut app.sim.world_mut()));
        let mut during = Script::new(project, script.random.draw());
        let process = app.process().await;
        app.sim.on_request(move |_, world| during.step(world));
        let delta = request(project, RunKind::Delta);
        let report = process.engine.run_project(&delta).await.unwrap();
        app.sim.clear_hooks();
        process.session.close().await.unwrap();
        assert_eq!(report.kind, RunKind::Delta);
        assert!(report.counters.written > 0, "{report:?}");
    }
    app.sim.world_mut().advance(Duration::from_secs(60));
    let report = app.delta(project).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    let departed = assert_equal_but_for_departed(&app, project).await;
    assert!(departed > 0, "the script should have deleted and moved something");
}

/// Everything that a generated project is said to have.
fn assert_is_hard(world: &World, project: &str) {
    let issues: Vec<_> = world.issues(project).collect();
    assert_eq!(issues.len(), 20_000);
    let most_in = |millis: i64| {
        let mut counts: HashMap<i64, usize> = HashMap::new();
        for issue in &issues {
            *counts.entry(issue.updated().unwrap().div_euclid(millis)).or_default() += 1;
        }
        counts.into_values().max().unwrap()
    };
    assert!(most_in(1_000) >= 200, "a burst of hundreds in one second: {}", most_in(1_000));
    assert!(most_in(60_000) >= 2_000, "thousands in one minute: {}", most_in(60_000));
    let out_of_order = issues.windows(2).filter(|pair| pair[0].id() > pair[1].id()).count();
    assert!(out_of_order >= 500, "ids out of key order: {out_of_order}");
    let moved_in = issues.iter().filter(|issue| !issue.former_keys().is_empty()).count();
    assert!(moved_in >= 300, "issues that were moved in: {moved_in}");
}

/// The simulator's script of edits, with moves in and out and reindexes of the whole project.
struct Script {
    project: String,
    edits: LiveScript,
    random: Random,
}

impl Script {
    fn new(project: &str, seed: u64) -> Self {
        let edits = LiveScript::new(project, seed);
        Self { project: project.to_owned(), edits, random: Random::new(seed) }
    }

    fn step(&mut self, world: &mut World) {
        world.advance(PACE);
        let whole = Scope::Project(self.project.clone());
        match self.random.below(60) {
            0 => world.reindex_to(&whole, None),
            1 => world.reindex_to_document(&whole),
            2..=4 => self.move_one(world, &self.project.clone(), "SIDE"),
            5..=6 => self.move_one(world, "SIDE", &self.project.clone()),
            _ => {
                self.edits.step(world).unwrap();
            }
        }
    }

    fn move_one(&mut self, world: &mut World, from: &str, to: &str) {
        let ids: Vec<_> = world.issues(from).map(jira_sim::Issue::id).collect();
        if let Some(id) = self.random.pick(&ids).copied() {
            world.move_issue(id, to).unwrap();
        }
    }
}
