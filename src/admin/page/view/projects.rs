//! The table of projects: where each stands, what is stored of it, and when it runs next. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::runs::{RunLine, line};
use super::{Sight, Tone, Word};
use crate::admin::desk::FollowedProject;
use crate::admin::page::words::{ago, between, calm_span, number, sentence, soon, stopped};
use crate::model::{Absence, Certificate, TierCounts, Verdict};
use crate::store::ProjectFacts;

/// How long after it fell due a run may begin before its project counts as late.
const LATE_AFTER: TimeDelta = TimeDelta::minutes(2);

/// Where a project stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin::page) enum Standing {
    /// Its runs succeed.
    Current,
    /// It has never been extracted whole.
    New,
    /// Its run is due for a while and has not begun.
    Late,
    /// It is too far behind, and nothing moves.
    Stalled,
    /// Its last certificate does not hold.
    Unproven,
    /// Its last runs failed.
    Failing {
        /// How many.
        times: u32,
    },
    /// It is in the database, and no longer followed.
    Left,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::admin::page) struct ProjectLine {
    /// Its key.
    pub(in crate::admin::page) key: String,
    /// Where it stands.
    pub(in crate::admin::page) standing: Word,
    /// How far it is behind Jira.
    pub(in crate::admin::page) behind: Option<String>,
    /// What is stored.
    pub(in crate::admin::page) stored: Stored,
    /// Issues waiting to be fetched.
    pub(in crate::admin::page) queue: u64,
    /// Issues that could not be fetched whole.
    pub(in crate::admin::page) failures: u64,
    /// What the last certificate concludes.
    pub(in crate::admin::page) certificate: Option<CertificateWord>,
    /// Its last run.
    pub(in crate::admin::page) last_run: Option<RunLine>,
    /// When it runs next, in words.
    pub(in crate::admin::page) next_run: Option<(DateTime<Utc>, String)>,
    /// What reconciles say of it.
    pub(in crate::admin::page) reconcile: ReconcileLine,
    /// Whether a run may be asked for.
    pub(in crate::admin::page) followed: bool,
}

/// What is stored of a project, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::admin::page) struct Stored {
    /// By tier.
    pub(in crate::admin::page) tiers: TierCounts,
    /// Of which something is lacking.
    pub(in crate::admin::page) incomplete: u64,
    /// Marked deleted.
    pub(in crate::admin::page) deleted: u64,
    /// The same by reason, in the order of [`Absence::ALL`].
    by_reason: [u64; Absence::ALL.len()],
}

/// What reconciles say of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::admin::page) struct ReconcileLine {
    /// When one last held, and the same in words.
    pub(in crate::admin::page) last_held: Option<(DateTime<Utc>, String)>,
    /// When the next is due, and the same in words.
    pub(in crate::admin::page) next: Option<(DateTime<Utc>, String)>,
    /// Why the last one failed.
    pub(in crate::admin::page) trouble: Option<String>,
}

impl Stored {
    /// Issues stored and not deleted.
    pub(in crate::admin::page) fn total(&self) -> u64 {
        self.tiers.full + self.tiers.hub + self.tiers.minimal
    }

    /// Issues marked deleted for each reason that there is.
    pub(in crate::admin::page) fn tombstones(&self) -> impl Iterator<Item = (Absence, u64)> {
        Absence::ALL.into_iter().zip(self.by_reason).filter(|(_, issues)| *issues > 0)
    }

    /// What is not as usual, in words; empty when everything is stored whole, in one request.
    pub(in crate::admin::page) fn remarks(&self) -> String {
        let parts = [
            (self.tiers.hub, "hub"),
            (self.tiers.minimal, "minimal"),
            (self.incomplete, "incomplete"),
            (self.deleted, "deleted"),
        ];
        let told = parts.into_iter().filter(|(issues, _)| *issues > 0);
        told.map(|(issues, name)| format!("{} {name}", number(issues)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A verdict in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::page) struct CertificateWord {
    /// In a word or two.
    pub(in crate::admin::page) word: Word,
    /// In a sentence.
    pub(in crate::admin::page) meaning: &'static str,
}

/// Every project that is followed or stored, by key.
pub(in crate::admin::page) fn lines(sight: &Sight<'_>) -> Vec<ProjectLine> {
    paired(sight)
        .into_iter()
        .map(|(key, (followed, facts))| {
            let next_run = followed.and_then(|project| project.next_run_at);
            let last_run = facts.and_then(|facts| facts.runs.first());
            let stored = stored(&key, facts, sight);
            ProjectLine {
                standing: in_words(standing(followed, facts, sight)),
                behind: facts.and_then(|facts| behind(facts, sight)).map(calm_span),
                stored,
                queue: facts.map_or(0, |facts| facts.queue.depth),
                failures: facts.map_or(0, |facts| facts.failures),
                certificate: facts.and_then(ProjectFacts::certificate).map(certificate_word),
                last_run: last_run.map(|run| line(run, sight)),
                next_run: next_run.map(|at| (at, soon(at, sight.now))),
                reconcile: reconcile(followed, facts, sight.now),
                followed: followed.is_some(),
                key,
            }
        })
        .collect()
}

/// Where every project stands, by key.
pub(super) fn standings(sight: &Sight<'_>) -> Vec<(String, Standing)> {
    let pairs = paired(sight).into_iter();
    pairs.map(|(key, (followed, facts))| (key, standing(followed, facts, sight))).collect()
}

type Pair<'a> = (Option<&'a FollowedProject>, Option<&'a ProjectFacts>);

fn paired<'a>(sight: &Sight<'a>) -> BTreeMap<String, Pair<'a>> {
    let mut pairs: BTreeMap<String, Pair<'a>> = BTreeMap::new();
    for project in &sight.status.projects {
        pairs.entry(project.key.to_string()).or_default().0 = Some(project);
    }
    if let Some(known) = &sight.picture.known {
        for facts in &known.projects {
            pairs.entry(facts.project.to_string()).or_default().1 = Some(facts);
        }
    }
    pairs
}

fn stored(key: &str, facts: Option<&ProjectFacts>, sight: &Sight<'_>) -> Stored {
    let known = sight.picture.known.as_ref();
    let counts =
        known.and_then(|known| known.counts.iter().find(|counts| counts.project.as_str() == key));
    Stored {
        tiers: counts.map(|counts| counts.issues).unwrap_or_default(),
        incomplete: facts.map_or(0, |facts| facts.incomplete),
        deleted: counts.map_or(0, |counts| counts.deleted),
        by_reason: Absence::ALL.map(|reason| {
            let tombstones = counts.and_then(|counts| counts.tombstones.get(&reason));
            tombstones.copied().unwrap_or_default()
        }),
    }
}

fn reconcile(
    followed: Option<&FollowedProject>,
    facts: Option<&ProjectFacts>,
    now: DateTime<Utc>,
) -> ReconcileLine {
    let cursor = facts.and_then(|facts| facts.cursor.as_ref());
    let next = followed.and_then(|project| project.next_reconcile_at);
    let trouble = followed.and_then(|project| project.reconcile_trouble.as_ref());
    ReconcileLine {
        last_held: cursor.and_then(|c| c.reconciled_at).map(|at| (at, ago(at, now))),
        next: next.map(|at| (at, soon(at, now))),
        trouble: trouble.map(|trouble| stopped(&sentence(&trouble.text))),
    }
}

fn standing(
    followed: Option<&FollowedProject>,
    facts: Option<&ProjectFacts>,
    sight: &Sight<'_>,
) -> Standing {
    let Some(followed) = followed else { return Standing::Left };
    if followed.failures_in_a_row > 0 {
        return Standing::Failing { times: followed.failures_in_a_row };
    }
    let may_lag = sight.status.configuration.may_lag;
    if facts.is_some_and(|facts| facts.is_stalled(may_lag, facts.as_of)) {
        return Standing::Stalled;
    }
    let Some(facts) = facts.filter(|facts| facts.lag.is_some()) else { return Standing::New };
    let is_missing = |certificate: &Certificate| certificate.verdict == Verdict::Missing;
    if facts.certificate().is_some_and(is_missing) {
        return Standing::Unproven;
    }
    let is_held = facts.cursor.as_ref().is_some_and(|cursor| cursor.held_by.is_some());
    match followed.next_run_at {
        Some(due) if due + LATE_AFTER < sight.now && !is_held => Standing::Late,
        Some(_) | None => Standing::Current,
    }
}

fn in_words(standing: Standing) -> Word {
    match standing {
        Standing::Current => Word::new(Tone::Good, "up to date"),
        Standing::New => Word::new(Tone::Busy, "not extracted yet"),
        Standing::Late => Word::new(Tone::Warn, "late"),
        Standing::Stalled => Word::new(Tone::Bad, "stalled"),
        Standing::Unproven => Word::new(Tone::Bad, "not proven whole"),
        Standing::Failing { times: 1 } => Word::new(Tone::Bad, "failed"),
        Standing::Failing { times } => Word::new(Tone::Bad, format!("failed {times} times")),
        Standing::Left => Word::new(Tone::Quiet, "not followed"),
    }
}

fn behind(facts: &ProjectFacts, sight: &Sight<'_>) -> Option<Duration> {
    let read_at = sight.picture.known.as_ref()?.read_at;
    Some(facts.lag? + between(read_at, sight.now))
}

/// What a certificate concludes, in words.
pub(in crate::admin::page) fn certificate_word(certificate: &Certificate) -> CertificateWord {
    let (tone, text, meaning) = match certificate.verdict {
        Verdict::Complete => {
            (Tone::Good, "complete", "Every issue that Jira counts is stored, and no other.")
        }
        Verdict::Missing => (
            Tone::Bad,
            "does not hold",
            "Something that Jira counts is neither stored nor named as a failure.",
        ),
        Verdict::Failures => (
            Tone::Warn,
            "with failures",
            "Everything is accounted for, but some issues could not be fetched whole.",
        ),
    };
    CertificateWord { word: Word::new(tone, text), meaning }
}
