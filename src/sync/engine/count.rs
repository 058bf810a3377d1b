//! Counting for the certificate: Jira's two counts, and the store's.

use chrono::{DateTime, Utc};

use super::{Engine, Held};
use crate::jql::{Boundary, Order, Query, Span};
use crate::model::EpochSecond;
use crate::seek::Summary;
use crate::store::Run;
use crate::sync::certify::Counts;
use crate::sync::error::SyncError;
use crate::sync::precedent::Precedent;
use crate::sync::retry::patiently;

impl Engine {
    pub(super) async fn count(
        &self,
        held: &Held<'_>,
        summary: &Summary,
    ) -> Result<Counts, SyncError> {
        let run = held.run;
        let project = || Query::project(run.project.clone(), self.settings.filter.clone());
        let as_of = self.boundary(run.horizon);
        let mut whole = project();
        let mut stretch = project().over(
            Span::Updated {
                from: run.lists_from.and_then(|from| self.boundary(from)),
                to: as_of.clone(),
            },
            Order::None,
        );
        if let Some(as_of) = as_of {
            whole = whole.created_before(as_of.clone());
            stretch = stretch.created_before(as_of);
        }
        let counted = self.jira.count(&whole.to_string()).await?;
        let counted_in_stretch = self.jira.count(&stretch.to_string()).await?;
        let as_of = self.as_of(run);
        let stored =
            patiently(|| self.store.certificate_counts(&run.site, &run.project, run.id, as_of))
                .await?;
        let precedent = Precedent::load(&self.store, held.lease).await?;
        Ok(Counts {
            counted,
            counted_in_stretch,
            listed: stored.listed,
            stored: stored.stored,
            failed: stored.failed,
            incomplete: stored.incomplete,
            unloadable: summary.unloadable,
            counted_before: precedent
                .filter(|last| last.filter == run.filter)
                .and_then(|last| last.counted),
        })
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
