//! Documents that do not hold every field, and which fields an issue has.

use std::collections::BTreeSet;

use super::*;
use crate::model::{IssueId, Tier};
use crate::store::testing::{comments, site};

const FIELDS: &str = "SELECT fields FROM jira.issues WHERE id = 1";

fn version(secs: i64, fields: &str, change: impl FnOnce(&mut IssueDocument)) -> IssueDocument {
    let mut document = document(1);
    document.updated = Some(at(1_000 + secs));
    document.content_hash = [u8::try_from(secs).unwrap(); 16];
    document.fields = fields.to_owned();
    change(&mut document);
    document
}

#[tokio::test]
async fn a_few_newer_fields_are_stored_over_those_that_did_not_come() {
    let running = Running::start().await;
    let whole = r#"{"summary":"old","customfield_1":1.10,"issuelinks":[{"id":"7"}]}"#;
    running.hydrate(&[version(0, whole, |d| d.children.comments = comments(&[1, 2], true))]).await;
    let few = version(1, r#"{"summary":"new","duedate":null}"#, |d| {
        d.tier = Tier::Minimal;
        d.summary = Some("new".to_owned());
    });
    // Two in a batch, of which one is not stored yet.
    let mut other = few.clone();
    (other.id, other.key) = (IssueId(2), "P-2".parse().unwrap());
    assert_eq!(running.hydrate(&[few, other]).await.written, 2);
    assert_eq!(
        running.store.value(FIELDS).await.unwrap(),
        r#"{"duedate": null, "summary": "new", "issuelinks": [{"id": "7"}], "customfield_1": 1.10}"#
    );
    let row = "SELECT summary || ' ' || tier FROM jira.issues WHERE id = 1";
    assert_eq!(running.store.value(row).await.as_deref(), Some("new minimal"));
    let comments = "SELECT count(*)::text FROM jira.comments WHERE issue_id = 1";
    assert_eq!(running.store.value(comments).await.as_deref(), Some("2"));
    let alone = "SELECT fields FROM jira.issues WHERE id = 2";
    assert_eq!(
        running.store.value(alone).await.as_deref(),
        Some(r#"{"duedate": null, "summary": "new"}"#)
    );

    // What comes whole again replaces everything.
    running.hydrate(&[version(2, r#"{"summary":"whole"}"#, |_| {})]).await;
    assert_eq!(running.store.value(FIELDS).await.as_deref(), Some(r#"{"summary": "whole"}"#));
}

#[tokio::test]
async fn an_issue_without_its_links_keeps_those_it_had() {
    let running = Running::start().await;
    running.hydrate(&[version(0, r#"{"summary":"s","issuelinks":[1]}"#, |_| {})]).await;
    let rest = version(1, r#"{"summary":"t"}"#, |d| {
        d.tier = Tier::Hub;
        d.lacking = vec![IssueDocument::LACKS_LINKS];
    });
    running.hydrate(&[rest]).await;
    let kept = r#"{"summary": "t", "issuelinks": [1]}"#;
    assert_eq!(running.store.value(FIELDS).await.as_deref(), Some(kept));
}

#[tokio::test]
async fn only_fields_with_a_value_count_as_fields_that_an_issue_has() {
    let running = Running::start().await;
    let fields = r#"{"summary":"s","a":null,"b":[],"c":{},"d":"","e":0,"f":false,"g":[null]}"#;
    running.hydrate(&[version(0, fields, |_| {})]).await;
    let ids = [IssueId(1), IssueId(99)];
    let names = running.store.load_field_names(&site(), &ids).await.unwrap();
    let expected: BTreeSet<String> = ["e", "f", "g", "summary"].map(str::to_owned).into();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [(IssueId(1), expected)]);
}
