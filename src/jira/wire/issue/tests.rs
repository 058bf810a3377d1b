//! Reading one issue, by examples made for it.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::model::LinkDirection;

fn read_json(json: &str) -> Result<IssueDocument, Unreadable> {
    read_with(json, &SprintFields::default())
}

fn read_with(json: &str, known: &SprintFields) -> Result<IssueDocument, Unreadable> {
    let raw: &RawValue = serde_json::from_str(json).unwrap();
    let extracted_at = "2026-01-01T00:00:00Z".parse().unwrap();
    read_issue(raw, &Context { extracted_at, tier: Tier::Full, sprint_fields: known })
}

fn with_fields(fields: Value) -> Result<IssueDocument, Unreadable> {
    read_json(&json!({"id": "10", "key": "P-1", "fields": fields}).to_string())
}

#[test]
fn typed_columns_come_from_the_fields() {
    let document = with_fields(json!({
        "summary": "S",
        "issuetype": {"name": "Bug"},
        "status": {"name": "Open", "statusCategory": {"id": 2, "key": "new"}},
        "priority": null,
        "resolution": {"name": "Fixed"},
        "assignee": null,
        "reporter": {"name": "jane", "displayName": "Jane"},
        "creator": {"key": "JIRAUSER1", "name": "joe"},
        "parent": {"id": 9, "key": "P-9"},
        "labels": ["b", "a"],
        "created": "2024-01-02T03:04:05.678+0100",
        "updated": "2024-01-02T03:04:05.000Z",
        "resolutiondate": null,
        "duedate": "2024-02-03",
    }))
    .unwrap();
    assert_eq!(document.status_category.as_deref(), Some("new"));
    assert_eq!(document.priority, None);
    assert_eq!(document.resolution.as_deref(), Some("Fixed"));
    assert_eq!(document.assignee_id, None);
    assert_eq!(document.reporter_id.as_deref(), Some("jane"));
    assert_eq!(document.creator_id.as_deref(), Some("JIRAUSER1"));
    assert_eq!(document.parent_id, Some(IssueId(9)));
    assert_eq!(document.labels, ["b", "a"]);
    assert_eq!(document.created, Some("2024-01-02T02:04:05.678Z".parse().unwrap()));
    assert_eq!(document.due, Some("2024-02-03".parse().unwrap()));
    assert_eq!(document.users.len(), 2);
}

#[test]
fn what_the_document_does_not_say_stays_unsaid() {
    let document = with_fields(json!({"summary": "S", "comment": null})).unwrap();
    assert_eq!(document.children, Children::default());
    assert_eq!(document.updated, None);
}

#[test]
fn an_empty_list_is_said_and_whole() {
    let fields = json!({"issuelinks": [], "comment": {"comments": [], "total": 0}});
    let children = with_fields(fields).unwrap().children;
    assert_eq!(children.links, Some(PartialList::whole(vec![])));
    assert_eq!(children.comments, Some(PartialList::whole(vec![])));
}

#[test]
fn children_are_read_and_know_whether_they_are_whole() {
    let fields = json!({
        "comment": {"total": 1, "comments": [{
            "id": 5, "author": {"name": "a"}, "body": "text",
            "created": "2024-01-02T03:04:05.678+0000",
            "visibility": {"type": "role", "value": "Developers"},
        }]},
        "worklog": {"startAt": 0, "maxResults": 20, "total": 2, "worklogs": [{
            "id": "6", "author": {"name": "b"}, "timeSpentSeconds": 60,
        }]},
        "issuelinks": [
            {"id": "7", "type": {"name": "Blocks"}, "outwardIssue": {"id": "1", "key": "Q-1"}},
            {"id": "7", "type": {"name": "Blocks"}, "inwardIssue": {"key": "Q-2"}},
        ],
        "attachment": [{"id": "8", "filename": "a b.txt", "size": 3, "author": null}],
    });
    let document = with_fields(fields).unwrap();
    let children = document.children;
    let comments = children.comments.unwrap();
    assert!(comments.complete);
    assert_eq!(comments.items[0].visibility.as_deref(), Some("role:Developers"));
    let worklogs = children.worklogs.unwrap();
    assert!(!worklogs.complete);
    assert_eq!(worklogs.items[0].time_spent_secs, Some(60));
    let links = children.links.unwrap();
    assert_eq!(links.items[0].direction, LinkDirection::Outward);
    assert_eq!(links.items[0].other_id, Some(IssueId(1)));
    assert_eq!(links.items[1].direction, LinkDirection::Inward);
    assert_eq!(links.items[1].other_key, "Q-2");
    assert_eq!(children.attachments.unwrap().items[0].filename, "a b.txt");
    assert_eq!(document.users.len(), 2);
}

#[rstest]
#[case(json!({"updated": "yesterday"}), "fields.updated")]
#[case(json!({"duedate": "soon"}), "fields.duedate")]
#[case(json!({"summary": 7}), "fields.summary")]
#[case(json!({"issuelinks": [{"id": "7", "type": {"name": "Blocks"}}]}), "fields.issuelinks")]
#[case(json!({"comment": {"comments": [{"body": "no id"}]}}), "fields.comment")]
#[case(json!({"parent": {"key": "P-1"}}), "fields.parent")]
fn what_is_missing_is_named_by_its_place(#[case] fields: Value, #[case] place: &str) {
    let error = with_fields(fields).unwrap_err();
    assert!(error.to_string().starts_with(place), "{error}");
}

#[rstest]
#[case(r#"{"key":"P-1","fields":{}}"#)]
#[case(r#"{"id":"1","fields":{}}"#)]
#[case(r#"{"id":"1","key":"P-1"}"#)]
#[case(r#"{"id":"1","key":"no key","fields":{}}"#)]
#[case(r#"{"id":"1","key":"P-1","fields":[]}"#)]
#[case("[]")]
#[case("null")]
fn what_is_no_issue_is_refused(#[case] json: &str) {
    assert!(read_json(json).is_err());
}

#[test]
fn only_text_that_cannot_be_stored_is_changed() {
    let json = r#"{"id":"1","key":"P-1","fields":{"summary":"a\u0000\\u0000\ud800😀\ud83d\ude00", "n":1.10,"e":1e400}}"#;
    let document = read_json(json).unwrap();
    assert!(document.text_repaired);
    assert_eq!(document.summary.as_deref(), Some("a\u{FFFD}\\u0000\u{FFFD}😀😀"));
    assert_eq!(
        document.fields,
        r#"{"summary":"a\ufffd\\u0000\ufffd😀\ud83d\ude00", "n":1.10,"e":1e400}"#
    );
}

#[test]
fn text_in_the_changelog_is_repaired_too() {
    let json = r#"{"id":"1","key":"P-1","fields":{},"changelog":{"histories":[{"id":"1",
        "created":"2024-01-02T03:04:05.678+0000","items":[{"field":"f","toString":"\u0000"}]}]}}"#;
    let document = read_json(json).unwrap();
    assert!(document.text_repaired);
    let changes = document.children.changes.unwrap();
    assert!(changes.complete);
    assert_eq!(changes.items[0].to_text.as_deref(), Some("\u{FFFD}"));
    assert_eq!(changes.items[0].author_id, None);
}

#[test]
fn the_hash_changes_with_everything_stored() {
    let hash = |json: &str| read_json(json).unwrap().content_hash;
    let base = hash(r#"{"id":"1","key":"P-1","fields":{"a":1},"expand":"x"}"#);
    assert_eq!(base, hash(r#"{"id":"1","key":"P-1","fields":{"a":1},"expand":"y"}"#));
    assert_ne!(base, hash(r#"{"id":"1","key":"Q-1","fields":{"a":1}}"#));
    assert_ne!(base, hash(r#"{"id":"1","key":"P-1","fields":{"a":2}}"#));
    let changelog = r#"{"id":"1","key":"P-1","fields":{"a":1},"changelog":{"histories":[]}}"#;
    assert_ne!(base, hash(changelog));
}

#[test]
fn sprints_are_known_by_shape_and_then_by_field() {
    let known = SprintFields::default();
    let read = |value: Value| {
        let fields = json!({"customfield_10": value, "customfield_11": null});
        let json = json!({"id": "10", "key": "P-1", "fields": fields}).to_string();
        read_with(&json, &known).unwrap().children.sprints
    };
    assert_eq!(read(Value::Null), None);
    let text = "com.atlassian.greenhopper.service.sprint.Sprint@1[id=3,name=A,state=ACTIVE]";
    let sprints = read(json!([text, text])).unwrap();
    assert_eq!(sprints.items.len(), 1);
    assert!(sprints.complete);
    assert_eq!(read(Value::Null), Some(PartialList::whole(vec![])));
    assert_eq!(read(json!("what is this")).map(|list| list.complete), Some(false));
}
