//! What is told of failures, and how a retry ends.

use chrono::DateTime;
use uuid::Uuid;

use super::*;
use crate::model::{Failure as IssueFailure, FailureCategory, FailureCause, IssueId, RunId, Site};

fn stored(id: i64, key: &str) -> StoredFailure {
    let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    StoredFailure {
        site: Site::new("jira"),
        project: "PROJ".parse().unwrap(),
        run: RunId(Uuid::nil()),
        failure: IssueFailure {
            id: IssueId(id),
            key: key.parse().unwrap(),
            reason: "too\nslow".to_owned(),
            category: FailureCategory::Temporary,
            cause: FailureCause::Timeout,
            what_to_do: "wait".to_owned(),
        },
        attempts: 2,
        first_at: at,
        last_at: at,
        next_try: at,
    }
}

fn keys(names: &[&str]) -> Vec<IssueKey> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn a_pipe_gets_one_line_a_failure_and_a_terminal_hears_of_more() {
    let failures = [stored(1, "PROJ-1"), stored(2, "PROJ-2")];
    let piped = text(&failures, 2, false);
    let at = "2023-11-14 22:13:20 UTC";
    assert_eq!(
        piped.lines().nth(1),
        Some(format!("PROJ-1\ttemporary\ttimeout\t2\t{at}\t{at}\t{at}\ttoo slow\twait").as_str())
    );
    assert_eq!(piped.lines().count(), 3);
    assert!(text(&failures, 2, true).contains("--limit"));
    assert!(!text(&failures, 3, true).contains("--limit"));
    assert_eq!(text(&[], 3, true), "no failure is recorded");
}

#[test]
fn a_failure_is_healed_unless_its_issue_is_still_recorded() {
    let retried = vec![stored(1, "PROJ-1"), stored(2, "PROJ-2")];
    // Another failure is no business of this retry, and a new key makes no new issue.
    let recorded = vec![stored(2, "MOVED-9"), stored(3, "PROJ-3")];
    let (healed, remaining) = sort_out(retried, recorded);
    assert_eq!(healed, keys(&["PROJ-1"]));
    assert_eq!(remaining, [stored(2, "MOVED-9")]);
    let told = of_retry(&healed, &remaining, false);
    assert!(told.starts_with("healed: PROJ-1\nnot fetched whole even now: 1 issue\n"), "{told}");
    assert!(told.contains("MOVED-9"));
    assert_eq!(of_retry(&[], &[], true), "there is nothing to retry");
}

#[test]
fn a_key_without_a_failure_is_named() {
    let named = keys(&["PROJ-1", "PROJ-7"]);
    assert_eq!(without_failure(&named, &[stored(1, "PROJ-1")]), keys(&["PROJ-7"]));
}

#[test]
fn what_remains_makes_the_exit_code_and_worse_things_more_so() {
    assert_eq!(code(ExitCode::Done, true), ExitCode::Done);
    assert_eq!(code(ExitCode::Done, false), ExitCode::Incomplete);
    assert_eq!(code(ExitCode::Incomplete, true), ExitCode::Incomplete);
    assert_eq!(code(ExitCode::Refused, false), ExitCode::Refused);
}
