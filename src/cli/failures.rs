//! `extractor failures`: the issues that could not be fetched whole, and trying them again now.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::{FailuresAction, FailuresArgs, FailuresListArgs, FailuresRetryArgs};
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::table::Table;
use super::words::{count, instant};
use super::{Context, runs, status, stdout_is_terminal};
use crate::config::Projects;
use crate::daemon::wiring::Services;
use crate::model::{IssueKey, ProjectKey, RunKind};
use crate::store::{FailureFilter, StoredFailure};

pub(super) async fn run(args: FailuresArgs, context: &Context) -> Result<Outcome, Failure> {
    match args.action {
        None => list(FailuresListArgs::default(), context).await,
        Some(FailuresAction::List(args)) => list(args, context).await,
        Some(FailuresAction::Retry(args)) => retry(args, context).await,
    }
}

async fn list(args: FailuresListArgs, context: &Context) -> Result<Outcome, Failure> {
    let filter = FailureFilter {
        site: context.loaded.config.jira.site.clone(),
        project: args.project,
        category: args.category,
        keys: Vec::new(),
    };
    let failures = match status::open(context).await? {
        None => Vec::new(),
        Some(database) => {
            let found = database.store().find_failures(&filter, args.limit).await;
            database.close().await;
            found?
        }
    };
    context.console.say(&text(&failures, args.limit, stdout_is_terminal()));
    let failures: Vec<_> = failures.iter().map(status::json_of_failure).collect();
    Ok(Outcome { code: ExitCode::Done, json: json!({"failures": failures, "exit_code": 0}) })
}

fn text(failures: &[StoredFailure], limit: u32, terminal: bool) -> String {
    if failures.is_empty() {
        return "no failure is recorded".to_owned();
    }
    let mut text = of_failures(failures, terminal).render();
    if terminal && failures.len() >= limit as usize {
        text.push_str("\n\nthere may be more: see --limit");
    }
    text
}

fn of_failures(failures: &[StoredFailure], terminal: bool) -> Table {
    let headings = [
        "ISSUE",
        "CATEGORY",
        "CAUSE",
        "TRIES",
        "FIRST SEEN",
        "LAST SEEN",
        "NEXT TRY",
        "REASON",
        "WHAT TO DO",
    ];
    let mut table = Table::new(terminal, &headings);
    for stored in failures {
        table.row(vec![
            stored.failure.key.to_string(),
            stored.failure.category.to_string(),
            stored.failure.cause.to_string(),
            table.number(u64::from(stored.attempts)),
            instant(stored.first_at),
            instant(stored.last_at),
            instant(stored.next_try),
            stored.failure.reason.clone(),
            stored.failure.what_to_do.clone(),
        ]);
    }
    table
}

/// Makes the failures due and runs their projects.
async fn retry(args: FailuresRetryArgs, context: &Context) -> Result<Outcome, Failure> {
    let of_keys = args.keys.iter().map(IssueKey::project);
    let named: Vec<ProjectKey> = args.project.iter().chain(of_keys).cloned().collect();
    let stop = context.shutdown.token();
    let services = Box::pin(Services::start(&context.loaded.config, &named, stop)).await?;
    let outcome = retry_with(args, &services, context).await;
    services.close().await;
    outcome
}

async fn retry_with(
    args: FailuresRetryArgs,
    services: &Services,
    context: &Context,
) -> Result<Outcome, Failure> {
    let store = services.database.store();
    let site = services.peer.site.clone();
    let filter = FailureFilter {
        site: Some(site.clone()),
        project: args.project,
        category: None,
        keys: args.keys,
    };
    let retried = store.make_failures_due(&filter).await?;
    let unknown = without_failure(&filter.keys, &retried);
    for key in &unknown {
        context.console.say(&format!("{key}: no failure is recorded"));
    }
    let projects: BTreeSet<ProjectKey> =
        retried.iter().map(|stored| stored.project.clone()).collect();
    let ran = if projects.is_empty() {
        Outcome { code: ExitCode::Done, json: json!({"runs": []}) }
    } else {
        let projects = Projects::Only(projects.into_iter().collect());
        runs::in_turn(RunKind::Delta.into(), &projects, services, context).await?
    };
    let (healed, remaining) = sort_out(retried, store.list_failures(Some(&site), None, ALL).await?);
    context.console.say(&of_retry(&healed, &remaining, stdout_is_terminal()));
    let code = code(ran.code, remaining.is_empty());
    let json = json!({
        "healed": healed,
        "remaining": remaining.iter().map(status::json_of_failure).collect::<Vec<_>>(),
        "without_failure": unknown,
        "runs": ran.json["runs"],
        "exit_code": code.code(),
    });
    Ok(Outcome { code, json })
}

/// No limit.
const ALL: u32 = u32::MAX;

/// The keys that were named and of which nothing is recorded.
fn without_failure(keys: &[IssueKey], retried: &[StoredFailure]) -> Vec<IssueKey> {
    let is_there = |key: &IssueKey| retried.iter().any(|stored| stored.failure.key == *key);
    keys.iter().filter(|key| !is_there(key)).cloned().collect()
}

/// What has become of the failures that were retried: the keys of the healed, and the others as
/// they are recorded now. An issue is the same by its id, whatever its key has become.
fn sort_out(
    retried: Vec<StoredFailure>,
    recorded: Vec<StoredFailure>,
) -> (Vec<IssueKey>, Vec<StoredFailure>) {
    let of = |stored: &StoredFailure| (stored.site.clone(), stored.failure.id);
    let asked: BTreeSet<_> = retried.iter().map(of).collect();
    let remaining: Vec<StoredFailure> =
        recorded.into_iter().filter(|stored| asked.contains(&of(stored))).collect();
    let left: BTreeSet<_> = remaining.iter().map(of).collect();
    let healed = retried.into_iter().filter(|stored| !left.contains(&of(stored)));
    (healed.map(|stored| stored.failure.key).collect(), remaining)
}

fn of_retry(healed: &[IssueKey], remaining: &[StoredFailure], terminal: bool) -> String {
    let mut lines = Vec::new();
    if !healed.is_empty() {
        let keys: Vec<String> = healed.iter().map(ToString::to_string).collect();
        lines.push(format!("healed: {}", keys.join(", ")));
    }
    if !remaining.is_empty() {
        let issues = count(remaining.len() as u64, "issue");
        lines.push(format!("not fetched whole even now: {issues}"));
        lines.push(of_failures(remaining, terminal).render());
    }
    if lines.is_empty() {
        lines.push("there is nothing to retry".to_owned());
    }
    lines.join("\n")
}

/// What remains is told unless the runs have something worse to tell.
fn code(ran: ExitCode, nothing_remains: bool) -> ExitCode {
    match ran {
        ExitCode::Done if nothing_remains => ExitCode::Done,
        ExitCode::Done | ExitCode::Incomplete => ExitCode::Incomplete,
        ExitCode::Usage
        | ExitCode::BadData
        | ExitCode::Unavailable
        | ExitCode::Internal
        | ExitCode::TryAgain
        | ExitCode::Refused
        | ExitCode::Config => ran,
    }
}

#[cfg(test)]
#[path = "failures_tests.rs"]
mod tests;
