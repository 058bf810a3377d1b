//! Which worklogs were deleted or changed since an instant: all that Jira tells of deletions.

use super::World;
use crate::time::{Millis, parse_jira};

impl World {
    /// Worklogs deleted between two instants (both included), oldest first, with when. Those that
    /// went with their issue are not among them (believed; not documented).
    pub(crate) fn deleted_worklogs(&self, from: Millis, until: Millis) -> Vec<(u64, Millis)> {
        let within = |(_, at): &&(u64, Millis)| (from..=until).contains(at);
        sorted(self.deleted_worklogs.iter().filter(within).copied().collect())
    }

    /// Worklogs of issues that the caller may browse, written or changed between two instants (both
    /// included), oldest first, with when.
    pub(crate) fn changed_worklogs(&self, from: Millis, until: Millis) -> Vec<(u64, Millis)> {
        let issues = self.issues.values().filter(|issue| self.may_browse(issue));
        let changed = issues.flat_map(|issue| &issue.worklogs).filter_map(|worklog| {
            let at = parse_jira(&worklog.json.member("updated")?)?;
            (from..=until).contains(&at).then_some((worklog.id, at))
        });
        sorted(changed.collect())
    }
}

fn sorted(mut feed: Vec<(u64, Millis)>) -> Vec<(u64, Millis)> {
    feed.sort_unstable_by_key(|(id, at)| (*at, *id));
    feed
}
