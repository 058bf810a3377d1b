//! What became of the issues that are stored and that a run missed: each is looked up by id before
//! anything is marked.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::listings::Course;
use super::{Engine, Held};
use crate::jira::{Flavor, MOST_SIGHTED, Sighting};
use crate::model::{IssueId, ListedIssue, ProjectKey, RunKind};
use crate::store::{AbsenceCounts, Found, Settled};
use crate::sync::absence::{self, Standing, Tally};
use crate::sync::certify::Absent;
use crate::sync::error::SyncError;
use crate::sync::retry::patiently;
use crate::sync::visible;

/// Issues that are looked up alone, side by side.
const AT_ONCE: usize = 8;
/// Ids that are read from the store at once.
const IDS_PAGE: u32 = 1_000;

impl Engine {
    /// Looks up what the run missed, marks what is not there, and fetches what is elsewhere. Asks
    /// nothing where nothing is missed.
    pub(super) async fn account_for_absent(
        &self,
        held: &Held<'_>,
        course: &Course,
    ) -> Result<Absent, SyncError> {
        let stored = match held.run.kind {
            RunKind::Reconcile if self.knows_all_listed(held, course) => {
                let missed = self.store.record_absent(held.lease, held.run.id).await?;
                if missed.absent > 0 {
                    self.look_up_missed(held, course, missed.stored).await?;
                }
                missed.stored
            }
            RunKind::Reconcile | RunKind::Backfill | RunKind::Delta => {
                let counts = patiently(|| self.store.absence_counts(held.run.id)).await?;
                if counts == AbsenceCounts::default() {
                    return Ok(Absent::default());
                }
                patiently(|| self.store.stored_of_project(held.lease)).await?
            }
        };
        self.settle(held, stored).await
    }

    /// On Cloud only listings in both orders together show everything.
    fn knows_all_listed(&self, held: &Held<'_>, course: &Course) -> bool {
        match (self.instance.flavor, held.standing) {
            (Flavor::Cloud, Standing::Shown) => course.summary.census.is_some(),
            (Flavor::Server, _) | (Flavor::Cloud, Standing::Archived | Standing::Gone) => true,
        }
    }

    async fn look_up_missed(
        &self,
        held: &Held<'_>,
        course: &Course,
        stored: u64,
    ) -> Result<(), SyncError> {
        let most = (!held.allow_mass_delete).then_some(absence::usual(stored));
        let ids = self.missed(held).await?;
        tracing::info!(issues.absent = ids.len(), "issues that are stored were not listed");
        let too_many = |n: usize| most.is_some_and(|most| n as u64 > most);
        // So many are more likely to have been left out of one listing than to be gone.
        if too_many(ids.len()) && held.standing == Standing::Shown && course.attempt == 1 {
            return Ok(());
        }
        self.confirm(held).await?;
        if too_many(ids.len()) && held.standing == Standing::Shown {
            let found = self.look_up(held, &absence::sample(&ids)).await?;
            if absence::is_uniform(&found) {
                tracing::warn!(
                    issues.absent = ids.len(),
                    "too many issues are absent to look all of them up"
                );
                return Ok(());
            }
        }
        for ids in ids.chunks(MOST_SIGHTED) {
            self.require_go_on(held)?;
            self.sight(held, ids).await?;
        }
        let ids = self.missed(held).await?;
        match held.standing {
            Standing::Archived => {
                let archived: Vec<_> = ids.iter().map(|id| (*id, Found::Archived)).collect();
                self.store.record_found(held.lease, held.run.id, &archived).await?;
            }
            Standing::Shown | Standing::Gone => self.look_up_each(held, &ids, most).await?,
        }
        // If a permission was lost meanwhile, not one of these answers is believed.
        self.confirm(held).await
    }

    /// Asks for every issue alone, but stops when that is more than will be believed.
    async fn look_up_each(
        &self,
        held: &Held<'_>,
        ids: &[IssueId],
        most: Option<u64>,
    ) -> Result<(), SyncError> {
        let mut tally = Tally::default();
        for ids in ids.chunks(MOST_SIGHTED) {
            self.require_go_on(held)?;
            let found = self.look_up(held, ids).await?;
            self.store.record_found(held.lease, held.run.id, &found).await?;
            tally.note(&found);
            if tally.exceeds(most) {
                tracing::warn!("more issues are absent than are marked without being allowed");
                return Ok(());
            }
        }
        Ok(())
    }

    async fn look_up(
        &self,
        held: &Held<'_>,
        ids: &[IssueId],
    ) -> Result<Vec<(IssueId, Found)>, SyncError> {
        let project = &held.run.project;
        stream::iter(ids.to_vec())
            .map(|id| self.look_up_alone(id, project))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn look_up_alone(
        &self,
        id: IssueId,
        project: &ProjectKey,
    ) -> Result<(IssueId, Found), SyncError> {
        let sighting = self.jira.sight_alone(id).await?;
        Ok((id, absence::looked_up(sighting.as_ref(), project)))
    }

    /// Asks for many at once, and records what came. What the search shows is listed after all.
    async fn sight(&self, held: &Held<'_>, ids: &[IssueId]) -> Result<(), SyncError> {
        let by_search = self.instance.flavor == Flavor::Server;
        let has_filter = self.settings.filter.is_some();
        let sightings = self.jira.sight(ids).await?;
        let of = |sighting: &Sighting| {
            let found = absence::sighted(sighting, &held.run.project, has_filter, by_search);
            (sighting.id, absence::in_standing(held.standing, found))
        };
        let found: Vec<(IssueId, Found)> = sightings.iter().map(of).collect();
        let late: Vec<ListedIssue> = sightings
            .into_iter()
            .zip(&found)
            .filter(|(_, (_, found))| *found == Found::Listed)
            .map(|(s, _)| ListedIssue { id: s.id, key: s.key, updated: s.updated })
            .collect();
        self.store.record_found(held.lease, held.run.id, &found).await?;
        if !late.is_empty() {
            self.store.record_late(held.lease, held.run.id, &late).await?;
        }
        Ok(())
    }

    async fn missed(&self, held: &Held<'_>) -> Result<Vec<IssueId>, SyncError> {
        let mut ids: Vec<IssueId> = Vec::new();
        loop {
            let after = ids.last().copied().unwrap_or(IssueId(i64::MIN));
            let page = patiently(|| self.store.list_absent(held.run.id, after, IDS_PAGE)).await?;
            if page.is_empty() {
                return Ok(ids);
            }
            ids.extend(page);
        }
    }

    /// Makes sure that Jira still takes us for who we are, and the project for what it was.
    async fn confirm(&self, held: &Held<'_>) -> Result<(), SyncError> {
        self.jira.confirm_identity().await?;
        let (project, allow) = (&held.run.project, held.allow_mass_delete);
        let (standing, _) = visible::standing(&self.jira, project, held.run.kind, allow).await?;
        if standing == held.standing {
            return Ok(());
        }
        Err(SyncError::ProjectChanged { project: project.clone() })
    }

    /// Marks, queues and hydrates, until nothing is left to be acted upon.
    async fn settle(&self, held: &Held<'_>, stored: u64) -> Result<Absent, SyncError> {
        loop {
            let counts = self.store.absence_counts(held.run.id).await?;
            let limitless = held.allow_mass_delete;
            let allowance = absence::allowance(held.standing, stored, counts.unknown, limitless);
            let settle = || self.store.settle_absences(held.lease, held.run.id, allowance);
            let Settled { refused, queued } = patiently(settle).await?;
            if self.drain(held).await? == 0 && queued == 0 {
                let counts = self.store.absence_counts(held.run.id).await?;
                return Ok(Absent {
                    unknown: counts.unknown,
                    refused,
                    unlisted: counts.unlisted,
                    outside_filter: counts.outside_filter,
                    moved: counts.moved,
                    tombstoned: counts.tombstoned.values().sum(),
                    index_unreadable: false,
                    usual: absence::usual(stored),
                });
            }
        }
    }

    fn require_go_on(&self, held: &Held<'_>) -> Result<(), SyncError> {
        if held.stop.is_cancelled() { Err(SyncError::Interrupted) } else { Ok(()) }
    }
}
