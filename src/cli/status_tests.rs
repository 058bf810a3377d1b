//! How the state of projects reads.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::*;
use crate::model::{
    Basis, Certificate, Checkpoint, Failure as IssueFailure, FailureCategory, FailureCause,
    IssueId, RunCounters, RunId, RunKind, Site, TierCounts, Verdict, WorkerId,
};
use crate::store::{Certified, QueueFacts, ScheduleTrouble};

fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap()
}

fn cursor(held_by: Option<WorkerId>) -> CursorFacts {
    CursorFacts {
        site: Site::new("jira"),
        project: "PROJ".parse().unwrap(),
        completed_until: Some(at(0)),
        last_run: None,
        reconcile_run: None,
        reconciled_at: None,
        max_index_lag: Duration::ZERO,
        held_by,
        updated_at: at(0),
    }
}

fn run(state: RunState) -> Run {
    Run {
        id: RunId(Uuid::nil()),
        site: Site::new("jira"),
        project: "PROJ".parse().unwrap(),
        kind: RunKind::Delta,
        state,
        begun: true,
        worker: Some(WorkerId(Uuid::nil())),
        lists_from: None,
        horizon: at(0),
        filter: None,
        allow_mass_delete: false,
        checkpoint: Checkpoint::default(),
        attempt: 1,
        resumes: 0,
        retries: 0,
        counters: RunCounters { listed: 1_200, hydrated: 7, ..RunCounters::default() },
        started_at: at(0),
        queued_at: None,
        updated_at: at(61),
        progressed_at: None,
        cancel_requested_at: None,
        finished_at: None,
        error: Some("no answer\nfrom Jira".to_owned()),
        error_category: None,
    }
}

fn facts() -> ProjectFacts {
    ProjectFacts {
        site: Site::new("jira"),
        project: "PROJ".parse().unwrap(),
        as_of: at(300),
        incomplete: 2,
        cursor: Some(cursor(None)),
        lag: Some(Duration::from_secs(200)),
        schedule: Some(Schedule {
            project: "PROJ".parse().unwrap(),
            kind: RunKind::Delta,
            next_run_at: at(360),
            due_in: Duration::from_mins(1),
            failures_in_a_row: 2,
            trouble: Some(ScheduleTrouble {
                text: "no answer".to_owned(),
                category: FailureCategory::Temporary,
                remedy: "wait".to_owned(),
            }),
            last_started_at: Some(at(0)),
            followed_since: at(0),
        }),
        reconciles: None,
        reconciled: None,
        queue: QueueFacts { depth: 4, leased: 0, oldest: None },
        failures: 1,
        runs: vec![run(RunState::Running)],
        certified: Some(Certified {
            run: RunId(Uuid::nil()),
            at: at(0),
            certificate: Certificate {
                as_of: at(0),
                counted: 1,
                basis: Basis::Count,
                listed: 1,
                stored: 1,
                failed: 0,
                attempts: 1,
                verdict: Verdict::Complete,
                findings: Vec::new(),
                details: crate::model::Details::default(),
            },
        }),
    }
}

fn counts() -> Counts {
    by_project(vec![ProjectCounts {
        site: Site::new("jira"),
        project: "PROJ".parse().unwrap(),
        issues: TierCounts { full: 12_000, hub: 3, minimal: 0 },
        deleted: 1,
        tombstones: std::collections::BTreeMap::new(),
    }])
}

fn failure() -> StoredFailure {
    StoredFailure {
        site: Site::new("jira"),
        project: "PROJ".parse().unwrap(),
        run: RunId(Uuid::nil()),
        failure: IssueFailure {
            id: IssueId(9),
            key: "PROJ-9".parse().unwrap(),
            reason: "too slow".to_owned(),
            category: FailureCategory::Temporary,
            cause: FailureCause::Timeout,
            what_to_do: "wait".to_owned(),
        },
        attempts: 2,
        first_at: at(0),
        last_at: at(0),
        next_try: at(0),
    }
}

#[test]
fn an_empty_database_says_how_to_begin() {
    assert!(text(&[], &counts(), &[], true).contains("extractor backfill PROJ"));
}

#[test]
fn a_pipe_gets_one_line_a_project_a_run_and_a_failure() {
    let text = text(&[facts()], &counts(), &[failure()], false);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        "jira\tPROJ\t12000\t3\t0\t2\t1\t4\t1\t2023-11-14 22:13:20 UTC\t3m 20s\tcomplete\t-"
    );
    assert_eq!(
        lines[4],
        "PROJ\t2023-11-14 22:13:20 UTC\tdelta\tcut short\t1m 1s\t1200\t7\t0\tno answer from Jira"
    );
    assert_eq!(lines[7], "PROJ\tdelta\t2023-11-14 22:19:20 UTC\t2\tno answer\twait");
    assert_eq!(lines[10], "PROJ-9\t2\t2023-11-14 22:13:20 UTC\ttoo slow\twait");
}

#[test]
fn without_failures_and_schedules_there_is_no_table_of_them() {
    let facts = ProjectFacts { schedule: None, ..facts() };
    let text = text(&[facts], &counts(), &[], true);
    assert!(!text.contains("WHAT TO DO") && !text.contains("NEXT RUN"), "{text}");
}

#[test]
fn a_run_is_running_only_while_somebody_holds_its_project() {
    let worker = Some(WorkerId(Uuid::nil()));
    assert_eq!(state(&run(RunState::Running), Some(&cursor(worker))), "running");
    assert_eq!(state(&run(RunState::Running), Some(&cursor(None))), "cut short");
    assert_eq!(state(&run(RunState::Queued), Some(&cursor(None))), "queued");
    assert_eq!(state(&run(RunState::Completed), Some(&cursor(None))), "completed");
}

#[test]
fn a_script_gets_the_facts() {
    let json = json_of_project(&facts(), &counts());
    assert_eq!(json["issues"]["full"], 12_000);
    assert_eq!(json["issues"]["incomplete"], 2);
    assert_eq!(json["behind_secs"], 200);
    assert_eq!(json["runs"][0]["state"], "running");
    assert_eq!(json["runs"][0]["shown_state"], "cut short");
    assert_eq!(json["schedule"]["trouble"]["remedy"], "wait");
    assert_eq!(json["certificate"]["verdict"], "complete");
    assert_eq!(json_of_failure(&failure())["key"], "PROJ-9");
    assert_eq!(json_of_failure(&failure())["cause"], "timeout");
}
