//! Issues and projects leave what searches show, and come back: archived, moved, renamed, gone.

use std::time::Duration;

use jira_sim::{IssueKey, Scope, SearchOptions, SimConfig, World, WorldError, search};
use serde_json::{Value, json};

use crate::site::{Site, keys, small_world};

fn listed(world: &World, project: &str) -> Vec<String> {
    let jql = format!("project = {project} ORDER BY key ASC");
    let hits = search(world, &jql, &SearchOptions::default()).unwrap();
    hits.ids.iter().map(|id| world.issue(*id).unwrap().key().to_string()).collect()
}

fn shown(world: &World, project: &str) -> Vec<String> {
    world.visible_issues(project).map(|issue| issue.key().to_string()).collect()
}

#[tokio::test]
async fn an_archived_issue_leaves_every_search_and_still_answers_by_id_and_key() {
    for cloud in [false, true] {
        let (mut world, ids) = small_world();
        let before = world.issue(ids[1]).unwrap().fields_json();
        world.advance(Duration::from_secs(60));
        world.archive_issue(ids[1]).unwrap();
        assert_eq!(listed(&world, "P"), ["P-1", "P-3"]);
        assert_eq!(shown(&world, "P"), ["P-1", "P-3"]);
        // Neither an edit nor a reindex brings it back.
        world.touch(ids[0]).unwrap();
        world.reindex_to_document(&Scope::All);
        world.reindex_to(&Scope::All, None);
        world.reindex_to_document(&Scope::All);
        assert_eq!(listed(&world, "P"), ["P-1", "P-3"]);
        let site = match cloud {
            true => Site::cloud(world).await,
            false => Site::start(SimConfig::default(), world).await,
        };
        for name in [ids[1].to_string(), "P-2".to_owned()] {
            let issue = match cloud {
                true => site.v3(&format!("issue/{name}")).await.1,
                false => site.json(&format!("issue/{name}")).await,
            };
            assert!(issue["fields"]["archiveddate"].is_string(), "{issue}");
            assert!(issue["fields"]["archivedby"]["displayName"].is_string(), "{issue}");
        }
        if !cloud {
            let jql = format!("id in ({})", ids[1]);
            let page = site.search(json!({"jql": jql, "validateQuery": false})).await;
            assert_eq!(page["total"], 0);
        }
        let mut world = site.server.world_mut();
        world.restore_issue(ids[1]).unwrap();
        assert_eq!(world.issue(ids[1]).unwrap().fields_json(), before);
        assert_eq!(listed(&world, "P"), ["P-1", "P-2", "P-3"]);
    }
}

#[tokio::test]
async fn the_issues_of_an_archived_project_answer_by_key_alone() {
    let (mut world, _) = small_world();
    world.archive_project("P", true);
    assert!(shown(&world, "P").is_empty());
    let site = Site::start(SimConfig::default(), world).await;
    assert_eq!(site.json("issue/P-2").await["key"], "P-2");
    assert_eq!(site.json("project/P").await["archived"], true);
    assert_eq!(site.json("project").await.as_array().unwrap().len(), 1);
    let page = site.search(json!({"jql": "project = P"})).await;
    assert_eq!(page["errorMessages"][0], "The value 'P' does not exist for the field 'project'.");
    site.server.world_mut().archive_project("P", false);
    assert_eq!(shown(&site.server.world(), "P").len(), 3);
    assert_eq!(site.json("project/P").await["archived"], false);
    assert_eq!(site.search(json!({"jql": "project = P"})).await["total"], 3);
}

#[test]
fn an_issue_that_comes_back_to_a_project_gets_the_key_it_had_there() {
    let (mut world, ids) = small_world();
    let key = |text: &str| text.parse::<IssueKey>().unwrap();
    assert_eq!(world.move_issue(ids[0], "Q").unwrap(), key("Q-2"));
    assert_eq!(world.move_issue(ids[0], "P").unwrap(), key("P-1"));
    assert_eq!(world.issue(ids[0]).unwrap().former_keys(), [key("Q-2")]);
    for name in ["P-1", "Q-2"] {
        assert_eq!(world.issue_by_key(&key(name)).unwrap().id(), ids[0], "{name}");
    }
    assert_eq!(world.move_issue(ids[0], "Q").unwrap(), key("Q-2"));
    assert_eq!(world.move_issue(ids[1], "Q").unwrap(), key("Q-3"));
    assert_eq!(
        (listed(&world, "P"), listed(&world, "Q")),
        (vec!["P-3".to_owned()], vec!["Q-1".to_owned(), "Q-2".to_owned(), "Q-3".to_owned()])
    );
}

#[tokio::test]
async fn a_renamed_project_keeps_ids_and_times_and_answers_to_its_old_key() {
    let (mut world, ids) = small_world();
    let before: Vec<_> = ids.iter().map(|id| world.issue(*id).unwrap().updated()).collect();
    world.move_issue(ids[3], "P").unwrap();
    world.advance(Duration::from_secs(60));
    assert!(matches!(world.rename_project("P", "Q"), Err(WorldError::ProjectTaken(_))));
    assert!(matches!(world.rename_project("X", "Y"), Err(WorldError::NoProject(_))));
    world.rename_project("P", "NEW").unwrap();
    assert_eq!(listed(&world, "NEW"), ["NEW-1", "NEW-2", "NEW-3", "NEW-4"]);
    let after: Vec<_> = ids.iter().map(|id| world.issue(*id).unwrap().updated()).collect();
    assert_eq!(before[..3], after[..3]);
    assert_eq!(world.issue(ids[0]).unwrap().histories().len(), 0);
    let site = Site::start(SimConfig::default(), world).await;
    let old = site.json("issue/P-1").await;
    assert_eq!((&old["key"], &old["id"]), (&json!("NEW-1"), &json!(ids[0].to_string())));
    assert_eq!(old["fields"]["project"]["key"], "NEW");
    assert_eq!(site.json("issue/Q-1").await["key"], "NEW-4");
    assert_eq!(site.json("project/P").await["key"], "NEW");
    assert_eq!(site.json("project/NEW").await["key"], "NEW");
    let by_old_key = json!({"jql": "project = P ORDER BY key ASC"});
    assert_eq!(
        site.search(by_old_key.clone()).await["errorMessages"][0],
        "The value 'P' does not exist for the field 'project'."
    );
    site.server.world_mut().set_former_projects_in_jql(true);
    let page: Value = site.search(by_old_key).await;
    assert_eq!(keys(&page), ["NEW-1", "NEW-2", "NEW-3", "NEW-4"]);
}

#[test]
fn a_project_renamed_back_has_its_first_keys_again() {
    let (mut world, ids) = small_world();
    world.rename_project("P", "NEW").unwrap();
    world.rename_project("NEW", "P").unwrap();
    assert_eq!(listed(&world, "P"), ["P-1", "P-2", "P-3"]);
    let former: Vec<String> =
        world.issue(ids[0]).unwrap().former_keys().iter().map(ToString::to_string).collect();
    assert_eq!(former, ["NEW-1"]);
    assert_eq!(world.project("P").unwrap().former_keys().collect::<Vec<_>>(), ["NEW"]);
}

#[tokio::test]
async fn a_deleted_project_takes_its_issues_along() {
    let (mut world, ids) = small_world();
    world.hide(ids[2]).unwrap();
    world.delete_project("P").unwrap();
    assert!(matches!(world.delete_project("P"), Err(WorldError::NoProject(_))));
    assert_eq!((world.issue_count(), listed(&world, "Q").len()), (1, 1));
    let site = Site::start(SimConfig::default(), world).await;
    for gone in ["project/P", "issue/P-1", &format!("issue/{}", ids[1])] {
        assert_eq!(site.get(gone).send().await.unwrap().status(), 404, "{gone}");
    }
}

#[test]
fn children_come_and_go_in_silence_when_asked_to() {
    let (mut world, ids) = small_world();
    let (a, b) = (ids[0], ids[1]);
    let comment = world.add_comment(a, "hello").unwrap();
    let worklog = world.add_worklog(a, 60).unwrap();
    let file = world.add_attachment(a, "x.txt", 3).unwrap();
    let link = world.add_link(a, b).unwrap();
    let before = [a, b].map(|id| world.issue(id).unwrap().updated());
    world.advance(Duration::from_secs(60));
    world.silently(|world| {
        world.delete_comment(a, comment).unwrap();
        world.delete_worklog(a, worklog).unwrap();
        world.delete_attachment(a, file).unwrap();
        world.remove_link(a, link).unwrap();
    });
    assert_eq!([a, b].map(|id| world.issue(id).unwrap().updated()), before);
    let issue = world.issue(a).unwrap();
    let left = issue.comments().len() + issue.worklogs().len() + issue.attachments().len();
    assert_eq!((left, issue.links().len(), world.issue(b).unwrap().links().len()), (0, 0, 0));
    let file = world.add_attachment(a, "y.txt", 3).unwrap();
    world.advance(Duration::from_secs(60));
    world.delete_attachment(a, file).unwrap();
    assert_eq!(world.issue(a).unwrap().updated(), Some(world.now()));
}
