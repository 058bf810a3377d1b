//! A certificate as an account: a line for each number with what it means, to be read by somebody who
//! does not know the program. Pure; where it is printed is the caller's.

use super::words::{count, number};
use super::{Absence, Basis, Certificate, Details, IndexSummary, RunKind};

/// One line of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    /// What it speaks of, in a word or two.
    pub about: &'static str,
    /// What is to be said.
    pub says: String,
}

impl Certificate {
    /// Everything that stands behind the verdict, in the order in which it is reckoned. What only a
    /// reconcile finds out is left out for other runs.
    pub fn account(&self, kind: RunKind) -> Vec<AccountLine> {
        let details = &self.details;
        let mut lines = vec![
            line("in Jira", self.in_jira()),
            line("listed", self.in_listings()),
            line("stored", self.in_store()),
            line("not whole", not_whole(details.incomplete)),
            line("failed", failed(self.failed)),
            line("healed", healed(details.healed)),
        ];
        match kind {
            RunKind::Reconcile => {}
            RunKind::Backfill | RunKind::Delta => return lines,
        }
        lines.extend([
            line("moved", moved(details.moved)),
            line("marked deleted", self.marked_deleted()),
            line("not marked", not_marked(details.refused)),
            line("not listed", not_listed(details)),
            line("changelogs", changelogs(details.unreplayed)),
            line("Jira's index", index(details.index.as_ref())),
        ]);
        if details.outside_filter > 0 {
            let issues = count(details.outside_filter, "issue");
            let says = format!("{issues} no longer match sync.filter, and stay as they were");
            lines.push(line("outside filter", says));
        }
        lines
    }

    fn in_jira(&self) -> String {
        let issues = count(self.counted, "issue");
        match self.basis {
            Basis::Count => format!("{issues}, counted by Jira in its search index"),
            Basis::Census => format!("{issues}, listed a second time in the order of creation"),
            Basis::Estimate => format!("about {issues}, as Jira estimates; it counts nothing"),
        }
    }

    fn in_listings(&self) -> String {
        let issues = count(self.listed, "distinct issue");
        format!("{issues}, in {}", count(u64::from(self.attempts), "listing"))
    }

    fn in_store(&self) -> String {
        let tiers = self.details.tiers;
        let parts = [
            (tiers.full, "fetched at once"),
            (tiers.hub, "with their links fetched apart"),
            (tiers.minimal, "with a few fields only"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(issues, _)| *issues > 0)
            .map(|(issues, how)| format!("{} {how}", number(*issues)))
            .collect();
        let issues = count(self.stored, "issue");
        match parts.as_slice() {
            [] => issues,
            parts => format!("{issues} of those; in all {}", parts.join(", ")),
        }
    }

    fn marked_deleted(&self) -> String {
        let by_reason: Vec<String> = Absence::ALL
            .into_iter()
            .filter_map(|reason| {
                let issues = self.details.tombstoned.get(&reason).copied().filter(|n| *n > 0)?;
                Some(format!("{} {}", number(issues), reason.words()))
            })
            .collect();
        match by_reason.as_slice() {
            [] => "none".to_owned(),
            reasons => format!("{}: {}", count(self.tombstoned(), "issue"), reasons.join(", ")),
        }
    }
}

fn line(about: &'static str, says: String) -> AccountLine {
    AccountLine { about, says }
}

fn not_whole(issues: u64) -> String {
    match issues {
        0 => "none: of every stored issue everything came".to_owned(),
        issues => format!("{}: see extractor.incomplete_issues", count(issues, "stored issue")),
    }
}

fn failed(issues: u64) -> String {
    match issues {
        0 => "none".to_owned(),
        issues => {
            format!("{} could not be stored: see `extractor failures`", count(issues, "issue"))
        }
    }
}

fn healed(issues: u64) -> String {
    match issues {
        0 => "none were missing or stale".to_owned(),
        issues => format!("{} were missing or stale, and are written", count(issues, "issue")),
    }
}

fn moved(issues: u64) -> String {
    match issues {
        0 => "none".to_owned(),
        issues => format!("{} to a project that is followed", count(issues, "issue")),
    }
}

fn not_marked(refused: u64) -> String {
    match refused {
        0 => "none of those that are gone".to_owned(),
        issues => format!(
            "{} are absent, which is more than people usually delete: NOTHING IS CONCLUDED",
            count(issues, "issue")
        ),
    }
}

fn not_listed(details: &Details) -> String {
    match details.unlisted {
        0 => "none of those that are there".to_owned(),
        issues => format!("{} are there, but no search shows them", count(issues, "issue")),
    }
}

fn changelogs(unreplayed: u64) -> String {
    match unreplayed {
        0 => "each leads to the present values, as far as it was replayed".to_owned(),
        issues => format!(
            "of {} do not lead to the present values: see extractor.replay_findings",
            count(issues, "issue")
        ),
    }
}

fn index(index: Option<&IndexSummary>) -> String {
    let Some(index) = index else {
        return "Jira does not tell this account of it".to_owned();
    };
    let IndexSummary { readable, in_database, in_index, in_archive } = *index;
    let state = if readable { "readable" } else { "NOT READABLE" };
    format!(
        "{state}; of all projects {} in the database, {} in the index, {} archived",
        number(in_database),
        number(in_index),
        number(in_archive)
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::model::{TierCounts, Verdict};

    fn certificate() -> Certificate {
        Certificate {
            as_of: DateTime::UNIX_EPOCH,
            counted: 1_234,
            basis: Basis::Count,
            listed: 1_235,
            stored: 1_234,
            failed: 0,
            attempts: 1,
            verdict: Verdict::Complete,
            findings: Vec::new(),
            details: Details {
                tiers: TierCounts { full: 1_230, hub: 4, minimal: 0 },
                tombstoned: [(Absence::Archived, 2), (Absence::NotFound, 3)].into(),
                ..Details::default()
            },
        }
    }

    fn told(certificate: &Certificate, kind: RunKind) -> String {
        let lines = certificate.account(kind);
        lines.into_iter().map(|line| format!("{}: {}\n", line.about, line.says)).collect()
    }

    #[test]
    fn a_reconcile_gives_account_of_everything() {
        let expected = "\
in Jira: 1,234 issues, counted by Jira in its search index
listed: 1,235 distinct issues, in 1 listing
stored: 1,234 issues of those; in all 1,230 fetched at once, 4 with their links fetched apart
not whole: none: of every stored issue everything came
failed: none
healed: none were missing or stale
moved: none
marked deleted: 5 issues: 3 deleted or hidden, 2 archived
not marked: none of those that are gone
not listed: none of those that are there
changelogs: each leads to the present values, as far as it was replayed
Jira's index: Jira does not tell this account of it
";
        assert_eq!(told(&certificate(), RunKind::Reconcile), expected);
    }

    #[test]
    fn another_run_does_not_speak_of_what_it_did_not_look_for() {
        let told = told(&certificate(), RunKind::Delta);
        assert!(!told.contains("marked deleted") && !told.contains("index:"), "{told}");
    }

    #[test]
    fn what_does_not_agree_is_named_with_where_to_look() {
        let mut certificate = certificate();
        certificate.basis = Basis::Estimate;
        certificate.failed = 1;
        certificate.details.incomplete = 2;
        certificate.details.refused = 600;
        certificate.details.unlisted = 7;
        certificate.details.unreplayed = 1;
        certificate.details.outside_filter = 9;
        certificate.details.index = Some(IndexSummary {
            readable: false,
            in_database: 10_000,
            in_index: 9_000,
            in_archive: 5,
        });
        let told = told(&certificate, RunKind::Reconcile);
        for says in [
            "about 1,234 issues, as Jira estimates",
            "1 issue could not be stored: see `extractor failures`",
            "2 stored issues: see extractor.incomplete_issues",
            "600 issues are absent, which is more than people usually delete",
            "7 issues are there, but no search shows them",
            "of 1 issue do not lead to the present values: see extractor.replay_findings",
            "9 issues no longer match sync.filter",
            "NOT READABLE; of all projects 10,000 in the database, 9,000 in the index, 5 archived",
        ] {
            assert!(told.contains(says), "{says:?} is not in {told}");
        }
    }
}
