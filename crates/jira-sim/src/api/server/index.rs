//! What Jira says of its own search index: `index/summary` and `reindex`.

use super::{Answer, Context};
use crate::config::Access;
use crate::json::quote;
use crate::time::{Millis, jira_text};
use crate::world::Issue;

fn refuse(ctx: &Context<'_>) -> Option<Answer> {
    match ctx.config.index_summary {
        Access::Absent => Some(Answer::no_such_route(&ctx.seen.path)),
        Access::Forbidden => Some(Answer::forbidden()),
        Access::Open if !ctx.logged_in => Some(Answer::unauthorized()),
        Access::Open => None,
    }
}

/// `GET index/summary`, of the node that answers. The database's count has the archived issues in
/// it, and the index does not (believed; the two are given side by side). What is on its way into
/// the index waits in another node's replication queue.
pub(super) fn summary(ctx: &Context<'_>) -> Answer {
    if let Some(refused) = refuse(ctx) {
        return refused;
    }
    let (world, index) = (ctx.world, ctx.world.index());
    let now = stamp(ctx, Some(world.now()));
    let issues = match world.index_is_readable() {
        true => format!(
            r#"{{"indexReadable":true,"countInDatabase":{},"countInIndex":{},"countInArchive":{},"lastUpdatedInDatabase":{},"lastUpdatedInIndex":{}}}"#,
            world.issue_count(),
            index.len(),
            world.archived_count(),
            stamp(ctx, world.all_issues().filter_map(Issue::updated).max()),
            stamp(ctx, index.last_updated().map(|second| second * 1000)),
        ),
        false => r#"{"indexReadable":false}"#.to_owned(),
    };
    let operation = format!(r#"{{"id":{},"replicationTime":{now}}}"#, index.sequence());
    Answer::ok(format!(
        r#"{{"nodeId":"node1","reportTime":{now},"issueIndex":{issues},"replicationQueues":{{"node2":{{"lastConsumedOperation":{operation},"lastConsumedOperationId":{0},"lastOperationInQueue":{operation},"lastOperationInQueueId":{0},"queueSize":{1}}}}}}}"#,
        index.sequence(),
        index.waiting(),
    ))
}

/// `GET reindex`: how far one is that runs, or that the last one is done.
pub(super) fn reindex(ctx: &Context<'_>) -> Answer {
    if let Some(refused) = refuse(ctx) {
        return refused;
    }
    let now = stamp(ctx, Some(ctx.world.now()));
    let (progress, end) = match ctx.world.rebuilding() {
        Some(percent) => (percent, r#""success":false"#.to_owned()),
        None => (100, format!(r#""finishTime":{now},"success":true"#)),
    };
    Answer::ok(format!(
        r#"{{"progressUrl":"/secure/admin/jira/IndexProgress.jspa","currentProgress":{progress},"currentSubTask":"","type":"FOREGROUND","submittedTime":{now},"startTime":{now},{end}}}"#
    ))
}

fn stamp(ctx: &Context<'_>, at: Option<Millis>) -> String {
    at.map_or_else(|| "null".to_owned(), |at| quote(&jira_text(at, ctx.world.zone())))
}
