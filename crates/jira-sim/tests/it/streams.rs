//! Remote links, watchers, votes and entity properties, in the world and over HTTP.

use std::collections::BTreeMap;

use jira_sim::{
    Endpoint, IssueId, Json, RemoteLink, SimConfig, User, World, WorldProfile, generate,
};
use serde_json::{Value, json};

use crate::site::{Site, small_world};

fn link() -> RemoteLink {
    RemoteLink {
        global_id: Some("system=wiki&id=7".to_owned()),
        relationship: Some("mentioned in".to_owned()),
        application: Some(("com.example.wiki".to_owned(), "The \"Wiki\"".to_owned())),
        summary: Some("all about it".to_owned()),
        resolved: Some(true),
        ..RemoteLink::new("https://wiki.example.invalid/7", "Seven")
    }
}

/// A world whose first issue has one of each, or two.
fn world() -> (World, Vec<IssueId>) {
    let (mut world, ids) = small_world();
    world.add_remote_link(ids[0], &link()).unwrap();
    world.add_remote_link(ids[0], &RemoteLink::new("https://ci.example.invalid", "Build")).unwrap();
    for name in ["ada", "bob", "ada"] {
        world.add_watcher(ids[0], &User::new(name, name)).unwrap();
    }
    world.add_vote(ids[0], &User::new("cid", "Cid")).unwrap();
    world.set_property(ids[0], "a b/ü+&=", &json!({"deep": [1.5, null]})).unwrap();
    world.set_property(ids[0], "flag", &json!(false)).unwrap();
    world.set_property(ids[0], "flag", &json!(true)).unwrap();
    (world, ids)
}

#[tokio::test]
async fn each_is_served_below_its_issue() {
    let site = Site::start(SimConfig::default(), world().0).await;
    let links = site.json("issue/P-1/remotelink").await;
    assert_eq!(links[0]["globalId"], "system=wiki&id=7");
    assert_eq!(links[0]["relationship"], "mentioned in");
    assert_eq!(
        links[0]["application"],
        json!({"type": "com.example.wiki", "name": "The \"Wiki\""})
    );
    let object = &links[0]["object"];
    assert_eq!(object["url"], "https://wiki.example.invalid/7");
    assert_eq!((&object["title"], &object["summary"]), (&json!("Seven"), &json!("all about it")));
    assert_eq!(object["status"]["resolved"], true);
    assert_eq!(links[1]["application"], json!({}));
    assert!(
        links[1].get("globalId").is_none() && links[1]["object"]["status"]["resolved"].is_null()
    );
    let id = links[1]["id"].as_u64().unwrap();
    assert_eq!(site.json(&format!("issue/P-1/remotelink/{id}")).await, links[1]);
    let watchers = site.json("issue/P-1/watchers").await;
    assert_eq!((&watchers["watchCount"], &watchers["isWatching"]), (&json!(2), &json!(false)));
    assert_eq!(watchers["watchers"][1]["name"], "bob");
    let votes = site.json("issue/P-1/votes").await;
    assert_eq!((&votes["votes"], &votes["voters"][0]["key"]), (&json!(1), &json!("cid")));
    let properties = site.json("issue/P-1/properties").await;
    let named: Vec<_> =
        properties["keys"].as_array().unwrap().iter().map(|key| &key["key"]).collect();
    assert_eq!(named, ["a b/ü+&=", "flag"]);
    let fields = &site.json("issue/P-1").await["fields"];
    assert_eq!(
        (&fields["watches"]["watchCount"], &fields["votes"]["votes"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn a_property_is_found_by_its_name_however_it_is_written() {
    let site = Site::start(SimConfig::default(), world().0).await;
    assert_eq!(site.json("issue/P-1/properties/flag").await, json!({"key": "flag", "value": true}));
    let odd = site.json("issue/P-1/properties/a%20b%2F%C3%BC+%26=").await;
    assert_eq!(odd, json!({"key": "a b/ü+&=", "value": {"deep": [1.5, null]}}));
    let missing = site.get("issue/P-1/properties/other").send().await.unwrap();
    assert_eq!(missing.status(), 404);
    assert!(missing.json::<Value>().await.unwrap()["errorMessages"][0].is_string());
}

#[tokio::test]
async fn an_issue_without_any_has_empty_lists_and_a_missing_one_none() {
    let site = Site::start(SimConfig::default(), world().0).await;
    assert_eq!(site.json("issue/P-2/remotelink").await, json!([]));
    assert_eq!(site.json("issue/P-2/watchers").await["watchers"], json!([]));
    assert_eq!(site.json("issue/P-2/votes").await["votes"], 0);
    assert_eq!(site.json("issue/P-2/properties").await, json!({"keys": []}));
    for list in ["remotelink", "watchers", "votes", "properties"] {
        let missing = site.get(&format!("issue/P-9/{list}")).send().await.unwrap();
        assert_eq!(missing.status(), 404, "{list}");
    }
    assert_eq!(site.server.requests().count(|record| Endpoint::Children.matches(&record.seen)), 8);
}

#[tokio::test]
async fn cloud_serves_the_same_with_its_own_people() {
    let site = Site::start(SimConfig::cloud(), world().0).await;
    let get = async |resource: &str| -> Value {
        let url = format!("{}/rest/api/3/{resource}", site.server.base_url());
        site.client.get(url).send().await.unwrap().json().await.unwrap()
    };
    let watchers = get("issue/P-1/watchers").await;
    assert_eq!(watchers["watchCount"], 2);
    assert!(watchers["watchers"][0]["accountId"].is_string());
    assert!(watchers["watchers"][0].get("name").is_none());
    assert_eq!(get("issue/P-1/votes").await["votes"], 1);
    assert_eq!(get("issue/P-1/remotelink").await[0]["object"]["title"], "Seven");
    assert_eq!(get("issue/P-1/properties/flag").await["value"], true);
}

#[test]
fn remote_links_move_updated_and_the_rest_does_not() {
    let (mut world, ids) = world();
    let id = ids[0];
    let moved = |world: &mut World, act: &mut dyn FnMut(&mut World)| {
        let (before, entry) = (world.issue(id).unwrap().updated(), world.index_entry(id).cloned());
        world.advance(std::time::Duration::from_secs(5));
        act(world);
        let moved = world.issue(id).unwrap().updated() != before;
        assert_eq!(world.index_entry(id).cloned() != entry, moved);
        moved
    };
    let ada = User::new("ada", "Ada");
    let first = world.issue(id).unwrap().remote_links()[0].id;
    assert!(moved(&mut world, &mut |world| world.remove_remote_link(id, first).unwrap()));
    assert!(moved(&mut world, &mut |world| assert!(
        world.add_remote_link(id, &link()).unwrap() > 0
    )));
    assert!(!moved(&mut world, &mut |world| world.remove_watcher(id, "bob").unwrap()));
    assert!(!moved(&mut world, &mut |world| world.add_vote(id, &ada).unwrap()));
    assert!(!moved(&mut world, &mut |world| world.remove_vote(id, "cid").unwrap()));
    assert!(!moved(&mut world, &mut |world| world.set_property(id, "n", &json!(1)).unwrap()));
    assert!(!moved(&mut world, &mut |world| world.remove_property(id, "flag").unwrap()));
    let issue = world.issue(id).unwrap();
    let names = |people: &[Json]| -> Vec<String> {
        let name = |user: &Json| user.to_value().unwrap()["name"].as_str().unwrap().to_owned();
        people.iter().map(name).collect()
    };
    assert_eq!(
        (names(issue.watchers()), names(issue.voters())),
        (vec!["ada".into()], vec!["ada".into()])
    );
    assert_eq!(
        issue.properties().iter().map(|(key, _)| key).collect::<Vec<_>>(),
        ["a b/ü+&=", "n"]
    );
    assert_eq!(issue.remote_links().len(), 2);
    assert!(world.remove_remote_link(id, first).is_err());
    assert!(world.remove_watcher(id, "bob").is_err());
    assert!(world.remove_vote(ids[1], "ada").is_err());
    assert!(world.remove_property(id, "flag").is_err());
}

#[test]
fn generated_worlds_have_them_when_told_and_are_otherwise_the_same() {
    let profile = WorldProfile::new("GEN", 400, 3);
    let plain = generate(&profile).unwrap();
    let rich = generate(&profile.clone().with_streams()).unwrap();
    let again = generate(&profile.with_streams()).unwrap();
    let count = |world: &World, of: &dyn Fn(&jira_sim::Issue) -> usize| -> usize {
        world.issues("GEN").map(of).sum()
    };
    let counts = |world: &World| {
        [
            count(world, &|issue| issue.remote_links().len()),
            count(world, &|issue| issue.watchers().len()),
            count(world, &|issue| issue.voters().len()),
            count(world, &|issue| issue.properties().len()),
        ]
    };
    assert_eq!(counts(&plain), [0; 4]);
    assert!(counts(&rich).iter().all(|count| *count > 20), "{:?}", counts(&rich));
    assert_eq!(counts(&rich), counts(&again));
    let updated = |world: &World| -> BTreeMap<IssueId, _> {
        world.issues("GEN").map(|issue| (issue.id(), issue.updated())).collect()
    };
    assert_eq!(updated(&plain), updated(&rich));
    for (one, other) in plain.issues("GEN").zip(rich.issues("GEN")) {
        for name in one.field_names().filter(|name| !["votes", "watches"].contains(name)) {
            assert_eq!(one.field(name), other.field(name), "{name}");
        }
        for link in other.remote_links() {
            assert!(link.json.to_value().unwrap()["object"]["url"].is_string());
        }
        let watches = other.field("watches").unwrap().to_value().unwrap();
        assert_eq!(watches["watchCount"], other.watchers().len());
    }
}
