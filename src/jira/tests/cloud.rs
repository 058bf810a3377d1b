//! Cloud: what is asked for, and what becomes of the answers.

use rstest::rstest;
use serde_json::{Value, json};

use super::server::{Asked, Reply};
use super::*;
use crate::model::PageToken;

pub(super) fn cloud(jira: &FakeJira) -> JiraClient {
    let client = client(jira);
    client.assume_flavor(Flavor::Cloud);
    client
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

fn token(text: &str) -> PageToken {
    PageToken(text.to_owned())
}

#[tokio::test]
async fn a_listing_goes_on_by_token() {
    let row =
        json!({"id": "10", "key": "P-1", "fields": {"updated": "2024-01-02T03:04:05.678-0800"}});
    let jira = FakeJira::scripted([
        Reply::json(json!({"issues": [row], "nextPageToken": "T 1", "isLast": true})),
        Reply::json(json!({"issues": [], "nextPageToken": null, "isLast": false})),
    ])
    .await;
    let client = cloud(&jira);
    let page = client.list("project = P", &PageStart::FIRST, 9_000).await.unwrap();
    assert_eq!(page.rows[0].updated, Some("2024-01-02T11:04:05.678Z".parse().unwrap()));
    assert_eq!((page.total, page.max_results), (None, None));
    assert_eq!(page.next, Some(token("T 1")));
    let next = PageStart::Token(page.next.unwrap());
    assert_eq!(client.list("project = P", &next, 7).await.unwrap().next, None);

    let asked = jira.asked();
    assert_eq!(asked[0].uri.path(), "/jira/rest/api/3/search/jql");
    assert_eq!(asked[0].method, "POST");
    let fields = json!(["key", "updated"]);
    let expected = json!({"jql": "project = P", "maxResults": 5000, "fields": fields});
    assert_eq!(body(&asked[0]), expected);
    let expected =
        json!({"jql": "project = P", "maxResults": 7, "fields": fields, "nextPageToken": "T 1"});
    assert_eq!(body(&asked[1]), expected);
}

#[tokio::test]
async fn a_refused_token_is_told_apart_from_everything_else() {
    let refused = r#"{"errorMessages":["The provided next page token is invalid or expired."]}"#;
    let jira = FakeJira::scripted([Reply::of(400, &[], refused)]).await;
    let start = PageStart::Token(token("old"));
    let error = cloud(&jira).list(JQL, &start, 10).await.unwrap_err();
    assert!(matches!(error, JiraError::Refused { status: 400, .. }), "{}", text(&error));
    assert_eq!(jira.asked().len(), 1);
}

#[tokio::test]
async fn what_the_other_flavour_has_is_not_asked_for() {
    let jira = FakeJira::scripted([Reply::status(500)]).await;
    let (on_cloud, on_server) = (cloud(&jira), client(&jira));
    let offset = PageStart::Offset(10);
    let errors = [
        on_cloud.count(JQL).await.map(drop),
        on_cloud.list(JQL, &offset, 10).await.map(drop),
        on_server.list(JQL, &PageStart::Token(token("t")), 10).await.map(drop),
        on_server.approximate_count(JQL).await.map(drop),
    ];
    for error in errors {
        assert!(matches!(error, Err(JiraError::Unsupported { .. })));
    }
    assert_eq!(jira.asked().len(), 0);
}

#[tokio::test]
async fn counts_are_estimates() {
    let jira = FakeJira::scripted([Reply::json(json!({"count": 153}))]).await;
    assert_eq!(cloud(&jira).approximate_count("project = P").await.unwrap(), 153);
    let asked = &jira.asked()[0];
    assert_eq!(asked.uri.path(), "/jira/rest/api/3/search/approximate-count");
    assert_eq!(body(asked), json!({"jql": "project = P"}));
}

#[tokio::test]
async fn no_rows_for_nobody_is_no_answer_here_either() {
    let headers = [("x-seraph-loginreason", "AUTHENTICATED_FAILED")];
    let jira = FakeJira::scripted([Reply::of(200, &headers, r#"{"issues":[]}"#)]).await;
    let error = cloud(&jira).list(JQL, &PageStart::FIRST, 10).await.unwrap_err();
    assert!(matches!(error, JiraError::NotLoggedIn { .. }), "{}", text(&error));
}

#[rstest]
#[case(r#"{"code":401,"message":"Unauthorized; scope does not match"}"#, "read:jira-work")]
#[case("<html>Unauthorized</html>", "check jira.token")]
#[tokio::test]
async fn a_refused_token_of_ours_says_what_to_do(#[case] body: &str, #[case] says: &str) {
    let jira = FakeJira::scripted([Reply::of(401, &[], body)]).await;
    let error = cloud(&jira).approximate_count(JQL).await.unwrap_err();
    assert!(matches!(error, JiraError::Unauthorized { .. }), "{}", text(&error));
    assert!(text(&error).contains(says), "{error}");
    assert_eq!(error.class().exit_code(), 77);
}

#[tokio::test]
async fn projects_are_read_page_by_page_and_each_once() {
    let project = |id: u64| json!({"id": id.to_string(), "key": format!("P{id}"), "name": "x"});
    let page = |ids: &[u64]| {
        let values: Vec<Value> = ids.iter().map(|&id| project(id)).collect();
        Reply::json(json!({"values": values, "total": 4, "isLast": true}))
    };
    // One came to the front meanwhile.
    let jira = FakeJira::scripted([page(&[1, 2]), page(&[2, 3])]).await;
    let keys: Vec<String> =
        cloud(&jira).projects().await.unwrap().into_iter().map(|project| project.key).collect();
    assert_eq!(keys, ["P1", "P2", "P3"]);
    let asked: Vec<String> = jira.asked().iter().map(|asked| asked.uri.to_string()).collect();
    assert_eq!(
        asked,
        [0, 2].map(|start| {
            format!("/jira/rest/api/3/project/search?startAt={start}&maxResults=100&orderBy=key")
        })
    );
}

/// An issue with the fields that every issue has here; `lacking` one of them.
fn issue(id: u64, lacking: Option<&str>) -> Value {
    let mut fields = json!({
        "summary": "s", "issuetype": {"name": "Bug"}, "customfield_1": null,
        "updated": "2024-01-02T03:04:05.678+0100",
    });
    if let Some(name) = lacking {
        fields.as_object_mut().unwrap().remove(name);
    }
    json!({"id": id.to_string(), "key": format!("P-{id}"), "fields": fields,
           "changelog": {"startAt": 0, "maxResults": 0, "total": 0, "histories": []}})
}

/// A site that loses `lost` in bulk, and always of the issues in `for_ever`; 13 is hidden.
async fn site(
    lost: impl Fn(usize, u64) -> Option<&'static str> + Send + Sync + 'static,
) -> FakeJira {
    let bulks = std::sync::atomic::AtomicUsize::new(0);
    FakeJira::answering(move |asked| {
        if asked.uri.path().ends_with("serverInfo") {
            // After so many failures it is asked whether it is there at all.
            return Reply::json(json!({}));
        }
        if asked.method == "GET" {
            let id = asked.uri.path().rsplit('/').next().unwrap().parse().unwrap();
            assert!(asked.uri.query().unwrap().contains("failFast=true"), "{}", asked.uri);
            return match lost(usize::MAX, id) {
                Some(_) => Reply::of(500, &[], r#"{"errorMessages":["a field is broken"]}"#),
                None => Reply::json(issue(id, None)),
            };
        }
        let number = bulks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let ids = body(asked)["issueIdsOrKeys"].as_array().unwrap().clone();
        assert!(ids.len() <= 100);
        let ids = ids.iter().map(|id| id.as_str().unwrap().parse::<u64>().unwrap());
        let issues: Vec<Value> =
            ids.filter(|&id| id != 13).map(|id| issue(id, lost(number, id))).collect();
        Reply::json(json!({"issues": issues, "issueErrors": []}))
    })
    .await
}

fn ids_of(batch: &FetchedBatch) -> Vec<i64> {
    batch.issues.iter().map(|issue| issue.id.0).collect()
}

#[tokio::test]
async fn a_batch_is_fetched_in_bulk_and_absences_stay_absent() {
    let jira = site(|_, _| None).await;
    let client = cloud(&jira);
    let ids: Vec<IssueId> = (1..=150).map(id).collect();
    let batch = client.fetch_issues(&ids).await.unwrap();
    let expected: Vec<i64> = (1..=150).filter(|&id| id != 13).collect();
    assert_eq!(ids_of(&batch), expected);
    assert_eq!((batch.matched, batch.is_cut_short()), (None, false));
    // Two in bulk, and one issue of the only kind alone to learn what such issues have.
    assert_eq!(jira.asked().len(), 3);
    let expected = json!({
        "issueIdsOrKeys": ["101", "102"], "fields": ["*all"], "expand": ["changelog"],
    });
    client.fetch_issues(&[id(101), id(102)]).await.unwrap();
    let last = jira.asked().pop().unwrap();
    assert_eq!(last.uri.path(), "/jira/rest/api/3/issue/bulkfetch");
    assert_eq!(body(&last), expected);
    assert_eq!(jira.asked().len(), 4);
}

#[tokio::test]
async fn what_cloud_names_instead_of_delivering_is_held_back() {
    let error = json!({"id": "11", "errorMessage": "too much"});
    let answer = json!({"issues": [issue(10, None)], "issueErrors": [error]});
    let jira = FakeJira::answering(move |asked| match asked.method.as_str() {
        "GET" => Reply::json(issue(10, None)),
        _ => Reply::json(&answer),
    })
    .await;
    let batch = cloud(&jira).fetch_issues(&[id(10), id(11)]).await.unwrap();
    assert_eq!((ids_of(&batch), batch.held_back.clone()), (vec![10], vec![id(11)]));
    assert!(batch.is_cut_short());
}

#[tokio::test]
async fn a_field_that_did_not_load_is_asked_for_again() {
    // The first answer lacks it everywhere, so nothing in it tells that it should be there.
    let jira = site(|bulk, _| (bulk == 0).then_some("customfield_1")).await;
    let client = cloud(&jira);
    let batch = client.fetch_issues(&[id(1), id(2), id(3)]).await.unwrap();
    assert_eq!(ids_of(&batch), [1, 2, 3]);
    assert!(batch.issues.iter().all(|issue| issue.fields.contains("customfield_1")));
    assert!(jira.asked().len() <= 6);
}

#[tokio::test]
async fn an_issue_that_cannot_be_had_whole_is_set_apart_and_hurts_no_other() {
    let broken = |_, id| (id == 2).then_some("summary");
    let jira = site(broken).await;
    let client = cloud(&jira);
    let batch = client.fetch_issues(&[id(1), id(2), id(3)]).await.unwrap();
    assert_eq!(ids_of(&batch), [1, 3]);
    let lacking: Vec<i64> = batch.lacking.iter().map(|issue| issue.id.0).collect();
    assert_eq!(lacking, [2]);
    assert!(!batch.lacking[0].fields.contains("summary"));
    let error = client.fetch_issue(id(2)).await.unwrap_err();
    assert!(matches!(error, JiraError::Unavailable { .. }), "{}", text(&error));
}

#[tokio::test]
async fn where_nothing_can_be_had_whole_what_comes_is_set_apart_and_not_asked_for_again() {
    let jira = site(|_, _| Some("customfield_1")).await;
    let client = cloud(&jira);
    let ids = [id(1), id(2), id(3), id(4)];
    for _ in 0..3 {
        let batch = client.fetch_issues(&ids).await.unwrap();
        assert!(batch.issues.is_empty());
        assert_eq!(batch.lacking.len() + batch.unproven.len(), ids.len());
    }
    let before = jira.asked().len();
    let batch = client.fetch_issues(&ids).await.unwrap();
    let unproven: Vec<IssueId> = batch.unproven.iter().map(|issue| issue.id).collect();
    assert_eq!((unproven, batch.issues.len(), batch.lacking.len()), (ids.to_vec(), 0, 0));
    assert_eq!(jira.asked().len(), before + 1);
    // A new run asks again.
    client.vet_anew();
    assert!(!client.fetch_issues(&ids).await.unwrap().lacking.is_empty());
}

#[tokio::test]
async fn a_field_that_only_some_have_is_learned_and_not_asked_for_for_ever() {
    let jira = FakeJira::answering(|asked| {
        let with_parent = |id: u64| issue(id, (!id.is_multiple_of(2)).then_some("customfield_1"));
        if asked.method == "GET" {
            let id = asked.uri.path().rsplit('/').next().unwrap().parse().unwrap();
            return Reply::json(with_parent(id));
        }
        let ids = body(asked)["issueIdsOrKeys"].as_array().unwrap().clone();
        let ids = ids.iter().map(|id| with_parent(id.as_str().unwrap().parse().unwrap()));
        Reply::json(json!({"issues": ids.collect::<Vec<_>>()}))
    })
    .await;
    let client = cloud(&jira);
    let ids: Vec<IssueId> = (2..=60).map(id).collect();
    assert_eq!(client.fetch_issues(&ids).await.unwrap().issues.len(), 59);
    assert_eq!(jira.asked().len(), 3);
    assert_eq!(client.fetch_issues(&ids).await.unwrap().issues.len(), 59);
    assert_eq!(jira.asked().len(), 4);
}
