//! Worlds from a seed, shaped like real projects: heavy-tailed sizes, many fields that are mostly
//! null, bursts of edits, issues that were moved in, odd text, every form of timestamp.
//! Modelled on published profiles of public trackers; no text is taken from them.

mod custom;
mod document;
mod family;
mod history;
mod people;
mod streams;
mod text;
mod timeline;
mod truth;

use crate::random::Random;
use crate::time::Millis;
use crate::world::{IssueKey, World, WorldError};

use document::Writer;
use people::People;
use timeline::Frame;

/// 2020-01-01T00:00:00Z.
const START: Millis = 1_577_836_800_000;
/// Four years.
const SPAN: Millis = 4 * 365 * 86_400_000;
/// The clock of a generated world stands this long after its last edit can have been.
const AFTERWARDS: Millis = 86_400_000;
/// The project that moved issues came from; the caller may not browse it.
const OLD_PROJECT: &str = "ATTIC";

/// What issues look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// About 129 fields, of which 95 custom ones are mostly null; children; a heavy tail.
    Realistic,
    /// About 35 fields, one comment, one history, padded to this size: for benchmarks.
    Plain {
        /// Of `fields` and changelog together.
        bytes: usize,
    },
}

/// A project to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldProfile {
    /// The same seed gives the same world.
    pub seed: u64,
    /// The project's key.
    pub project: String,
    /// How many issues.
    pub issues: usize,
    /// When the first issue was created.
    pub start: Millis,
    /// How long the project has been going.
    pub span: Millis,
    /// What the issues look like.
    pub shape: Shape,
    /// Whether some have remote links, watchers, voters and entity properties.
    pub streams: bool,
}

impl WorldProfile {
    /// A realistic project begun in 2020 and followed for four years.
    pub fn new(project: &str, issues: usize, seed: u64) -> Self {
        Self {
            seed,
            project: project.to_owned(),
            issues,
            start: START,
            span: SPAN,
            shape: Shape::Realistic,
            streams: false,
        }
    }

    /// The same with issues of a fixed size.
    #[must_use]
    pub fn plain(self, bytes: usize) -> Self {
        Self { shape: Shape::Plain { bytes }, ..self }
    }

    /// The same with remote links, watchers, voters and entity properties. Nothing else changes.
    #[must_use]
    pub fn with_streams(self) -> Self {
        Self { streams: true, ..self }
    }
}

/// A world with one generated project.
///
/// # Errors
/// When the profile contradicts itself, for example by a project key that is not one.
pub fn generate(profile: &WorldProfile) -> Result<World, WorldError> {
    let mut world = World::new(profile.start);
    populate(&mut world, profile)?;
    Ok(world)
}

/// Adds a generated project to a world and moves its clock past the project's last edit.
///
/// # Errors
/// When issues of that project are there already.
pub fn populate(world: &mut World, profile: &WorldProfile) -> Result<(), WorldError> {
    let mut random = Random::new(profile.seed);
    world.add_project(&profile.project, &format!("{} generated", profile.project));
    world.add_project(OLD_PROJECT, "Attic");
    world.forbid_project(OLD_PROJECT, true);
    let people = People::hire(world, &mut random, 20 + profile.issues / 200);
    let frames = timeline::plan(profile, world.highest_issue_id(), &mut random);
    let writer = Writer::new(world, &profile.project, people, profile.shape, &mut random);
    let mut ids = Vec::with_capacity(frames.len());
    for frame in &frames {
        let issue = writer.write(world, &mut random, frame);
        ids.push(world.insert(issue)?);
    }
    if profile.shape == Shape::Realistic {
        family::make_families(world, &mut random, &frames, &ids)?;
        family::make_links(world, &mut random, &ids)?;
    }
    for id in &ids {
        truth::tell(world, profile.seed, *id)?;
    }
    if profile.streams {
        streams::add(world, profile.seed, &ids)?;
    }
    world.set_now(world.now().max(profile.start + profile.span + AFTERWARDS));
    Ok(())
}

impl Frame {
    fn key(&self, project: &str) -> IssueKey {
        IssueKey::new(project, self.number)
    }
}
