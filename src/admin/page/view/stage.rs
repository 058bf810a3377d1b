//! A service as it might stand, for tests of what is said about it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Sight;
use crate::admin::desk::{
    ConfigurationFacts, FollowedProject, Link, Phase, ServiceStatus, Trouble,
};
use crate::admin::page::board::{Known, Picture};
use crate::model::{
    Basis, Certificate, Checkpoint, FailureCategory, RunCounters, RunId, RunKind, RunState, Site,
    TierCounts, Verdict, WorkerId,
};
use crate::store::{Certified, CursorFacts, ProjectCounts, ProjectFacts, QueueFacts, Run};

/// Seconds from the present of the tests.
pub(in crate::admin::page) fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_010 + secs, 0).unwrap()
}

/// A service, what it said and what was seen of its database.
pub(in crate::admin::page) struct Stage {
    pub(in crate::admin::page) status: ServiceStatus,
    pub(in crate::admin::page) picture: Picture,
}

impl Stage {
    /// A service that is well and follows these projects, each a few minutes behind.
    pub(in crate::admin::page) fn of(projects: &[&str]) -> Self {
        let up = Link::Up { since: at(-3_600) };
        let status = ServiceStatus {
            phase: Phase::Running,
            worker: None,
            database: up.clone(),
            jira: up,
            client: None,
            instance: None,
            projects: projects.iter().map(|key| followed(key)).collect(),
            runs: Vec::new(),
            configuration: ConfigurationFacts {
                loaded_at: at(-3_600),
                refused: None,
                may_lag: Duration::from_hours(1),
                may_go_unproven: None,
            },
        };
        let known = Known {
            read_at: at(0),
            projects: projects.iter().map(|key| facts(key)).collect(),
            counts: Arc::new(projects.iter().map(|key| counts(key)).collect()),
            runs: Vec::new(),
            failures: Vec::new(),
        };
        let picture = Picture { known: Some(known), ..Picture::default() };
        Self { status, picture }
    }

    /// As it is seen at the present of the tests.
    pub(in crate::admin::page) fn sight(&self) -> Sight<'_> {
        let (status, picture) = (&self.status, &self.picture);
        Sight { status, stats: None, picture, now: at(0) }
    }

    pub(in crate::admin::page) fn known(&mut self) -> &mut Known {
        self.picture.known.as_mut().unwrap()
    }

    /// With another run, the newest.
    pub(in crate::admin::page) fn with(mut self, run: Run) -> Self {
        self.known().runs.insert(0, run);
        self
    }
}

pub(in crate::admin::page) fn trouble() -> Trouble {
    Trouble {
        text: "cannot reach jira.example".to_owned(),
        category: FailureCategory::Temporary,
        remedy: "look whether it is down".to_owned(),
    }
}

fn followed(key: &str) -> FollowedProject {
    FollowedProject {
        key: key.parse().unwrap(),
        next_run_at: Some(at(120)),
        failures_in_a_row: 0,
        trouble: None,
        next_reconcile_at: None,
        reconcile_trouble: None,
    }
}

fn facts(key: &str) -> ProjectFacts {
    ProjectFacts {
        site: Site::new("sim"),
        project: key.parse().unwrap(),
        as_of: at(0),
        incomplete: 0,
        cursor: Some(CursorFacts {
            site: Site::new("sim"),
            project: key.parse().unwrap(),
            completed_until: Some(at(-200)),
            last_run: None,
            reconcile_run: None,
            reconciled_at: None,
            max_index_lag: Duration::ZERO,
            held_by: Some(WorkerId(Uuid::nil())),
            updated_at: at(-200),
        }),
        lag: Some(Duration::from_secs(200)),
        queue: QueueFacts::default(),
        failures: 0,
        runs: Vec::new(),
        schedule: None,
        reconciles: None,
        certified: Some(certified(Verdict::Complete)),
        reconciled: None,
    }
}

fn counts(key: &str) -> ProjectCounts {
    ProjectCounts {
        site: Site::new("sim"),
        project: key.parse().unwrap(),
        issues: TierCounts { full: 1_200, hub: 3, minimal: 0 },
        deleted: 0,
        tombstones: std::collections::BTreeMap::new(),
    }
}

pub(in crate::admin::page) fn certified(verdict: Verdict) -> Certified {
    Certified { run: RunId(Uuid::from_u128(5)), at: at(-190), certificate: certificate(verdict) }
}

fn certificate(verdict: Verdict) -> Certificate {
    Certificate {
        as_of: at(-200),
        counted: 2_000,
        basis: Basis::Count,
        listed: 1_203,
        stored: 1_203,
        failed: 0,
        attempts: 1,
        verdict,
        findings: Vec::new(),
        details: crate::model::Details::default(),
    }
}

/// A backfill that began ten minutes ago and has listed 1,000 issues of which 400 are fetched.
pub(in crate::admin::page) fn run(project: &str, state: RunState) -> Run {
    Run {
        id: RunId(Uuid::from_u128(7)),
        site: Site::new("sim"),
        project: project.parse().unwrap(),
        kind: RunKind::Backfill,
        state,
        begun: true,
        worker: Some(WorkerId(Uuid::nil())),
        lists_from: None,
        horizon: at(-600),
        filter: None,
        allow_mass_delete: false,
        checkpoint: Checkpoint::default(),
        attempt: 1,
        resumes: 0,
        retries: 0,
        counters: RunCounters {
            listed: 1_000,
            queued: 800,
            hydrated: 395,
            gone: 5,
            ..RunCounters::default()
        },
        started_at: at(0) - TimeDelta::minutes(10),
        queued_at: None,
        updated_at: at(-5),
        progressed_at: Some(at(-5)),
        cancel_requested_at: None,
        finished_at: None,
        error: None,
        error_category: None,
    }
}
