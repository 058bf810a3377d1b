//! What every file looks like.

use super::source::{Source, production, read, sources};

/// Lines a Rust file may have.
const LONGEST: usize = 500;

fn all() -> Vec<Source> {
    ["src", "crates", "tests", "benches"].into_iter().flat_map(sources).collect()
}

#[test]
fn every_file_opens_with_what_it_owns() {
    let silent: Vec<String> = all()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn no_file_is_longer_than_a_sitting() {
    for source in all() {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", source.path);
    }
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= 150, "ARCHITECTURE.md has {lines} lines");
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    for (path, code) in production("src").into_iter().chain(production("crates")) {
        assert!(!code.contains(".unwrap()"), "{path}");
    }
}

#[test]
fn nothing_is_named_for_being_left_over() {
    for source in all() {
        for name in source.path.trim_end_matches(".rs").split('/') {
            let vague = ["utils", "util", "common", "helpers", "helper", "types", "misc"];
            assert!(!vague.contains(&name) && !name.contains("manager"), "{}", source.path);
        }
    }
}

#[test]
fn migrations_are_named_by_instant_and_subject() {
    let folder = super::source::root().join("migrations");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (instant, subject) = name.split_once('_').unwrap_or_else(|| panic!("{name}"));
        assert!(instant.len() == 14 && instant.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
        assert!(subject.ends_with(".sql") && subject.to_lowercase() == subject, "{name}");
        seen += 1;
    }
    assert!(seen > 0);
}
