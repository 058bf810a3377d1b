//! `extractor status`: what the database holds and how far it is, without asking Jira.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::summary::json_of_certificate;
use super::table::Table;
use super::words::{instant, span};
use super::{Context, stdout_is_terminal};
use crate::config::DatabaseLocation;
use crate::daemon::wiring::{self, Database, Schema};
use crate::model::{ProjectKey, RunState, TierCounts};
use crate::store::private_postgres::PrivatePostgres;
use crate::store::{CursorFacts, ProjectCounts, ProjectFacts, Run, Schedule, StoredFailure};

/// How many failures are named.
const FAILURES: u32 = 20;
/// How many runs of each project a person is shown.
const RUNS: usize = 3;

pub(super) async fn run(context: &Context) -> Result<Outcome, Failure> {
    let site = context.loaded.config.jira.site.as_ref();
    let (projects, counts, failures) = match open(context).await? {
        None => (Vec::new(), Counts::new(), Vec::new()),
        Some(database) => {
            let store = database.store();
            let projects = store.load_status(site).await;
            let counts = store.load_counts(site).await;
            let failures = store.list_failures(site, None, FAILURES).await;
            database.close().await;
            (projects?, by_project(counts?), failures?)
        }
    };
    context.console.say(&text(&projects, &counts, &failures, stdout_is_terminal()));
    let json = json!({
        "projects": projects.iter().map(|facts| json_of_project(facts, &counts)).collect::<Vec<_>>(),
        "failures": failures.iter().map(json_of_failure).collect::<Vec<_>>(),
        "exit_code": 0,
    });
    Ok(Outcome { code: ExitCode::Done, json })
}

/// The database, or `None` when it is a private one that no run has created yet.
pub(super) async fn open(context: &Context) -> Result<Option<Database>, Failure> {
    let config = &context.loaded.config.database;
    if let DatabaseLocation::Private { .. } = config.location
        && !PrivatePostgres::is_created(&wiring::private_settings(config)?.data_dir)
    {
        return Ok(None);
    }
    let stop = context.shutdown.token();
    Ok(Some(Database::open(config, Schema::AsConfigured, stop).await?))
}

/// What is stored, by site and project.
type Counts = BTreeMap<(String, ProjectKey), ProjectCounts>;

fn by_project(counts: Vec<ProjectCounts>) -> Counts {
    let place = |count: &ProjectCounts| (count.site.to_string(), count.project.clone());
    counts.into_iter().map(|count| (place(&count), count)).collect()
}

/// Stored issues by tier, and those marked deleted.
fn stored(facts: &ProjectFacts, counts: &Counts) -> (TierCounts, u64) {
    let count = counts.get(&(facts.site.to_string(), facts.project.clone()));
    count.map_or_else(Default::default, |count| (count.issues, count.deleted))
}

/// Issues marked deleted, by reason.
fn tombstones(facts: &ProjectFacts, counts: &Counts) -> Value {
    let count = counts.get(&(facts.site.to_string(), facts.project.clone()));
    count.map_or_else(|| json!({}), |count| json!(count.tombstones))
}

fn text(
    projects: &[ProjectFacts],
    counts: &Counts,
    failures: &[StoredFailure],
    terminal: bool,
) -> String {
    if projects.is_empty() {
        return "nothing has been extracted yet; begin with `extractor backfill PROJ`".to_owned();
    }
    let mut parts = vec![of_projects(projects, counts, terminal).render()];
    let tables = [
        of_runs(projects, terminal),
        of_schedules(projects, terminal),
        of_failures(failures, terminal),
    ];
    parts.extend(tables.iter().filter(|table| !table.is_empty()).map(Table::render));
    parts.join("\n\n")
}

fn of_projects(projects: &[ProjectFacts], counts: &Counts, terminal: bool) -> Table {
    let headings = [
        "SITE",
        "PROJECT",
        "FULL",
        "HUB",
        "MINIMAL",
        "INCOMPLETE",
        "DELETED",
        "QUEUED",
        "FAILURES",
        "COMPLETED UNTIL",
        "BEHIND",
        "CERTIFICATE",
        "RECONCILED",
    ];
    let mut table = Table::new(terminal, &headings);
    for facts in projects {
        let cursor = facts.cursor.as_ref();
        let (issues, deleted) = stored(facts, counts);
        table.row(vec![
            facts.site.to_string(),
            facts.project.to_string(),
            table.number(issues.full),
            table.number(issues.hub),
            table.number(issues.minimal),
            table.number(facts.incomplete),
            table.number(deleted),
            table.number(facts.queue.depth),
            table.number(facts.failures),
            cursor.and_then(|c| c.completed_until).map_or_else(none, instant),
            facts.lag.map_or_else(none, span),
            facts.certificate().map_or_else(none, |c| c.verdict.to_string()),
            cursor.and_then(|c| c.reconciled_at).map_or_else(none, instant),
        ]);
    }
    table
}

fn of_runs(projects: &[ProjectFacts], terminal: bool) -> Table {
    let headings =
        ["RUN OF", "STARTED", "KIND", "STATE", "TOOK", "LISTED", "FETCHED", "FAILED", "ERROR"];
    let mut table = Table::new(terminal, &headings);
    for facts in projects {
        for run in facts.runs.iter().take(RUNS) {
            let until = run.finished_at.unwrap_or(run.updated_at);
            table.row(vec![
                run.project.to_string(),
                instant(run.started_at),
                run.kind.to_string(),
                state(run, facts.cursor.as_ref()).to_owned(),
                (until - run.started_at).to_std().map_or_else(|_| none(), span),
                table.number(run.counters.listed),
                table.number(run.counters.hydrated),
                table.number(run.counters.failed),
                run.error.clone().unwrap_or_default(),
            ]);
        }
    }
    table
}

fn of_schedules(projects: &[ProjectFacts], terminal: bool) -> Table {
    let headings = ["FOLLOWED", "BY", "NEXT RUN", "FAILED IN A ROW", "WHY", "WHAT TO DO"];
    let mut table = Table::new(terminal, &headings);
    let both = |facts: &'_ ProjectFacts| [facts.schedule.clone(), facts.reconciles.clone()];
    for schedule in projects.iter().flat_map(both).flatten() {
        let trouble = schedule.trouble.as_ref();
        table.row(vec![
            schedule.project.to_string(),
            schedule.kind.to_string(),
            instant(schedule.next_run_at),
            table.number(u64::from(schedule.failures_in_a_row)),
            trouble.map_or_else(none, |trouble| trouble.text.clone()),
            trouble.map_or_else(none, |trouble| trouble.remedy.clone()),
        ]);
    }
    table
}

fn of_failures(failures: &[StoredFailure], terminal: bool) -> Table {
    let mut table =
        Table::new(terminal, &["FAILED ISSUE", "TRIES", "NEXT TRY", "REASON", "WHAT TO DO"]);
    for failure in failures {
        table.row(vec![
            failure.failure.key.to_string(),
            table.number(u64::from(failure.attempts)),
            instant(failure.next_try),
            failure.failure.reason.clone(),
            failure.failure.what_to_do.clone(),
        ]);
    }
    table
}

/// A run's state as it is now: one that nobody holds any more was cut short.
fn state(run: &Run, cursor: Option<&CursorFacts>) -> &'static str {
    match run.state {
        RunState::Running if cursor.is_none_or(|c| c.held_by.is_none()) => "cut short",
        state => state.as_str(),
    }
}

fn none() -> String {
    "-".to_owned()
}

pub(super) fn json_of_cursor(cursor: &CursorFacts) -> Value {
    json!({
        "site": cursor.site,
        "project": cursor.project,
        "completed_until": cursor.completed_until,
        "last_run_id": cursor.last_run,
        "max_index_lag_secs": cursor.max_index_lag.as_secs(),
        "reconciled_at": cursor.reconciled_at,
        "reconcile_run_id": cursor.reconcile_run,
        "held_by": cursor.held_by,
        "updated_at": cursor.updated_at,
    })
}

fn json_of_project(facts: &ProjectFacts, counts: &Counts) -> Value {
    let (issues, deleted) = stored(facts, counts);
    let runs: Vec<Value> =
        facts.runs.iter().map(|run| json_of_run(run, facts.cursor.as_ref())).collect();
    json!({
        "site": facts.site,
        "project": facts.project,
        "issues": {
            "full": issues.full,
            "hub": issues.hub,
            "minimal": issues.minimal,
            "incomplete": facts.incomplete,
            "deleted": deleted,
            "tombstones": tombstones(facts, counts),
        },
        "queue": {"depth": facts.queue.depth, "leased": facts.queue.leased},
        "failures": facts.failures,
        "cursor": facts.cursor.as_ref().map(json_of_cursor),
        "behind_secs": facts.lag.map(|lag| lag.as_secs()),
        "schedule": facts.schedule.as_ref().map(json_of_schedule),
        "reconcile_schedule": facts.reconciles.as_ref().map(json_of_schedule),
        "runs": runs,
        "certificate": facts.certificate().map(json_of_certificate),
        "reconcile_certificate": facts.reconciled.as_ref().map(|reconciled| json_of_certificate(&reconciled.certificate)),
    })
}

fn json_of_schedule(schedule: &Schedule) -> Value {
    json!({
        "next_run_at": schedule.next_run_at,
        "due_in_secs": schedule.due_in.as_secs(),
        "failures_in_a_row": schedule.failures_in_a_row,
        "trouble": schedule.trouble.as_ref().map(|trouble| json!({
            "text": trouble.text,
            "category": trouble.category,
            "remedy": trouble.remedy,
        })),
        "last_started_at": schedule.last_started_at,
        "followed_since": schedule.followed_since,
    })
}

fn json_of_run(run: &Run, cursor: Option<&CursorFacts>) -> Value {
    json!({
        "id": run.id,
        "kind": run.kind,
        "state": run.state,
        "shown_state": state(run, cursor),
        "resumes": run.resumes,
        "retries": run.retries,
        "counters": run.counters,
        "started_at": run.started_at,
        "queued_at": run.queued_at,
        "cancel_requested_at": run.cancel_requested_at,
        "updated_at": run.updated_at,
        "finished_at": run.finished_at,
        "error": run.error,
        "error_category": run.error_category,
    })
}

pub(super) fn json_of_failure(stored: &StoredFailure) -> Value {
    json!({
        "site": stored.site,
        "project": stored.project,
        "issue_id": stored.failure.id,
        "key": stored.failure.key,
        "reason": stored.failure.reason,
        "category": stored.failure.category,
        "cause": stored.failure.cause,
        "what_to_do": stored.failure.what_to_do,
        "attempts": stored.attempts,
        "first_at": stored.first_at,
        "last_at": stored.last_at,
        "next_try": stored.next_try,
    })
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
