//! Which projects an engine has under way. A lease of this process on any other is one whose
//! acquisition was never answered.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::model::ProjectKey;

/// The projects under way.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<BTreeSet<ProjectKey>>);

/// The only run of a project in this engine, from before it asks for the project until it has ended.
#[derive(Debug)]
pub(super) struct Place<'a> {
    places: &'a Places,
    project: ProjectKey,
}

impl Places {
    /// The project's place; none while another run has it.
    pub(super) fn take(&self, project: &ProjectKey) -> Option<Place<'_>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(project.clone()).then(|| Place { places: self, project: project.clone() })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.project);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_one_place_until_its_run_has_ended() {
        let places = Places::default();
        let (one, other): (ProjectKey, ProjectKey) =
            ("ONE".parse().unwrap(), "OTHER".parse().unwrap());
        let place = places.take(&one);
        assert!(place.is_some() && places.take(&one).is_none() && places.take(&other).is_some());
        drop(place);
        assert!(places.take(&one).is_some());
    }
}
