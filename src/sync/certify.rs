//! The certificate: what Jira counts against what was listed and what is stored.

use chrono::{DateTime, Utc};

use crate::model::{Certificate, Finding, RunKind, Verdict};

/// Listings of one run at the most: the first, and repairs.
const LISTINGS: u32 = 3;

/// The counts a certificate is made of, in issues. All but `listed` are of issues created before
/// `as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// What Jira counts in the project.
    pub(super) counted: u64,
    /// What Jira counts of the stretch the run listed, up to its horizon.
    pub(super) counted_in_stretch: u64,
    /// Distinct issues the run listed.
    pub(super) listed: u64,
    /// Stored and not deleted.
    pub(super) stored: u64,
    /// In `extractor.failures` and not stored.
    pub(super) failed: u64,
    /// In `extractor.failures`, and stored with something lacking.
    pub(super) incomplete: u64,
    /// Index entries of which Jira delivered no row.
    pub(super) unloadable: u64,
    /// What Jira counted at the run that was certified last, with the same filter.
    pub(super) counted_before: Option<u64>,
}

/// A count may fall by a tenth, or by this many issues, between two certificates: people delete,
/// move and archive. More looks like an index that is empty or being rebuilt.
const USUAL_LOSS: u64 = 10;

/// What to do about the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing: they can be certified as they are.
    None,
    /// List again, from the beginning, by windows of index time.
    ListAgain,
}

/// Whether the counts after `attempt` listings call for another.
///
/// Too few is worth every attempt. A backfill lists everything, so that even too many may hide
/// something missing behind something deleted: one listing by windows settles that. A delta leaves
/// what was deleted to the reconcile.
pub(super) fn remedy(kind: RunKind, counts: &Counts, attempt: u32) -> Remedy {
    let accounted = counts.stored + counts.failed;
    let too_few = unexplained(counts) > 0 || counts.listed < counts.counted_in_stretch;
    let too_many = match kind {
        RunKind::Backfill | RunKind::Reconcile => accounted > counts.counted,
        RunKind::Delta => false,
    };
    if attempt < LISTINGS && (too_few || too_many && attempt == 1) {
        Remedy::ListAgain
    } else {
        Remedy::None
    }
}

/// Whether the next run may go on from this run's start: everything that can be had is stored or
/// named, even if Jira's index counts entries of which it delivers no issue.
pub(super) fn may_advance(counts: &Counts) -> bool {
    unexplained(counts) == 0 && not_listed(counts).is_none() && collapsed(counts).is_none()
}

/// What Jira counts that is neither stored, nor failed, nor known to be undeliverable.
fn unexplained(counts: &Counts) -> u64 {
    let accounted = counts.stored + counts.failed + counts.unloadable;
    counts.counted.saturating_sub(accounted)
}

/// The certificate that the counts deserve.
pub(super) fn certificate(counts: &Counts, as_of: DateTime<Utc>, attempts: u32) -> Certificate {
    let findings: Vec<Finding> = [too_few, not_listed, collapsed, too_many, failures, incomplete]
        .into_iter()
        .filter_map(|check| check(counts))
        .collect();
    let is_missing =
        [too_few, not_listed, collapsed].into_iter().any(|check| check(counts).is_some());
    let verdict = match (is_missing, counts.failed + counts.incomplete) {
        (true, _) => Verdict::Missing,
        (false, 0) => Verdict::Complete,
        (false, _) => Verdict::Failures,
    };
    Certificate {
        as_of,
        counted: counts.counted,
        listed: counts.listed,
        stored: counts.stored,
        failed: counts.failed,
        attempts,
        verdict,
        findings,
    }
}

fn too_few(counts: &Counts) -> Option<Finding> {
    let found = counts.stored + counts.failed;
    let explanation = match counts.unloadable {
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
    (counts.listed < counts.counted_in_stretch).then(|| Finding {
        check: "listed, against counted by Jira in the same stretch".to_owned(),
        expected: counts.counted_in_stretch,
        found: counts.listed,
        meaning: "issues came late into Jira's index, or the index is rebuilding: the next run \
                  lists this stretch again"
            .to_owned(),
    })
}

fn collapsed(counts: &Counts) -> Option<Finding> {
    let before = counts.counted_before?;
    let lost = before.saturating_sub(counts.counted);
    (lost > USUAL_LOSS.max(before / 10)).then(|| Finding {
        check: "counted by Jira, against its count at the last certificate".to_owned(),
        expected: before,
        found: counts.counted,
        meaning: "Jira's index is empty or rebuilding, or the account lost a permission: nothing \
                  is concluded, and the next run lists from the same instant again; if so many \
                  issues are gone for good, reset the project's cursor and backfill"
            .to_owned(),
    })
}

fn too_many(counts: &Counts) -> Option<Finding> {
    let found = counts.stored + counts.failed;
    (found > counts.counted).then(|| Finding {
        check: "stored or failed, against counted by Jira".to_owned(),
        expected: counts.counted,
        found,
        meaning: "issues stored earlier are no longer counted: deleted, hidden, archived, moved \
                  away, or outside the filter; a backfill does not remove them"
            .to_owned(),
    })
}

fn failures(counts: &Counts) -> Option<Finding> {
    (counts.failed > 0).then(|| Finding {
        check: "not fetched, and not stored".to_owned(),
        expected: 0,
        found: counts.failed,
        meaning: "named in extractor.failures with their reasons; the next run tries them again"
            .to_owned(),
    })
}

fn incomplete(counts: &Counts) -> Option<Finding> {
    (counts.incomplete > 0).then(|| Finding {
        check: "stored, but not whole".to_owned(),
        expected: 0,
        found: counts.incomplete,
        meaning: "named in extractor.failures with what is lacking; the next run tries them again"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const EVEN: Counts = Counts {
        counted: 10,
        counted_in_stretch: 10,
        listed: 10,
        stored: 10,
        failed: 0,
        incomplete: 0,
        unloadable: 0,
        counted_before: None,
    };

    #[rstest]
    #[case::even(EVEN, Remedy::None, Remedy::None, Verdict::Complete)]
    #[case::too_few(Counts { stored: 9, ..EVEN }, Remedy::ListAgain, Remedy::ListAgain, Verdict::Missing)]
    #[case::too_many(Counts { stored: 11, ..EVEN }, Remedy::ListAgain, Remedy::None, Verdict::Complete)]
    #[case::failed(Counts { stored: 8, failed: 2, ..EVEN }, Remedy::None, Remedy::None, Verdict::Failures)]
    #[case::not_whole(Counts { incomplete: 1, ..EVEN }, Remedy::None, Remedy::None, Verdict::Failures)]
    #[case::lost_a_few(Counts { counted_before: Some(20), ..EVEN }, Remedy::None, Remedy::None, Verdict::Complete)]
    #[case::collapsed(Counts { counted_before: Some(21), ..EVEN }, Remedy::None, Remedy::None, Verdict::Missing)]
    #[case::late(Counts { listed: 3, counted_in_stretch: 4, ..EVEN }, Remedy::ListAgain, Remedy::ListAgain, Verdict::Missing)]
    #[case::failed_and_missing(Counts { stored: 7, failed: 2, ..EVEN }, Remedy::ListAgain, Remedy::ListAgain, Verdict::Missing)]
    fn counts_lead_to_a_remedy_and_a_verdict(
        #[case] counts: Counts,
        #[case] backfill: Remedy,
        #[case] delta: Remedy,
        #[case] verdict: Verdict,
    ) {
        assert_eq!(remedy(RunKind::Backfill, &counts, 1), backfill);
        assert_eq!(remedy(RunKind::Delta, &counts, 1), delta);
        let certificate = certificate(&counts, DateTime::UNIX_EPOCH, 1);
        assert_eq!(certificate.verdict, verdict);
        let even = Counts { counted_before: counts.counted_before, ..EVEN };
        assert_eq!(certificate.findings.is_empty(), verdict == Verdict::Complete && counts == even);
    }

    #[test]
    fn too_many_is_listed_again_once_and_too_few_until_the_attempts_are_spent() {
        let (many, few) = (Counts { stored: 11, ..EVEN }, Counts { stored: 9, ..EVEN });
        let remedies =
            |counts| [1, 2, 3].map(|attempt| remedy(RunKind::Backfill, &counts, attempt));
        assert_eq!(remedies(many), [Remedy::ListAgain, Remedy::None, Remedy::None]);
        assert_eq!(remedies(few), [Remedy::ListAgain, Remedy::ListAgain, Remedy::None]);
    }

    #[test]
    fn index_entries_without_an_issue_are_named_in_the_finding() {
        let counts = Counts { stored: 9, unloadable: 1, ..EVEN };
        let certificate = certificate(&counts, DateTime::UNIX_EPOCH, 2);
        assert!(certificate.findings[0].meaning.contains("reindex"), "{certificate:?}");
    }
}
