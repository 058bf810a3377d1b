//! The certificate that closes a run: what Jira counts against what was listed and what is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Absence;
use super::run::text_enum;

/// What a certificate concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every count agrees.
    Complete,
    /// Something that Jira counts is neither stored nor named as a failure.
    Missing,
    /// Everything is accounted for, but some issues could not be fetched whole.
    Failures,
}

text_enum!(Verdict {
    Complete => "complete",
    Missing => "missing",
    Failures => "failures",
});

/// What a certificate's `counted` rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Jira Server or Data Center counted its search index.
    Count,
    /// Jira Cloud, which counts nothing, listed the whole project again in another order.
    Census,
    /// Jira Cloud estimated. What the run listed was proven by a census of that stretch alone.
    Estimate,
}

text_enum!(Basis {
    Count => "count",
    Census => "census",
    Estimate => "estimate",
});

/// One sentence about a count that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was compared.
    pub check: String,
    /// What it should have been, in issues.
    pub expected: u64,
    /// What it was.
    pub found: u64,
    /// What that means, in words for an operator.
    pub meaning: String,
}

/// The proof of completeness stored with a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Counts are of issues created before this instant, by Jira's clock, so that issues which
    /// appear while the run closes cannot make the counts disagree.
    pub as_of: DateTime<Utc>,
    /// What Jira counts in the project.
    pub counted: u64,
    /// What that number rests on.
    pub basis: Basis,
    /// Distinct issues this run listed.
    pub listed: u64,
    /// Issues of the project stored and not deleted.
    pub stored: u64,
    /// Issues of the project in `extractor.failures` that are not stored.
    pub failed: u64,
    /// How many listings were needed (1 unless a repair ran; on Cloud a census is one, so 2).
    pub attempts: u32,
    /// What follows from the counts.
    pub verdict: Verdict,
    /// Every count that does not agree.
    pub findings: Vec<Finding>,
    /// What the numbers above are made of.
    #[serde(flatten, default)]
    pub details: Details,
}

/// What stands behind a certificate's counts, in issues unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// What is stored, by how it was fetched.
    pub tiers: TierCounts,
    /// Stored, but not whole: named in `extractor.incomplete_issues`.
    pub incomplete: u64,
    /// Found missing or stale by this run, and written.
    pub healed: u64,
    /// Found under another key in a followed project: the row has followed.
    pub moved: u64,
    /// Marked as no longer there by this run, by reason.
    pub tombstoned: BTreeMap<Absence, u64>,
    /// Absent, and not marked as no longer there, because they are more than people usually delete.
    pub refused: u64,
    /// There when asked for by id, but shown by no listing.
    pub unlisted: u64,
    /// There, but no longer matched by `sync.filter`: left as they were.
    pub outside_filter: u64,
    /// Their changelog does not lead to their present values: see `extractor.replay_findings`.
    pub unreplayed: u64,
    /// What Jira says of its own search index, where this account may ask. Reconcile only.
    pub index: Option<IndexSummary>,
}

/// Stored issues by tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TierCounts {
    /// Everything, in one request.
    pub full: u64,
    /// Everything, the links apart.
    pub hub: u64,
    /// A small set of fields.
    pub minimal: u64,
}

/// The state of Jira's search index, of all projects together, on the node that answered.
/// Source: `GET /rest/api/2/index/summary` (Server 7.2.10 and later; experimental).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSummary {
    /// Whether the index can be read at all.
    pub readable: bool,
    /// Issues in Jira's database.
    pub in_database: u64,
    /// Issues in the index.
    pub in_index: u64,
    /// Archived issues, which the index leaves out.
    pub in_archive: u64,
}

impl Certificate {
    /// Issues that this run marked as no longer there, whatever the reason.
    pub fn tombstoned(&self) -> u64 {
        self.details.tombstoned.values().sum()
    }

    /// What follows, in one sentence for whoever signs for the data.
    pub fn conclusion(&self) -> String {
        let stored = self.stored;
        match self.verdict {
            Verdict::Complete => format!(
                "complete: every issue that Jira shows ({stored}) is stored, whole, and nothing else is"
            ),
            Verdict::Failures => format!(
                "everything is accounted for, but not everything agrees: {stored} issues are stored, \
                 {} of them not whole, and {} could not be stored",
                self.details.incomplete, self.failed
            ),
            Verdict::Missing => {
                "not complete: Jira's numbers and what is stored do not agree, and nothing is \
                 concluded from what is absent"
                    .to_owned()
            }
        }
    }
}
