//! What the database says of each project, which is the same from every process of a site, and what
//! the service says of those that it follows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::facts::Known;
use super::runs::VERDICTS;
use super::service::since_1970;
use super::sheet::Sheet;
use crate::admin::desk::{FollowedProject, ServiceStatus};
use crate::model::{Details, FailureCategory, FailureCause, ProjectKey};
use crate::store::{FailureCount, ProjectCounts, ProjectFacts, QueueFacts};
use crate::telemetry::metric_names as names;

/// Every category of failures.
const CATEGORIES: [FailureCategory; 3] =
    [FailureCategory::UserFixable, FailureCategory::Temporary, FailureCategory::AdminRequired];

pub(super) fn show(sheet: &mut Sheet, status: &ServiceStatus, known: &Known, now: Instant) {
    sheet.flag(&names::DATABASE_UP, [], known.up);
    sheet.count(&names::FACTS_ERRORS, [], known.errors);
    for project in &status.projects {
        show_followed(sheet, project);
    }
    let Some(facts) = &known.facts else { return };
    let age = facts.age(now);
    sheet.number(&names::FACTS_TIME, [], since_1970(facts.asked_at));
    sheet.count(&names::WORKERS, [], facts.workers as u64);
    // A project of which nothing is stored yet has numbers too.
    let mut projects: BTreeMap<&ProjectKey, Option<&ProjectFacts>> =
        status.projects.iter().map(|project| (&project.key, None)).collect();
    projects.extend(facts.projects.iter().map(|project| (&project.project, Some(project))));
    for (&key, &project) in &projects {
        let stored = facts.counts.iter().find(|counts| counts.project == *key);
        show_counts(sheet, key, stored);
        show_queue(sheet, key, project.map(|facts| facts.queue).unwrap_or_default());
        show_standing(sheet, key, project, age);
        show_failures(sheet, key, &facts.failures);
        show_reconcile(sheet, key, project, age);
        if let Some(facts) = project.filter(|facts| facts.schedule.is_some()) {
            let may_lag = status.configuration.may_lag;
            let stalled = facts.is_stalled(may_lag, facts.as_of + age);
            sheet.flag(&names::PROJECT_STALLED, [key.as_str()], stalled);
        }
        if let Some(may_go_unproven) = status.configuration.may_go_unproven
            && let Some(facts) = project.filter(|facts| facts.reconciles.is_some())
        {
            let overdue = facts.is_reconcile_overdue(may_go_unproven, facts.as_of + age);
            sheet.flag(&names::PROJECT_RECONCILE_OVERDUE, [key.as_str()], overdue);
        }
    }
}

fn show_followed(sheet: &mut Sheet, project: &FollowedProject) {
    let key = [project.key.as_str()];
    if let Some(at) = project.next_run_at {
        sheet.number(&names::PROJECT_NEXT_RUN_TIME, key, since_1970(at));
    }
    sheet.count(&names::PROJECT_FAILED_RUNS, key, project.failures_in_a_row);
    if let Some(at) = project.next_reconcile_at {
        sheet.number(&names::PROJECT_NEXT_RECONCILE_TIME, key, since_1970(at));
    }
}

/// What the last reconcile found out, and how long ago one last held.
fn show_reconcile(
    sheet: &mut Sheet,
    key: &ProjectKey,
    facts: Option<&ProjectFacts>,
    age: Duration,
) {
    let key = [key.as_str()];
    if let Some(ago) = facts.and_then(ProjectFacts::since_reconcile) {
        sheet.secs(&names::PROJECT_RECONCILE_AGE, key, ago + age);
    }
    let certified = facts.and_then(|facts| facts.reconciled.as_ref());
    let details = certified.map(|certified| &certified.certificate.details);
    let number = |of: fn(&Details) -> u64| details.map_or(0, of);
    sheet.count(&names::REFUSED_DELETIONS, key, number(|details| details.refused));
    sheet.count(&names::UNLISTED_ISSUES, key, number(|details| details.unlisted));
    sheet.count(&names::UNREPLAYED_ISSUES, key, number(|details| details.unreplayed));
}

fn show_counts(sheet: &mut Sheet, key: &ProjectKey, stored: Option<&ProjectCounts>) {
    let issues = stored.map(|stored| stored.issues).unwrap_or_default();
    let tiers = [("full", issues.full), ("hub", issues.hub), ("minimal", issues.minimal)];
    for (tier, count) in tiers {
        sheet.count(&names::ISSUES, [key.as_str(), tier], count);
    }
    let deleted = stored.map_or(0, |stored| stored.deleted);
    sheet.count(&names::DELETED_ISSUES, [key.as_str()], deleted);
}

fn show_queue(sheet: &mut Sheet, key: &ProjectKey, queue: QueueFacts) {
    let key = [key.as_str()];
    sheet.count(&names::QUEUE_ISSUES, key, queue.depth);
    sheet.count(&names::QUEUE_LEASED_ISSUES, key, queue.leased);
    sheet.secs(&names::QUEUE_OLDEST, key, queue.oldest.unwrap_or_default());
}

/// How far the project has got. Its lag grows while the database is away.
fn show_standing(sheet: &mut Sheet, key: &ProjectKey, facts: Option<&ProjectFacts>, age: Duration) {
    let key = key.as_str();
    sheet.count(&names::INCOMPLETE_ISSUES, [key], facts.map_or(0, |facts| facts.incomplete));
    if let Some(lag) = facts.and_then(|facts| facts.lag) {
        sheet.secs(&names::PROJECT_LAG, [key], lag + age);
    }
    if let Some(cursor) = facts.and_then(|facts| facts.cursor.as_ref()) {
        sheet.secs(&names::PROJECT_INDEX_LAG, [key], cursor.max_index_lag);
    }
    let verdict = facts.and_then(ProjectFacts::certificate).map(|certificate| certificate.verdict);
    for of in VERDICTS {
        sheet.flag(&names::PROJECT_CERTIFICATE, [key, of.as_str()], verdict == Some(of));
    }
}

fn show_failures(sheet: &mut Sheet, key: &ProjectKey, failures: &[FailureCount]) {
    let sum = |counts: &dyn Fn(&FailureCount) -> bool| -> u64 {
        let here = failures.iter().filter(|f| f.project == *key && counts(f));
        here.map(|f| f.failures).sum()
    };
    for category in CATEGORIES {
        let count = sum(&|f| f.category == category);
        sheet.count(&names::FAILED_ISSUES, [key.as_str(), category.as_str()], count);
    }
    for cause in FailureCause::ALL {
        let count = sum(&|f| f.cause == cause);
        sheet.count(&names::FAILED_ISSUES_BY_CAUSE, [key.as_str(), cause.as_str()], count);
    }
}
