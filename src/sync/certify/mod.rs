//! The certificate: what Jira counts, or lists again, against what was listed and what is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::census::Census;
use crate::model::{
    Absence, Basis, Certificate, Details, Finding, IndexSummary, RunKind, TierCounts, Verdict,
};

mod absences;

/// Listings of one run at the most: the first, and repairs; a census is one.
const LISTINGS: u32 = 3;

/// The counts a certificate is made of, in issues. All but `listed` are of issues created before
/// `as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// What Jira counts, lists or estimates in the project.
    pub(super) counted: u64,
    /// Distinct issues the run listed.
    pub(super) listed: u64,
    /// Stored and not deleted.
    pub(super) stored: u64,
    /// In `extractor.failures` and not stored.
    pub(super) failed: u64,
    /// In `extractor.failures`, and stored with something lacking.
    pub(super) incomplete: u64,
    /// What speaks for completeness.
    pub(super) proof: Proof,
    /// What was counted at the run that was certified last, with the same filter.
    pub(super) before: Option<Before>,
    /// What was missed, and what was done about it.
    pub(super) absent: Absent,
}

/// What a run missed of what is stored, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Absent {
    /// Not looked up, because they are too many.
    pub(super) unknown: u64,
    /// Not found, and not marked deleted, because they are too many.
    pub(super) refused: u64,
    /// There, but shown by no search.
    pub(super) unlisted: u64,
    /// There, but not matched by the filter.
    pub(super) outside_filter: u64,
    /// In another project that is followed.
    pub(super) moved: u64,
    /// Marked.
    pub(super) tombstoned: u64,
    /// Jira says that its index cannot be read.
    pub(super) index_unreadable: bool,
    /// How many may be missed without anybody being alarmed.
    pub(super) usual: u64,
}

impl Absent {
    /// Stored, and rightly so, though Jira does not count them.
    fn exempt(&self) -> u64 {
        self.unlisted + self.outside_filter
    }

    /// Proven to have left.
    fn departed(&self) -> u64 {
        self.moved + self.tombstoned
    }

    /// Whether it is not known what became of some, or not believed.
    fn is_open(&self) -> bool {
        self.unknown + self.refused > 0
    }

    /// Whether so much is in no search that the index must be broken.
    fn is_index_broken(&self) -> bool {
        self.unlisted > USUAL_LOSS.max(self.usual)
    }
}

/// What a certificate tells beyond what it concludes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    /// What is stored, by tier.
    pub(super) tiers: TierCounts,
    /// Stored, and known to be not whole.
    pub(super) not_whole: u64,
    /// Written by the run.
    pub(super) written: u64,
    /// Marked by the run, by reason.
    pub(super) tombstoned: BTreeMap<Absence, u64>,
    /// Of which the changelog does not replay.
    pub(super) unreplayed: u64,
    /// Jira's own summary of its index.
    pub(super) index: Option<IndexSummary>,
}

/// What Jira has to say about completeness, which depends on its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Server and Data Center count.
    Count {
        /// What Jira counts of the stretch the run listed, up to its horizon.
        in_stretch: u64,
        /// Index entries of which Jira delivered no row.
        unloadable: u64,
    },
    /// Cloud lists again.
    Census(Census),
}

/// The certificate before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) counted: u64,
    pub(super) basis: Basis,
}

impl Proof {
    /// Whether the census itself must have been cut short.
    pub(super) fn fell_short(&self) -> bool {
        match self {
            Self::Count { .. } => false,
            Self::Census(census) => census.fell_short(),
        }
    }

    fn basis(&self) -> Basis {
        match self {
            Self::Count { .. } => Basis::Count,
            Self::Census(census) if census.whole => Basis::Census,
            Self::Census(_) => Basis::Estimate,
        }
    }
}

/// A count may fall by so many issues between two certificates, or by a share of what it was:
/// people delete, move and archive. More looks like an index that is empty or being rebuilt.
pub(super) const USUAL_LOSS: u64 = 10;

/// By how many issues a count may have fallen. A tenth, where like is compared with like; an
/// estimate is no count, so between the two only half.
fn usual_loss(before: Before, basis: Basis) -> u64 {
    USUAL_LOSS.max(if before.basis == basis { before.counted / 10 } else { before.counted / 2 })
}

/// What to do about the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing: they can be certified as they are.
    None,
    /// List again: by windows of index time from the beginning, or in the other of Cloud's orders.
    ListAgain,
}

/// Whether the counts after `attempt` listings call for another.
///
/// Too few is worth every attempt. A backfill lists everything, so that even too many may hide
/// something missing behind something deleted: one listing by windows settles that. A delta leaves
/// what was deleted to the reconcile. On Cloud a listing that brought something calls for the next.
pub(super) fn remedy(kind: RunKind, counts: &Counts, attempt: u32) -> Remedy {
    let again = match counts.proof {
        Proof::Census(census) => census.may_find_more(),
        Proof::Count { .. } => {
            let accounted = accounted(counts);
            let too_many = match kind {
                RunKind::Backfill | RunKind::Reconcile => accounted > counts.counted,
                RunKind::Delta => false,
            };
            unexplained(counts) > 0
                || not_listed(counts).is_some()
                || (too_many || counts.absent.unknown > 0) && attempt == 1
        }
    };
    if again && attempt < LISTINGS { Remedy::ListAgain } else { Remedy::None }
}

/// Whether the next run may go on from this run's start: everything that can be had is stored or
/// named, even if Jira's index counts entries of which it delivers no issue.
pub(super) fn may_advance(counts: &Counts) -> bool {
    let all_listed = match counts.proof {
        Proof::Count { .. } => unexplained(counts) == 0 && not_listed(counts).is_none(),
        Proof::Census(census) => !census.is_missing(),
    };
    let absent = &counts.absent;
    all_listed && collapsed(counts).is_none() && !absent.is_open() && !absent.is_index_broken()
}

/// What is stored or recorded as failed, of what Jira may count.
fn accounted(counts: &Counts) -> u64 {
    (counts.stored + counts.failed).saturating_sub(counts.absent.exempt())
}

/// What Jira counts that is neither stored, nor failed, nor known to be undeliverable.
fn unexplained(counts: &Counts) -> u64 {
    match counts.proof {
        Proof::Count { unloadable, .. } => {
            counts.counted.saturating_sub(accounted(counts) + unloadable)
        }
        Proof::Census(_) => 0,
    }
}

/// The certificate that the counts deserve.
pub(super) fn certificate(
    counts: &Counts,
    holdings: Holdings,
    as_of: DateTime<Utc>,
    attempts: u32,
) -> Certificate {
    let mut findings: Vec<Finding> = [too_few, not_listed, collapsed, too_many]
        .into_iter()
        .filter_map(|check| check(counts))
        .collect();
    if let Proof::Census(census) = counts.proof {
        findings.extend(census.findings());
    }
    findings.extend([failures(counts), incomplete(counts)].into_iter().flatten());
    findings.extend(absences::findings(&counts.absent));
    Certificate {
        as_of,
        counted: counts.counted,
        basis: counts.proof.basis(),
        listed: counts.listed,
        stored: counts.stored,
        failed: counts.failed,
        attempts,
        verdict: verdict(counts),
        findings,
        details: details(&counts.absent, holdings),
    }
}

fn details(absent: &Absent, holdings: Holdings) -> Details {
    Details {
        tiers: holdings.tiers,
        incomplete: holdings.not_whole,
        healed: holdings.written,
        moved: absent.moved,
        tombstoned: holdings.tombstoned,
        refused: absent.refused + absent.unknown,
        unlisted: absent.unlisted,
        outside_filter: absent.outside_filter,
        unreplayed: holdings.unreplayed,
        index: holdings.index,
    }
}

fn verdict(counts: &Counts) -> Verdict {
    let is_missing = collapsed(counts).is_some()
        || counts.absent.is_open()
        || counts.absent.is_index_broken()
        || counts.absent.index_unreadable
        || match counts.proof {
            Proof::Count { .. } => too_few(counts).is_some() || not_listed(counts).is_some(),
            Proof::Census(census) => census.is_missing(),
        };
    match (is_missing, counts.failed + counts.incomplete + counts.absent.unlisted) {
        (true, _) => Verdict::Missing,
        (false, 0) => Verdict::Complete,
        (false, _) => Verdict::Failures,
    }
}

/// Two numbers that should be the same.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) expected: u64,
    pub(super) found: u64,
    pub(super) meaning: &'static str,
}

impl Check {
    /// Says so if they are not.
    pub(super) fn finding(self) -> Option<Finding> {
        (self.expected != self.found).then(|| Finding {
            check: self.name.to_owned(),
            expected: self.expected,
            found: self.found,
            meaning: self.meaning.to_owned(),
        })
    }
}

fn too_few(counts: &Counts) -> Option<Finding> {
    let Proof::Count { unloadable, .. } = counts.proof else { return None };
    let found = accounted(counts);
    let explanation = match unloadable {
        0 => "Jira counts issues that no listing delivered: its index may be rebuilding".to_owned(),
        n => format!(
            "Jira's index holds {n} entries whose issue it does not deliver: reindex the project"
        ),
    };
    (found < counts.counted).then(|| Finding {
        check: "stored or failed, against counted by Jira".to_owned(),
        expected: counts.counted,
        found,
        meaning: explanation,
    })
}

fn not_listed(counts: &Counts) -> Option<Finding> {
    let Proof::Count { in_stretch, .. } = counts.proof else { return None };
    Check {
        name: "listed, against counted by Jira in the same stretch",
        expected: in_stretch,
        found: counts.listed.min(in_stretch),
        meaning: "issues came late into Jira's index, or the index is rebuilding: the next run \
                  lists this stretch again",
    }
    .finding()
}

fn collapsed(counts: &Counts) -> Option<Finding> {
    let before = counts.before?;
    let departed = counts.absent.departed();
    let lost = before.counted.saturating_sub(counts.counted + departed);
    (lost > usual_loss(before, counts.proof.basis())).then(|| Finding {
        check: "counted by Jira, against its count at the last certificate".to_owned(),
        expected: before.counted,
        found: counts.counted + departed,
        meaning: "Jira's index is empty or rebuilding, or the account lost a permission: nothing \
                  is concluded, and the next run lists from the same instant again; if so many \
                  issues are gone for good, `extractor reconcile --allow-mass-delete` marks them"
            .to_owned(),
    })
}

fn too_many(counts: &Counts) -> Option<Finding> {
    let name = match counts.proof.basis() {
        Basis::Count => "stored or failed, against counted by Jira",
        Basis::Census => "stored or failed, against listed by the census",
        Basis::Estimate => return None,
    };
    Check {
        name,
        expected: counts.counted,
        found: accounted(counts).max(counts.counted),
        meaning: "issues stored earlier are no longer counted: deleted, hidden, archived, moved \
                  away, or outside the filter; `extractor reconcile` finds out which",
    }
    .finding()
}

fn failures(counts: &Counts) -> Option<Finding> {
    Check {
        name: "not fetched, and not stored",
        expected: 0,
        found: counts.failed,
        meaning: "named in extractor.failures with their reasons; a backfill tries all of them again, \
                  and a delta those whose next_try has come",
    }
    .finding()
}

fn incomplete(counts: &Counts) -> Option<Finding> {
    Check {
        name: "stored, but not whole",
        expected: 0,
        found: counts.incomplete,
        meaning: "named in extractor.failures with what is lacking; a backfill tries all of them again, \
                  and a delta those whose next_try has come",
    }
    .finding()
}

#[cfg(test)]
mod tests;
