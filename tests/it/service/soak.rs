//! Three processes of the service under a seeded script of edits, faults of Jira, kills and restarts of
//! Postgres. Afterwards everything is equal, nothing is held, and nobody asked Jira too early.
//!
//! Half a minute among the other tests; `scripts/soak.sh` plays ten minutes. SOAK_SECONDS and SOAK_SEED.

use std::process::Command;
use std::time::{Duration, Instant};

use jira_sim::{Action, Endpoint, LiveScript, Random, RetryAfter, SimConfig, SimServer, When};
use nix::sys::signal::Signal;
use sqlx::postgres::PgPoolOptions;

use super::{service, until, world};
use crate::app::{App, Options, connect};
use crate::binary::{Home, Running};
use crate::cluster;
use crate::compare::{assert_equal_but_for_departed, assert_nothing_open};

const PROJECTS: [(&str, usize); 3] = [("ONE", 150), ("TWO", 150), ("THREE", 150)];
const TICK: Duration = Duration::from_millis(500);
/// Ticks of quiet after faults, so that the next ones meet work under way.
const FAULTS_LAST: u64 = 6;
/// What Jira asks to wait for.
const PAUSE: Duration = Duration::from_secs(2);
/// How long after such an answer a request of another process may still arrive.
const ON_ITS_WAY: Duration = Duration::from_millis(400);
/// What the process that is never killed may grow by once it is warm, in KiB.
const GROWTH: u64 = 24 * 1_024;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What happened.
#[derive(Debug, Default)]
struct Tally {
    edits: u64,
    faults: u64,
    kills: u64,
    restarts: u64,
    departed: usize,
    requests: usize,
    /// Requests that arrived within [`ON_ITS_WAY`] of an answer to another process.
    on_their_way: usize,
    /// Resident KiB of the process that is never killed, one a tick.
    resident: Vec<u64>,
}

struct Soak {
    app: App,
    home: Home,
    random: Random,
    scripts: Vec<LiveScript>,
    services: Vec<Running>,
    tally: Tally,
}

impl Soak {
    async fn new(seed: u64) -> Self {
        let database_url = cluster::start();
        let config = SimConfig { clock_runs: true, seed, ..SimConfig::default() };
        let store = connect(&database_url).await;
        store.migrate().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(2).connect(&database_url).await.unwrap();
        let sim = SimServer::start(config, world(&PROJECTS)).await.unwrap();
        let app = App { sim, store, pool, database_url, options: Options::default() };
        let scripts =
            PROJECTS.iter().zip(seed..).map(|((key, _), seed)| LiveScript::new(key, seed));
        let scripts = scripts.collect();
        let mut soak = Self {
            app,
            home: Home::new(),
            random: Random::new(seed),
            scripts,
            services: Vec::new(),
            tally: Tally::default(),
        };
        for _ in 0..3 {
            let running = soak.start();
            soak.services.push(running);
        }
        soak
    }

    fn start(&self) -> Running {
        service(&self.home, &self.app, "ONE,TWO,THREE", "2s").start()
    }

    /// What happens at a tick.
    async fn step(&mut self, tick: u64) {
        for script in &mut self.scripts {
            if self.random.chance(0.7) {
                script.step(&mut self.app.sim.world_mut()).unwrap();
                self.tally.edits += 1;
            }
        }
        match tick % 30 {
            5 => self.trouble(),
            n if n == 5 + FAULTS_LAST => self.app.sim.faults().clear(),
            // The first is never killed: its memory is watched.
            20 => {
                let victim = 1 + self.random.below(2);
                let fresh = self.start();
                let killed = std::mem::replace(&mut self.services[victim], fresh);
                killed.signal(Signal::SIGKILL);
                assert_eq!(killed.ended().await.code, None, "it had ended before");
                self.tally.kills += 1;
            }
            27 => self.restart_postgres(),
            _ => {}
        }
        let resident = resident(self.services[0].pid());
        self.tally.resident.extend(resident);
    }

    fn trouble(&mut self) {
        let action = match self.random.below(5) {
            0 => Action::TooManyRequests(RetryAfter::Seconds(PAUSE.as_secs())),
            1 => Action::Fail(503),
            2 => Action::Reset,
            3 => Action::Truncate(200),
            _ => Action::FailAfterEffect(502),
        };
        let when = When::Chance { probability: 0.3, seed: self.random.draw() };
        self.app.sim.faults().on(Endpoint::Any, when, action);
        self.tally.faults += 1;
    }

    /// In the middle of whatever it does; every other time without a word to anybody.
    fn restart_postgres(&mut self) {
        let mode = if self.tally.restarts.is_multiple_of(2) { "fast" } else { "immediate" };
        cluster::restart(&self.app.database_url, mode);
        self.tally.restarts += 1;
    }

    /// Lets everything come to rest, and looks.
    async fn finish(&mut self) {
        self.app.sim.faults().clear();
        let marked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let mark = self.app.number(marked).await;
        for (project, _) in PROJECTS {
            let since = format!(
                "SELECT count(*) FROM extractor.runs WHERE project_key = '{project}'
                 AND state = 'completed' AND started_at > to_timestamp({mark} / 1000.0)"
            );
            until(&self.app, &since, |runs| runs > 0).await;
        }
        for running in self.services.drain(..) {
            running.terminate();
            running.ended().await.with(0);
        }
        for (project, _) in PROJECTS {
            self.tally.departed += assert_equal_but_for_departed(&self.app, project).await;
        }
        // The rows of killed workers stay for a while, and hold nothing.
        for table in ["cursors", "pending"] {
            let held =
                format!("SELECT count(*) FROM extractor.{table} WHERE lease_worker IS NOT NULL");
            assert_eq!(self.app.number(&held).await, 0, "leases in {table}");
        }
        assert_nothing_open(&self.app).await;
        self.nobody_asked_too_early();
        self.tally.requests = self.app.sim.requests().all().len();
        self.tally.on_their_way = self.app.sim.requests().violations().len();
    }

    /// Of three processes two may ask for the same thing at once, and the simulator takes the second
    /// for the first's next try when the first is refused. So what was on its way is let pass here.
    fn nobody_asked_too_early(&self) {
        let log = self.app.sim.requests();
        let records = log.all();
        let early: Vec<_> = log
            .violations()
            .into_iter()
            .filter(|violation| violation.early + ON_ITS_WAY <= PAUSE)
            .map(|violation| {
                let record = records.iter().find(|record| record.number == violation.request);
                (record.map(|record| record.seen.clone()), violation)
            })
            .collect();
        assert!(early.is_empty(), "asked too early: {early:#?}");
    }
}

/// Resident memory of a process in KiB.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn greatest(samples: &[u64]) -> u64 {
    samples.iter().copied().max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_ends_equal_with_nothing_held_and_nobody_asked_too_early() {
    let (seconds, seed) = (number("SOAK_SECONDS", 30), number("SOAK_SEED", 1));
    eprintln!("SOAK_SEED={seed} SOAK_SECONDS={seconds}");
    let mut soak = Soak::new(seed).await;
    let (began, mut ticks) = (Instant::now(), tokio::time::interval(TICK));
    for tick in 0.. {
        if began.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        ticks.tick().await;
        soak.step(tick).await;
    }
    let resident = std::mem::take(&mut soak.tally.resident);
    let (warm, late) = (resident.len() / 4, resident.len() * 3 / 4);
    let (early, end) = (greatest(&resident[warm..warm * 2]), greatest(&resident[late..]));
    eprintln!("resident KiB: {early} at most in the second quarter, {end} in the last");
    soak.finish().await;
    eprintln!("{:?}", soak.tally);
    assert!(end <= early + GROWTH, "memory grows: {early} KiB, then {end} KiB");
    assert!(soak.tally.kills > 0 && soak.tally.restarts > 0 && soak.tally.faults > 0);
}

#[test]
fn memory_of_a_process_can_be_read() {
    let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    assert!(resident(child.id()).unwrap() > 0);
    child.kill().unwrap();
    child.wait().unwrap();
}
