//! What a certificate says of issues that are stored and that the run missed.

use super::{Absent, Check};
use crate::model::Finding;

/// Everything that does not agree.
pub(super) fn findings(absent: &Absent) -> impl Iterator<Item = Finding> {
    let few = [refused(absent), unknown(absent), unlisted(absent), unreadable(absent)];
    few.into_iter().flatten()
}

fn refused(absent: &Absent) -> Option<Finding> {
    Check {
        name: "not found, and not marked deleted",
        expected: 0,
        found: absent.refused,
        meaning: "more issues are not found than people usually delete, so none of them is marked: \
                  a permission may be lost; if they are gone for good, \
                  `extractor reconcile --allow-mass-delete` marks them",
    }
    .finding()
}

fn unknown(absent: &Absent) -> Option<Finding> {
    Check {
        name: "stored, not listed, and not looked up",
        expected: 0,
        found: absent.unknown,
        meaning: "more issues are absent than people usually delete, so not all were looked up and \
                  none is marked: Jira's index is broken, or a permission is lost; if they are gone \
                  for good, `extractor reconcile --allow-mass-delete` looks up each of them",
    }
    .finding()
}

fn unlisted(absent: &Absent) -> Option<Finding> {
    Check {
        name: "there when asked for by id, and shown by no search",
        expected: 0,
        found: absent.unlisted,
        meaning: "Jira's index lacks these issues: they are stored as they are now, but only a \
                  reconcile sees them change; reindex the project",
    }
    .finding()
}

fn unreadable(absent: &Absent) -> Option<Finding> {
    Check {
        name: "nodes whose search index cannot be read",
        expected: 0,
        found: u64::from(absent.index_unreadable),
        meaning: "Jira says so itself: nothing is concluded from what is absent",
    }
    .finding()
}
