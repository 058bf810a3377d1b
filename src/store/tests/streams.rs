//! The optional streams: stored, pruned, left alone, and asked for of what is stored already.

use super::*;
use crate::model::{PartialList, Property, RemoteLink, Stream};

fn version(secs: i64, change: impl FnOnce(&mut IssueDocument)) -> IssueDocument {
    let mut document = document(1);
    document.updated = Some(at(1_000 + secs));
    document.content_hash = [u8::try_from(secs).unwrap(); 16];
    change(&mut document);
    document
}

fn remote_link(id: i64, title: &str) -> RemoteLink {
    RemoteLink {
        remote_link_id: id,
        global_id: Some(format!("system={id}")),
        relationship: None,
        application_type: Some("org.example".into()),
        application_name: None,
        url: Some("https://example.org/1".into()),
        title: Some(title.into()),
        summary: None,
        resolved: Some(true),
        raw: format!(r#"{{"id":{id},"weight":1.50}}"#),
    }
}

fn property(key: &str, value: &str) -> Property {
    Property { key: key.into(), value: value.into() }
}

fn everything(document: &mut IssueDocument) {
    let people = |ids: &[&str]| {
        Some(PartialList::whole(ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>()))
    };
    let children = &mut document.children;
    children.remote_links =
        Some(PartialList::whole(vec![remote_link(1, "one"), remote_link(2, "two")]));
    children.watchers = people(&["ann", "bob"]);
    children.voters = people(&["bob"]);
    children.properties =
        Some(PartialList::whole(vec![property("a", "{\"n\":1.10}"), property("b", "null")]));
}

async fn rows(running: &Running) -> [String; 4] {
    let count = async |sql: &str| running.store.value(sql).await.unwrap_or_default();
    [
        count("SELECT string_agg(title || resolved, ',' ORDER BY remote_link_id) FROM jira.remote_links").await,
        count("SELECT string_agg(user_id, ',' ORDER BY user_id) FROM jira.watchers").await,
        count("SELECT string_agg(user_id, ',' ORDER BY user_id) FROM jira.voters").await,
        count("SELECT string_agg(key || '=' || value, ',' ORDER BY key) FROM jira.issue_properties").await,
    ]
}

#[tokio::test]
async fn streams_are_stored_changed_and_pruned_with_their_issue() {
    let running = Running::start().await;
    running.hydrate(&[version(0, everything)]).await;
    let all = ["onetrue,twotrue", "ann,bob", "bob", "a={\"n\": 1.10},b=null"];
    assert_eq!(rows(&running).await, all);
    let raw = "SELECT raw ->> 'weight' FROM jira.remote_links WHERE remote_link_id = 1";
    assert_eq!(running.store.value(raw).await.as_deref(), Some("1.50"));

    // A document that does not speak of them leaves them alone; one that was cut short removes none.
    running.hydrate(&[version(1, |_| {})]).await;
    assert_eq!(rows(&running).await, all);
    running
        .hydrate(&[version(2, |d| {
            d.children.watchers = Some(PartialList::of(vec!["cid".to_owned()], 1, Some(3)));
        })])
        .await;
    assert_eq!(rows(&running).await[1], "ann,bob,cid");

    running
        .hydrate(&[version(3, |d| {
            let children = &mut d.children;
            children.remote_links = Some(PartialList::whole(vec![remote_link(2, "changed")]));
            children.watchers = Some(PartialList::whole(vec!["bob".to_owned()]));
            children.voters = Some(PartialList::whole(Vec::new()));
            children.properties = Some(PartialList::whole(vec![property("b", "[2]")]));
        })])
        .await;
    assert_eq!(rows(&running).await, ["changedtrue", "bob", "", "b=[2]"]);
}

#[tokio::test]
async fn what_was_stored_without_a_stream_is_queued_for_it_once() {
    let running = Running::start().await;
    let wanted = [Stream::Watchers, Stream::Voters];
    let mut watched = document(2);
    watched.streams = vec![Stream::Watchers];
    let mut both = document(3);
    both.streams = vec![Stream::Voters, Stream::Watchers, Stream::Properties];
    let mut gone = document(4);
    gone.updated = Some(at(500));
    running.hydrate(&[document(1), watched, both, gone]).await;
    running
        .store
        .run_sql(
            "UPDATE jira.issues SET deleted_at = now(), deleted_reason = 'not_found' WHERE id = 4",
        )
        .await;
    let queue = async |wanted: &[Stream]| {
        running.store.queue_without_streams(&running.lease, running.run, wanted).await.unwrap()
    };
    assert_eq!(queue(&[]).await, 0);
    assert_eq!(queue(&wanted).await, 2);
    let batch = running.batch().await;
    let ids: Vec<i64> = batch.items.iter().map(|item| item.id.0).collect();
    assert_eq!(ids, [1, 2]);
    // Whatever came of it, even of an issue that has not changed otherwise: it was asked for.
    let asked = ids.iter().map(|&id| {
        let mut document = document(id);
        document.streams = wanted.to_vec();
        document
    });
    let written = running.write(&batch, &asked.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(written.written, 2);
    assert_eq!(queue(&wanted).await, 0);
}

#[tokio::test]
async fn atlassian_documents_are_stored_beside_the_text() {
    let running = Running::start().await;
    let adf = r#"{"type": "doc", "version": 1}"#;
    running
        .hydrate(&[version(0, |d| {
            let mut comments = crate::store::testing::comments(&[1, 2], true).unwrap();
            comments.items[0].body_adf = Some(adf.to_owned());
            d.children.comments = Some(comments);
        })])
        .await;
    let stored = "SELECT string_agg(coalesce(body_adf::text, 'none'), ';' ORDER BY comment_id)
         FROM jira.comments";
    assert_eq!(running.store.value(stored).await, Some(format!("{adf};none")));
}
