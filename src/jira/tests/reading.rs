//! What is asked for, and what becomes of the answers.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::server::{Asked, Reply};
use super::*;

fn issue(id: u64) -> Value {
    json!({
        "id": id.to_string(),
        "key": format!("P-{id}"),
        "fields": {"summary": "s", "updated": "2024-01-02T03:04:05.678+0100"},
        "changelog": {"startAt": 0, "maxResults": 0, "total": 0, "histories": []},
    })
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

#[tokio::test]
async fn a_listing_asks_for_almost_nothing() {
    let page = json!({"startAt": 0, "maxResults": 2, "total": 9, "issues": [
        {"id": "10", "key": "P-1", "fields": {"updated": "2024-01-02T03:04:05.678+0100"}},
        {"id": "11", "key": "P-2", "fields": {}},
    ]});
    let jira = FakeJira::scripted([Reply::json(page)]).await;
    let client = client(&jira);
    let page = client.list("project = P", &PageStart::Offset(7), 2).await.unwrap();
    assert_eq!((page.total, page.max_results), (Some(9), Some(2)));
    assert_eq!(page.rows[0].id, id(10));
    assert_eq!(page.rows[0].updated, Some("2024-01-02T02:04:05.678Z".parse().unwrap()));
    assert_eq!(page.rows[1].updated, None);

    let asked = &jira.asked()[0];
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.uri.path(), "/jira/rest/api/2/search");
    let expected = json!({
        "jql": "project = P", "startAt": 7, "maxResults": 2,
        "fields": ["updated"], "validateQuery": true,
    });
    assert_eq!(body(asked), expected);
    assert!(client.jira_time().is_some());
}

#[tokio::test]
async fn a_batch_asks_without_validation_and_names_what_it_cannot_read() {
    let bad = json!({"id": 12, "key": "P-12", "fields": {"issuelinks": [{"id": "1"}]}});
    let page = json!({"total": 4, "issues": [issue(10), bad, {"fields": {}}]});
    let jira = FakeJira::scripted([Reply::json(page)]).await;
    let client = client(&jira);
    let batch = client.fetch_issues(&[id(10), id(12), id(13)]).await.unwrap();
    assert_eq!(batch.issues.len(), 1);
    assert_eq!(batch.issues[0].extracted_at, batch.jira_time);
    assert!(batch.issues[0].children.changes.as_ref().unwrap().complete);
    assert_eq!(batch.unreadable.len(), 2);
    assert_eq!(batch.unreadable[0].id, Some(id(12)));
    assert!(batch.unreadable[0].reason.starts_with("fields.issuelinks"));
    assert_eq!(batch.unreadable[1].id, None);
    assert!(batch.is_cut_short());
    assert!(batch.bytes > 100);

    let body = body(&jira.asked()[0]);
    assert_eq!(body["jql"], "id in (10,12,13)");
    assert_eq!(body["validateQuery"], false);
    assert_eq!(body["fields"], json!(["*all"]));
    assert_eq!(body["expand"], json!(["changelog"]));
}

#[tokio::test]
async fn one_issue_is_there_or_proven_absent() {
    let gone = Reply::of(404, &[], r#"{"errorMessages":["Issue Does Not Exist"],"errors":{}}"#);
    let hidden = Reply::of(403, &[], r#"{"errorMessages":["You do not have the permission"]}"#);
    let replies = [Reply::json(issue(10)), gone, hidden, Reply::of(404, &[], "<html>")];
    let jira = FakeJira::scripted(replies).await;
    let client = client(&jira);
    assert_eq!(client.fetch_issue(id(10)).await.unwrap().unwrap().id, id(10));
    assert_eq!(client.fetch_issue(id(10)).await.unwrap(), None);
    assert_eq!(client.fetch_issue(id(10)).await.unwrap(), None);
    let error = client.fetch_issue(id(10)).await.unwrap_err();
    assert!(matches!(error, JiraError::NoEndpoint { .. }), "{error}");
    let uri = jira.asked()[0].uri.to_string();
    assert_eq!(uri, "/jira/rest/api/2/issue/10?fields=*all&expand=changelog");
}

#[tokio::test]
async fn an_anchor_stands_only_under_its_own_key() {
    let moved = json!({"id": "10", "key": "Q-3", "fields": {}});
    let gone = Reply::of(404, &[], r#"{"errorMessages":["Issue Does Not Exist"],"errors":{}}"#);
    let jira = FakeJira::scripted([Reply::json(issue(10)), Reply::json(moved), gone]).await;
    let client = client(&jira);
    let key = "P-10".parse().unwrap();
    assert!(client.anchor_stands(&key).await.unwrap());
    assert!(!client.anchor_stands(&key).await.unwrap());
    assert!(!client.anchor_stands(&key).await.unwrap());
}

#[tokio::test]
async fn worklogs_are_read_page_by_page() {
    let worklog = |id: u64| {
        json!({"id": id.to_string(), "author": {"key": format!("u{id}")}, "timeSpentSeconds": 60,
               "started": "2024-01-02T03:04:05.678+0000", "comment": "nul \u{0}"})
    };
    let page = |ids: &[u64]| {
        let worklogs: Vec<Value> = ids.iter().map(|&id| worklog(id)).collect();
        Reply::json(json!({"startAt": 0, "maxResults": 2, "total": 4, "worklogs": worklogs}))
    };
    let jira = FakeJira::scripted([page(&[1, 2]), page(&[2, 3])]).await;
    let client = client(&jira);
    let done = client.fetch_worklogs(id(10)).await.unwrap();
    let ids: Vec<i64> = done.list.items.iter().map(|worklog| worklog.worklog_id).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(done.list.complete && done.text_repaired);
    assert_eq!(done.list.items[0].comment.as_deref(), Some("nul \u{FFFD}"));
    assert_eq!(done.users.len(), 3);
    assert!(jira.asked()[1].uri.query().unwrap().contains("startAt=2"));

    let document = FakeJira::scripted([Reply::json(issue(10))]).await;
    let document = super::client(&document).fetch_issue(id(10)).await.unwrap().unwrap();
    let before = document.content_hash;
    let document = complete_worklogs(document, done.clone());
    assert_ne!(document.content_hash, before);
    assert_eq!(document.children.worklogs.as_ref().unwrap().items.len(), 3);
    assert_eq!(document.users.len(), 3);
    assert!(document.text_repaired);
}

#[tokio::test]
async fn an_empty_page_before_the_total_ends_the_list_unfinished() {
    let comment = json!({"id": "1", "body": "b"});
    let jira = FakeJira::scripted([
        Reply::json(json!({"total": 3, "comments": [comment]})),
        Reply::json(json!({"total": 3, "comments": []})),
    ])
    .await;
    let done = client(&jira).fetch_comments(id(10)).await.unwrap();
    assert_eq!(done.list.items.len(), 1);
    assert!(!done.list.complete);
    assert_eq!(jira.asked().len(), 2);
}

#[tokio::test]
async fn a_missing_changelog_endpoint_is_asked_for_once() {
    let jira = FakeJira::answering(|asked| {
        if asked.uri.path().ends_with("/changelog") {
            let body = r#"{"message":"null for uri: http://x/changelog","status-code":404}"#;
            return Reply::of(404, &[], body);
        }
        let item = json!({"field": "status", "fieldtype": "jira", "from": "1",
                          "fromString": "Open", "to": null, "toString": ""});
        let history = json!({"id": "7", "created": "2024-01-02T03:04:05.678+0000",
                             "items": [item, item]});
        Reply::json(json!({"id": "10", "key": "P-10", "fields": {},
                           "changelog": {"total": 1, "histories": [history]}}))
    })
    .await;
    let client = client(&jira);
    for _ in 0..2 {
        let changes = client.fetch_changelog(id(10)).await.unwrap().list;
        assert!(changes.complete);
        assert_eq!(changes.items.len(), 2);
        assert_eq!((changes.items[1].history_id, changes.items[1].item), (7, 1));
        assert_eq!(changes.items[0].to_id, None);
        assert_eq!(changes.items[0].to_text.as_deref(), Some(""));
    }
    assert_eq!(jira.asked().len(), 3);
}

#[tokio::test]
async fn catalogues_keep_each_entry_as_it_came() {
    // None is answered before all are asked for.
    let nine = Arc::new(Barrier::new(9));
    let jira = FakeJira::answering(move |asked| {
        let name = asked.uri.path().rsplit('/').next().unwrap();
        let answer = match name {
            "field" => Reply::json(
                r#"[{"id":"summary","name":"Summary"},{"id":"customfield_7","name":"Sprint\u0000","schema":{"custom":"com.pyxis.greenhopper.jira:gh-sprint"}}]"#,
            ),
            "issueLinkType" => {
                Reply::json(r#"{"issueLinkTypes":[{"id":"1","name":"Blocks"}]}"#)
            }
            "P" => Reply::json(r#"{"id":"5","key":"P","name":"Project","archived":false}"#),
            _ => Reply::json(format!(r#"[{{"id":"{}","name":"{name}"}}]"#, name.len())),
        };
        Reply::Together(nine.clone(), Box::new(answer))
    })
    .await;
    let settings = JiraSettings { max_in_flight: 9, ..settings(jira.url()) };
    let client = JiraClient::new(&settings).unwrap();
    let catalogue = client.fetch_catalogue(&"P".parse().unwrap()).await.unwrap();
    assert_eq!(catalogue.fields[1].name, "Sprint\u{FFFD}");
    assert!(catalogue.fields[1].raw.contains(r"Sprint\ufffd"));
    assert_eq!(catalogue.projects[0].id, "5");
    assert_eq!(catalogue.link_types[0].name, "Blocks");
    assert_eq!(catalogue.versions[0].name, "versions");
    assert_eq!(catalogue.components[0].raw, r#"{"id":"10","name":"components"}"#);
    assert_eq!(catalogue.statuses[0].name, "status");
    assert_eq!(jira.asked().len(), 9);
}

#[tokio::test]
async fn an_unknown_project_is_none() {
    let body = r#"{"errorMessages":["No project could be found with key 'X'."],"errors":{}}"#;
    let jira = FakeJira::scripted([Reply::of(404, &[], body)]).await;
    assert_eq!(client(&jira).project(&"X".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn every_call_may_be_spawned_from_a_borrowing_future() {
    fn spawnable<T: Send>(
        future: impl Future<Output = T> + Send,
    ) -> impl Future<Output = T> + Send {
        future
    }
    let key: ProjectKey = "P".parse().unwrap();
    let jira = FakeJira::scripted([Reply::status(404)]).await;
    let client = client(&jira);
    let all = spawnable(async {
        let (issue, ids) = ("P-1".parse().unwrap(), vec![id(1)]);
        [
            client.probe(Some(&key)).await.is_err(),
            client.list(JQL, &PageStart::FIRST, 1).await.is_err(),
            client.count(JQL).await.is_err(),
            client.fetch_issues(&ids).await.is_err(),
            client.fetch_issue(id(1)).await.is_err(),
            client.anchor_stands(&issue).await.is_err(),
            client.fetch_worklogs(id(1)).await.is_err(),
            client.fetch_comments(id(1)).await.is_err(),
            client.fetch_changelog(id(1)).await.is_err(),
            client.fetch_catalogue(&key).await.is_err(),
            client.projects().await.is_err(),
            client.project(&key).await.is_err(),
        ]
    });
    assert_eq!(all.await, [true; 12]);
}
