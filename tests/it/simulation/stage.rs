//! Plays a script over the real stack, and holds what must hold after every step of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use extractor::jira::Credentials;
use extractor::model::RunKind;
use extractor::sync::SyncError;
use jira_sim::{Auth, IndexLag, IssueId, Random, Shape, SimConfig, World, WorldProfile, generate};
use sqlx::AssertSqlSafe;

use super::changes::{Change, ELSEWHERE, PROJECT};
use super::process::{Duty, Ended, Grip, Process, Setup};
use super::script::{At, Mishap, OVERLAP, Run, Script, Step};
use super::settled::{Settled, assert_not_fetched_again, settled};
use crate::app::{App, request};
use crate::compare::differences;

const TOKEN: &str = "simulated-token";

/// What a script amounted to.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Played {
    pub(super) kills: usize,
    pub(super) cuts: usize,
    pub(super) sleeps: usize,
    pub(super) runs: usize,
    /// Issues that were stored when a process was killed, and found there by the next.
    pub(super) kept: usize,
}

impl Played {
    pub(super) fn add(&mut self, more: Self) {
        let Self { kills, cuts, sleeps, runs, kept } = more;
        self.kills += kills;
        self.cuts += cuts;
        self.sleeps += sleeps;
        self.runs += runs;
        self.kept += kept;
    }
}

struct Stage {
    app: App,
    setup: Setup,
    cursor: Option<i64>,
    /// Issues whose visibility has changed: what is stored of them may be fetched again.
    flickering: BTreeSet<IssueId>,
    played: Played,
}

pub(super) async fn play(script: &Script) -> Played {
    let mut stage = Stage::new(script).await;
    for (number, step) in script.steps.iter().enumerate() {
        match step {
            Step::World(changes) => stage.change(changes),
            Step::Run(run) => stage.run(run).await,
        }
        stage.check_always(number).await;
    }
    stage.finish().await;
    stage.played
}

impl Stage {
    async fn new(script: &Script) -> Self {
        let mut profile = WorldProfile::new(PROJECT, script.issues, script.seed);
        if Random::new(script.seed).chance(0.5) {
            profile.shape = Shape::Plain { bytes: 2_000 };
        }
        let mut world: World = generate(&profile).unwrap();
        world.set_seed(script.seed);
        world.add_project(ELSEWHERE, "Elsewhere");
        let config = SimConfig {
            page_cap: script.page_cap,
            epoch_millis: script.epoch_millis,
            auth: Auth::token(TOKEN),
            seed: script.seed,
            ..SimConfig::default()
        };
        let mut app = App::with_config(config, world).await;
        app.options.batch_size = script.batch_size.min(u32::try_from(script.page_cap).unwrap());
        app.options.max_in_flight = script.max_in_flight;
        app.options.overlap = OVERLAP;
        app.options.credentials = Credentials::Bearer(TOKEN.into());
        let setup = Setup::of(&app);
        Self { app, setup, cursor: None, flickering: BTreeSet::new(), played: Played::default() }
    }

    fn change(&mut self, changes: &[Change]) {
        let before = self.hidden();
        for change in changes {
            change.apply(&mut self.app.sim.world_mut());
        }
        self.flickering.extend(before.symmetric_difference(&self.hidden()));
        // Otherwise everything fetched now would be unsettled.
        self.app.sim.world_mut().advance(Duration::from_secs(10));
    }

    fn hidden(&self) -> BTreeSet<IssueId> {
        let world = self.app.sim.world();
        world.issues(PROJECT).filter(|issue| issue.is_hidden()).map(jira_sim::Issue::id).collect()
    }

    async fn run(&mut self, run: &Run) {
        let (before, stored) = (self.hidden(), settled(&self.app.pool, PROJECT).await);
        let mark = self.app.sim.requests().all().len();
        for (endpoint, when, action) in &run.faults {
            self.app.sim.faults().on(endpoint.clone(), when.clone(), action.clone());
        }
        self.befall(run).await;
        self.app.sim.clear_hooks();
        self.app.sim.faults().clear();
        self.played.runs += 1;
        self.flickering.extend(before.symmetric_difference(&self.hidden()));
        for change in &run.meanwhile {
            if let Change::Hide(_) | Change::Unhide(_) = change.1 {
                // Both within one run leave no trace here.
                self.flickering.extend(stored.keys().copied());
            }
        }
        self.nothing_was_fetched_again(stored, mark);
    }

    async fn befall(&mut self, run: &Run) {
        let duty = Duty::Run(request(PROJECT, run.kind));
        let grip = Arc::new(Grip::default());
        match run.mishap {
            Mishap::None => {
                self.watch(run, None, &grip);
                let ended = self.process(duty, &grip).ended(&self.app.pool).await;
                self.expect_unharmed(run, &ended);
            }
            Mishap::Kill(at) => {
                self.watch(run, Some((at, true)), &grip);
                let ended = self.process(duty, &grip).ended(&self.app.pool).await;
                self.note_kill(run, &ended).await;
            }
            Mishap::Cut(at) => {
                self.watch(run, Some((at, false)), &grip);
                let process = self.process(duty, &grip);
                self.cut_when_reached(&process).await;
                let ended = process.ended(&self.app.pool).await;
                assert!(matches!(ended, Ended::Ran(_)), "{ended:?}");
            }
            Mishap::Company(at) => {
                self.watch(run, Some((at, true)), &grip);
                let helping = Arc::new(Grip::default());
                let helper = self.process(Duty::Drain, &helping);
                let ended = self.process(duty, &grip).ended(&self.app.pool).await;
                helping.stop();
                let helped = helper.ended(&self.app.pool).await;
                if run.faults.is_empty() {
                    assert!(matches!(helped, Ended::Drained(Ok(_))), "{helped:?}");
                }
                self.note_kill(run, &ended).await;
            }
            Mishap::Rival(at) => {
                self.watch(run, Some((At::Request(at), false)), &grip);
                let process = self.process(duty.clone(), &grip);
                process.reached().await;
                let rival = self.process(duty, &Arc::new(Grip::default()));
                let rival = rival.ended(&self.app.pool).await;
                let ended = process.ended(&self.app.pool).await;
                self.expect_one_holder(run, &ended, &rival);
            }
            Mishap::Sleep { at_request, wakes_at } => {
                self.watch(run, Some((At::Request(at_request), false)), &grip);
                self.put_to_sleep(run, duty, &grip, wakes_at).await;
            }
        }
    }

    fn process(&self, duty: Duty, grip: &Arc<Grip>) -> Process {
        Process::start(self.setup.clone(), duty, grip)
    }

    /// Has the changes made, and the process killed or `reached` told, at their instants.
    fn watch(&self, run: &Run, at: Option<(At, bool)>, grip: &Arc<Grip>) {
        let mut at_request = None;
        match at {
            Some((At::Request(n), kills)) => at_request = Some((n, kills)),
            Some((At::Statement(n), true)) => grip.kill_at_statement(n),
            Some((At::Statement(n), false)) => grip.tell_at_statement(n),
            None => {}
        }
        let (meanwhile, grip) = (run.meanwhile.clone(), Arc::clone(grip));
        let mut seen = 0;
        self.app.sim.on_request(move |_, world| {
            seen += 1;
            for (_, change) in meanwhile.iter().filter(|(at, _)| *at == seen) {
                change.apply(world);
            }
            match at_request {
                Some((n, true)) if n == seen => grip.kill(),
                Some((n, false)) if n == seen => grip.reached.notify_one(),
                _ => {}
            }
        });
    }

    fn expect_unharmed(&self, run: &Run, ended: &Ended) {
        if run.faults.is_empty() {
            assert!(matches!(ended, Ended::Ran(report) if report.is_ok()), "{ended:?}");
        }
    }

    async fn note_kill(&mut self, run: &Run, ended: &Ended) {
        if matches!(ended, Ended::Killed) {
            self.played.kills += 1;
            self.played.kept += settled(&self.app.pool, PROJECT).await.len();
        } else {
            self.expect_unharmed(run, ended);
        }
    }

    async fn cut_when_reached(&mut self, process: &Process) {
        process.reached().await;
        let cut: i64 = self
            .app
            .number(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()
                   AND application_name LIKE 'process-%'",
            )
            .await;
        self.played.cuts += usize::from(cut > 0);
    }

    /// Of two processes at once one runs, and the other is told that the project is held, unless
    /// they happened to run one after the other.
    fn expect_one_holder(&self, run: &Run, one: &Ended, other: &Ended) {
        let (Ended::Ran(one), Ended::Ran(other)) = (one, other) else {
            panic!("{one:?}, {other:?}");
        };
        let held = |ended: &Result<_, SyncError>| matches!(ended, Err(SyncError::Held { .. }));
        assert!(!(held(one) && held(other)), "{one:?}, {other:?}");
        if run.faults.is_empty() {
            assert!(one.is_ok() || held(one), "{one:?}");
            assert!(other.is_ok() || held(other), "{other:?}");
        }
    }

    async fn put_to_sleep(
        &mut self,
        run: &Run,
        duty: Duty,
        grip: &Arc<Grip>,
        wakes_at: Option<u64>,
    ) {
        let sleeper = self.process(duty.clone(), grip);
        sleeper.reached().await;
        if !self.pause(&sleeper, grip).await {
            sleeper.ended(&self.app.pool).await;
            return;
        }
        self.played.sleeps += 1;
        let late = "UPDATE extractor.workers SET heartbeat_at = heartbeat_at - interval '1 minute'";
        sqlx::query(late).execute(&self.app.pool).await.unwrap();
        self.app.sim.clear_hooks();
        let successor = Arc::new(Grip::default());
        let mut quiet = Run::quiet(run.kind);
        quiet.faults.clone_from(&run.faults);
        let at = wakes_at.map(|at| (At::Request(at), false));
        self.watch(&quiet, at, &successor);
        let process = self.process(duty, &successor);
        if wakes_at.is_some() {
            process.reached().await;
            grip.resume();
        }
        let ended = process.ended(&self.app.pool).await;
        self.expect_unharmed(run, &ended);
        let before = self.written().await;
        grip.resume();
        let woken = sleeper.ended(&self.app.pool).await;
        assert!(matches!(woken, Ended::Ran(_)), "{woken:?}");
        if wakes_at.is_none() {
            assert_eq!(self.written().await, before, "the sleeper wrote: {woken:?}");
        }
    }

    /// Pauses the process between two transactions; false if it ended before.
    async fn pause(&self, process: &Process, grip: &Grip) -> bool {
        loop {
            grip.pause();
            if !process.reached().await {
                return false;
            }
            let busy = "state <> 'idle'";
            if process.backends(&self.app.pool, busy).await == 0 {
                return true;
            }
            grip.resume();
        }
    }

    /// Everything that only the holder of a lease may write.
    async fn written(&self) -> String {
        let table = |name: &str| {
            format!(
                "(SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {name} t)"
            )
        };
        let tables = [
            "jira.issues",
            "jira.comments",
            "extractor.runs",
            "extractor.cursors",
            "extractor.listed",
            "extractor.pending",
            "extractor.failures",
            "extractor.certificates",
        ];
        let sql = format!("SELECT concat_ws(' ', {})", tables.map(table).join(", "));
        let row: (String,) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&self.app.pool).await.unwrap();
        row.0
    }

    /// What was stored and has not changed since is not served whole again.
    fn nothing_was_fetched_again(&self, mut stored: Settled, mark: usize) {
        stored.retain(|id, _| !self.flickering.contains(id));
        assert_not_fetched_again(&self.app.sim, PROJECT, &stored, mark);
    }

    /// What holds at any time.
    async fn check_always(&mut self, step: usize) {
        let cursor: Option<(Option<i64>,)> = sqlx::query_as(
            "SELECT (extract(epoch FROM completed_until) * 1000)::bigint FROM extractor.cursors
             WHERE project_key = $1",
        )
        .bind(PROJECT)
        .fetch_optional(&self.app.pool)
        .await
        .unwrap();
        let cursor = cursor.and_then(|row| row.0);
        assert!(cursor >= self.cursor, "step {step}: the cursor fell: {:?}", self.cursor);
        self.cursor = cursor;
        let insane = self
            .app
            .number(
                "SELECT count(*) FROM extractor.runs
                 WHERE least(listed, unchanged, queued, hydrated, written, gone, failed, pages) < 0
                    OR unchanged > listed OR hydrated + gone + failed > queued",
            )
            .await;
        assert_eq!(insane, 0, "step {step}: {}", self.runs().await);
    }

    async fn runs(&self) -> String {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT r::text FROM extractor.runs r ORDER BY started_at")
                .fetch_all(&self.app.pool)
                .await
                .unwrap();
        rows.into_iter().map(|row| row.0 + "\n").collect()
    }

    /// A quiet hour: everything heals.
    async fn finish(&mut self) {
        {
            let mut world = self.app.sim.world_mut();
            world.set_index_lag(IndexLag::None);
            world.flush_index();
            world.advance(Duration::from_secs(1_800));
        }
        let hurry = "UPDATE extractor.failures SET next_try = clock_timestamp()";
        sqlx::query(hurry).execute(&self.app.pool).await.unwrap();
        for _ in 0..2 {
            self.run(&Run::quiet(RunKind::Delta)).await;
            self.app.sim.world_mut().advance(Duration::from_secs(60));
        }
        if !self.missing().await.is_empty() {
            self.run(&Run::quiet(RunKind::Backfill)).await;
        }
        let missing = self.missing().await;
        assert!(missing.is_empty(), "{missing:#?}\n{}", self.runs().await);
        self.nothing_is_left().await;
    }

    /// How the rows differ from the world, but for what only a reconcile takes away.
    async fn missing(&self) -> Vec<String> {
        let mut differences = differences(&self.app, PROJECT).await;
        differences.retain(|difference| !difference.ends_with("is too many"));
        differences
    }

    async fn nothing_is_left(&self) {
        for (what, sql) in [
            ("pending", "SELECT count(*) FROM extractor.pending"),
            ("listed", "SELECT count(*) FROM extractor.listed"),
            ("failures", "SELECT count(*) FROM extractor.failures"),
            ("leases", "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL"),
            (
                "open runs",
                "SELECT count(*) FROM extractor.runs
                 WHERE state IN ('running', 'interrupted', 'failed')",
            ),
            (
                "completed runs that lost count",
                "SELECT count(*) FROM extractor.runs
                 WHERE state IN ('completed', 'incomplete') AND hydrated + gone + failed <> queued",
            ),
        ] {
            assert_eq!(self.app.number(sql).await, 0, "{what} left:\n{}", self.runs().await);
        }
    }
}
