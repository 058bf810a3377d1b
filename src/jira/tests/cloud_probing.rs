//! The probe against Cloud sites that can do more or less.

use chrono_tz::Asia::Tokyo;
use rstest::rstest;
use serde_json::{Value, json};

use super::server::{Asked, Reply};
use super::*;
use crate::jql::TimeGrid;

#[derive(Clone, Copy)]
enum Epoch {
    Honoured,
    Refused,
    /// Read as something in the far future, or long ago.
    Future,
    Past,
}

/// What a pretended site does. Issues are numbered by age; number n was updated n seconds past.
#[derive(Clone, Copy)]
struct Site {
    epoch: Epoch,
    zone: Option<&'static str>,
    issues: u64,
    /// So many of the oldest are not in the search by their newest time.
    behind: u64,
}

const SITE: Site = Site { epoch: Epoch::Honoured, zone: Some("Asia/Tokyo"), issues: 3, behind: 0 };
const FIRST: i64 = 1_704_164_640_000;

impl Site {
    async fn serve(self) -> FakeJira {
        FakeJira::answering(move |asked| self.answer(asked)).await
    }

    fn answer(self, asked: &Asked) -> Reply {
        match asked.uri.path() {
            "/jira/rest/api/2/serverInfo" => Reply::json(json!({
                "version": "1001.0.0-SNAPSHOT", "deploymentType": "Cloud",
                "serverTime": "2024-01-02T12:00:00.000+0100", "serverTimeZone": "Europe/Berlin",
            })),
            "/jira/rest/api/3/myself" => Reply::json(json!({
                "accountId": "5b10:7", "displayName": "Bot", "timeZone": self.zone,
                "emailAddress": "bot@example.invalid",
            })),
            "/jira/rest/api/3/search/jql" => {
                let body: Value = serde_json::from_slice(&asked.body).unwrap();
                assert!(body["maxResults"].as_u64().unwrap() <= 5, "no large page is needed");
                self.search(body["jql"].as_str().unwrap())
            }
            path => panic!("asked for {path}"),
        }
    }

    fn search(self, jql: &str) -> Reply {
        assert!(!jql.starts_with("ORDER"), "not bounded: {jql}");
        let row = |number: u64| {
            let updated =
                DateTime::from_timestamp_millis(FIRST + 1000 * number.cast_signed() + 678);
            json!({"id": number.to_string(), "key": format!("P-{number}"),
                   "fields": {"updated": updated.unwrap().to_rfc3339()}})
        };
        let rows: Vec<Value> = match jql.split_once(" AND updated >= ") {
            None => (1..=self.issues).map(row).collect(),
            Some((key, from)) => {
                let number = key.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
                let at = FIRST + 1000 * i64::try_from(number).unwrap();
                let indexed = if number <= self.behind { at - 60_000 } else { at };
                let found = match self.epoch {
                    Epoch::Honoured => from.parse::<i64>().unwrap() <= indexed,
                    Epoch::Refused => {
                        let body = r#"{"errorMessages":["Date value '1' is invalid"]}"#;
                        return Reply::of(400, &[], body);
                    }
                    Epoch::Future => false,
                    Epoch::Past => true,
                };
                found.then(|| row(number)).into_iter().collect()
            }
        };
        Reply::json(json!({"issues": rows, "isLast": true}))
    }
}

#[rstest]
#[case(SITE, TimeGrid::Seconds)]
#[case(Site { behind: 2, ..SITE }, TimeGrid::Seconds)]
#[case(Site { behind: 3, ..SITE }, TimeGrid::Minutes(Tokyo))]
#[case(Site { epoch: Epoch::Refused, ..SITE }, TimeGrid::Minutes(Tokyo))]
#[case(Site { epoch: Epoch::Future, ..SITE }, TimeGrid::Minutes(Tokyo))]
#[case(Site { epoch: Epoch::Past, ..SITE }, TimeGrid::Minutes(Tokyo))]
#[case(Site { issues: 0, ..SITE }, TimeGrid::Minutes(Tokyo))]
#[case(Site { zone: None, ..SITE }, TimeGrid::Seconds)]
#[case(Site { zone: None, issues: 0, ..SITE }, TimeGrid::Seconds)]
#[tokio::test]
async fn what_the_site_can_do_is_found_out(#[case] site: Site, #[case] grid: TimeGrid) {
    let jira = site.serve().await;
    for project in [None, Some("ORDER".parse().unwrap())] {
        let found = client(&jira).probe(project.as_ref()).await.unwrap();
        assert_eq!(found.time_grid, grid);
        assert_eq!((found.flavor, found.contradiction()), (Flavor::Cloud, None));
        assert_eq!((found.page_cap, found.batch_cap), (5000, 100));
        assert_eq!(found.changelog_endpoint, Some(true));
        assert_eq!(found.server_time, "2024-01-02T11:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let user = found.user.unwrap();
        assert_eq!((user.id.as_str(), user.name.as_str()), ("5b10:7", "bot@example.invalid"));
        assert_eq!(found.time_zone.is_some(), site.zone.is_some());
    }
}

#[rstest]
#[case(Epoch::Refused)]
#[case(Epoch::Past)]
#[tokio::test]
async fn neither_zone_nor_milliseconds_is_too_little(#[case] epoch: Epoch) {
    let jira = Site { epoch, zone: None, ..SITE }.serve().await;
    let error = client(&jira).probe(None).await.unwrap_err();
    assert!(text(&error).contains("time zone"), "{error}");
}

#[tokio::test]
async fn the_first_word_about_the_flavour_counts() {
    let jira = SITE.serve().await;
    let client = client(&jira);
    assert_eq!(client.flavor(), Flavor::Server);
    assert_eq!(client.identify().await.unwrap(), Flavor::Cloud);
    client.assume_flavor(Flavor::Server);
    assert_eq!(client.flavor(), Flavor::Cloud);
    assert_eq!(client.identify().await.unwrap(), Flavor::Cloud);
    assert_eq!(jira.asked().len(), 1);
}
