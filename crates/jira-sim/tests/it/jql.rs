//! JQL semantics, one fact a line.

use std::time::Duration;

use chrono_tz::Tz;
use jira_sim::{Draft, Imported, SearchOptions, World, search};

use crate::site::{at, small_world};

fn keys_of(world: &World, jql: &str, options: &SearchOptions) -> Result<Vec<String>, String> {
    let hits = search(world, jql, options).map_err(|error| error.to_string())?;
    Ok(hits
        .ids
        .iter()
        .map(|id| {
            world.issue(*id).map_or_else(|| "ghost".to_owned(), |issue| issue.key().to_string())
        })
        .collect())
}

/// P-1 at 10:00:00.000, P-2 at 10:01:01.500, P-3 at 10:02:03.000, Q-1 at 10:03:04.500.
#[test]
fn comparisons_are_made_on_whole_seconds() {
    let (world, _) = small_world();
    let second = at("2024-05-01T10:01:01.000Z");
    let cases = [
        (format!("project = P AND updated >= {second}"), "P-2 P-3"),
        (format!("project = P AND updated >= {}", second + 999), "P-2 P-3"),
        (format!("project = P AND updated >= {}", second + 1000), "P-3"),
        // A row of the same second is not after it, whatever its milliseconds.
        (format!("project = P AND updated > {second}"), "P-3"),
        (format!("project = P AND updated = {second}"), "P-2"),
        (format!("project = P AND updated != {second}"), "P-1 P-3"),
        (format!("project = P AND updated <= {second}"), "P-1 P-2"),
        (format!("project = P AND updated < {second}"), "P-1"),
        // A minute literal is the instant at its start, for every operator.
        (r#"project = P AND updated > "2024-05-01 10:01""#.to_owned(), "P-2 P-3"),
        (r#"project = P AND updated = "2024-05-01 10:01""#.to_owned(), ""),
        (r#"project = P AND updated = "2024/05/01 10:00""#.to_owned(), "P-1"),
        (r#"project = P AND updated < "2024-05-01 10:01""#.to_owned(), "P-1"),
        (r#"project = P AND created >= "2024-05-01""#.to_owned(), "P-1 P-2 P-3"),
        // Quoted digits are minutes from now: nothing, and no error.
        (format!(r#"project = P AND updated >= "{second}""#), ""),
        // The clock stands at 10:04:06.
        ("project = P AND updated >= -3m".to_owned(), "P-3"),
        (r#"updated >= "-3m""#.to_owned(), "P-3 Q-1"),
    ];
    for (jql, expected) in cases {
        let found = keys_of(
            &world,
            &format!("{jql} ORDER BY updated ASC, key ASC"),
            &SearchOptions::default(),
        );
        assert_eq!(found.unwrap().join(" "), expected, "{jql}");
    }
}

#[test]
fn clauses_combine_and_compare_as_jira_does() {
    let (mut world, ids) = small_world();
    world
        .edit(ids[1], &[("status", "Done".into()), ("labels", serde_json::json!(["Nightly"]))])
        .unwrap();
    world.set_now(world.now() + 1000);
    let cases = [
        ("project = P AND status = Done OR project = Q", "P-2 Q-1"),
        ("project = P AND (status = Done OR project = Q)", "P-2"),
        ("project in (P, Q) AND NOT status = \"done\"", "P-1 P-3 Q-1"),
        ("project != P", "Q-1"),
        ("labels = nightly", "P-2"),
        ("labels is EMPTY and project = P", "P-1 P-3"),
        ("labels != other", "P-2"),
        ("assignee is EMPTY AND project = Q", "Q-1"),
        ("assignee = sim", ""),
        ("summary ~ \"IRS\"", "P-1"),
        ("text ~ other", "Q-1"),
        ("key in (P-1, Q-1)", "P-1 Q-1"),
        ("id in (10000, 10003)", "P-1 Q-1"),
        ("key != P-1 AND project = P", "P-2 P-3"),
        ("issuetype = Task AND reporter = sim AND project = Q", "Q-1"),
        ("project = \"Project Q\"", "Q-1"),
        ("updated is EMPTY", ""),
        ("", "P-1 P-2 P-3 Q-1"),
    ];
    for (jql, expected) in cases {
        let found = keys_of(&world, &format!("{jql} ORDER BY key"), &SearchOptions::default());
        assert_eq!(found.unwrap().join(" "), expected, "{jql}");
    }
}

#[test]
fn an_anchor_is_an_issue_first_and_compares_inside_its_project() {
    let (mut world, ids) = small_world();
    for n in 4..=11 {
        world.create("P", Draft::new(&format!("issue {n}"))).unwrap();
    }
    let hidden = world.create("P", Draft::new("hidden")).unwrap();
    world.hide(hidden).unwrap();
    world.move_issue(ids[1], "Q").unwrap();
    let cases = [
        // Numbers, not text: P-9 comes before P-10.
        ("key > P-9", "P-10 P-11"),
        ("key >= \"P-10\" AND project = P", "P-10 P-11"),
        ("issuekey < P-3", "P-1"),
        // Never across projects, though Q's issues have ids above.
        ("id > 10000 AND key < P-4", "P-3"),
        // P-2 became Q-2: by number it is silently about Q.
        ("project = P AND id > 10001", ""),
        ("id >= 10001", "Q-2"),
        // An anchor that is hidden exists, and matches nothing.
        ("key < P-12", ""),
        // An old key is fine for equality.
        ("key = P-2", "Q-2"),
        ("key in (P-2, P-1)", "P-1 Q-2"),
    ];
    for (jql, expected) in cases {
        let found = keys_of(&world, &format!("{jql} ORDER BY key ASC"), &SearchOptions::default());
        assert_eq!(found.unwrap().join(" "), expected, "{jql}");
    }
}

#[test]
fn what_does_not_exist_is_refused_in_jiras_words_unless_validation_is_off() {
    let (mut world, ids) = small_world();
    world.move_issue(ids[1], "Q").unwrap();
    world.add_project("SECRET", "Secret");
    world.forbid_project("SECRET", true);
    world.add_project("OLD", "Old");
    world.archive_project("OLD", true);
    let cases = [
        ("key > P-99", "An issue with key 'P-99' does not exist for field 'key'."),
        ("key = P-99", "An issue with key 'P-99' does not exist for field 'key'."),
        ("id > 77", "A value with ID '77' does not exist for the field 'id'."),
        ("id > -1", "A value with ID '-1' does not exist for the field 'id'."),
        ("id in (10000, 77)", "A value with ID '77' does not exist for the field 'id'."),
        ("key > nonsense", "The issue key 'nonsense' for field 'key' is invalid."),
        ("key > P-2", "Operator '>' cannot be applied to moved issue key 'P-2'."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("project = SECRET", "The value 'SECRET' does not exist for the field 'project'."),
        ("project = OLD", "The value 'OLD' does not exist for the field 'project'."),
    ];
    let lenient = SearchOptions { validate: false, ..SearchOptions::default() };
    for (jql, message) in cases {
        let error = keys_of(&world, jql, &SearchOptions::default()).unwrap_err();
        assert_eq!(error, message, "{jql}");
        let rows = keys_of(&world, jql, &lenient).unwrap();
        assert!(rows.is_empty() || jql.contains("10000"), "{jql}: {rows:?}");
    }
    assert_eq!(keys_of(&world, "id in (10000, 77)", &lenient).unwrap(), ["P-1"]);
    for jql in ["colour = red", "project = ORDER", "project >= P", "updated ~ x", "key is EMPTY"] {
        assert!(keys_of(&world, jql, &lenient).is_err(), "{jql}");
    }
}

#[test]
fn order_is_by_second_then_key_number_and_open_ties_are_shuffled() {
    let mut world = World::new(at("2024-05-01T10:00:00.000Z"));
    world.add_project("P", "P");
    let mut imports = |number: u32, id: u64, updated: &str| {
        let imported = Imported {
            draft: Draft::new("x"),
            id: Some(id),
            number: Some(number),
            created: at("2024-01-01T00:00:00.000Z"),
            updated: Some(at(updated)),
        };
        world.import("P", imported).unwrap();
    };
    // Moved in: a small id under a large number. All in one second, by milliseconds the other way.
    imports(10, 5, "2024-02-01T00:00:00.100Z");
    imports(9, 500, "2024-02-01T00:00:00.900Z");
    imports(2, 700, "2024-02-01T00:00:00.500Z");
    let of = |jql: &str, tie_seed: u64| {
        keys_of(&world, jql, &SearchOptions { tie_seed, ..SearchOptions::default() }).unwrap()
    };
    assert_eq!(of("project = P ORDER BY updated ASC, key ASC", 1), ["P-2", "P-9", "P-10"]);
    assert_eq!(of("project = P ORDER BY id", 1), ["P-2", "P-9", "P-10"]);
    assert_eq!(of("project = P ORDER BY updated DESC, key DESC", 1), ["P-10", "P-9", "P-2"]);
    assert_eq!(of("project = P", 1), ["P-10", "P-9", "P-2"]);
    let shuffled: std::collections::HashSet<_> =
        (0..20).map(|seed| of("project = P ORDER BY updated", seed)).collect();
    assert!(shuffled.len() > 1);
}

#[test]
fn literals_of_the_repeated_hour_skip_its_first_occurrence() {
    for (zone, literal, first, second) in [
        (
            Tz::America__New_York,
            "2024-11-03 01:30",
            "2024-11-03T05:30:00.000Z",
            "2024-11-03T06:30:00.000Z",
        ),
        (
            Tz::Europe__Berlin,
            "2024-10-27 02:30",
            "2024-10-27T00:30:00.000Z",
            "2024-10-27T01:30:00.000Z",
        ),
    ] {
        let mut world = World::new(at(first));
        world.add_project("P", "P");
        world.create("P", Draft::new("before")).unwrap();
        world.set_now(at(second));
        world.create("P", Draft::new("after")).unwrap();
        let options = SearchOptions { zone, ..SearchOptions::default() };
        let found =
            keys_of(&world, &format!("updated >= \"{literal}\" ORDER BY key"), &options).unwrap();
        assert_eq!(found, ["P-2"], "{zone}");
    }
    let (world, _) = small_world();
    for (zone, gap) in
        [(Tz::America__New_York, "2024-03-10 02:30"), (Tz::Europe__Berlin, "2024-03-31 02:30")]
    {
        let options = SearchOptions { zone, ..SearchOptions::default() };
        let error = keys_of(&world, &format!("updated >= \"{gap}\""), &options).unwrap_err();
        assert!(
            error.starts_with(&format!("Date value '{gap}' for field 'updated' is invalid")),
            "{error}"
        );
    }
}

#[test]
fn windows_count_everything_and_return_a_part() {
    let mut world = World::new(at("2024-05-01T10:00:00.000Z"));
    world.add_project("P", "P");
    for _ in 0..10 {
        world.create("P", Draft::new("x")).unwrap();
        world.advance(Duration::from_secs(1));
    }
    for jql in ["project = P ORDER BY updated ASC, key ASC", "project = P ORDER BY key ASC"] {
        let options = SearchOptions { start: 7, limit: 2, ..SearchOptions::default() };
        let hits = search(&world, jql, &options).unwrap();
        assert_eq!(hits.total, 10);
        assert_eq!(keys_of(&world, jql, &options).unwrap(), ["P-8", "P-9"]);
    }
}

/// The shortcut for a project's range must agree with the same query spelt so that it scans.
#[test]
fn the_short_way_through_the_index_counts_what_a_scan_counts() {
    let (mut world, ids) = small_world();
    let from = at("2024-05-01T10:01:01.000Z");
    let order = "ORDER BY updated ASC, key ASC";
    let agree = |world: &World, what: &str, total: usize| {
        let short = format!("project = P AND updated >= {from} {order}");
        let long = format!("(project = P OR project = P) AND updated >= {from} {order}");
        let options = SearchOptions { start: 1, limit: 1, ..SearchOptions::default() };
        let short = search(world, &short, &options).unwrap();
        assert_eq!(short, search(world, &long, &options).unwrap(), "{what}");
        assert_eq!(short.total, total, "{what}");
    };
    agree(&world, "fresh", 2);
    world.hide(ids[1]).unwrap();
    agree(&world, "hidden", 1);
    world.unhide(ids[1]).unwrap();
    agree(&world, "shown", 2);
    world.clear_updated(ids[1]).unwrap();
    agree(&world, "without updated", 1);
    world.touch(ids[1]).unwrap();
    world.set_index_lag(jira_sim::IndexLag::All(1_000));
    world.move_issue(ids[1], "Q").unwrap();
    world.forbid_project("Q", true);
    agree(&world, "moved out of sight, not yet indexed", 1);
    world.flush_index();
    world.delete_leaving_ghost(ids[2]).unwrap();
    agree(&world, "a ghost", 1);
}
