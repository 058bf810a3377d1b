//! The probe against instances that can do more or less.

use std::sync::Arc;

use chrono_tz::America::New_York;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::server::{Asked, Reply};
use super::*;
use crate::jql::TimeGrid;

/// What a pretended instance does.
#[derive(Clone, Copy)]
struct World {
    epoch: Epoch,
    user_zone: Option<&'static str>,
    issues: u64,
    answers_as: &'static str,
}

#[derive(Clone, Copy)]
enum Epoch {
    Honoured,
    Refused,
    /// Read as something in the far future.
    Misread,
}

const WORLD: World = World {
    epoch: Epoch::Honoured,
    user_zone: Some("America/New_York"),
    issues: 40,
    answers_as: "bot",
};

impl World {
    async fn serve(self) -> FakeJira {
        FakeJira::answering(move |asked| self.answer(asked)).await
    }

    fn answer(self, asked: &Asked) -> Reply {
        let path = asked.uri.path();
        let headers = [("x-ausername", self.answers_as)];
        let value = match path.rsplit('/').next().unwrap() {
            "serverInfo" => json!({"version": "9.12.7", "deploymentType": "DataCenter",
                                   "serverTime": "2024-01-02T12:00:00.000+0100"}),
            "myself" => json!({"name": "bot", "key": "JIRAUSER1", "displayName": "Bot",
                               "timeZone": self.user_zone}),
            "changelog" => {
                return Reply::of(404, &headers, r#"{"message":"null for uri: x"}"#);
            }
            _ => match self.search(&serde_json::from_slice(&asked.body).unwrap()) {
                Some(page) => page,
                None => {
                    let body = r#"{"errorMessages":["Date value '1' is invalid"]}"#;
                    return Reply::of(400, &headers, body);
                }
            },
        };
        Reply::of(200, &headers, &value.to_string())
    }

    /// Two issues in the newest minute, all others before it.
    fn search(self, body: &Value) -> Option<Value> {
        let jql = body["jql"].as_str().unwrap();
        let by_epoch = jql.contains("= 1704") || jql.contains("< 1704");
        let total = match (by_epoch, self.epoch) {
            (true, Epoch::Refused) => return None,
            (true, Epoch::Misread) if jql.contains(">=") => 0,
            (true, Epoch::Misread) => self.issues,
            _ if jql.contains(">=") => 2,
            _ if jql.contains('<') => self.issues - 2,
            _ => self.issues,
        };
        if by_epoch || jql.contains(">=") {
            let literal = jql.contains("1704164640000") || jql.contains("\"2024-01-01 22:04\"");
            assert!(literal, "{jql}");
        }
        let row = json!({"id": "7", "key": "P-7",
                         "fields": {"updated": "2024-01-02T04:04:05.678+0100"}});
        let rows = if body["maxResults"] == 0 { 0 } else { total.min(20) };
        Some(json!({"total": total, "maxResults": 1000, "startAt": 0,
                    "issues": vec![row; usize::try_from(rows).unwrap()]}))
    }
}

#[rstest]
#[case(Epoch::Honoured, TimeGrid::Seconds)]
#[case(Epoch::Refused, TimeGrid::Minutes(New_York))]
#[case(Epoch::Misread, TimeGrid::Minutes(New_York))]
#[tokio::test]
async fn what_the_instance_can_do_is_found_out(#[case] epoch: Epoch, #[case] grid: TimeGrid) {
    let jira = World { epoch, ..WORLD }.serve().await;
    let found = client(&jira).probe(Some(&"P".parse().unwrap())).await.unwrap();
    assert_eq!(found.time_grid, grid);
    assert_eq!(found.version, "9.12.7");
    assert_eq!(found.deployment, "DataCenter");
    assert_eq!(found.user.unwrap().id, "JIRAUSER1");
    assert_eq!(found.time_zone, Some(New_York));
    assert_eq!(found.server_time, "2024-01-02T11:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(found.page_cap, 20);
    assert_eq!(found.changelog_endpoint, Some(false));
    assert_eq!(found.result_window, 10_000);
}

#[tokio::test]
async fn without_an_issue_minutes_are_the_safe_grid() {
    let jira = World { issues: 0, ..WORLD }.serve().await;
    let found = client(&jira).probe(None).await.unwrap();
    assert_eq!(found.time_grid, TimeGrid::Minutes(New_York));
    assert_eq!(found.changelog_endpoint, None);
    assert_eq!(found.page_cap, 1000);
}

#[tokio::test]
async fn an_unknown_zone_needs_epoch_milliseconds() {
    let seconds = World { user_zone: None, ..WORLD };
    let found = client(&seconds.serve().await).probe(None).await.unwrap();
    assert_eq!((found.time_zone, found.time_grid), (None, TimeGrid::Seconds));

    for epoch in [Epoch::Refused, Epoch::Misread] {
        let jira = World { epoch, ..seconds }.serve().await;
        let error = client(&jira).probe(None).await.unwrap_err();
        assert!(text(&error).contains("time zone"), "{error}");
    }
}

#[tokio::test]
async fn a_zone_of_no_known_name_is_not_guessed() {
    let jira = World { user_zone: Some("Mars/Olympus"), ..WORLD }.serve().await;
    let error = client(&jira).probe(None).await.unwrap_err();
    assert!(text(&error).contains("Mars/Olympus"), "{error}");
}

#[tokio::test]
async fn answers_to_somebody_else_are_refused() {
    let jira = World { answers_as: "other", ..WORLD }.serve().await;
    let error = client(&jira).probe(None).await.unwrap_err();
    assert!(matches!(error, JiraError::NotLoggedIn { .. }), "{}", text(&error));
}

#[tokio::test]
async fn what_does_not_depend_on_each_other_is_asked_at_once() {
    // Who we are and the newest issues; then both counts of both literals, and the changelog.
    let (two, five) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(5)));
    let jira = FakeJira::answering(move |asked| {
        let answer = Box::new(WORLD.answer(asked));
        let path = asked.uri.path();
        let newest = asked.body.windows(8).any(|window| window == b"ORDER BY");
        match path.rsplit('/').next().unwrap() {
            "serverInfo" => *answer,
            "myself" => Reply::Together(two.clone(), answer),
            "search" if newest => Reply::Together(two.clone(), answer),
            _ => Reply::Together(five.clone(), answer),
        }
    })
    .await;
    let found = client(&jira).probe(Some(&"P".parse().unwrap())).await.unwrap();
    assert!(found.epoch_millis());
    assert_eq!(jira.asked().len(), 8);
}

#[tokio::test]
async fn the_removed_search_is_explained() {
    let jira = FakeJira::answering(|asked| match asked.uri.path().rsplit('/').next().unwrap() {
        // Whatever stands before Jira keeps its deployment type to itself.
        "serverInfo" => Reply::json(json!({"version": "1001.0.0-SNAPSHOT"})),
        "search" => {
            Reply::of(410, &[], r#"{"errorMessages":["The requested API has been removed."]}"#)
        }
        _ => Reply::json(json!({"accountId": "7", "displayName": "Bot", "timeZone": "UTC"})),
    })
    .await;
    let error = client(&jira).probe(None).await.unwrap_err();
    assert!(text(&error).contains("set jira.flavor to auto or to cloud"), "{error}");
    assert_eq!(error.class().exit_code(), 78);
}

#[tokio::test]
async fn a_server_that_is_taken_for_cloud_is_explained() {
    let jira = FakeJira::answering(|asked| match asked.uri.path().rsplit('/').next().unwrap() {
        "serverInfo" => Reply::json(json!({"version": "9.12.7", "deploymentType": "Server"})),
        _ => Reply::status(404),
    })
    .await;
    let client = client(&jira);
    client.assume_flavor(Flavor::Cloud);
    for error in [
        client.probe(None).await.unwrap_err(),
        client.project(&"P".parse().unwrap()).await.unwrap_err(),
    ] {
        assert!(text(&error).contains("set jira.flavor to auto or to server"), "{error}");
        assert_eq!(error.class().exit_code(), 78);
    }
    assert_eq!(client.flavor(), Flavor::Cloud);
}

#[tokio::test]
async fn json_of_another_host_is_not_taken_for_jira() {
    let jira = FakeJira::scripted([Reply::json(r#"{"loginUrl":"x","state":"y"}"#)]).await;
    let error = client(&jira).probe(None).await.unwrap_err();
    assert!(text(&error).contains("missing field `version`"), "{error}");
}
