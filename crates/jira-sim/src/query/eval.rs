//! Evaluates a resolved filter on every candidate entry, and sorts what matches.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::ast::Op;
use super::follow::Position;
use super::order::Sort;
use super::{Hits, SearchOptions};
use crate::json::{Json, elements};
use crate::world::{IndexEntry, Issue, IssueId, IssueKey, World};

/// A filter whose names are resolved.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Project(Vec<Arc<str>>),
    Updated(Bound),
    Created(Bound),
    Ids(HashSet<IssueId>),
    /// Same project as the anchor, and key number compared with its number.
    KeyRange(Op, IssueKey),
    /// Values lower-cased; without values, whether the field is empty (or not).
    Field {
        name: String,
        values: Vec<String>,
        empty: bool,
    },
    Contains {
        fields: Vec<String>,
        needle: String,
    },
    Never,
}

/// A test of an indexed second.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    Second(Op, i64),
    Present,
    Absent,
    Never,
}

impl Bound {
    fn holds(self, second: Option<i64>) -> bool {
        match (self, second) {
            (Self::Second(op, bound), Some(second)) => compare(op, second.cmp(&bound)),
            (Self::Present, Some(_)) | (Self::Absent, None) => true,
            (Self::Second(..) | Self::Present | Self::Absent | Self::Never, _) => false,
        }
    }
}

fn compare(op: Op, ordering: Ordering) -> bool {
    match op {
        Op::Eq => ordering.is_eq(),
        Op::Ne => ordering.is_ne(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
        Op::Like | Op::NotLike | Op::In | Op::NotIn | Op::Is | Op::IsNot => false,
    }
}

/// Where to look for entries that may match.
enum Candidates {
    Ids(Vec<IssueId>),
    /// One project, from a second on, in index order.
    Project(Arc<str>, i64),
    All,
}

/// The matching entries that sort behind `after`, at most as many as asked for, and whether there
/// are more.
pub(crate) fn follow(
    world: &World,
    filter: &Filter,
    sort: &Sort,
    options: &SearchOptions,
    after: Option<&Position>,
) -> (Vec<IssueId>, bool) {
    let index = world.index();
    let wanted = |id: &IssueId| {
        index.entry(*id).is_some_and(|entry| {
            after.is_none_or(|after| after.is_before(sort, entry, *id))
                && may_show(world, *id, entry)
                && holds(filter, world, *id, entry)
        })
    };
    let mut found: Vec<IssueId> = match candidates(filter) {
        Candidates::Project(project, from) if sort.is_index_order() => {
            let from = after.map_or(from, |after| from.max(after.updated()));
            let more = options.limit.saturating_add(1);
            index.of_project(&project, from).filter(wanted).take(more).collect()
        }
        candidates => {
            let mut found: Vec<IssueId> = within(world, candidates).filter(wanted).collect();
            order(world, &mut found, sort);
            found
        }
    };
    let more = found.len() > options.limit;
    found.truncate(options.limit);
    (found, more)
}

/// Runs a filter over the index.
pub(crate) fn run(world: &World, filter: &Filter, sort: &Sort, options: &SearchOptions) -> Hits {
    let candidates = candidates(filter);
    let matches = |id: &IssueId| {
        world
            .index_entry(*id)
            .is_some_and(|entry| may_show(world, *id, entry) && holds(filter, world, *id, entry))
    };
    if let Candidates::Project(project, from) = &candidates
        && sort.is_index_order()
    {
        let in_order = || world.index().of_project(project, *from);
        let mut hits = Hits { total: 0, ids: Vec::new() };
        if is_range_alone(filter) && world.shows_all_of(project) {
            // Every entry matches, so only the window has to be looked at.
            hits.total = in_order().count();
            hits.ids = in_order().skip(options.start).take(options.limit).collect();
            return hits;
        }
        for id in in_order().filter(matches) {
            if hits.total >= options.start && hits.ids.len() < options.limit {
                hits.ids.push(id);
            }
            hits.total += 1;
        }
        return hits;
    }
    let mut found: Vec<IssueId> = within(world, candidates).filter(matches).collect();
    order(world, &mut found, sort);
    let total = found.len();
    Hits { total, ids: found.into_iter().skip(options.start).take(options.limit).collect() }
}

/// The candidates themselves.
fn within(world: &World, candidates: Candidates) -> Box<dyn Iterator<Item = IssueId> + '_> {
    match candidates {
        Candidates::Ids(ids) => Box::new(ids.into_iter()),
        Candidates::Project(project, from) => Box::new(world.index().of_project(&project, from)),
        Candidates::All => Box::new(
            world
                .index()
                .projects()
                .flat_map(|project| world.index().of_project(project, i64::MIN)),
        ),
    }
}

fn candidates(filter: &Filter) -> Candidates {
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    if let Some(ids) = parts.iter().find_map(|part| match part {
        Filter::Ids(ids) => Some(ids),
        _ => None,
    }) {
        return Candidates::Ids(ids.iter().copied().collect());
    }
    let from = parts.iter().filter_map(|part| match part {
        Filter::Updated(Bound::Second(Op::Ge | Op::Gt | Op::Eq, second)) => Some(*second),
        _ => None,
    });
    let from = from.max().unwrap_or(i64::MIN);
    let project = parts.iter().find_map(|part| match part {
        Filter::Project(keys) if keys.len() == 1 => keys.first(),
        _ => None,
    });
    match project {
        Some(key) => Candidates::Project(Arc::clone(key), from),
        None => Candidates::All,
    }
}

/// Whether the filter says no more than where a project's scan begins.
fn is_range_alone(filter: &Filter) -> bool {
    let Filter::And(parts) = filter else {
        return false;
    };
    let projects = parts
        .iter()
        .filter(|part| matches!(part, Filter::Project(keys) if keys.len() == 1))
        .count();
    let bounds = parts
        .iter()
        .filter(|part| matches!(part, Filter::Updated(Bound::Second(Op::Ge, _))))
        .count();
    projects == 1 && bounds > 0 && projects + bounds == parts.len()
}

/// Ghosts are counted; hidden, forbidden and archived issues are not.
fn may_show(world: &World, id: IssueId, entry: &IndexEntry) -> bool {
    let browsable = world.issue(id).is_none_or(|issue| world.may_browse(issue));
    browsable && world.project(&entry.key.project).is_none_or(crate::world::Project::is_searchable)
}

fn holds(filter: &Filter, world: &World, id: IssueId, entry: &IndexEntry) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(part, world, id, entry)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, world, id, entry)),
        Filter::Not(inner) => !holds(inner, world, id, entry),
        Filter::Project(keys) => keys.contains(&entry.key.project),
        Filter::Updated(bound) => bound.holds(entry.updated),
        Filter::Created(bound) => bound.holds(entry.created),
        Filter::Ids(ids) => ids.contains(&id),
        Filter::KeyRange(op, anchor) => {
            entry.key.project == anchor.project
                && compare(*op, entry.key.number.cmp(&anchor.number))
        }
        Filter::Field { name, values, empty } => {
            let have = world.issue(id).map(|issue| field_values(issue, name)).unwrap_or_default();
            if values.is_empty() {
                have.is_empty() == *empty
            } else {
                have.iter().any(|value| values.contains(value))
            }
        }
        Filter::Contains { fields, needle } => world.issue(id).is_some_and(|issue| {
            fields
                .iter()
                .filter_map(|name| issue.field_text(name))
                .any(|text| text.to_lowercase().contains(needle))
        }),
        Filter::Never => false,
    }
}

/// All names by which a field's value can be asked for, lower-cased.
fn field_values(issue: &Issue, name: &str) -> Vec<String> {
    let Some(json) = issue.field(name).filter(|json| !json.is_null()) else {
        return Vec::new();
    };
    let parts = match elements(json.as_str()) {
        Ok(parts) => parts.into_iter().map(Json::raw).collect(),
        Err(_) => vec![json],
    };
    parts
        .iter()
        .flat_map(|part| match part.text() {
            Some(text) => vec![text],
            None => ["name", "id", "key"].iter().filter_map(|member| part.member(member)).collect(),
        })
        .map(|text| text.to_lowercase())
        .collect()
}

/// Sorts by the sort fields; what they leave open is shuffled by the seed.
fn order(world: &World, ids: &mut [IssueId], sort: &Sort) {
    let index = world.index();
    let mut entries: Vec<(&IndexEntry, IssueId)> =
        ids.iter().filter_map(|id| index.entry(*id).map(|entry| (entry, *id))).collect();
    entries.sort_by(|left, right| sort.compare(*left, *right));
    for (id, (_, sorted)) in ids.iter_mut().zip(entries) {
        *id = sorted;
    }
}
