//! The index against the documents: lag, reindexes, ghosts.

use std::time::Duration;

use jira_sim::{Draft, IndexLag, Scope, SearchOptions, World, search};

use crate::site::{at, small_world};

const IN_ORDER: &str = "project = P ORDER BY updated ASC, key ASC";

fn since(world: &World, from: i64) -> Vec<String> {
    let jql = format!("project = P AND updated >= {from} ORDER BY updated ASC, key ASC");
    let hits = search(world, &jql, &SearchOptions::default()).unwrap();
    hits.ids.iter().filter_map(|id| world.issue(*id)).map(|issue| issue.key().to_string()).collect()
}

#[test]
fn a_late_edit_shows_in_the_document_at_once_and_in_searches_later() {
    let (mut world, ids) = small_world();
    world.set_index_lag(IndexLag::All(60_000));
    let edited = world.now();
    world.edit(ids[0], &[("summary", "changed".into())]).unwrap();
    let created = world.create("P", Draft::new("late")).unwrap();
    assert_eq!(world.issue(ids[0]).unwrap().updated(), Some(edited));
    assert!(since(&world, edited).is_empty());
    assert!(world.index_entry(created).is_none() && world.index_is_behind());
    world.advance(Duration::from_millis(59_999));
    assert!(since(&world, edited).is_empty());
    world.advance(Duration::from_millis(1));
    // It arrives under the second of the edit, not of its arrival.
    assert_eq!(since(&world, edited), ["P-1", "P-4"]);
    assert_eq!(world.index_entry(ids[0]).unwrap().updated, Some(edited / 1000));
}

#[test]
fn some_edits_are_late_and_others_are_not() {
    let mut world = World::new(at("2024-05-01T10:00:00.000Z"));
    world.add_project("P", "P");
    world.set_seed(7);
    world.set_index_lag(IndexLag::Some { share: 0.5, lag: 1_000 });
    world.create_many("P", 100).unwrap();
    let before = search(&world, IN_ORDER, &SearchOptions::default()).unwrap().total;
    assert!((20..80).contains(&before), "{before}");
    world.flush_index();
    assert_eq!(search(&world, IN_ORDER, &SearchOptions::default()).unwrap().total, 100);
}

#[test]
fn a_reindex_can_move_index_times_past_the_documents() {
    let (mut world, ids) = small_world();
    world.advance(Duration::from_secs(3600));
    let now = world.now();
    let before = world.issue(ids[0]).unwrap().fields_json();
    world.reindex_to(&Scope::Project("P".to_owned()), None);
    assert_eq!(since(&world, now), ["P-1", "P-2", "P-3"]);
    assert_eq!(world.issue(ids[0]).unwrap().fields_json(), before);
    world.reindex_to_document(&Scope::All);
    assert!(since(&world, now).is_empty());
}

#[test]
fn ghosts_are_counted_and_bring_no_row() {
    let (mut world, ids) = small_world();
    world.delete_leaving_ghost(ids[0]).unwrap();
    let hits = search(&world, IN_ORDER, &SearchOptions::default()).unwrap();
    assert_eq!((hits.total, since(&world, 0).len()), (3, 2));
    world.reindex_to_document(&Scope::Project("P".to_owned()));
    assert_eq!(search(&world, IN_ORDER, &SearchOptions::default()).unwrap().total, 2);
    world.clear_index();
    assert_eq!(search(&world, IN_ORDER, &SearchOptions::default()).unwrap().total, 0);
    world.reindex_to_document(&Scope::All);
    assert_eq!(since(&world, 0).len(), 2);
}

#[test]
fn what_moves_updated_moves_it_and_the_rest_does_not() {
    let (mut world, ids) = small_world();
    let (a, b) = (ids[0], ids[1]);
    let mut moves = |what: &str, who: u64, expected: bool, act: &mut dyn FnMut(&mut World)| {
        world.advance(Duration::from_secs(5));
        let before = world.issue(who).unwrap().updated();
        act(&mut world);
        let after = world.issue(who).unwrap().updated();
        assert_eq!(after != before, expected, "{what}");
        assert_eq!(world.index_entry(who).unwrap().updated, after.map(|at| at / 1000), "{what}");
    };
    let (mut comment, mut worklog, mut link) = (0, 0, 0);
    moves("edit", a, true, &mut |w| w.edit(a, &[("summary", "x".into())]).unwrap());
    moves("comment", a, true, &mut |w| comment = w.add_comment(a, "hello").unwrap());
    moves("comment edit", a, true, &mut |w| w.edit_comment(a, comment, "bye").unwrap());
    moves("comment delete", a, true, &mut |w| w.delete_comment(a, comment).unwrap());
    moves("worklog", a, true, &mut |w| worklog = w.add_worklog(a, 3600).unwrap());
    moves("worklog delete", a, true, &mut |w| w.delete_worklog(a, worklog).unwrap());
    moves("attachment", a, true, &mut |w| assert!(w.add_attachment(a, "x.txt", 3).unwrap() > 0));
    moves("link, far end", b, true, &mut |w| link = w.add_link(a, b).unwrap());
    moves("unlink, far end", b, true, &mut |w| w.remove_link(a, link).unwrap());
    moves("hide", a, false, &mut |w| w.hide(a).unwrap());
    moves("unhide", a, false, &mut |w| w.unhide(a).unwrap());
    moves("silent edit", a, false, &mut |w| w.edit_silently(a, "summary", &"y".into()).unwrap());
    moves("move", a, true, &mut |w| drop(w.move_issue(a, "Q").unwrap()));
    moves("clear", a, true, &mut |w| w.clear_updated(a).unwrap());
}

#[test]
fn a_bulk_edit_lands_in_one_second_and_writes_every_changelog() {
    let mut world = World::new(at("2024-05-01T10:00:00.500Z"));
    world.add_project("P", "P");
    let ids = world.create_many("P", 300).unwrap();
    world.advance(Duration::from_secs(60));
    world.bulk_edit(&ids, &[("priority", "Minor".into())]).unwrap();
    let stamps: std::collections::HashSet<_> =
        ids.iter().map(|id| world.issue(*id).unwrap().updated()).collect();
    assert_eq!(stamps.len(), 1);
    let history = world.issue(ids[0]).unwrap().histories()[0].to_value().unwrap();
    assert_eq!(history["items"][0]["fromString"], "Major");
    assert_eq!(history["items"][0]["toString"], "Minor");
}
