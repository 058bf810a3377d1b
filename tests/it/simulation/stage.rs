//! Plays a script over the real stack. What must hold meanwhile is `checks`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use extractor::jira::Credentials;
use extractor::sync::SyncError;
use jira_sim::{Auth, IssueId, Random, Shape, SimConfig, World, WorldProfile, generate};

use super::changes::{Change, ELSEWHERE, PROJECT};
use super::process::{Duty, Ended, Grip, Process, Setup};
use super::script::{At, Mishap, OVERLAP, Run, Script, Step};
use super::settled::settled;
use crate::app::{App, request};

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

/// A world and a database, and what a script has made of them so far.
pub(super) struct Stage {
    pub(super) app: App,
    setup: Setup,
    /// The furthest the cursor has been seen.
    pub(super) cursor: Option<i64>,
    /// Issues whose visibility has changed: what is stored of them may be fetched again.
    pub(super) flickering: BTreeSet<IssueId>,
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

    pub(super) async fn run(&mut self, run: &Run) {
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
            Mishap::Company { at, kills_helper } => {
                self.keep_company(run, duty, &grip, at, kills_helper).await;
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

    /// Has another process hydrate with the first, and one of them killed.
    async fn keep_company(
        &mut self,
        run: &Run,
        duty: Duty,
        grip: &Arc<Grip>,
        at: At,
        kills_helper: bool,
    ) {
        let helping = Arc::new(Grip::default());
        self.watch(run, Some((at, true)), if kills_helper { &helping } else { grip });
        let helper = self.process(Duty::Drain, &helping);
        let ended = self.process(duty, grip).ended(&self.app.pool).await;
        helping.stop();
        let helped = helper.ended(&self.app.pool).await;
        if run.faults.is_empty() {
            let in_order = matches!(helped, Ended::Drained(Ok(_)));
            assert!(in_order || matches!(helped, Ended::Killed), "{helped:?}");
        }
        self.played.kills += usize::from(matches!(helped, Ended::Killed));
        self.note_kill(run, &ended).await;
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
}
