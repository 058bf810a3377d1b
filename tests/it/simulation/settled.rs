//! What is stored for good, and that nobody asks for it again.

use std::collections::HashMap;

use jira_sim::{IssueId, SimServer};
use sqlx::PgPool;

/// Issues that are stored and wait for nothing: id and `updated` in milliseconds.
pub(crate) type Settled = HashMap<IssueId, i64>;

/// What of a project is stored whole, long enough after its last change, and not queued.
pub(crate) async fn settled(pool: &PgPool, project: &str) -> Settled {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, (extract(epoch FROM updated) * 1000)::bigint FROM jira.issues i
         WHERE project_key = $1 AND deleted_at IS NULL AND tier = 'full'
           AND updated <= extracted_at - interval '5 seconds'
           AND NOT EXISTS (SELECT FROM extractor.pending p WHERE p.issue_id = i.id)
           AND NOT EXISTS (SELECT FROM extractor.failures f WHERE f.issue_id = i.id)",
    )
    .bind(project)
    .fetch_all(pool)
    .await
    .unwrap();
    rows.into_iter().map(|(id, updated)| (IssueId::try_from(id).unwrap(), updated)).collect()
}

/// Panics if any of `stored` that has not changed since was served whole from request `mark` on.
pub(crate) fn assert_not_fetched_again(
    sim: &SimServer,
    project: &str,
    stored: &Settled,
    mark: usize,
) {
    let world = sim.world();
    let unchanged = |id: &IssueId| {
        let now = world.issue(*id).filter(|issue| &*issue.key().project == project);
        now.is_some_and(|issue| issue.updated() == stored.get(id).copied())
    };
    let whole = |record: &jira_sim::RequestRecord| {
        record.number >= mark && record.seen.wants_whole_issues()
    };
    for record in sim.requests().matching(whole) {
        let again: Vec<_> = record.issues.iter().filter(|id| unchanged(id)).collect();
        assert!(again.is_empty(), "fetched again though unchanged: {again:?}");
    }
}
