//! README.md tells what the program does: its keys, exit codes, tables, files and examples.

use std::collections::{BTreeMap, BTreeSet};

use extractor::cli::ExitCode;
use extractor::config::{DEFAULTS, Inputs, Overrides};

use super::source::{read, root};

/// The cells of the table whose header is `header`, row by row.
fn table(header: &str) -> Vec<Vec<String>> {
    let readme = read("README.md");
    let rows: Vec<Vec<String>> = readme
        .lines()
        .skip_while(|line| *line != header)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let inner = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
            inner.unwrap_or(line).split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "no table {header}");
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let opening = format!("```{language}\n");
    let blocks: Vec<String> = readme
        .split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split("```").next().map(str::to_owned))
        .collect();
    assert!(!blocks.is_empty(), "no block of {language}");
    blocks
}

/// Every key of `config/default.toml` with its default; empty where it is unset.
fn defaults() -> BTreeMap<String, String> {
    let mut section = String::new();
    let mut found = BTreeMap::new();
    for line in DEFAULTS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, value)) = line.split_once(" = ") {
            let value = value.trim_matches(['"', '[', ']']);
            found.insert(format!("{section}{key}"), value.to_owned());
        }
    }
    found
}

#[test]
fn the_table_of_keys_is_that_of_the_defaults_file() {
    let mut shown = BTreeMap::new();
    for row in table("| key | default | meaning |") {
        for key in quoted(&row[0]) {
            assert!(shown.insert(key.clone(), row[1].replace('`', "")).is_none(), "{key} twice");
        }
        assert!(!row[2].is_empty(), "{row:?}");
    }
    assert_eq!(shown, defaults());
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let shown = table("| code | meaning |");
    let expected: Vec<Vec<String>> = ExitCode::ALL
        .into_iter()
        .map(|code| vec![code.code().to_string(), code.meaning().to_owned()])
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_tables_are_those_of_the_migrations() {
    let mut shown = BTreeSet::new();
    for row in table("| table | holds |") {
        shown.extend(quoted(&row[0]));
    }
    let mut made = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("migrations")).unwrap() {
        let sql = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for rest in sql.split("CREATE TABLE ").skip(1) {
            made.extend(rest.split_whitespace().next().map(str::to_owned));
        }
    }
    assert_eq!(shown, made);
}

#[test]
fn the_configuration_examples_are_valid() {
    for (number, example) in blocks("toml").into_iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "postgres://somebody@localhost/somewhere").unwrap();
        let mut mended = example;
        for there in ["/run/secrets/jira_token", "/run/secrets/database_url"] {
            mended = mended.replace(there, &secret.display().to_string());
        }
        let file = directory.path().join("extractor.toml");
        std::fs::write(&file, mended).unwrap();
        let overrides = Overrides { file: Some(file), ..Overrides::default() };
        let loaded = extractor::config::load(&Inputs::isolated(overrides))
            .unwrap_or_else(|error| panic!("example {number}: {error}"));
        assert!(loaded.config.jira.instance().is_ok(), "example {number}");
        assert!(loaded.warnings.is_empty(), "example {number}: {:?}", loaded.warnings);
    }
}

#[test]
fn the_variables_in_the_examples_are_keys() {
    let keys = defaults();
    let mut seen = 0;
    for line in blocks("sh").concat().lines() {
        let Some(name) = line.strip_prefix("export EXTRACTOR_") else { continue };
        let name = name.split('=').next().unwrap_or_default();
        let key = name.to_lowercase().replace("__", ".");
        assert!(keys.contains_key(&key), "{name}");
        seen += 1;
    }
    assert!(seen >= 2);
}

/// The program, where no configuration can be found but what `arguments` name.
fn program(arguments: &[&str]) -> std::process::Output {
    let directory = tempfile::tempdir().unwrap();
    std::process::Command::new(env!("CARGO_BIN_EXE_extractor"))
        .args(arguments)
        .env_clear()
        .current_dir(directory.path())
        .output()
        .unwrap()
}

/// With a configuration file that does not exist, a command line that makes sense ends with 78 and
/// one that does not with 64, before anything is done.
#[test]
fn the_command_lines_in_the_examples_make_sense() {
    let mut seen = 0;
    for line in blocks("sh").concat().lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some(arguments) = line.strip_prefix("extractor ") else { continue };
        let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
        arguments.extend(["--config", "/nonexistent/extractor.toml"]);
        let code = program(&arguments).status.code();
        assert_eq!(code, Some(i32::from(ExitCode::Config.code())), "{line}");
        seen += 1;
    }
    assert!(seen > 4, "only {seen}");
}

#[test]
fn the_commands_are_those_of_the_program() {
    let mut shown = BTreeSet::new();
    for row in table("| command | does |") {
        let lines = quoted(&row[0]);
        let words = lines.iter().filter_map(|line| line.split(' ').nth(1));
        shown.extend(words.filter(|word| !word.starts_with('-')).map(str::to_owned));
    }
    let help = String::from_utf8(program(&["-h"]).stdout).unwrap();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let known: BTreeSet<String> = listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert_eq!(shown, known);
}

#[test]
fn the_files_it_names_are_there() {
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(read).concat();
    let linked = documents.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let named = quoted(&documents);
    let ours = |path: &&str| {
        let first = path.split('/').next().unwrap_or_default();
        path.contains('/')
            && !path.contains([' ', '*'])
            && ["src", "scripts", "config", "migrations", "tests", "crates", ".ci"].contains(&first)
    };
    let mut seen = 0;
    for path in linked
        .filter(|path| !path.starts_with("http"))
        .chain(named.iter().map(String::as_str).filter(ours))
    {
        assert!(root().join(path).exists(), "{path}");
        seen += 1;
    }
    assert!(seen > 10, "only {seen}");
}
