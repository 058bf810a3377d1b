//! Opening a run: is the project there, is it free, what kind of run does it need, and is there one
//! to go on with?

use std::collections::BTreeSet;
use std::time::Duration;

use super::places::Place;
use super::{Engine, Occasion, RunRequest};
use crate::model::{ProjectKey, RunKind};
use crate::store::{NewRun, ProjectClaim, ProjectLease, Requeue, Run, StoreError};
use crate::sync::absence::Standing;
use crate::sync::error::SyncError;
use crate::sync::precedent::Precedent;
use crate::sync::retry::patiently;
use crate::sync::visible;

/// However late rows come, no delta reaches back further of itself.
const LONGEST_OVERLAP: Duration = Duration::from_hours(7 * 24);

/// How often a project that is held is asked for, and how long apart.
const HOLDER_LOOKS: u32 = 4;
const HOLDER_PAUSE: Duration = Duration::from_millis(300);

impl Engine {
    /// How the project stands, and the key it has now: one whose key was changed in Jira is followed.
    pub(super) async fn find_project(
        &self,
        request: &RunRequest,
    ) -> Result<(Standing, ProjectKey), SyncError> {
        let RunRequest { project, kind, allow_mass_delete, .. } = request;
        let (standing, info) =
            visible::standing(&self.jira, project, *kind, *allow_mass_delete).await?;
        let Some(info) = info else { return Ok((standing, project.clone())) };
        let Ok(now) = info.key.parse::<ProjectKey>() else {
            return Ok((standing, project.clone()));
        };
        let site = &self.settings.site;
        // What is stored may be of another key than the one that is asked for: of the one before, when
        // the new one is named at once, or of one between, when there were several.
        let stored_as = patiently(|| self.store.followed_as(site, &info.id, &now)).await?;
        let asked_for = (now != *project).then(|| project.clone());
        for old in BTreeSet::from_iter(stored_as.into_iter().chain(asked_for)) {
            tracing::warn!(
                project.key = %now, project.was = %old,
                "the project has another key in jira: name it so in sync.projects"
            );
            self.store.rename_project(site, (&old, &now), &info.id).await?;
        }
        Ok((standing, now))
    }

    /// Takes the project. Postgres needs a moment to notice that a killed process is gone, so a
    /// holder is believed only when it is still there a little later.
    pub(super) async fn acquire(
        &self,
        project: &ProjectKey,
        place: Option<&Place<'_>>,
    ) -> Result<ProjectLease, SyncError> {
        let (site, worker) = (&self.settings.site, self.worker);
        let mut looks = HOLDER_LOOKS;
        loop {
            looks -= 1;
            match patiently(|| self.store.acquire_project(site, project, worker)).await? {
                ProjectClaim::Acquired(lease) => return Ok(lease),
                // Ours, and no run of ours has it: the answer was lost that would have brought it.
                ProjectClaim::Held(holder)
                    if holder.worker == worker && place.is_some() && looks > 0 =>
                {
                    patiently(|| self.store.release_stray_project(site, project, worker)).await?;
                }
                ProjectClaim::Held(holder) if looks == 0 => {
                    return Err(SyncError::Held { project: project.clone(), holder });
                }
                ProjectClaim::Held(_) => tokio::time::sleep(HOLDER_PAUSE).await,
            }
        }
    }

    /// Takes up the project's unfinished run if it is of the wanted kind, or starts a new one. What
    /// waits in the project's queue is wanted too.
    pub(super) async fn open_run(
        &self,
        lease: &ProjectLease,
        request: &RunRequest,
        standing: Standing,
    ) -> Result<(Run, bool), SyncError> {
        self.still_wanted(lease, request).await?;
        let filter = self.settings.filter.as_ref().map(ToString::to_string);
        match standing {
            Standing::Shown => self.store_catalogue(&request.project).await?,
            Standing::Archived | Standing::Gone => {}
        }
        self.refresh_views(&request.project).await;
        self.align_people().await?;
        let queued = self.store.load_queued_run(lease).await?;
        let wanted = queued.map_or(request.kind, |run| run.kind.wider(request.kind));
        let kind = self.kind(lease, wanted, filter.as_deref()).await?;
        // Who asks for a backfill may have mended something; a delta keeps to its times even if it
        // lists everything.
        let failures = match wanted {
            RunKind::Backfill | RunKind::Reconcile => Requeue::All,
            RunKind::Delta => Requeue::Due,
        };
        self.jira.vet_anew();
        if let Some(run) = self.store.load_resumable_run(lease).await?
            && run.kind == kind
            && run.filter == filter
        {
            let run = self.store.resume_run(lease, run.id).await?;
            self.store.requeue_failures(lease, run.id, failures).await?;
            self.queue_other_privacy(lease, &run).await?;
            return Ok((run, true));
        }
        let horizon = self.jira.jira_time().unwrap_or(self.instance.server_time);
        let lists_from = match kind {
            RunKind::Delta => lease.completed_until().map(|until| until - self.overlap(lease)),
            RunKind::Backfill | RunKind::Reconcile => None,
        };
        let id = self.store.start_run(lease, &NewRun { kind, lists_from, horizon, filter }).await?;
        let run = self.store.load_run(id).await?.ok_or(StoreError::RunNotOpen { id })?;
        self.store.requeue_failures(lease, id, failures).await?;
        match run.kind {
            RunKind::Backfill | RunKind::Reconcile => {
                self.store.open_versions(lease).await?;
                self.store.queue_without_streams(lease, id, &self.settings.streams).await?;
            }
            RunKind::Delta => {}
        }
        self.queue_other_privacy(lease, &run).await?;
        Ok((run, false))
    }

    /// Whether what made the caller ask for the run is still so.
    async fn still_wanted(
        &self,
        lease: &ProjectLease,
        request: &RunRequest,
    ) -> Result<(), SyncError> {
        let not_due = || SyncError::NotDue { project: request.project.clone() };
        match request.occasion {
            Occasion::Asked => Ok(()),
            Occasion::Due { next_in } => {
                let claimed = self.store.claim_due_run(lease, request.kind, next_in).await?;
                if claimed { Ok(()) } else { Err(not_due()) }
            }
            Occasion::Unfinished(id) => {
                let unfinished = self.store.load_resumable_run(lease).await?;
                let is_there = unfinished.is_some_and(|run| run.id == id);
                if is_there { Ok(()) } else { Err(not_due()) }
            }
            Occasion::Queued(run) => {
                let queued = self.store.load_queued_run(lease).await?;
                let is_there = queued.is_some_and(|queued| queued.id == run);
                if is_there { Ok(()) } else { Err(SyncError::NotQueued { run }) }
            }
        }
    }

    /// How far this project's deltas reach back: as configured, and twice as far as any row has
    /// been seen to arrive late, within bounds.
    pub(super) fn overlap(&self, lease: &ProjectLease) -> Duration {
        self.settings.overlap.max((lease.index_lag() * 2).min(LONGEST_OVERLAP))
    }

    /// A delta needs a completed run with the same filter to follow; else everything is listed.
    async fn kind(
        &self,
        lease: &ProjectLease,
        wanted: RunKind,
        filter: Option<&str>,
    ) -> Result<RunKind, SyncError> {
        if wanted != RunKind::Delta {
            return Ok(wanted);
        }
        let precedent = Precedent::load(&self.store, lease).await?;
        let follows = precedent.is_some_and(|last| last.filter.as_deref() == filter);
        Ok(if follows { RunKind::Delta } else { RunKind::Backfill })
    }
}
