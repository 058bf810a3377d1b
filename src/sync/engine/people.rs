//! What a run does about people when it opens: the catalogue without them, and what was stored when
//! they were treated otherwise.

use super::Engine;
use crate::model::{ProjectKey, RunKind};
use crate::store::{PeopleScope, ProjectLease, Run, StoreError};
use crate::sync::error::SyncError;
use crate::sync::people::People;

/// How often a catalogue is transformed anew because people are erased meanwhile.
const MOST_ERASURES: u32 = 32;

impl Engine {
    /// Stores what the instance says of itself, without what may not be stored of people.
    pub(super) async fn store_catalogue(&self, project: &ProjectKey) -> Result<(), SyncError> {
        let mut catalogue = self.jira.fetch_catalogue(project).await?;
        let site = &self.settings.site;
        for _ in 0..MOST_ERASURES {
            let people = self.people.read_again().await?;
            people.catalogue(&mut catalogue);
            let generation = people.generation();
            match self.store.upsert_catalogue(site, project, &catalogue, generation).await {
                Err(StoreError::ErasedMeanwhile) => {}
                stored => {
                    stored?;
                    return Ok(());
                }
            }
        }
        Err(StoreError::ErasedMeanwhile.into())
    }

    /// Rewrites the people who were stored under another treatment. Issues follow when they are
    /// fetched.
    pub(super) async fn align_people(&self) -> Result<(), SyncError> {
        // The catalogue has said which fields hold people.
        let people = self.people.read_again().await?;
        let rewrite = |user: &mut _| people.user(user);
        let mut aligned = 0;
        loop {
            let site = &self.settings.site;
            match self.store.align_users(site, people.fingerprint(), &rewrite).await? {
                0 => break,
                more => aligned += more,
            }
        }
        if aligned > 0 {
            tracing::warn!(
                privacy.users = aligned,
                "people were stored under another privacy setting, rewritten; issues follow with \
                 the next backfill or reconcile"
            );
        }
        Ok(())
    }

    /// Has a run that lists everything fetch again what was stored under another treatment, and
    /// rewrites what Jira has no more.
    pub(super) async fn queue_other_privacy(
        &self,
        lease: &ProjectLease,
        run: &Run,
    ) -> Result<(), SyncError> {
        match run.kind {
            RunKind::Backfill | RunKind::Reconcile => {}
            RunKind::Delta => return Ok(()),
        }
        let people = self.people.now().await?;
        let print = people.fingerprint();
        let queued = self.store.queue_under_other_privacy(lease, run.id, print).await?;
        if queued > 0 {
            tracing::warn!(
                privacy.issues = queued,
                "issues are stored under another privacy setting, fetching them again"
            );
        }
        let Some(fingerprint) = print else { return Ok(()) };
        let (project, fingerprint) = (run.project.clone(), fingerprint.to_owned());
        let tombstones =
            PeopleScope::Tombstones { project: project.clone(), fingerprint: fingerprint.clone() };
        self.rewrite_people(&tombstones, &people).await?;
        self.rewrite_people(&PeopleScope::Versions { project, fingerprint }, &people).await
    }

    async fn rewrite_people(&self, scope: &PeopleScope, people: &People) -> Result<(), SyncError> {
        let rewrite = |rows: &mut _| people.rows(rows);
        let mut after = 0;
        loop {
            let site = &self.settings.site;
            let page = self.store.rewrite_people(site, scope, after, false, &rewrite).await?;
            match page.until {
                Some(until) => after = until,
                None => return Ok(()),
            }
        }
    }
}
