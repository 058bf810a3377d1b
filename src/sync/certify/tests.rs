//! Which counts lead to which remedy and verdict, for each kind of proof.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::sync::census::Brought;

const EVEN: Counts = Counts {
    counted: 10,
    listed: 10,
    stored: 10,
    failed: 0,
    incomplete: 0,
    proof: Proof::Count { in_stretch: 10, unloadable: 0 },
    before: None,
    absent: NOTHING_ABSENT,
};

const NOTHING_ABSENT: Absent = Absent {
    unknown: 0,
    refused: 0,
    unlisted: 0,
    outside_filter: 0,
    moved: 0,
    tombstoned: 0,
    index_unreadable: false,
    usual: 0,
};

const PROVEN: Census = Census {
    whole: true,
    issues: 10,
    shown: 10,
    listed: 10,
    estimated: 10,
    brought: Brought { settled: 0, late: 0 },
    lacking: 0,
};
const CENSUS: Counts = Counts { proof: Proof::Census(PROVEN), ..EVEN };
/// A delta: Jira's estimate of the whole is off, and the stretch has three issues.
const ESTIMATE: Counts = Counts {
    counted: 13,
    listed: 3,
    proof: Proof::Census(Census {
        whole: false,
        issues: 3,
        shown: 3,
        listed: 3,
        estimated: 3,
        ..PROVEN
    }),
    ..EVEN
};

fn counted(before: u64) -> Option<Before> {
    Some(Before { counted: before, basis: Basis::Count })
}

fn census(census: Census) -> Counts {
    Counts { proof: Proof::Census(census), ..CENSUS }
}

#[rstest]
#[case::even(EVEN, Remedy::None, Remedy::None, Verdict::Complete)]
#[case::too_few(Counts { stored: 9, ..EVEN }, Remedy::ListAgain, Remedy::ListAgain, Verdict::Missing)]
#[case::too_many(Counts { stored: 11, ..EVEN }, Remedy::ListAgain, Remedy::None, Verdict::Complete)]
#[case::failed(Counts { stored: 8, failed: 2, ..EVEN }, Remedy::None, Remedy::None, Verdict::Failures)]
#[case::not_whole(Counts { incomplete: 1, ..EVEN }, Remedy::None, Remedy::None, Verdict::Failures)]
#[case::lost_a_few(Counts { before: counted(20), ..EVEN }, Remedy::None, Remedy::None, Verdict::Complete)]
#[case::collapsed(Counts { before: counted(21), ..EVEN }, Remedy::None, Remedy::None, Verdict::Missing)]
#[case::late(
    Counts { listed: 3, proof: Proof::Count { in_stretch: 4, unloadable: 0 }, ..EVEN },
    Remedy::ListAgain, Remedy::ListAgain, Verdict::Missing
)]
#[case::failed_and_missing(Counts { stored: 7, failed: 2, ..EVEN }, Remedy::ListAgain, Remedy::ListAgain, Verdict::Missing)]
fn counts_lead_to_a_remedy_and_a_verdict(
    #[case] counts: Counts,
    #[case] backfill: Remedy,
    #[case] delta: Remedy,
    #[case] verdict: Verdict,
) {
    assert_eq!(remedy(RunKind::Backfill, &counts, 1), backfill);
    assert_eq!(remedy(RunKind::Delta, &counts, 1), delta);
    let certificate = certificate(&counts, Holdings::default(), DateTime::UNIX_EPOCH, 1);
    assert_eq!((certificate.verdict, certificate.basis), (verdict, Basis::Count));
    let even = Counts { before: counts.before, ..EVEN };
    assert_eq!(certificate.findings.is_empty(), verdict == Verdict::Complete && counts == even);
}

#[test]
fn too_many_is_listed_again_once_and_too_few_until_the_attempts_are_spent() {
    let (many, few) = (Counts { stored: 11, ..EVEN }, Counts { stored: 9, ..EVEN });
    let remedies = |counts| [1, 2, 3].map(|attempt| remedy(RunKind::Backfill, &counts, attempt));
    assert_eq!(remedies(many), [Remedy::ListAgain, Remedy::None, Remedy::None]);
    assert_eq!(remedies(few), [Remedy::ListAgain, Remedy::ListAgain, Remedy::None]);
}

#[test]
fn index_entries_without_an_issue_are_named_in_the_finding() {
    let proof = Proof::Count { in_stretch: 10, unloadable: 1 };
    let counts = Counts { stored: 9, proof, ..EVEN };
    let certificate = certificate(&counts, Holdings::default(), DateTime::UNIX_EPOCH, 2);
    assert!(certificate.findings[0].meaning.contains("reindex"), "{certificate:?}");
    assert!(may_advance(&counts) && !may_advance(&Counts { proof: EVEN.proof, ..counts }));
}

const SETTLED: Brought = Brought { settled: 1, late: 0 };
const LATE: Brought = Brought { settled: 0, late: 4 };

/// What a Cloud run comes to after its census; `findings` are named by a word of each.
#[rstest]
#[case::proven(CENSUS, Remedy::None, true, Verdict::Complete, &[])]
#[case::brought(
    census(Census { brought: SETTLED, ..PROVEN }),
    Remedy::ListAgain, false, Verdict::Missing, &["brought by the last listing"]
)]
#[case::late(
    census(Census { brought: LATE, ..PROVEN }),
    Remedy::ListAgain, true, Verdict::Complete, &["only during it"]
)]
#[case::lost_sight_of(
    census(Census { lacking: 2, ..PROVEN }),
    Remedy::ListAgain, false, Verdict::Missing, &["nor gone"]
)]
#[case::deleted_meanwhile(
    census(Census { listed: 12, ..PROVEN }),
    Remedy::None, true, Verdict::Complete, &["listed by the census"]
)]
#[case::deleted_by_the_dozen_meanwhile_or_cut_short(
    census(Census { listed: 21, ..PROVEN }),
    Remedy::ListAgain, false, Verdict::Missing, &["against listed by the run"]
)]
#[case::an_estimate_that_lacks_what_is_recent(
    census(Census { estimated: 3, ..PROVEN }),
    Remedy::None, true, Verdict::Complete, &[]
)]
#[case::late_for_the_census(
    census(Census { shown: 11, estimated: 11, ..PROVEN }),
    Remedy::None, true, Verdict::Complete, &[]
)]
#[case::one_fewer_than_estimated(
    census(Census { estimated: 11, ..PROVEN }),
    Remedy::ListAgain, false, Verdict::Missing, &["estimated by Jira"]
)]
#[case::far_fewer_than_estimated(
    census(Census { estimated: 21, ..PROVEN }),
    Remedy::ListAgain, false, Verdict::Missing, &["estimated by Jira"]
)]
#[case::listed_late_and_then_in_the_census(
    census(Census { issues: 12, shown: 12, ..PROVEN }),
    Remedy::None, true, Verdict::Complete, &[]
)]
#[case::deleted_earlier(
    Counts { stored: 14, ..CENSUS },
    Remedy::None, true, Verdict::Complete, &["stored or failed"]
)]
#[case::moved_away_while_it_was_fetched(
    Counts { stored: 9, ..CENSUS }, Remedy::None, true, Verdict::Complete, &[]
)]
#[case::failed(
    Counts { stored: 8, failed: 2, ..CENSUS },
    Remedy::None, true, Verdict::Failures, &["not fetched"]
)]
#[case::emptied(
    Counts { counted: 0, listed: 0, before: Some(Before { counted: 11, basis: Basis::Census }),
             proof: Proof::Census(Census { issues: 0, shown: 0, listed: 0, estimated: 0, ..PROVEN }), ..CENSUS },
    Remedy::None, false, Verdict::Missing, &["last certificate", "stored or failed"]
)]
fn a_census_leads_to_a_remedy_and_a_verdict(
    #[case] counts: Counts,
    #[case] expected: Remedy,
    #[case] advances: bool,
    #[case] verdict: Verdict,
    #[case] findings: &[&str],
) {
    for kind in [RunKind::Backfill, RunKind::Delta] {
        assert_eq!(remedy(kind, &counts, 2), expected);
        assert_eq!(remedy(kind, &counts, 3), Remedy::None);
    }
    assert_eq!(may_advance(&counts), advances);
    let certificate = certificate(&counts, Holdings::default(), DateTime::UNIX_EPOCH, 2);
    assert_eq!((certificate.verdict, certificate.basis), (verdict, Basis::Census));
    assert_eq!(certificate.findings.len(), findings.len(), "{certificate:?}");
    for (finding, words) in certificate.findings.iter().zip(findings) {
        assert!(finding.check.contains(words), "{finding:?}");
    }
}

fn since(counted: u64, basis: Basis) -> Counts {
    Counts { before: Some(Before { counted, basis }), ..ESTIMATE }
}

/// The estimate is 13, and 10 are stored.
#[rstest]
#[case::off_the_mark(ESTIMATE, Verdict::Complete)]
#[case::far_off_the_mark(Counts { counted: 1_000, ..ESTIMATE }, Verdict::Complete)]
#[case::fewer_than_estimated_last(since(23, Basis::Estimate), Verdict::Complete)]
#[case::collapsed(since(24, Basis::Estimate), Verdict::Missing)]
#[case::fewer_than_counted_last(since(26, Basis::Census), Verdict::Complete)]
#[case::far_fewer_than_counted_last(since(28, Basis::Census), Verdict::Missing)]
fn an_estimate_says_no_more_than_that_a_count_has_collapsed(
    #[case] counts: Counts,
    #[case] verdict: Verdict,
) {
    let certificate = certificate(&counts, Holdings::default(), DateTime::UNIX_EPOCH, 2);
    assert_eq!((certificate.verdict, certificate.basis), (verdict, Basis::Estimate));
    assert_eq!(may_advance(&counts), verdict == Verdict::Complete);
    assert_eq!(certificate.findings.len(), usize::from(verdict == Verdict::Missing));
    assert_eq!(remedy(RunKind::Delta, &counts, 2), Remedy::None);
}

proptest! {
    /// Whatever the numbers, a run is complete and moves the cursor only if everything that Jira
    /// estimates was shown, and each estimate too many is named by as many.
    #[test]
    fn what_jira_estimates_and_does_not_show_is_never_certified(
        (issues, since, estimated) in (0_u64..60, 0_u64..9, 0_u64..70),
        (listed, late, whole) in (0_u64..60, 0_u64..4, any::<bool>()),
    ) {
        let (shown, brought) = (issues + since, Brought { settled: 0, late });
        let census = Census { whole, issues, shown, listed, estimated, brought, lacking: 0 };
        let counts = Counts { proof: Proof::Census(census), ..CENSUS };
        let certificate = certificate(&counts, Holdings::default(), DateTime::UNIX_EPOCH, 3);
        let named = certificate.findings.iter().find(|one| one.check.contains("estimated by Jira"));
        let named = named.map_or(0, |finding| finding.expected - finding.found);
        prop_assert_eq!(named, estimated.saturating_sub(shown));
        if named > 0 {
            prop_assert_eq!(certificate.verdict, Verdict::Missing);
            prop_assert!(!may_advance(&counts));
            prop_assert_eq!(remedy(RunKind::Delta, &counts, 2), Remedy::ListAgain);
        }
        // An estimate that is too low changes nothing.
        let even = Census { estimated: estimated.min(shown), ..census };
        let even = Counts { proof: Proof::Census(even), ..counts };
        let exact = Census { estimated: shown, ..census };
        let exact = Counts { proof: Proof::Census(exact), ..counts };
        prop_assert_eq!(verdict(&even), verdict(&exact));
    }
}
