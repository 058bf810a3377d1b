//! What people and machines do to a Jira: changes of a simulated world, chosen by numbers.

use std::time::Duration;

use jira_sim::{Draft, IndexLag, IssueId, Random, Scope, World};

pub(super) const PROJECT: &str = "PROJ";
/// Where issues are moved to.
pub(super) const ELSEWHERE: &str = "ELSE";
/// How late a late edit reaches the index. Less than the overlap of the simulated processes.
const LAG: Duration = Duration::from_secs(600);

/// A change; the numbers choose which issues it is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Edit(usize),
    BulkEdit {
        from: usize,
        count: usize,
    },
    Create(usize),
    Comment(usize),
    Worklogs {
        of: usize,
        count: usize,
    },
    Link(usize, usize),
    Delete(usize),
    MoveAway(usize),
    MoveBack(usize),
    Hide(usize),
    Unhide(usize),
    ReindexToDocument,
    ReindexToNow,
    /// From now on every third edit reaches the index late.
    Lag,
    NoLag,
    Advance(Duration),
}

impl Change {
    pub(super) fn draw(random: &mut Random) -> Self {
        let one = random.below(10_000);
        match random.below(100) {
            0..20 => Self::Edit(one),
            20..32 => Self::BulkEdit { from: one, count: 2 + random.below(25) },
            32..40 => Self::Create(1 + random.below(6)),
            40..48 => Self::Comment(one),
            48..53 => Self::Worklogs { of: one, count: 1 + random.below(30) },
            53..57 => Self::Link(one, random.below(10_000)),
            57..63 => Self::Delete(one),
            63..69 => Self::MoveAway(one),
            69..73 => Self::MoveBack(one),
            73..77 => Self::Hide(one),
            77..81 => Self::Unhide(one),
            81..84 => Self::ReindexToDocument,
            84..88 => Self::ReindexToNow,
            88..92 => Self::Lag,
            92..94 => Self::NoLag,
            _ => Self::Advance(Duration::from_secs(1 + random.draw() % 900)),
        }
    }

    /// Makes the change; one about an issue that is not there changes nothing.
    pub(super) fn apply(self, world: &mut World) {
        let ids = |world: &World, project: &str| -> Vec<IssueId> {
            world.visible_issues(project).map(jira_sim::Issue::id).collect()
        };
        let pick = |world: &World, n: usize| {
            let ids = ids(world, PROJECT);
            (!ids.is_empty()).then(|| ids[n % ids.len()])
        };
        let text = format!("changed at {}", world.now());
        let done = match self {
            Self::Edit(n) => pick(world, n)
                .map_or(Ok(()), |id| world.edit(id, &[("summary", text.as_str().into())])),
            Self::BulkEdit { from, count } => {
                let ids = ids(world, PROJECT);
                let from = from % ids.len().max(1);
                let some: Vec<IssueId> = ids.into_iter().skip(from).take(count).collect();
                world.bulk_edit(&some, &[("description", text.as_str().into())])
            }
            Self::Create(count) => {
                (0..count).try_for_each(|_| world.create(PROJECT, Draft::new(&text)).map(drop))
            }
            Self::Comment(n) => {
                pick(world, n).map_or(Ok(()), |id| world.add_comment(id, &text).map(drop))
            }
            Self::Worklogs { of, count } => pick(world, of).map_or(Ok(()), |id| {
                (0..count).try_for_each(|_| world.add_worklog(id, 60).map(drop))
            }),
            Self::Link(one, other) => match (pick(world, one), pick(world, other)) {
                (Some(one), Some(other)) if one != other => world.add_link(one, other).map(drop),
                _ => Ok(()),
            },
            Self::Delete(n) => pick(world, n).map_or(Ok(()), |id| world.delete(id)),
            Self::MoveAway(n) => {
                pick(world, n).map_or(Ok(()), |id| world.move_issue(id, ELSEWHERE).map(drop))
            }
            Self::MoveBack(n) => {
                let away = ids(world, ELSEWHERE);
                let id = away.get(n % away.len().max(1)).copied();
                id.map_or(Ok(()), |id| world.move_issue(id, PROJECT).map(drop))
            }
            Self::Hide(n) => pick(world, n).map_or(Ok(()), |id| world.hide(id)),
            Self::Unhide(n) => {
                let hidden: Vec<IssueId> = world
                    .issues(PROJECT)
                    .filter(|issue| issue.is_hidden())
                    .map(jira_sim::Issue::id)
                    .collect();
                hidden.get(n % hidden.len().max(1)).copied().map_or(Ok(()), |id| world.unhide(id))
            }
            Self::ReindexToDocument => {
                world.reindex_to_document(&Scope::Project(PROJECT.to_owned()));
                Ok(())
            }
            Self::ReindexToNow => {
                world.reindex_to(&Scope::Project(PROJECT.to_owned()), None);
                Ok(())
            }
            Self::Lag => {
                let lag = i64::try_from(LAG.as_millis()).unwrap();
                world.set_index_lag(IndexLag::Some { share: 0.3, lag });
                Ok(())
            }
            Self::NoLag => {
                world.set_index_lag(IndexLag::None);
                Ok(())
            }
            Self::Advance(by) => {
                world.advance(by);
                Ok(())
            }
        };
        done.unwrap();
    }
}
