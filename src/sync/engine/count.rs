//! Counting for the certificate: Jira's numbers, and the store's.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::listings::Course;
use super::{Engine, Held};
use crate::jira::Flavor;
use crate::jql::{Boundary, Order, Query, Span};
use crate::model::{EpochSecond, IndexSummary, RunKind};
use crate::store::Run;
use crate::sync::absence::Standing;
use crate::sync::census::Census;
use crate::sync::certify::{Absent, Counts, Holdings, Proof};
use crate::sync::error::SyncError;
use crate::sync::precedent::Precedent;
use crate::sync::retry::patiently;

/// How often an estimate that exceeds what was listed is asked for, and how long apart: what was
/// deleted a moment ago may still be in it.
const ESTIMATE_LOOKS: u32 = 4;
const ESTIMATE_PAUSE: Duration = Duration::from_millis(500);

impl Engine {
    /// The counts after the listings so far; `None` as long as there is nothing to compare.
    pub(super) async fn count(
        &self,
        held: &Held<'_>,
        course: &Course,
        absent: Absent,
    ) -> Result<Option<(Counts, Holdings)>, SyncError> {
        let run = held.run;
        let numbers = match (held.standing, self.instance.flavor) {
            // What Jira shows of such a project is nothing.
            (Standing::Archived | Standing::Gone, _) => {
                Some((0, Proof::Count { in_stretch: 0, unloadable: 0 }))
            }
            (Standing::Shown, Flavor::Server) => Some(self.counted(run, course).await?),
            (Standing::Shown, Flavor::Cloud) => self.listed_again(held, course).await?,
        };
        let Some((counted, proof)) = numbers else { return Ok(None) };
        let as_of = self.as_of(run);
        let stored =
            patiently(|| self.store.certificate_counts(&run.site, &run.project, run.id, as_of))
                .await?;
        let index = self.index_summary(run).await?;
        let index_unreadable = index.is_some_and(|index| !index.readable);
        let marked = patiently(|| self.store.absence_counts(run.id)).await?;
        let holdings = Holdings {
            tiers: stored.tiers,
            not_whole: stored.not_whole,
            written: self.written(run).await?,
            tombstoned: marked.tombstoned,
            unreplayed: 0,
            index,
        };
        let precedent = Precedent::load(&self.store, held.lease).await?;
        let counts = Counts {
            counted,
            listed: stored.listed,
            stored: stored.stored,
            failed: stored.failed,
            incomplete: stored.incomplete,
            proof,
            before: precedent
                .filter(|last| last.filter == run.filter)
                .and_then(|last| last.counted),
            absent: Absent { index_unreadable, ..absent },
        };
        Ok(Some((counts, holdings)))
    }

    async fn written(&self, run: &Run) -> Result<u64, SyncError> {
        let run = patiently(|| self.store.load_run(run.id)).await?;
        Ok(run.map_or(0, |run| run.counters.written))
    }

    /// What Jira says of its index: a reconcile concludes from what is absent.
    async fn index_summary(&self, run: &Run) -> Result<Option<IndexSummary>, SyncError> {
        match run.kind {
            RunKind::Backfill | RunKind::Delta => Ok(None),
            RunKind::Reconcile => Ok(self.jira.index_summary().await?),
        }
    }

    /// What Jira Server counts in the project, and in the stretch that the run listed.
    async fn counted(&self, run: &Run, course: &Course) -> Result<(u64, Proof), SyncError> {
        let from = run.lists_from.and_then(|from| self.boundary(from));
        let stretch = Span::Updated { from, to: self.boundary(run.horizon) };
        let stretch = self.whole(run).over(stretch, Order::None);
        let counted = self.jira.count(&self.whole(run).to_string()).await?;
        let in_stretch = self.jira.count(&stretch.to_string()).await?;
        Ok((counted, Proof::Count { in_stretch, unloadable: course.summary.unloadable }))
    }

    /// What Jira Cloud listed in the other order, and what it estimates. After a delta that is the
    /// stretch only, and the project's number an estimate.
    async fn listed_again(
        &self,
        held: &Held<'_>,
        course: &Course,
    ) -> Result<Option<(u64, Proof)>, SyncError> {
        let Some(issues) = course.summary.census else { return Ok(None) };
        let run = held.run;
        let as_of = self.as_of(run);
        let listed = patiently(|| self.store.listed_counts(&run.site, run.id, as_of)).await?;
        let shown = issues + course.since_census();
        let stretch = run.lists_from.and_then(|from| self.boundary(from));
        let (counted, estimated) = match stretch {
            None => (issues, self.estimate(held, &self.whole(run), shown).await?),
            from @ Some(_) => {
                // What was changed since the run began entered the stretch, or left it, meanwhile.
                let stretch = Span::Updated { from, to: self.boundary(run.horizon) };
                let stretch = self.whole(run).over(stretch, Order::None);
                let estimated = self.estimate(held, &stretch, shown).await?;
                (self.jira.approximate_count(&self.whole(run).to_string()).await?, estimated)
            }
        };
        let census = Census {
            whole: run.lists_from.is_none(),
            issues,
            shown,
            listed: listed.before,
            estimated,
            brought: course.brought,
            lacking: listed.lacking,
        };
        Ok(Some((counted, Proof::Census(census))))
    }

    /// About how many issues match; asked again while that is more than were shown.
    async fn estimate(&self, held: &Held<'_>, query: &Query, shown: u64) -> Result<u64, SyncError> {
        let query = query.to_string();
        let mut least = self.jira.approximate_count(&query).await?;
        for _ in 1..ESTIMATE_LOOKS {
            if least <= shown {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(ESTIMATE_PAUSE) => {}
                () = held.stop.cancelled() => return Err(SyncError::Interrupted),
            }
            least = least.min(self.jira.approximate_count(&query).await?);
        }
        Ok(least)
    }

    /// The project's issues created before the run.
    pub(super) fn whole(&self, run: &Run) -> Query {
        match self.boundary(run.horizon) {
            Some(as_of) => self.project(run).created_before(as_of),
            None => self.project(run),
        }
    }

    fn project(&self, run: &Run) -> Query {
        Query::project(run.project.clone(), self.settings.filter.clone())
    }

    fn boundary(&self, instant: DateTime<Utc>) -> Option<Boundary> {
        self.instance.time_grid.floor(EpochSecond::floor(instant))
    }

    /// The run's start, as exactly as the instance's literals can say it.
    pub(super) fn as_of(&self, run: &Run) -> DateTime<Utc> {
        self.boundary(run.horizon)
            .and_then(|boundary| boundary.second().start())
            .unwrap_or(run.horizon)
    }
}
