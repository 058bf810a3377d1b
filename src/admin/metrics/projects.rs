//! What the database says of each project, which is the same from every process of a site, and what
//! the service says of those that it follows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::facts::Known;
use super::runs::VERDICTS;
use super::service::since_1970;
use super::sheet::Sheet;
use crate::admin::desk::{FollowedProject, ServiceStatus};
use crate::admin::stalled::is_stalled;
use crate::model::{FailureCategory, FailureCause, ProjectKey};
use crate::store::{FailureCount, ProjectFacts, TierCounts};
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
    sheet.number(&names::FACTS_TIME, [], since_1970(facts.asked_at));
    sheet.count(&names::WORKERS, [], facts.workers);
    // A project of which nothing is stored yet has numbers too.
    let mut projects: BTreeMap<&ProjectKey, Option<&ProjectFacts>> =
        status.projects.iter().map(|project| (&project.key, None)).collect();
    projects.extend(facts.projects.iter().map(|project| (&project.project, Some(project))));
    for (&key, &project) in &projects {
        show_stored(sheet, key, project, facts.age(now));
        show_failures(sheet, key, &facts.failures);
    }
    let told_at = facts.told_at + facts.age(now);
    for schedule in &facts.schedules {
        let project = projects.get(&schedule.project).copied().flatten();
        let stalled = is_stalled(schedule, project, status.configuration.may_lag, told_at);
        sheet.flag(&names::PROJECT_STALLED, [schedule.project.as_str()], stalled);
    }
}

fn show_followed(sheet: &mut Sheet, project: &FollowedProject) {
    let key = [project.key.as_str()];
    if let Some(at) = project.next_run_at {
        sheet.number(&names::PROJECT_NEXT_RUN_TIME, key, since_1970(at));
    }
    sheet.count(&names::PROJECT_FAILED_RUNS, key, project.failures_in_a_row);
}

fn show_stored(sheet: &mut Sheet, key: &ProjectKey, facts: Option<&ProjectFacts>, age: Duration) {
    let key = key.as_str();
    let issues = facts.map_or(TierCounts::default(), |facts| facts.issues);
    for (tier, count) in [("full", issues.full), ("hub", issues.hub), ("minimal", issues.minimal)] {
        sheet.count(&names::ISSUES, [key, tier], count);
    }
    sheet.count(&names::DELETED_ISSUES, [key], facts.map_or(0, |facts| facts.deleted));
    sheet.count(&names::INCOMPLETE_ISSUES, [key], facts.map_or(0, |facts| facts.incomplete));
    sheet.count(&names::QUEUE_ISSUES, [key], facts.map_or(0, |facts| facts.queue.depth));
    sheet.count(&names::QUEUE_LEASED_ISSUES, [key], facts.map_or(0, |facts| facts.queue.leased));
    // It grows while the database is away.
    if let Some(lag) = facts.and_then(|facts| facts.lag) {
        sheet.secs(&names::PROJECT_LAG, [key], lag + age);
    }
    let index_lag = facts.and_then(|facts| facts.cursor.as_ref());
    if let Some(cursor) = index_lag {
        sheet.secs(&names::PROJECT_INDEX_LAG, [key], cursor.max_index_lag);
    }
    let verdict = facts.and_then(|facts| facts.certificate.as_ref()).map(|c| c.verdict);
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
