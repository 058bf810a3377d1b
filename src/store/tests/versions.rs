//! Versions of issues: what opens one, from when on it is valid, and what the table refuses.

use super::*;

/// Like `Running`, of a store that keeps history.
async fn keeping() -> Running {
    let mut running = Running::start().await;
    running.store = running.store.clone().keeping_history(true);
    running
}

fn edited(hash: u8, updated: i64) -> IssueDocument {
    let mut document = document(1);
    document.content_hash = [hash; 16];
    document.updated = Some(at(updated));
    document.status = Some(format!("status {hash}"));
    document
}

/// Number, kind, status, and whether the times are Jira's, of the versions of issue 1.
async fn versions(running: &Running) -> String {
    let sql = "SELECT coalesce(string_agg(concat_ws(' ', version, change, status,
            CASE WHEN valid_from = updated THEN 'from ' || extract(epoch FROM valid_from)::int
                ELSE 'as observed' END,
            CASE WHEN valid_to IS NULL THEN 'open' END), ', ' ORDER BY version), '')
        FROM jira.issue_versions WHERE issue_id = 1";
    running.store.value(sql).await.unwrap()
}

#[tokio::test]
async fn every_change_of_an_issue_is_a_version_and_a_refetch_is_none() {
    let running = keeping().await;
    running.hydrate(&[edited(1, 1_000)]).await;
    running.hydrate(&[edited(1, 1_000)]).await;
    assert_eq!(versions(&running).await, "1 created status 1 from 1000 open");
    running.hydrate(&[edited(2, 1_100)]).await;
    // Something that does not move `updated`.
    running.hydrate(&[edited(3, 1_100)]).await;
    running.hydrate(&[edited(4, 1_200)]).await;
    assert_eq!(
        versions(&running).await,
        "1 created status 1 from 1000, 2 changed status 2 from 1100, \
         3 changed status 3 as observed, 4 changed status 4 as observed open"
    );
    let older = running.hydrate(&[edited(5, 900)]).await;
    assert_eq!(older.refused, 1);
    assert!(versions(&running).await.ends_with("4 changed status 4 as observed open"));
}

#[tokio::test]
async fn a_removal_is_a_version_and_so_is_the_return() {
    let running = keeping().await;
    running.hydrate(&[edited(1, 1_000)]).await;
    running
        .store
        .run_sql("UPDATE jira.issues SET deleted_at = now(), deleted_reason = 'moved'")
        .await;
    running
        .store
        .tx("record", |tx| {
            Box::pin(async move {
                let (site, ids) = (site(), [1_i64]);
                crate::store::versions::record(tx, &site, &ids).await?;
                crate::store::versions::record(tx, &site, &ids).await
            })
        })
        .await
        .unwrap();
    let deleted = "SELECT (v.valid_from = i.deleted_at) || ' ' || v.deleted_reason
        FROM jira.issue_versions v JOIN jira.issues i ON i.id = v.issue_id WHERE v.valid_to IS NULL";
    assert_eq!(running.store.value(deleted).await.as_deref(), Some("true moved"));
    running.hydrate(&[edited(1, 1_000)]).await;
    assert_eq!(
        versions(&running).await,
        "1 created status 1 from 1000, 2 deleted status 1 as observed, \
         3 restored status 1 as observed open"
    );
}

#[tokio::test]
async fn what_was_stored_before_gets_a_version_once_and_without_history_nothing_does() {
    let running = Running::start().await;
    let all: Vec<IssueDocument> = (1..=1_203).map(document).collect();
    for some in all.chunks(500) {
        running.hydrate(some).await;
    }
    assert_eq!(running.store.open_versions(&running.lease).await.unwrap(), 0);
    let keeping = running.store.clone().keeping_history(true);
    assert_eq!(keeping.open_versions(&running.lease).await.unwrap(), 1_203);
    assert_eq!(keeping.open_versions(&running.lease).await.unwrap(), 0);
    assert_eq!(versions(&running).await, "1 created Open from 1000 open");
}

#[tokio::test]
async fn the_table_refuses_gaps_overlaps_and_a_second_open_version() {
    let running = keeping().await;
    running.hydrate(&[edited(1, 1_000)]).await;
    running.hydrate(&[edited(2, 1_100)]).await;
    let copy = |version: i32, from: &str, to: &str| {
        format!(
            "INSERT INTO jira.issue_versions SELECT site, issue_id, {version}, {from}, {to},
                 observed_at, 'changed', deleted_reason, key, project_key, summary, issue_type,
                 status, status_category, priority, resolution, assignee_id, reporter_id,
                 creator_id, parent_id, labels, created, updated, resolved, due, fields, tier,
                 content_hash FROM jira.issue_versions WHERE version = 1"
        )
    };
    for (what, sql) in [
        (
            "a gap",
            "UPDATE jira.issue_versions SET valid_to = to_timestamp(1050) WHERE version = 1"
                .to_owned(),
        ),
        (
            "an end before the beginning",
            "UPDATE jira.issue_versions SET valid_to = to_timestamp(1) WHERE version = 2"
                .to_owned(),
        ),
        (
            "no open version",
            "UPDATE jira.issue_versions SET valid_to = to_timestamp(1200) WHERE version = 2"
                .to_owned(),
        ),
        ("a second open one", copy(3, "to_timestamp(1200)", "NULL")),
        ("two that end alike", copy(3, "to_timestamp(1050)", "to_timestamp(1100)")),
        ("two that begin alike", copy(3, "to_timestamp(1000)", "to_timestamp(1100)")),
    ] {
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&running.store.pool).await;
        assert!(refused.is_err(), "{what} was taken");
    }
}
