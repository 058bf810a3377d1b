//! What connects generated issues: parents with their sub-tasks, and links with a few hubs.

use super::timeline::Frame;
use crate::json::{Json, push_array};
use crate::random::Random;
use crate::world::{IssueId, Slot, World, WorldError};

/// Share of the issues that link to another.
const LINKING: f64 = 0.12;
/// One issue in this many is a hub.
const HUB_EVERY: usize = 2_000;
const HUB_LINKS: usize = 110;
const MAX_SUBTASKS: usize = 33;

/// Gives every sub-task a parent, and parents their lists.
pub(super) fn make_families(
    world: &mut World,
    random: &mut Random,
    frames: &[Frame],
    ids: &[IssueId],
) -> Result<(), WorldError> {
    let mut children: Vec<Vec<Json>> = vec![Vec::new(); ids.len()];
    for (at, (frame, id)) in frames.iter().zip(ids).enumerate() {
        let near = at.saturating_sub(random.below(200) + 1);
        let is_parent = frames.get(near).is_some_and(|parent| !parent.subtask);
        let (Some(parent), true) = (ids.get(near), frame.subtask && is_parent && near != at) else {
            continue;
        };
        let Some(siblings) =
            children.get_mut(near).filter(|siblings| siblings.len() < MAX_SUBTASKS)
        else {
            continue;
        };
        siblings.push(brief(world, *id)?);
        let parent = brief(world, *parent)?;
        world.issue_mut(*id)?.set("parent", Slot::Json(parent));
    }
    for (children, id) in children.iter().zip(ids).filter(|(children, _)| !children.is_empty()) {
        let mut list = String::new();
        push_array(&mut list, children.iter());
        world.issue_mut(*id)?.set("subtasks", Slot::Json(Json::built(list)));
    }
    Ok(())
}

/// Links issues at both ends. Their `updated` stays as planned.
pub(super) fn make_links(
    world: &mut World,
    random: &mut Random,
    ids: &[IssueId],
) -> Result<(), WorldError> {
    let links = (ids.len() as f64 * LINKING) as usize;
    let hubs = ids.len() / HUB_EVERY;
    let ends =
        (0..links).map(|_| (random.below(ids.len()), random.below(ids.len()))).collect::<Vec<_>>();
    let spokes = (0..hubs * HUB_LINKS)
        .map(|n| (n % hubs.max(1) * HUB_EVERY, random.below(ids.len())))
        .collect::<Vec<_>>();
    for (from, to) in ends.into_iter().chain(spokes).filter(|(from, to)| from != to) {
        if let (Some(from), Some(to)) = (ids.get(from), ids.get(to)) {
            let link = world.take_child_id();
            world.put_links(link, *from, *to)?;
        }
    }
    Ok(())
}

fn brief(world: &World, id: IssueId) -> Result<Json, WorldError> {
    world.issue(id).map(|issue| world.brief(issue)).ok_or(WorldError::NoIssue(id))
}
