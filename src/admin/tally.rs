//! What this process has counted of its runs since it started: how they ended, what their
//! certificates said, and how many issues they took out of the queue. The service counts, `metrics`
//! reads. What other processes did is theirs to tell.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Absence, Certificate, ProjectKey, RunKind, RunState, Verdict};
use crate::sync::Progress;

/// The counters; clones are of the same ones.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    runs: HashMap<(RunKind, RunState), u64>,
    certificates: HashMap<Verdict, u64>,
    tombstoned: BTreeMap<(ProjectKey, Absence), u64>,
    lost_lines: u64,
    /// What the runs took out of the queue that are over.
    hydrated: BTreeMap<ProjectKey, u64>,
    under_way: Vec<(ProjectKey, Arc<Progress>)>,
}

impl Tally {
    /// A run of this process has ended, for now or for good.
    pub fn note_run(&self, kind: RunKind, state: RunState) {
        *self.lock().runs.entry((kind, state)).or_default() += 1;
    }

    /// A run of this process was closed by a certificate.
    pub fn note_certificate(&self, project: &ProjectKey, certificate: &Certificate) {
        let mut counted = self.lock();
        *counted.certificates.entry(certificate.verdict).or_default() += 1;
        for (reason, issues) in &certificate.details.tombstoned {
            *counted.tombstoned.entry((project.clone(), *reason)).or_default() += issues;
        }
    }

    /// Issues of a project that runs of this process marked deleted for a reason.
    pub fn tombstoned(&self, project: &ProjectKey, reason: Absence) -> u64 {
        self.lock().tombstoned.get(&(project.clone(), reason)).copied().unwrap_or_default()
    }

    /// Lines of the log of runs were not stored.
    pub fn note_lost_lines(&self, lines: u64) {
        self.lock().lost_lines += lines;
    }

    /// Counts what a run takes out of the queue, for as long as the answer is kept.
    #[must_use]
    pub fn follow(&self, project: &ProjectKey, progress: &Arc<Progress>) -> Following {
        self.lock().under_way.push((project.clone(), Arc::clone(progress)));
        Following { tally: self.clone(), progress: Arc::clone(progress) }
    }

    /// Runs that ended like that.
    pub fn runs(&self, kind: RunKind, state: RunState) -> u64 {
        self.lock().runs.get(&(kind, state)).copied().unwrap_or_default()
    }

    /// Certificates that said that.
    pub fn certificates(&self, verdict: Verdict) -> u64 {
        self.lock().certificates.get(&verdict).copied().unwrap_or_default()
    }

    /// Lines of the log of runs that were not stored.
    pub fn lost_lines(&self) -> u64 {
        self.lock().lost_lines
    }

    /// Issues taken out of the queue, by project. None of the numbers ever falls.
    pub fn hydrated(&self) -> BTreeMap<ProjectKey, u64> {
        let counted = self.lock();
        let mut hydrated = counted.hydrated.clone();
        for (project, progress) in &counted.under_way {
            *hydrated.entry(project.clone()).or_default() += progress.hydrated_in_all();
        }
        hydrated
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run whose issues are counted while it is under way.
#[derive(Debug)]
pub struct Following {
    tally: Tally,
    progress: Arc<Progress>,
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut counted = self.tally.lock();
        let place = counted.under_way.iter().position(|(_, p)| Arc::ptr_eq(p, &self.progress));
        if let Some(place) = place {
            let (project, progress) = counted.under_way.swap_remove(place);
            *counted.hydrated.entry(project).or_default() += progress.hydrated_in_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_did_stays_counted_when_it_is_over() {
        let (tally, project) = (Tally::default(), "P".parse::<ProjectKey>().unwrap());
        for expected in [(0, 5), (5, 10)] {
            let progress = Arc::new(Progress::default());
            let following = tally.follow(&project, &progress);
            let before = tally.hydrated()[&project];
            progress.note_hydrated(5);
            assert_eq!((before, tally.hydrated()[&project]), expected);
            drop(following);
            assert_eq!(tally.hydrated()[&project], expected.1);
        }
    }

    #[test]
    fn runs_are_counted_by_kind_and_state() {
        let tally = Tally::default();
        tally.note_run(RunKind::Delta, RunState::Completed);
        tally.note_run(RunKind::Delta, RunState::Completed);
        tally.note_run(RunKind::Delta, RunState::Failed);
        assert_eq!(tally.runs(RunKind::Delta, RunState::Completed), 2);
        assert_eq!(tally.runs(RunKind::Delta, RunState::Failed), 1);
        assert_eq!(tally.runs(RunKind::Backfill, RunState::Completed), 0);
    }
}
