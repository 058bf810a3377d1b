//! Cloud: what it cuts short and how it is completed, the same however it came.

use serde_json::{Value, json};

use super::cloud::cloud;
use super::server::{Asked, Reply};
use super::*;

const AT: &str = "2024-01-02T03:04:05.678+0000";
const AT_MILLIS: i64 = 1_704_164_645_678;

fn history(number: i64, created: Value) -> Value {
    let item =
        |field: &str| json!({"field": field, "fieldId": field, "fromString": "a", "toString": "b"});
    json!({"id": number.to_string(), "author": {"accountId": "ann", "displayName": "Ann"},
           "created": created, "items": [item("status"), item("resolution")]})
}

fn comment(number: i64) -> Value {
    let body = json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": format!("comment {number}")}]}]});
    json!({"id": number.to_string(), "author": {"accountId": "bob"}, "created": AT, "body": body})
}

/// An issue of 50 changelog entries and 30 comments, of which so many are inline, newest first.
fn issue(histories: i64, comments: i64) -> Value {
    let inline = |count: i64, total: i64| (0..count).map(move |n| total - n);
    let histories: Vec<Value> = inline(histories, 50).map(|n| history(n, json!(AT))).collect();
    let comments: Vec<Value> = inline(comments, 30).map(comment).collect();
    json!({"id": "10", "key": "P-10",
        "fields": {
            "comment": {"self": "x", "startAt": 0, "maxResults": comments.len(), "total": 30,
                        "comments": comments},
            "summary": "s", "issuetype": {"name": "Bug"},
        },
        "changelog": {"startAt": 0, "maxResults": histories.len(), "total": 50,
                      "histories": histories}})
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

/// Answers `changelog/bulkfetch` of `total` entries each for issues 10 and 11, in pages of 30 which
/// overlap by one, and with epoch milliseconds.
fn changelogs(asked: &Asked, total: i64) -> Reply {
    let body = body(asked);
    let start: i64 = body["nextPageToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let wanted = body["issueIdsOrKeys"].as_array().unwrap();
    let end = (start + 30).min(total);
    let numbers = (start - 1).max(0)..end;
    let logs: Vec<Value> = wanted
        .iter()
        .map(|id| {
            let all: Vec<Value> =
                numbers.clone().map(|n| history(n + 1, json!(AT_MILLIS))).collect();
            json!({"issueId": id, "changeHistories": all})
        })
        .collect();
    let next = if end < total { json!(end.to_string()) } else { Value::Null };
    Reply::json(json!({"issueChangeLogs": logs, "nextPageToken": next}))
}

fn site(histories: i64, comments: i64) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| match asked.uri.path().rsplit('/').next().unwrap() {
        "bulkfetch" if asked.uri.path().contains("changelog") => changelogs(asked, 50),
        "bulkfetch" => Reply::json(json!({"issues": [issue(histories, comments)]})),
        "comment" => {
            let start: i64 = asked
                .uri
                .query()
                .unwrap()
                .split("startAt=")
                .nth(1)
                .unwrap()
                .split('&')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            let page: Vec<Value> = (start..(start + 20).min(30)).map(|n| comment(n + 1)).collect();
            Reply::json(json!({"startAt": start, "maxResults": 20, "total": 30, "comments": page}))
        }
        _ => Reply::json(issue(histories, comments)),
    }
}

async fn whole(
    client: &JiraClient,
    mut document: crate::model::IssueDocument,
) -> crate::model::IssueDocument {
    if document.children.changes.as_ref().is_some_and(|list| !list.complete) {
        let (_, more) = client.fetch_changelogs(&[id(10)]).await.unwrap().remove(0);
        document = complete_changes(document, more);
    }
    if document.children.comments.as_ref().is_some_and(|list| !list.complete) {
        document = complete_comments(document, client.fetch_comments(id(10)).await.unwrap());
    }
    document
}

#[tokio::test]
async fn the_hash_is_the_same_whatever_was_inline() {
    let mut documents = Vec::new();
    for (histories, comments) in [(50, 30), (40, 20), (0, 30), (50, 1)] {
        let jira = FakeJira::answering(site(histories, comments)).await;
        let client = cloud(&jira);
        let alone = client.fetch_issue(id(10)).await.unwrap().unwrap();
        let in_bulk = client.fetch_issues(&[id(10)]).await.unwrap().issues.remove(0);
        documents.push((histories, whole(&client, alone).await));
        documents.push((histories, whole(&client, in_bulk).await));
    }
    let first = documents[0].1.clone();
    for (inline, document) in &documents {
        assert_eq!(document.content_hash, first.content_hash, "{inline}");
        let (changes, comments) = (
            document.children.changes.as_ref().unwrap(),
            document.children.comments.as_ref().unwrap(),
        );
        assert!(changes.complete && comments.complete);
        assert_eq!((changes.items.len(), changes.held), (100, 50));
        let mut places: Vec<_> = changes.items.iter().map(|c| (c.history_id, c.item)).collect();
        places.sort_unstable();
        assert_eq!(places, (1..=50).flat_map(|n| [(n, 0), (n, 1)]).collect::<Vec<_>>());
        assert_eq!(comments.items.len(), 30);
        assert_eq!(document.users, first.users);
    }
}

#[tokio::test]
async fn the_hash_tells_a_list_cut_short_and_every_other_difference() {
    let hash = async |histories, comments| {
        let jira = FakeJira::answering(site(histories, comments)).await;
        cloud(&jira).fetch_issue(id(10)).await.unwrap().unwrap().content_hash
    };
    let hashes = [hash(50, 30).await, hash(49, 30).await, hash(50, 29).await, hash(49, 29).await];
    for (at, one) in hashes.iter().enumerate() {
        assert!(hashes[..at].iter().all(|other| other != one), "{at}");
    }
}

#[tokio::test]
async fn the_changelogs_of_many_come_in_pages_that_share_them() {
    let jira = FakeJira::answering(|asked| changelogs(asked, 70)).await;
    let all = cloud(&jira).fetch_changelogs(&[id(10), id(11)]).await.unwrap();
    assert_eq!(all.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [10, 11]);
    for (_, changelog) in all {
        assert_eq!((changelog.list.held, changelog.list.items.len()), (70, 140));
        assert!(changelog.list.complete);
        assert_eq!(changelog.list.items[0].at.timestamp_millis(), AT_MILLIS);
        assert_eq!(changelog.users[0].display_name.as_deref(), Some("Ann"));
    }
    let asked = jira.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].uri.path(), "/jira/rest/api/3/changelog/bulkfetch");
    let expected =
        json!({"issueIdsOrKeys": ["10", "11"], "maxResults": 5000, "nextPageToken": "30"});
    assert_eq!(body(&asked[1]), expected);
}

#[tokio::test]
async fn fewer_changes_than_the_issue_announces_are_not_all() {
    let jira = FakeJira::answering(|asked| match asked.method.as_str() {
        "GET" => Reply::json(issue(40, 30)),
        _ => changelogs(asked, 45),
    })
    .await;
    let client = cloud(&jira);
    let document = client.fetch_issue(id(10)).await.unwrap().unwrap();
    let changes = client.fetch_changelog(id(10)).await.unwrap();
    let changes = complete_changes(document, changes).children.changes.unwrap();
    assert_eq!((changes.complete, changes.held, changes.expected), (false, 45, 50));
}

#[tokio::test]
async fn a_token_that_comes_again_ends_the_reading_unfinished() {
    let log = json!({"issueId": "10", "changeHistories": [history(1, json!(AT))]});
    let page = json!({"issueChangeLogs": [log], "nextPageToken": "again"});
    let jira = FakeJira::scripted([Reply::json(page)]).await;
    let all = cloud(&jira).fetch_changelogs(&[id(10)]).await.unwrap();
    assert_eq!(all[0].1.list.items.len(), 2);
    assert!(!all[0].1.list.complete);
    assert_eq!(jira.asked().len(), 2);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_smaller() {
    let jira = FakeJira::answering(|asked| {
        let size = body(asked)["maxResults"].as_u64().unwrap();
        if size > 400 {
            let large = format!("{{\"pad\":\"{}\"}}", "x".repeat(70_000));
            return Reply::json(large);
        }
        changelogs(asked, 50)
    })
    .await;
    let all = cloud(&jira).fetch_changelogs(&[id(10)]).await.unwrap();
    assert_eq!(all[0].1.list.held, 50);
    let sizes: Vec<Value> =
        jira.asked().iter().map(|asked| body(asked)["maxResults"].clone()).collect();
    assert_eq!(sizes, [5000, 1250, 312, 312]);
}

#[tokio::test]
async fn an_issue_without_a_changelog_answer_is_gone() {
    let jira = FakeJira::scripted([Reply::json(json!({"issueChangeLogs": []}))]).await;
    let client = cloud(&jira);
    assert_eq!(client.fetch_changelogs(&[id(10)]).await.unwrap(), []);
    let error = client.fetch_changelog(id(10)).await.unwrap_err();
    assert!(matches!(error, JiraError::NotFound { .. }), "{}", text(&error));
}

#[tokio::test]
async fn documents_are_kept_beside_their_text() {
    let jira = FakeJira::answering(site(50, 30)).await;
    let document = cloud(&jira).fetch_issue(id(10)).await.unwrap().unwrap();
    let comments = document.children.comments.unwrap();
    let comment = comments.items.iter().find(|comment| comment.comment_id == 7).unwrap();
    assert_eq!(comment.body, "comment 7");
    let kept: Value = serde_json::from_str(comment.body_adf.as_deref().unwrap()).unwrap();
    assert_eq!(kept["type"], "doc");
}

#[tokio::test]
async fn worklogs_are_asked_for_in_cloud_sized_pages() {
    let jira = FakeJira::scripted([Reply::json(json!({"total": 0, "worklogs": []}))]).await;
    cloud(&jira).fetch_worklogs(id(10)).await.unwrap();
    let uri = jira.asked()[0].uri.to_string();
    assert_eq!(uri, "/jira/rest/api/3/issue/10/worklog?startAt=0&maxResults=5000");
}
