//! What a shift reads and writes: how runs went, which projects are followed, who is to be cancelled,
//! and what there is to do. Everything here is for the database, and done again when that was away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::dice;
use super::due::Waiting;
use super::shift::{LEFT_ALONE, Shift};
use super::trouble::{self, Blame};
use super::verdict::{self, Record};
use crate::admin::desk::{FollowedProject, Trouble};
use crate::model::{ProjectKey, RunKind};
use crate::store::{QueueScope, Run, Schedule, ScheduleTrouble, StoreError, Wanted};
use crate::sync::{Occasion, SyncError};

use super::board::Peer;
use super::runs::EndedRun;

impl Shift<'_> {
    /// Brings the database up to date, and reads what there is to do.
    pub(super) async fn look(&mut self) -> Result<(), StoreError> {
        if self.listener.is_none() {
            self.listener = Some(self.store().listen_control().await?);
        }
        self.put_down().await?;
        self.follow().await?;
        let worker = self.base.session().worker();
        self.runs.cancel(&self.store().list_cancel_requests(worker).await?);
        self.read_work().await?;
        self.board.projects(followed(&self.work.schedules));
        Ok(())
    }

    /// Puts down how runs went.
    pub(super) async fn put_down(&mut self) -> Result<(), StoreError> {
        while let Some(ended) = self.ended.pop() {
            if let Err(error) = self.conclude(&ended).await {
                self.ended.push(ended);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn conclude(&mut self, ended: &EndedRun) -> Result<(), StoreError> {
        let (project, store, site) = (&ended.request.project, self.store(), self.site());
        let kind = ended.kind();
        let failures = self.work.failures_of(project, kind);
        let jira_is_away = self.board.is_down(Peer::Jira);
        let now = store.database_time().await?;
        let schedule = self.schedule_of(kind);
        let record =
            verdict::record(&ended.result, schedule, failures, jira_is_away, (now, dice()));
        match record {
            Record::Nothing => {}
            Record::Success { next_in } => {
                store.record_success(site, project, kind, next_in).await?;
                if kind == RunKind::Reconcile {
                    // It has done what the delta would have.
                    let delta = verdict::next_in(&self.sync().schedule, now, dice());
                    store.record_success(site, project, RunKind::Delta, delta).await?;
                }
            }
            Record::Pause { next_in } => store.record_pause(site, project, kind, next_in).await?,
            Record::Failure { next_in, trouble } => {
                let stored = ScheduleTrouble {
                    text: trouble.text.clone(),
                    category: trouble.category,
                    remedy: trouble.remedy.clone(),
                };
                store.record_failure(site, project, kind, next_in, &stored).await?;
                if !jira_is_away {
                    self.refuse(ended, &trouble).await?;
                }
                tracing::warn!(
                    project.key = %project, error = trouble.text, advice = trouble.remedy,
                    failures.in_a_row = failures + 1, next.secs = next_in.as_secs(),
                    "run failed, the project is left alone for a while"
                );
            }
        }
        if let Err(error) = &ended.result
            && trouble::blame(error) == Blame::Elsewhere
        {
            match ended.opened {
                Some(run) => tracing::warn!(
                    run.id = %run.id, project.key = %project, error = %error,
                    "another process has taken the project over"
                ),
                None => tracing::debug!(project.key = %project, error = %error, "not run here"),
            }
            self.left_alone.insert(project.clone(), Instant::now() + LEFT_ALONE);
        }
        Ok(())
    }

    /// A queued run that could not even be opened must not wait for ever.
    async fn refuse(&self, ended: &EndedRun, trouble: &Trouble) -> Result<(), StoreError> {
        let Occasion::Queued(run) = ended.request.occasion else { return Ok(()) };
        let outage = matches!(&ended.result, Err(error) if is_outage(error));
        if ended.opened.is_some() || outage {
            return Ok(());
        }
        match self.store().refuse_run(run, &trouble.text, trouble.category).await {
            Err(StoreError::RunNotOpen { .. }) => Ok(()),
            refused => refused,
        }
    }

    /// Stores the roster where it has changed.
    async fn follow(&mut self) -> Result<(), StoreError> {
        let roster = self.roster.borrow().clone();
        let Some(keys) = roster.clone().filter(|_| roster != self.stored_roster) else {
            return Ok(());
        };
        let renames = self.store().load_renames(self.site()).await?;
        let keys = by_present_key(keys, &renames);
        let now = self.store().database_time().await?;
        let first_in = |kind| match kind {
            RunKind::Backfill | RunKind::Delta => Duration::ZERO,
            RunKind::Reconcile => verdict::first_reconcile_in(self.schedule_of(kind), now, dice()),
        };
        let worker = self.base.session().worker();
        let first = self.wanted(&keys, |kind| now + first_in(kind));
        let followed = self.store().follow_projects(self.site(), worker, &first).await?;
        // Whatever schedule they had before, theirs is now the configured one.
        let next_in = |kind| verdict::next_in(self.schedule_of(kind), now, dice());
        let latest = self.wanted(&keys, |kind| now + next_in(kind));
        self.store().bring_forward(self.site(), &latest).await?;
        if !followed.added.is_empty() || !followed.removed.is_empty() {
            tracing::info!(
                projects = keys.len(),
                projects.added = followed.added.len(),
                projects.removed = followed.removed.len(),
                "the schedule has other projects"
            );
        }
        self.stored_roster = roster;
        self.followed = keys.into_iter().collect();
        Ok(())
    }

    /// The schedules that projects are to have, and an instant in each.
    fn wanted(
        &self,
        keys: &BTreeSet<ProjectKey>,
        due: impl Fn(RunKind) -> DateTime<Utc>,
    ) -> Vec<Wanted> {
        let kinds = self.kinds();
        let of_project = |project: &ProjectKey| {
            let of_kind = |kind| Wanted { project: project.clone(), kind, due: due(kind) };
            kinds.iter().copied().map(of_kind).collect::<Vec<_>>()
        };
        keys.iter().flat_map(of_project).collect()
    }

    /// The kinds of runs that are scheduled.
    fn kinds(&self) -> &'static [RunKind] {
        match self.sync().reconcile_schedule {
            None => &[RunKind::Delta],
            Some(_) => &[RunKind::Delta, RunKind::Reconcile],
        }
    }

    async fn read_work(&mut self) -> Result<(), StoreError> {
        let (store, site) = (self.store(), self.site());
        let worker = self.base.session().worker();
        let cursors = store.list_cursors(Some(site)).await?;
        self.held_elsewhere = cursors
            .into_iter()
            .filter(|cursor| cursor.held_by.is_some_and(|holder| holder != worker))
            .map(|cursor| cursor.project)
            .collect();
        let queued = store.list_queued_runs(site).await?;
        self.work.queued = queued.into_iter().map(waiting).collect();
        if self.stored_roster.is_none() {
            self.work.schedules.clear();
            self.work.unfinished.clear();
            return Ok(());
        }
        let followed = &self.followed;
        let mut schedules = store.load_schedules(site).await?;
        let kinds = self.kinds();
        // Another service may reconcile where this one does not.
        schedules.retain(|schedule| {
            followed.contains(&schedule.project) && kinds.contains(&schedule.kind)
        });
        if schedules.len() < followed.len() * kinds.len() {
            // A service that has dropped one of them took its schedule away.
            self.stored_roster = None;
        }
        let mut unfinished = store.list_abandoned_runs(site).await?;
        unfinished.retain(|run| followed.contains(&run.project));
        self.work.unfinished = unfinished.into_iter().map(waiting).collect();
        self.work.schedules = schedules;
        self.queue_waits = self.runs.len() == 0
            && store.pending_remaining(&QueueScope::Site(site.clone())).await?.due > 0;
        Ok(())
    }
}

/// The projects by the keys they have now, whatever key the configuration knows.
fn by_present_key(
    keys: Vec<ProjectKey>,
    renames: &BTreeMap<ProjectKey, ProjectKey>,
) -> BTreeSet<ProjectKey> {
    keys.into_iter().map(|key| renames.get(&key).cloned().unwrap_or(key)).collect()
}

fn is_outage(error: &SyncError) -> bool {
    match trouble::blame(error) {
        Blame::Database => true,
        Blame::Jira | Blame::Project | Blame::Elsewhere | Blame::Operator | Blame::Service => false,
    }
}

fn waiting(run: Run) -> Waiting {
    let Run { id, project, kind, allow_mass_delete, .. } = run;
    Waiting { run: id, project, kind, allow_mass_delete }
}

fn followed(schedules: &[Schedule]) -> Vec<FollowedProject> {
    let reconciles = |schedule: &&Schedule| schedule.kind == RunKind::Reconcile;
    let of_project = |schedule: &Schedule| {
        let reconcile =
            schedules.iter().filter(reconciles).find(|other| other.project == schedule.project);
        FollowedProject {
            key: schedule.project.clone(),
            next_run_at: Some(schedule.next_run_at),
            failures_in_a_row: schedule.failures_in_a_row,
            trouble: schedule.trouble.as_ref().map(of_schedule),
            next_reconcile_at: reconcile.map(|schedule| schedule.next_run_at),
            reconcile_trouble: reconcile.and_then(|s| s.trouble.as_ref()).map(of_schedule),
        }
    };
    schedules.iter().filter(|schedule| !reconciles(schedule)).map(of_project).collect()
}

fn of_schedule(trouble: &ScheduleTrouble) -> Trouble {
    Trouble {
        text: trouble.text.clone(),
        category: trouble.category,
        remedy: trouble.remedy.clone(),
    }
}
