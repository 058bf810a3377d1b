//! The arrows between the folders of `src`, and the folders that own the network and the database.

use std::collections::BTreeSet;

use super::source::{Source, read, sources};

/// What each folder may use of the others. ARCHITECTURE.md shows the same table.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("shutdown", &[]),
    ("telemetry", &[]),
    ("jql", &["model"]),
    ("seek", &["jql", "model"]),
    ("jira", &["clock", "jql", "model", "shutdown"]),
    ("store", &["clock", "model"]),
    ("sync", &["clock", "jira", "jql", "model", "seek", "shutdown", "store"]),
    // The forms of keys are checked where they are known: project keys, log filters.
    ("config", &["model", "telemetry"]),
    ("admin", &["clock", "jira", "model", "store", "sync", "telemetry"]),
    // Puts the parts together.
    (
        "daemon",
        &[
            "admin",
            "clock",
            "config",
            "jira",
            "jql",
            "model",
            "seek",
            "shutdown",
            "store",
            "sync",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "admin",
            "clock",
            "config",
            "daemon",
            "jira",
            "jql",
            "model",
            "seek",
            "shutdown",
            "store",
            "sync",
            "telemetry",
        ],
    ),
    ("main", &["cli"]),
];

fn allowed(folder: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(from, _)| *from == folder).map(|(_, to)| *to)
}

/// The names that follow `prefix`, such as `store` in `crate::store::Store`; of a group, all of its
/// first names.
fn names_after<'a>(code: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(is_name) {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let group = rest.strip_prefix('{').map_or("", |group| {
            let mut depth = 1;
            let end = group.find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth == 0
            });
            &group[..end.unwrap_or(group.len())]
        });
        let mut depth = 0;
        let members = group.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        for member in members.chain([rest]) {
            let member = member.trim_start();
            let name = &member[..member.find(|c| !is_name(c)).unwrap_or(member.len())];
            if !name.is_empty() {
                names.insert(name);
            }
        }
    }
    names
}

/// What a file uses of other folders.
fn uses(source: &Source) -> BTreeSet<&str> {
    let prefix = if source.path == "src/main.rs" { "extractor::" } else { "crate::" };
    let mut used = names_after(&source.code, prefix);
    // In a folder's own file `super` is the crate.
    let is_top = source.path.ends_with("/mod.rs") || source.path.matches('/').count() == 1;
    if is_top && source.path.matches('/').count() <= 2 {
        let from_crate = names_after(&source.code, "super::");
        used.extend(from_crate.into_iter().filter(|name| allowed(name).is_some()));
    }
    used.remove(source.folder());
    used
}

#[test]
fn every_arrow_between_folders_is_in_the_table() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|source| source.path != "src/lib.rs") {
        let Some(allowed) = allowed(source.folder()) else {
            wrong.push(format!("{}: {} is not in the table", source.path, source.folder()));
            continue;
        };
        for used in uses(source).into_iter().filter(|used| !allowed.contains(used)) {
            wrong.push(format!("{} must not use {used}", source.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_from_two_levels_up_are_written_from_the_root() {
    for source in sources("src") {
        assert!(!source.code.contains("super::super::"), "{}", source.path);
    }
}

#[test]
fn the_table_of_arrows_has_no_circle() {
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    while let Some((folder, _)) = ARROWS.iter().find(|(folder, to)| {
        !settled.contains(folder) && to.iter().all(|name| settled.contains(name))
    }) {
        settled.insert(folder);
    }
    let all: BTreeSet<&str> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    assert_eq!(settled, all);
}

#[test]
fn jira_and_store_meet_only_where_the_pipeline_is_run() {
    for (from, other) in [("jira", "store"), ("store", "jira")] {
        assert!(!allowed(from).unwrap().contains(&other));
    }
    let both: Vec<_> = ARROWS
        .iter()
        .filter(|(_, to)| to.contains(&"jira") && to.contains(&"store"))
        .map(|(folder, _)| *folder)
        .collect();
    assert_eq!(both, ["sync", "admin", "daemon", "cli"]);
}

#[test]
fn architecture_shows_the_same_arrows() {
    let text = read("ARCHITECTURE.md");
    let rows = text.lines().skip_while(|line| *line != "| folder | may use |").skip(2);
    let shown: Vec<(String, Vec<String>)> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let names = |cell: &str| -> Vec<String> {
                cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
            };
            (names(cells[0]).concat(), names(cells[1]))
        })
        .collect();
    let expected: Vec<(String, Vec<String>)> = ARROWS
        .iter()
        .map(|(from, to)| ((*from).to_owned(), to.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn only_store_speaks_sql_and_only_jira_speaks_http() {
    // Test files may name a library's errors to build what production code is given.
    for source in sources("src").into_iter().filter(|source| !source.path.contains("_tests.rs")) {
        for (library, owner) in [("sqlx", "store"), ("reqwest", "jira")] {
            let mentions = names_after(&source.code, &format!("{library}::"));
            let inside = source.folder() == owner;
            assert!(inside || mentions.is_empty(), "{} uses {library}", source.path);
        }
    }
}

#[test]
fn first_names_of_paths_are_found() {
    let code = "use crate::store::{Store, Tx};\nuse crate::{jql::{A, B}, model};\nsub_crate::x::y";
    assert_eq!(names_after(code, "crate::"), BTreeSet::from(["jql", "model", "store"]));
}
