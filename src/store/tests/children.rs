//! Child lists: whole, cut short, not said.

use super::*;
use crate::model::{Attachment, IssueId, Link, LinkDirection, PartialList, Sprint, Worklog};
use crate::store::testing::{change, comments};

fn version(secs: i64, change: impl FnOnce(&mut IssueDocument)) -> IssueDocument {
    let mut document = document(1);
    document.updated = Some(at(1_000 + secs));
    document.content_hash = [u8::try_from(secs).unwrap(); 16];
    change(&mut document);
    document
}

async fn comment_ids(running: &Running) -> String {
    running
        .store
        .value("SELECT coalesce(string_agg(comment_id::text, ',' ORDER BY comment_id), '') FROM jira.comments")
        .await
        .unwrap()
}

#[tokio::test]
async fn absence_from_a_whole_list_removes_and_from_any_other_does_not() {
    let running = Running::start().await;
    let mut other = document(2);
    other.children.comments = comments(&[9], true);
    running
        .hydrate(&[version(0, |d| d.children.comments = comments(&[1, 2, 3], true)), other])
        .await;
    running.hydrate(&[version(1, |d| d.children.comments = comments(&[3, 4], false))]).await;
    assert_eq!(comment_ids(&running).await, "1,2,3,4,9");
    running.hydrate(&[version(2, |d| d.children.comments = None)]).await;
    assert_eq!(comment_ids(&running).await, "1,2,3,4,9");
    running.hydrate(&[version(3, |d| d.children.comments = comments(&[2], true))]).await;
    assert_eq!(comment_ids(&running).await, "2,9");
    running.hydrate(&[version(4, |d| d.children.comments = comments(&[], true))]).await;
    assert_eq!(comment_ids(&running).await, "9");
}

#[tokio::test]
async fn an_edited_child_is_updated_and_an_equal_one_is_not_rewritten() {
    let running = Running::start().await;
    running.hydrate(&[version(0, |d| d.children.comments = comments(&[1, 2], true))]).await;
    let xmin = "SELECT xmin FROM jira.comments WHERE comment_id = 1";
    let before = running.store.value(xmin).await;
    let edited = version(1, |d| {
        let mut list = comments(&[1, 2], true).unwrap();
        list.items[1].body = "edited".into();
        d.children.comments = Some(list);
    });
    running.hydrate(&[edited]).await;
    assert_eq!(running.store.value(xmin).await, before);
    let body = "SELECT body FROM jira.comments WHERE comment_id = 2";
    assert_eq!(running.store.value(body).await.as_deref(), Some("edited"));
}

fn full_house(document: &mut IssueDocument) {
    let children = &mut document.children;
    children.changes = Some(PartialList::whole(vec![change(5), change(6)]));
    children.worklogs = Some(PartialList::whole(vec![Worklog {
        worklog_id: 1,
        author_id: None,
        update_author_id: None,
        created: Some(at(1)),
        updated: None,
        started: Some(at(2)),
        time_spent_secs: Some(3_600),
        comment: None,
        comment_adf: None,
    }]));
    let link = |direction, other| Link {
        link_id: 7,
        link_type: "Blocks".into(),
        direction,
        other_id: Some(IssueId(other)),
        other_key: format!("P-{other}"),
    };
    children.links = Some(PartialList::whole(vec![
        link(LinkDirection::Outward, 2),
        link(LinkDirection::Inward, 3),
    ]));
    children.attachments = Some(PartialList::whole(vec![Attachment {
        attachment_id: 8,
        author_id: Some("ann".into()),
        created: None,
        filename: "../a b.txt".into(),
        mime_type: None,
        size_bytes: Some(12),
        content_url: None,
    }]));
    children.sprints = Some(PartialList::whole(vec![Sprint {
        sprint_id: 4,
        board_id: Some(1),
        name: Some("Sprint 4".into()),
        state: Some("active".into()),
        goal: None,
        started_at: Some(at(10)),
        ends_at: None,
        completed_at: None,
    }]));
}

#[tokio::test]
async fn every_kind_of_child_is_stored_and_pruned() {
    const TABLES: [(&str, &str); 5] = [
        ("changes", "2"),
        ("worklogs", "1"),
        ("links", "2"),
        ("attachments", "1"),
        ("issue_sprints", "1"),
    ];
    let running = Running::start().await;
    running.hydrate(&[version(0, full_house)]).await;
    for (table, rows) in TABLES {
        let found = running.store.value(&format!("SELECT count(*) FROM jira.{table}")).await;
        assert_eq!(found.as_deref(), Some(rows), "{table}");
    }
    let emptied = version(1, |d| {
        full_house(d);
        let children = &mut d.children;
        children.changes.as_mut().unwrap().items.clear();
        children.worklogs.as_mut().unwrap().items.clear();
        children.links.as_mut().unwrap().items.clear();
        children.attachments.as_mut().unwrap().items.clear();
        children.sprints.as_mut().unwrap().items.clear();
    });
    running.hydrate(&[emptied]).await;
    for (table, _) in TABLES {
        let found = running.store.value(&format!("SELECT count(*) FROM jira.{table}")).await;
        assert_eq!(found.as_deref(), Some("0"), "{table}");
    }
    let sprints = running.store.value("SELECT count(*) FROM jira.sprints").await;
    assert_eq!(sprints.as_deref(), Some("1"), "the sprint itself stays");
}

#[tokio::test]
async fn of_two_descriptions_of_a_sprint_the_one_fetched_later_stays() {
    let running = Running::start().await;
    let mut late = version(0, full_house);
    late.children.sprints.as_mut().unwrap().items[0].state = Some("closed".into());
    late.extracted_at = at(12_000);
    let mut early = document(2);
    full_house(&mut early);
    running.hydrate(&[late, early.clone()]).await;
    let state = "SELECT state FROM jira.sprints";
    assert_eq!(running.store.value(state).await.as_deref(), Some("closed"));
    early.updated = Some(at(1_001));
    running.hydrate(&[early]).await;
    assert_eq!(running.store.value(state).await.as_deref(), Some("closed"));
}
