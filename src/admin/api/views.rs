//! What the run API writes of runs, projects and failures. The names are a contract; what is counted
//! is what the model says.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::names::{
    BasisName, CategoryName, CauseName, KindName, LevelName, ReasonName, StateName, VerdictName,
};
use crate::admin::desk::{LiveRun, Trouble};
use crate::admin::estimate::{Estimate, estimate};
use crate::model::{
    Absence, Basis, Certificate, Details, EventLevel, FailureCategory, FailureCause, RunCounters,
    RunKind, RunState, Verdict,
};
use crate::store::{Run, StoredEvent, StoredFailure};

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct RunView {
    /// Its id.
    id: Uuid,
    /// Its project.
    project: String,
    /// What it lists.
    #[schema(value_type = KindName)]
    kind: RunKind,
    /// Where it is in its life.
    #[schema(value_type = StateName)]
    state: RunState,
    /// Whether an operator asked for its end and the process that has it has not obeyed yet.
    cancelling: bool,
    /// The process that started or last resumed it; null before the first has taken it up.
    worker: Option<Uuid>,
    /// Issues updated from then on are listed; null: all, or not known before it has begun.
    lists_from: Option<DateTime<Utc>>,
    /// When it started, by Jira's clock; null before it has begun.
    horizon: Option<DateTime<Utc>>,
    /// Which listing this is: 1, and one more for each repair.
    attempt: u32,
    /// How often it was taken up again.
    resumes: u32,
    /// How often an operator had it tried again.
    retries: u32,
    /// When it was last asked for over this API; null when it never was.
    queued_at: Option<DateTime<Utc>>,
    /// When it started; null before it has begun.
    started_at: Option<DateTime<Utc>>,
    /// When it last stored a page or a batch.
    progressed_at: Option<DateTime<Utc>>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
    /// What it has done so far.
    counters: CountersView,
    /// How it is getting on; null unless the process that answers has it under way.
    progress: Option<ProgressView>,
    /// Why it failed.
    error: Option<TroubleView>,
    /// Its certificate, once it has one. A list of runs leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    certificate: Option<CertificateView>,
}

/// What a run has done so far, in issues unless said otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunCounters)]
struct CountersView {
    /// Distinct issues listed.
    listed: u64,
    /// Listed and found unchanged: nothing was fetched.
    unchanged: u64,
    /// Queued for fetching.
    queued: u64,
    /// Fetched whole.
    hydrated: u64,
    /// Rows of `jira.issues` inserted or rewritten.
    written: u64,
    /// Proven absent by a look-up.
    gone: u64,
    /// Recorded as failures.
    failed: u64,
    /// Listing requests sent.
    pages: u64,
}

/// How a run that is under way is getting on, since its process took it up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunProgress)]
struct ProgressView {
    /// How many issues Jira counts for the listing.
    expected: u64,
    /// Issues listed.
    listed: u64,
    /// Issues queued for fetching.
    queued: u64,
    /// Issues taken out of the queue.
    hydrated: u64,
    /// Whether the listing is complete, so that `queued` is final.
    listing_done: bool,
    /// Issues taken out of the queue in a second, on average.
    issues_per_second: f64,
    /// How long it will still take at that rate, in seconds; null while that cannot be said.
    remaining_secs: Option<u64>,
}

/// Something that went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trouble)]
pub(super) struct TroubleView {
    /// What happened, in one sentence.
    text: String,
    /// Who can do something about it.
    #[schema(value_type = CategoryName)]
    category: FailureCategory,
    /// What to do about it.
    remedy: String,
}

/// The proof of completeness that closes a run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub(super) struct CertificateView {
    /// Counts are of issues created before this instant, by Jira's clock.
    as_of: DateTime<Utc>,
    /// What follows from the counts.
    #[schema(value_type = VerdictName)]
    verdict: Verdict,
    /// What `counted` rests on.
    #[schema(value_type = BasisName)]
    basis: Basis,
    /// Issues that Jira counts in the project.
    counted: u64,
    /// Distinct issues the run listed.
    listed: u64,
    /// Issues of the project that are stored and not deleted.
    stored: u64,
    /// Issues of the project that are recorded as failures and not stored.
    failed: u64,
    /// How many listings were needed.
    attempts: u32,
    /// Stored issues by how they were fetched.
    tiers: TiersView,
    /// Stored issues that are not whole.
    incomplete: u64,
    /// Issues that the run found missing or stale, and wrote.
    healed: u64,
    /// Issues found under another key in a followed project.
    moved: u64,
    /// Issues that the run marked deleted, by reason.
    tombstoned: Vec<TombstonesView>,
    /// Issues that are absent, and not marked deleted because they are more than people usually delete.
    refused: u64,
    /// Issues that are there when asked for by id, but shown by no listing.
    unlisted: u64,
    /// Issues that are there, but no longer matched by `sync.filter`.
    outside_filter: u64,
    /// Issues whose changelog does not lead to their present values.
    unreplayed: u64,
    /// What Jira says of its search index; null unless a reconcile was allowed to ask.
    index: Option<IndexView>,
    /// What follows, in one sentence.
    conclusion: String,
    /// Every count that does not agree.
    findings: Vec<FindingView>,
}

/// Stored issues by how they were fetched.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tiers)]
struct TiersView {
    /// Everything, in one request.
    full: u64,
    /// Everything, the links apart.
    hub: u64,
    /// A small set of fields.
    minimal: u64,
}

/// Issues that a run marked deleted for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tombstones)]
pub(super) struct TombstonesView {
    /// Why.
    #[schema(value_type = ReasonName)]
    reason: Absence,
    /// How many.
    issues: u64,
}

/// What Jira says of its search index, of all projects together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IndexSummary)]
struct IndexView {
    /// Whether it can be read at all.
    readable: bool,
    /// Issues in Jira's database.
    in_database: u64,
    /// Issues in the index.
    in_index: u64,
    /// Archived issues, which the index leaves out.
    in_archive: u64,
}

/// A count that does not agree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingView {
    /// What was compared.
    check: String,
    /// What it should have been, in issues.
    expected: u64,
    /// What it was.
    found: u64,
    /// What that means.
    meaning: String,
}

/// A line of a run's log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunEvent)]
pub(super) struct EventView {
    /// Its number among the lines of its run.
    seq: i64,
    /// When it was logged.
    at: DateTime<Utc>,
    /// How much it matters.
    #[schema(value_type = LevelName)]
    level: EventLevel,
    /// What happened.
    message: String,
    /// The particulars, by name.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    fields: serde_json::Value,
}

/// An issue that could not be fetched or stored whole. What it holds is never told here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct FailureView {
    /// Jira's numeric id.
    issue_id: i64,
    /// The key it was listed with.
    key: String,
    /// The project whose listing named it.
    project: String,
    /// The run that failed last on it.
    run_id: Uuid,
    /// What went wrong.
    reason: String,
    /// Who can do something about it.
    #[schema(value_type = CategoryName)]
    category: FailureCategory,
    /// What kind of thing went wrong.
    #[schema(value_type = CauseName)]
    cause: FailureCause,
    /// What to do about it.
    remedy: String,
    /// How many runs have failed on it.
    attempts: u32,
    /// When the first did.
    first_at: DateTime<Utc>,
    /// When the last did.
    last_at: DateTime<Utc>,
    /// When a run tries again.
    next_try: DateTime<Utc>,
}

impl RunView {
    /// A run; with `live`, what the process that answers has under way of it.
    pub(super) fn of(
        run: &Run,
        live: Option<&LiveRun>,
        now: DateTime<Utc>,
        certificate: Option<&Certificate>,
    ) -> Self {
        let error = run.error.clone().map(|text| {
            let category = run.error_category.unwrap_or(FailureCategory::Temporary);
            TroubleView { text, category, remedy: remedy(category).to_owned() }
        });
        Self {
            id: run.id.0,
            project: run.project.to_string(),
            kind: run.kind,
            state: run.state,
            cancelling: run.state == RunState::Running && run.cancel_requested_at.is_some(),
            worker: run.worker.map(|worker| worker.0),
            lists_from: run.lists_from,
            horizon: run.begun.then_some(run.horizon),
            attempt: run.attempt,
            resumes: run.resumes,
            retries: run.retries,
            queued_at: run.queued_at,
            started_at: run.begun.then_some(run.started_at),
            progressed_at: run.progressed_at,
            finished_at: run.finished_at,
            counters: CountersView::of(&run.counters),
            progress: live.map(|live| ProgressView::of(live, now)),
            error,
            certificate: certificate.map(CertificateView::of),
        }
    }
}

/// What to do about a run that failed, as far as its category tells.
fn remedy(category: FailureCategory) -> &'static str {
    match category {
        FailureCategory::Temporary => "nothing: the next run goes on from where this one stood",
        FailureCategory::UserFixable => {
            "mend the configuration; `extractor check` says what is amiss"
        }
        FailureCategory::AdminRequired => {
            "ask an administrator of Jira or of Postgres; `extractor check` says what is amiss"
        }
    }
}

impl CountersView {
    fn of(counters: &RunCounters) -> Self {
        let &RunCounters { listed, unchanged, queued, hydrated, written, gone, failed, pages } =
            counters;
        Self { listed, unchanged, queued, hydrated, written, gone, failed, pages }
    }
}

impl ProgressView {
    fn of(live: &LiveRun, now: DateTime<Utc>) -> Self {
        let snapshot = live.progress.snapshot();
        let elapsed = (now - live.since).to_std().unwrap_or_default();
        let Estimate { rate, left } = estimate(&snapshot, elapsed);
        Self {
            expected: snapshot.expected,
            listed: snapshot.listed,
            queued: snapshot.queued,
            hydrated: snapshot.hydrated,
            listing_done: snapshot.listing_done,
            issues_per_second: rate,
            remaining_secs: left.map(|left| left.as_secs()),
        }
    }
}

impl TroubleView {
    /// As the service tells it.
    pub(super) fn of(trouble: &Trouble) -> Self {
        let Trouble { text, category, remedy } = trouble.clone();
        Self { text, category, remedy }
    }
}

impl CertificateView {
    pub(super) fn of(certificate: &Certificate) -> Self {
        let Details {
            tiers,
            incomplete,
            healed,
            moved,
            tombstoned,
            refused,
            unlisted,
            outside_filter,
            unreplayed,
            index,
        } = &certificate.details;
        let findings = certificate.findings.iter().map(|finding| FindingView {
            check: finding.check.clone(),
            expected: finding.expected,
            found: finding.found,
            meaning: finding.meaning.clone(),
        });
        Self {
            as_of: certificate.as_of,
            verdict: certificate.verdict,
            basis: certificate.basis,
            counted: certificate.counted,
            listed: certificate.listed,
            stored: certificate.stored,
            failed: certificate.failed,
            attempts: certificate.attempts,
            tiers: TiersView { full: tiers.full, hub: tiers.hub, minimal: tiers.minimal },
            incomplete: *incomplete,
            healed: *healed,
            moved: *moved,
            tombstoned: TombstonesView::of(tombstoned),
            refused: *refused,
            unlisted: *unlisted,
            outside_filter: *outside_filter,
            unreplayed: *unreplayed,
            index: index.map(|index| IndexView {
                readable: index.readable,
                in_database: index.in_database,
                in_index: index.in_index,
                in_archive: index.in_archive,
            }),
            conclusion: certificate.conclusion(),
            findings: findings.collect(),
        }
    }
}

impl TombstonesView {
    pub(super) fn of(by_reason: &BTreeMap<Absence, u64>) -> Vec<Self> {
        by_reason.iter().map(|(&reason, &issues)| Self { reason, issues }).collect()
    }
}

impl EventView {
    pub(super) fn of(stored: StoredEvent) -> Self {
        let StoredEvent { seq, event } = stored;
        Self { seq, at: event.at, level: event.level, message: event.message, fields: event.fields }
    }
}

impl FailureView {
    pub(super) fn of(stored: StoredFailure) -> Self {
        Self {
            issue_id: stored.failure.id.0,
            key: stored.failure.key.to_string(),
            project: stored.project.to_string(),
            run_id: stored.run.0,
            reason: stored.failure.reason,
            category: stored.failure.category,
            cause: stored.failure.cause,
            remedy: stored.failure.what_to_do,
            attempts: stored.attempts,
            first_at: stored.first_at,
            last_at: stored.last_at,
            next_try: stored.next_try,
        }
    }
}
