//! What was expected and what is held, and which issues are not whole.

use super::*;
use crate::model::{PartialList, Tier};
use crate::store::testing::{change, comments};

fn version(secs: i64, change: impl FnOnce(&mut IssueDocument)) -> IssueDocument {
    let mut document = document(1);
    document.updated = Some(at(1_000 + secs));
    document.content_hash = [u8::try_from(secs).unwrap(); 16];
    change(&mut document);
    document
}

const NUMBERS: &str = "SELECT concat_ws(' ', changes_held || '/' || changes_expected,
     comments_held || '/' || comments_expected, worklogs_held || '/' || worklogs_expected)
     FROM jira.issues WHERE id = 1";
const WHAT: &str = "SELECT string_agg(key || ' ' || what::text, ';' ORDER BY issue_id)
     FROM extractor.incomplete_issues";

#[tokio::test]
async fn numbers_are_stored_and_stay_where_a_document_is_silent() {
    let running = Running::start().await;
    let numbers = async || running.store.value(NUMBERS).await.unwrap();
    running.hydrate(&[document(1)]).await;
    assert_eq!(numbers().await, "");
    running
        .hydrate(&[version(1, |d| {
            d.children.changes = Some(PartialList::of(vec![change(5)], 1, Some(3)));
            d.children.comments = comments(&[1, 2], true);
            d.children.worklogs = Some(PartialList::whole(Vec::new()));
        })])
        .await;
    assert_eq!(numbers().await, "1/3 2/2 0/0");
    running.hydrate(&[version(2, |d| d.children.comments = comments(&[1], false))]).await;
    assert_eq!(numbers().await, "1/3 1/2 0/0");
}

#[tokio::test]
async fn an_issue_is_incomplete_until_all_that_was_lacking_has_come() {
    let running = Running::start().await;
    let what = async || running.store.value(WHAT).await.unwrap_or_default();
    let mut other = document(2);
    other.tier = Tier::Minimal;
    other.updated = Some(at(900));
    running.hydrate(&[version(0, |_| {}), other.clone()]).await;
    assert_eq!(what().await, "P-2 {fields}");
    running
        .hydrate(&[version(1, |d| {
            d.children.comments = comments(&[1], false);
            d.lacking = vec!["watchers", "links"];
        })])
        .await;
    assert_eq!(what().await, "P-1 {comments,links,watchers};P-2 {fields}");
    let status = running.store.load_status(None).await.unwrap();
    let counts = running.store.load_counts(None).await.unwrap();
    assert_eq!((status[0].incomplete, counts[0].issues.full), (2, 1));

    // The same content, but whole now.
    let written =
        running.hydrate(&[version(1, |d| d.children.comments = comments(&[1], true))]).await;
    assert_eq!(written.written, 1);
    assert_eq!(what().await, "P-2 {fields}");
    running
        .store
        .run_sql(
            "UPDATE jira.issues SET deleted_at = now(), deleted_reason = 'not_found' WHERE id = 2",
        )
        .await;
    assert_eq!(what().await, "");
    assert_eq!(running.store.load_status(None).await.unwrap()[0].incomplete, 0);
}

#[tokio::test]
async fn what_came_whole_is_not_replaced_by_what_lacks_something_at_the_same_age() {
    let running = Running::start().await;
    running.hydrate(&[version(1, |_| {})]).await;
    let lacking = version(1, |d| {
        d.lacking = vec!["links"];
        d.content_hash = [77; 16];
    });
    assert_eq!(running.hydrate(&[lacking]).await.refused, 1);
    assert_eq!(running.store.value(WHAT).await, None);
}

#[tokio::test]
async fn the_incomplete_among_many_are_found_through_an_index_of_their_own() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let store = &running.store;
    store
        .run_sql(
            "INSERT INTO jira.issues (site, id, key, project_key, labels, fields, tier,
                 text_repaired, content_hash, extracted_at, lacking)
             SELECT site, n, 'P-' || n, project_key, labels, fields, tier, text_repaired,
                 content_hash, extracted_at, CASE n WHEN 777 THEN '{links}'::text[] END
             FROM jira.issues, generate_series(2, 20000) AS n",
        )
        .await;
    store.run_sql("VACUUM ANALYZE jira.issues").await;
    assert_eq!(store.value(WHAT).await.as_deref(), Some("P-777 {links}"));
    for sql in [
        "SELECT count(*) FROM extractor.incomplete_issues",
        "SELECT site, project_key, count(*) FROM extractor.incomplete_issues GROUP BY 1, 2",
        "SELECT * FROM extractor.incomplete_issues WHERE site = 'jira.example'",
    ] {
        let plan = store.explain(sql).await;
        assert!(plan.contains("issues_incomplete_idx"), "{sql}: {plan}");
    }
}
