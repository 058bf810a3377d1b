//! A background script of changes, so that a served world keeps moving.

use crate::random::Random;
use crate::world::{Draft, IssueId, World, WorldError};

/// A seeded stream of edits, creations, comments, bulk edits, moves of `updated` and deletions.
#[derive(Debug)]
pub struct LiveScript {
    project: String,
    random: Random,
    steps: u64,
}

impl LiveScript {
    /// A script about one project.
    pub fn new(project: &str, seed: u64) -> Self {
        Self { project: project.to_owned(), random: Random::new(seed), steps: 0 }
    }

    /// Makes the next change and says what it was.
    ///
    /// # Errors
    /// When the project is not there.
    pub fn step(&mut self, world: &mut World) -> Result<&'static str, WorldError> {
        self.steps += 1;
        let text = format!("live change {}", self.steps);
        let ids: Vec<IssueId> = world.issues(&self.project).map(crate::world::Issue::id).collect();
        let choice = self.random.below(100);
        let some = self.random.pick(&ids).copied().filter(|_| choice < 85);
        match (some, choice) {
            (Some(id), 0..50) => world.edit(id, &[("summary", text.into())]).map(|()| "edit"),
            (Some(id), 50..70) => world.add_comment(id, &text).map(|_| "comment"),
            (Some(id), 70..75) => world.add_worklog(id, 600).map(|_| "worklog"),
            (Some(id), 75..78) => match self.random.pick(&ids) {
                Some(other) if *other != id => world.add_link(id, *other).map(|_| "link"),
                _ => world.touch(id).map(|()| "touch"),
            },
            (Some(id), 78..80) => world.delete(id).map(|()| "delete"),
            (Some(_), _) => {
                let from = self.random.below(ids.len());
                let some: Vec<IssueId> = ids.iter().copied().skip(from).take(50).collect();
                world.bulk_edit(&some, &[("priority", "Minor".into())]).map(|()| "bulk edit")
            }
            (None, _) => world.create(&self.project, Draft::new(&text)).map(|_| "create"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_script_is_repeatable_and_does_everything() {
        let run = || {
            let mut world = World::new(1_700_000_000_000);
            world.add_project("P", "P");
            world.create_many("P", 60).unwrap();
            let mut script = LiveScript::new("P", 4);
            let done: Vec<_> = (0..300)
                .map(|_| {
                    world.advance(Duration::from_secs(1));
                    script.step(&mut world).unwrap()
                })
                .collect();
            (done, world.issues("P").map(crate::world::Issue::fields_json).collect::<Vec<_>>())
        };
        let (done, fields) = run();
        for what in ["edit", "comment", "worklog", "link", "delete", "bulk edit", "create"] {
            assert!(done.contains(&what), "{what}");
        }
        assert_eq!(run(), (done, fields));
    }
}
