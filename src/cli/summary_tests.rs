//! How runs read.

use std::time::Duration;

use chrono::DateTime;
use uuid::Uuid;

use super::*;
use crate::model::{Basis, Finding, RunCounters, RunId, RunKind};
use crate::seek;

fn report(certificate: Certificate, state: RunState) -> RunReport {
    RunReport {
        run: RunId(Uuid::nil()),
        project: "PROJ".parse().unwrap(),
        kind: RunKind::Backfill,
        state,
        resumed: false,
        counters: RunCounters {
            listed: 1_500,
            unchanged: 20,
            queued: 1_480,
            hydrated: 1_480,
            written: 1_479,
            gone: 1,
            failed: 2,
            pages: 3,
        },
        listing: seek::Summary::default(),
        certificate,
        requests: 58,
        bytes: 3 * 1024 * 1024,
        elapsed: Duration::from_millis(65_200),
    }
}

fn complete() -> Certificate {
    Certificate {
        as_of: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        counted: 1_500,
        basis: Basis::Count,
        listed: 1_500,
        stored: 1_500,
        failed: 0,
        attempts: 1,
        verdict: Verdict::Complete,
        findings: Vec::new(),
        details: crate::model::Details::default(),
    }
}

fn broken() -> Certificate {
    let finding = Finding {
        check: "stored or failed, against counted by Jira".to_owned(),
        expected: 1_500,
        found: 1_498,
        meaning: "two came late".to_owned(),
    };
    Certificate {
        stored: 1_498,
        attempts: 3,
        verdict: Verdict::Missing,
        findings: vec![finding],
        details: crate::model::Details::default(),
        ..complete()
    }
}

#[test]
fn a_completed_run_reads_as_a_table_of_counts() {
    let text = of_run(&report(complete(), RunState::Completed));
    assert_eq!(
        text,
        "PROJ: backfill completed in 1m 5s\n  \
         listed       1,500 issues\n  \
         unchanged    20\n  \
         fetched      1,480\n  \
         written      1,479\n  \
         gone         1\n  \
         failed       2\n  \
         requests     58, 3.0 MiB received\n  \
         certificate  complete; Jira counts 1,500, stored 1,500, failed 0 (created before \
         2023-11-14 22:13:20 UTC)"
    );
}

#[test]
fn a_certificate_says_what_its_count_rests_on() {
    let of_basis = |basis| of_certificate(&Certificate { basis, attempts: 2, ..complete() });
    let census = of_basis(Basis::Census);
    assert!(census.starts_with("complete; a census lists 1,500, stored 1,500"), "{census}");
    let estimate = of_basis(Basis::Estimate);
    assert!(estimate.starts_with("complete; Jira estimates 1,500, stored"), "{estimate}");
}

#[test]
fn a_certificate_that_does_not_hold_says_why() {
    let text = of_run(&report(broken(), RunState::Incomplete));
    assert!(text.starts_with("PROJ: backfill finished, but is incomplete, in 1m 5s"), "{text}");
    assert!(text.contains("DOES NOT HOLD"), "{text}");
    assert!(text.contains("after 3 listings"), "{text}");
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "    stored or failed, against counted by Jira: expected 1,500, found 1,498: two came late"
    );
}

#[test]
fn a_resumed_run_says_so() {
    let resumed = RunReport { resumed: true, ..report(complete(), RunState::Completed) };
    assert!(of_run(&resumed).lines().next().unwrap().ends_with("cut short"));
}

#[test]
fn a_script_gets_every_number() {
    let json = json_of_run(&report(broken(), RunState::Incomplete), ExitCode::Incomplete);
    assert_eq!(json["project"], "PROJ");
    assert_eq!(json["kind"], "backfill");
    assert_eq!(json["state"], "incomplete");
    assert_eq!(json["counters"]["hydrated"], 1_480);
    assert_eq!(json["certificate"]["verdict"], "missing");
    assert_eq!(json["certificate"]["findings"][0]["found"], 1_498);
    assert_eq!(json["elapsed_secs"], 65.2);
    assert_eq!(json["exit_code"], 1);
}

#[test]
fn a_dry_run_says_that_nothing_was_written() {
    let dry = DryRun {
        project: "PROJ".parse().unwrap(),
        lists_from: DateTime::from_timestamp(1_700_000_000, 0),
        counted: 2_000,
        basis: Basis::Count,
        listed: 1,
        requests: 2,
    };
    let text = of_dry_run(&dry);
    assert!(text.contains("nothing written"), "{text}");
    assert!(text.contains("updated since 2023-11-14 22:13:20 UTC"), "{text}");
    assert!(text.contains("1 issue in 2 requests"), "{text}");
    let whole_run = DryRun { lists_from: None, ..dry };
    let whole = of_dry_run(&whole_run);
    assert!(whole.contains("all of it"), "{whole}");
    assert!(whole.contains("counted      2,000 in the project"), "{whole}");
    let cloud = of_dry_run(&DryRun { basis: Basis::Estimate, ..whole_run });
    assert!(cloud.contains("estimated    2,000 in the project"), "{cloud}");
}
