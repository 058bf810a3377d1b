//! One world in the words of both flavours.

use std::collections::BTreeMap;

use jira_sim::{
    CloudView, Draft, Flavor, Issue, SimConfig, User, World, WorldProfile, generate, load_payloads,
    parse_jira,
};
use serde_json::{Value, json};

use crate::site::{Site, at, small_world};
use crate::worlds::payload_files;

fn parse(json: &str) -> Value {
    let readable = json.replace(r"\ud83d alone", "half").replace(r"alone \udc00", "half");
    serde_json::from_str(&readable).unwrap()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// All text of a document, its blocks apart.
fn shown(node: &Value) -> String {
    let inline = matches!(node["type"].as_str(), Some("text" | "mention" | "emoji" | "status"));
    let mut out = if inline { String::new() } else { " ".to_owned() };
    for text in [&node["text"], &node["attrs"]["text"]] {
        out.push_str(text.as_str().unwrap_or(""));
    }
    out.extend(node["content"].as_array().into_iter().flatten().map(shown));
    out
}

fn assert_same_text(source: &Value, document: &Value, what: &str) {
    match source.as_str() {
        None | Some("") => assert!(document.is_null(), "{what}: {document}"),
        Some(text) => {
            assert_eq!(document["type"], "doc", "{what}");
            assert_eq!(document["version"], 1, "{what}");
            assert_eq!(words(&shown(document)), words(text), "{what}");
        }
    }
}

/// Calls back with every object inside a value.
fn objects(value: &Value, visit: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(map);
            map.values().for_each(|value| objects(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| objects(value, visit)),
        _ => {}
    }
}

fn assert_cloudlike(value: &Value, what: &str) {
    objects(value, &mut |map| {
        if map.contains_key("displayName") {
            assert!(map["accountId"].is_string(), "{what}: {map:?}");
            assert!(!map.contains_key("name") && !map.contains_key("key"), "{what}: {map:?}");
        }
        let link = map.get("self").and_then(Value::as_str).unwrap_or("");
        assert!(!link.contains("/rest/api/2/"), "{what}: {link}");
    });
}

/// Everything but what the flavours write differently.
fn assert_same_issue(issue: &Issue, server: &Value, cloud: &Value) {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(server), names(cloud));
    for (name, source) in server.as_object().unwrap() {
        let what = format!("{} {name}", issue.key());
        let here = &cloud[name];
        match name.as_str() {
            "description" | "environment" => assert_same_text(source, here, &what),
            "created" | "updated" | "resolutiondate" => {
                let time = |value: &Value| value.as_str().map(|text| parse_jira(text).unwrap());
                assert_eq!(time(source), time(here), "{what}");
            }
            "summary" | "labels" | "duedate" => assert_eq!(source, here, "{what}"),
            "assignee" | "reporter" | "creator" => {
                assert_eq!(source["displayName"], here["displayName"], "{what}");
            }
            "status" | "priority" | "issuetype" | "parent" | "project" => {
                assert_eq!(source["id"], here["id"], "{what}");
            }
            "comment" => assert_eq!(source["total"], here["total"], "{what}"),
            _ => {}
        }
    }
}

#[test]
fn a_generated_world_says_the_same_on_both_flavours() {
    let world = generate(&WorldProfile::new("GEN", 400, 5)).unwrap();
    let config = SimConfig { user_zone: chrono_tz::Tz::Europe__Berlin, ..SimConfig::cloud() };
    let view = CloudView::new(&world, &config);
    let mut accounts: BTreeMap<String, String> = BTreeMap::new();
    let (mut rich, mut plain, mut field_ids, mut sprints) = (0, 0, 0, 0);
    for issue in world.issues("GEN") {
        let (server, cloud) = (parse(&issue.fields_json()), parse(&view.fields_json(issue)));
        assert_cloudlike(&cloud, &issue.key().to_string());
        assert_same_issue(issue, &server, &cloud);
        let whole = cloud.to_string();
        assert!(!whole.contains("Sprint@"), "{}", issue.key());
        sprints += usize::from(whole.contains("\"boardId\":"));
        let about = cloud["description"].to_string();
        match ["panel", "bulletList", "orderedList", "table", "codeBlock", "mention"]
            .iter()
            .any(|kind| about.contains(kind))
        {
            true => rich += 1,
            false => plain += 1,
        }
        for (source, comment) in issue.comments().iter().zip(view.comments(issue)) {
            let (source, comment) = (parse(source.json.as_str()), parse(comment.as_str()));
            assert_same_text(&source["body"], &comment["body"], "comment");
            assert_eq!((&source["id"], &comment["jsdPublic"]), (&comment["id"], &json!(true)));
            assert!(comment["created"].as_str().unwrap().ends_with("00"));
            let key = source["author"]["key"].as_str().unwrap().to_owned();
            let account = comment["author"]["accountId"].as_str().unwrap().to_owned();
            assert_eq!(accounts.entry(key).or_insert_with(|| account.clone()), &account);
        }
        for (source, worklog) in issue.worklogs().iter().zip(view.worklogs(issue)) {
            let (source, worklog) = (parse(source.json.as_str()), parse(worklog.as_str()));
            assert_same_text(&source["comment"], &worklog["comment"], "worklog");
            assert_eq!(source["timeSpentSeconds"], worklog["timeSpentSeconds"]);
        }
        let histories = view.histories(issue);
        assert_eq!(histories.len(), issue.histories().len());
        let times: Vec<_> = histories
            .iter()
            .map(|it| parse_jira(parse(it.as_str())["created"].as_str().unwrap()).unwrap())
            .collect();
        assert!(times.is_sorted());
        for history in &histories {
            let history = parse(history.as_str());
            assert_cloudlike(&history, "history");
            for item in history["items"].as_array().unwrap() {
                field_ids += usize::from(item["fieldId"].is_string());
            }
        }
    }
    assert!(rich > 10 && plain > 200, "{rich} {plain}");
    assert!(sprints > 20, "{sprints}");
    assert!(accounts.len() > 5 && field_ids > 500, "{} {field_ids}", accounts.len());
}

#[tokio::test]
async fn what_is_served_is_what_the_view_shows() {
    let config = SimConfig { user_zone: chrono_tz::Tz::Asia__Kolkata, ..SimConfig::cloud() };
    let world = generate(&WorldProfile::new("GEN", 30, 8)).unwrap();
    let site = Site::start(config.clone(), world).await;
    let ids: Vec<String> =
        site.server.world().issues("GEN").map(|issue| issue.id().to_string()).collect();
    let url = format!("{}/rest/api/3/issue/bulkfetch", site.server.base_url());
    let body = json!({"issueIdsOrKeys": ids, "fields": ["*all"], "expand": ["changelog"]});
    let text = site.client.post(url).json(&body).send().await.unwrap().text().await.unwrap();
    let page = parse(&text);
    let world = site.server.world();
    let view = CloudView::new(&world, &config);
    for served in page["issues"].as_array().unwrap() {
        let issue = world.issue(served["id"].as_str().unwrap().parse().unwrap()).unwrap();
        assert_eq!(served["fields"], parse(&view.fields_json(issue)));
        assert_eq!(served["changelog"], parse(&view.changelog_json(issue)));
    }
    assert_eq!(page["issues"].as_array().unwrap().len(), 30);
}

/// A person named differently from its key, and every kind of body in one issue.
fn told_world() -> (World, u64) {
    let mut world = small_world().0;
    let mut user = User::new("renamed", "Ann Example");
    user.key = "JIRAUSER77".to_owned();
    world.set_actor(Some(user));
    let id = world
        .create(
            "P",
            Draft::new("told").field("description", "one\r\ntwo\n\nthree").field("environment", ""),
        )
        .unwrap();
    world.add_comment(id, "a comment").unwrap();
    world.add_worklog(id, 60).unwrap();
    world.edit(id, &[("status", "Done".into())]).unwrap();
    (world, id)
}

#[tokio::test]
async fn the_parts_of_an_issue_are_written_as_cloud_writes_them() {
    let (world, id) = told_world();
    let mut config =
        SimConfig { user_zone: chrono_tz::Tz::America__New_York, ..SimConfig::cloud() };
    config.cloud.rich_bodies = 0.0;
    let site = Site::start(config, world).await;
    let (_, issue) = site.v3(&format!("issue/{id}?expand=changelog")).await;
    let fields = &issue["fields"];
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(
        fields["description"],
        json!({"type": "doc", "version": 1, "content": [
            {"type": "paragraph", "content": [text("one"), {"type": "hardBreak"}, text("two")]},
            {"type": "paragraph", "content": [text("three")]},
        ]})
    );
    assert_eq!(fields["environment"], json!(null));
    assert_eq!(fields["created"], "2024-05-01T06:04:06.000-0400");
    assert_eq!(
        fields["comment"]["comments"][0]["body"]["content"][0]["content"][0],
        text("a comment")
    );
    assert!(fields["worklog"]["worklogs"][0].get("comment").is_none());
    assert_eq!(fields["summary"], "told");
    let author = &fields["reporter"];
    assert_eq!(author["displayName"], "Ann Example");
    let history = &issue["changelog"]["histories"][0];
    assert_eq!(history["author"]["accountId"], author["accountId"]);
    assert_eq!(history["items"][0]["fieldId"], "status");
    assert_eq!(history["created"], "2024-05-01T06:04:06.000-0400");

    // Version 2 of Cloud keeps bodies as text, and people by account.
    let url = format!("{}/rest/api/2/issue/{id}", site.server.base_url());
    let (_, old) = crate::site::answer(site.client.get(url)).await;
    assert_eq!(old["fields"]["description"], "one\r\ntwo\n\nthree");
    assert_eq!(old["fields"]["reporter"]["accountId"], author["accountId"]);

    site.server.configure(|config| config.flavor = Flavor::Server);
    let server = site.json(&format!("issue/{id}")).await;
    assert_eq!(server["fields"]["description"], "one\r\ntwo\n\nthree");
    assert_eq!(server["fields"]["reporter"]["name"], "renamed");
}

#[test]
fn changes_of_people_name_accounts() {
    let (mut world, id) = told_world();
    world.set_now(at("2024-06-01T00:00:00.000Z"));
    world
        .edit(
            id,
            &[(
                "assignee",
                json!({"key": "JIRAUSER77", "name": "renamed", "displayName": "Ann Example"}),
            )],
        )
        .unwrap();
    let config = SimConfig::cloud();
    let view = CloudView::new(&world, &config);
    let issue = world.issue(id).unwrap();
    let last = parse(view.histories(issue).last().unwrap().as_str());
    let assignee = parse(&view.fields_json(issue))["assignee"]["accountId"].clone();
    assert_eq!(
        (&last["items"][0]["to"], &last["items"][0]["fieldId"]),
        (&assignee, &json!("assignee"))
    );
}

#[test]
fn real_payloads_of_either_flavour_can_be_shown_as_cloud() {
    let Some(files) = payload_files(&[
        "apache-2025/issues_with_changelog.jsonl",
        "grimoirelab-cloud/issues_finos.jsonl",
    ]) else {
        return;
    };
    let (world, report) = load_payloads(&files).unwrap();
    let config = SimConfig::cloud();
    let view = CloudView::new(&world, &config);
    for project in &report.projects {
        for issue in world.issues(project) {
            let fields = parse(&view.fields_json(issue));
            assert_cloudlike(&fields, &issue.key().to_string());
            assert_same_text(
                &parse(&issue.fields_json())["description"],
                &fields["description"],
                "real",
            );
            parse(&view.changelog_json(issue));
        }
    }
}
