//! The shipped files agree with the code: neither has a key that the other lacks.

use ::config::{FileFormat, Map, Value, ValueKind};

use super::*;
use crate::config::{environment, file, form};

fn leaves(prefix: &str, tables: Map<String, Value>, found: &mut Vec<String>) {
    for (name, value) in tables {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value.kind {
            ValueKind::Table(inner) => leaves(&path, inner, found),
            _ => found.push(path),
        }
    }
}

#[test]
fn the_defaults_file_has_every_key_and_no_other() {
    let mut written = Vec::new();
    leaves("", file::parse(DEFAULTS, FileFormat::Toml).unwrap(), &mut written);
    written.sort();
    let mut known: Vec<String> = form::KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
    known.sort();
    assert_eq!(written, known);
}

/// The sections deny unknown fields and default none, so loading the defaults proves that the
/// sections and the file have the same keys; a `…_file` key has its plain twin.
#[test]
fn the_sections_have_every_key_and_no_other() {
    Machine::new().loaded();
    for (key, _) in form::KEYS {
        if let Some(plain) = key.strip_suffix("_file") {
            assert!(form::known(plain).is_some(), "{key}");
        }
    }
}

#[test]
fn every_key_of_the_defaults_file_is_explained() {
    let mut explained = false;
    for (number, line) in DEFAULTS.lines().enumerate() {
        if line.starts_with('#') {
            explained = true;
        } else if line.trim().is_empty() || line.starts_with('[') {
            explained = false;
        } else {
            assert!(explained, "line {} has no comment above it: {line}", number + 1);
            let secret_twin = line.contains("_file") || line.starts_with("url");
            let credential = ["token", "email", "username", "password", "salt"];
            let belongs_to_a_group =
                secret_twin || credential.iter().any(|name| line.starts_with(name));
            explained = belongs_to_a_group;
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_default_profile() {
    let loaded = Machine::new().loaded();
    let of_the_profile: Vec<_> = loaded
        .settings
        .iter()
        .filter(|setting| setting.origin == Origin::Profile(Profile::Balanced))
        .collect();
    assert_eq!(of_the_profile.len(), 5);
    let defaults = file::keys(DEFAULTS, FileFormat::Toml, &Origin::Default).unwrap();
    for setting in of_the_profile {
        let default = defaults.iter().find(|written| written.key == setting.key).unwrap();
        assert_eq!(setting.value.as_deref(), Some(default.value.to_string().as_str()));
    }
}

#[test]
fn every_profile_sets_the_same_five_keys() {
    for profile in Profile::ALL {
        let machine = Machine::new().flags(|flags| flags.profile = Some(profile));
        let set = machine.loaded().settings;
        let keys: Vec<_> =
            set.iter().filter(|s| s.origin == Origin::Profile(profile)).map(|s| s.key).collect();
        assert_eq!(
            keys,
            [
                "jira.requests_per_second",
                "jira.burst",
                "jira.max_in_flight",
                "jira.batch_size",
                "jira.max_attempts"
            ]
        );
    }
}

#[test]
fn a_listing_of_the_settings_reads_back_as_the_same_configuration() {
    let first = Machine::new().loaded();
    let mut machine = Machine::new();
    for setting in &first.settings {
        let value = setting.value.as_deref().unwrap();
        machine = machine.variable(&environment::variable(setting.key), value);
    }
    assert_eq!(format!("{:?}", machine.config()), format!("{:?}", first.config));
}

#[test]
fn every_example_is_a_valid_configuration() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/config/examples");
    let mut read = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // The secrets they name are not on this machine.
        let machine = Machine::new().file("secret", "postgres://u@h/d");
        let secret = machine.path("secret").display().to_string();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let mut mended = text;
        for there in ["jira_token", "jira_password", "database_url"] {
            mended = mended.replace(&format!("/run/secrets/{there}"), &secret);
        }
        let machine = machine.file(&name, &mended);
        let copy = machine.path(&name);
        let loaded = machine.flags(|flags| flags.file = Some(copy)).loaded();
        assert!(loaded.config.jira.instance().is_ok(), "{name}");
        assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
        read += 1;
    }
    assert!(read >= 4, "only {read} examples in {directory}");
}
