//! The certificate that closes a run: what Jira counts against what was listed and what is stored.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
}
