//! Each layer beats the ones below it.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::telemetry::LogFormat;

/// The layers below, and what wins with all of them present.
#[rstest::rstest]
#[case(0, "info")]
#[case(1, "error")]
#[case(2, "warn")]
#[case(3, "debug")]
#[case(4, "trace")]
fn a_higher_layer_beats_a_lower_one(#[case] layers: usize, #[case] level: &str) {
    let mut machine = Machine::new();
    if layers >= 1 {
        machine = machine.file("extractor.toml", "[log]\nlevel = 'error'");
    }
    if layers >= 2 {
        machine = machine.file(".env", "EXTRACTOR_LOG__LEVEL=warn");
    }
    if layers >= 3 {
        machine = machine.variable("EXTRACTOR_LOG__LEVEL", "debug");
    }
    if layers >= 4 {
        machine = machine.flags(|flags| flags.log_level = Some("trace".into()));
    }
    assert_eq!(machine.config().log.level, level);
}

#[rstest::rstest]
#[case("fast", 20.0, 100)]
#[case("balanced", 10.0, 50)]
#[case("conservative", 5.0, 25)]
fn a_profile_sets_the_pace(#[case] name: &str, #[case] rate: f64, #[case] batch: u32) {
    let jira = Machine::new().variable("EXTRACTOR_PROFILE", name).config().jira;
    assert_eq!((jira.requests_per_second, jira.batch_size), (rate, batch));
}

#[test]
fn the_profile_of_the_highest_layer_is_the_one_and_stays_below_the_file() {
    let machine = Machine::new()
        .file("extractor.toml", "profile = 'fast'\n[jira]\nbatch_size = 7")
        .variable("EXTRACTOR_PROFILE", "conservative");
    let config = machine.config();
    assert_eq!(config.profile, Profile::Conservative);
    assert_eq!((config.jira.batch_size, config.jira.max_in_flight), (7, 2));

    let machine = machine.flags(|flags| flags.profile = Some(Profile::Fast));
    assert_eq!(machine.config().jira.max_in_flight, 16);
}

#[test]
fn the_file_asked_for_is_the_only_one() {
    let machine = Machine::new()
        .file("etc/extractor.toml", "[log]\nlevel = 'error'\nformat = 'json'")
        .file("extractor.toml", "[log]\nlevel = 'warn'")
        .file("mine.yaml", "jira:\n  site: mine\n");
    let loaded = machine.loaded();
    assert_eq!(loaded.config.log.level, "warn");
    assert_eq!(loaded.config.log.format, LogFormat::Auto);
    assert_eq!(loaded.file, Some(machine.path("extractor.toml")));

    let mine = machine.path("mine.yaml");
    let machine = machine.flags(|flags| flags.file = Some(mine));
    let config = machine.config();
    assert_eq!(config.log.level, "info");
    assert_eq!(config.jira.site.unwrap().as_str(), "mine");
}

#[test]
fn the_system_file_is_read_when_there_is_no_nearer_one() {
    let machine = Machine::new().file("etc/extractor.toml", "[log]\nlevel = 'error'");
    assert_eq!(machine.config().log.level, "error");
}

fn database_url(config: &Config) -> String {
    match &config.database.location {
        DatabaseLocation::Url(url) => url.expose_secret().to_owned(),
        DatabaseLocation::Private { data_dir, .. } => format!("private in {data_dir:?}"),
    }
}

#[test]
fn database_url_lies_between_the_file_and_our_own_variable() {
    let machine = Machine::new();
    assert_eq!(database_url(&machine.config()), "private in None");
    let machine = machine.file("extractor.toml", "[database]\nurl = 'postgres://file/d'");
    assert_eq!(database_url(&machine.config()), "postgres://file/d");
    let machine = machine.variable("DATABASE_URL", "postgres://shared/d");
    assert_eq!(database_url(&machine.config()), "postgres://shared/d");
    let machine = machine.file(".env", "EXTRACTOR_DATABASE__URL=postgres://ours/d");
    assert_eq!(database_url(&machine.config()), "postgres://ours/d");
    let machine = machine.flags(|flags| flags.database_url = Some("postgres://flag/d".into()));
    assert_eq!(database_url(&machine.config()), "postgres://flag/d");
}

#[test]
fn every_form_of_value_can_be_given_in_the_environment() {
    let config = Machine::new()
        .variable("EXTRACTOR_JIRA__BASE_URL", "https://jira.example.com/jira/")
        .variable("EXTRACTOR_JIRA__REQUESTS_PER_SECOND", "0")
        .variable("EXTRACTOR_JIRA__BURST", "3")
        .variable("EXTRACTOR_JIRA__HTTP1_ONLY", "true")
        .variable("EXTRACTOR_JIRA__MAX_BODY", "1MiB")
        .variable("EXTRACTOR_JIRA__TIMEOUT", "250ms")
        .variable("EXTRACTOR_JIRA__FLAVOR", "server")
        .variable("EXTRACTOR_JIRA__CA_BUNDLE", "~/ca.pem")
        .variable("HOME", "/home/u")
        .variable("EXTRACTOR_DATABASE__STATEMENT_TIMEOUT", "0s")
        .variable("EXTRACTOR_SYNC__PROJECTS", "PROJ, OPS,PROJ,")
        .variable("EXTRACTOR_SYNC__OVERLAP", "12h")
        .variable("EXTRACTOR_SYNC__FILTER", "labels = x, y")
        .variable("EXTRACTOR_LOG__FORMAT", "json")
        .config();
    assert_eq!(config.jira.base_url.as_ref().unwrap().as_str(), "https://jira.example.com/jira");
    assert_eq!(config.jira.site.as_ref().unwrap().as_str(), "jira.example.com");
    assert_eq!(config.jira.requests_per_second, 0.0);
    assert_eq!(config.jira.burst, 3);
    assert!(config.jira.http1_only);
    assert_eq!(config.jira.max_body, 1 << 20);
    assert_eq!(config.jira.timeout, Duration::from_millis(250));
    assert_eq!(config.jira.flavor, Flavor::Server);
    assert_eq!(config.jira.ca_bundle, Some("/home/u/ca.pem".into()));
    assert_eq!(config.database.statement_timeout, Duration::ZERO);
    let keys = vec!["PROJ".parse().unwrap(), "OPS".parse().unwrap()];
    assert_eq!(config.sync.projects, Projects::Only(keys));
    assert_eq!(config.sync.overlap.on_server(), Duration::from_secs(12 * 3600));
    assert_eq!(config.sync.filter.as_deref(), Some("labels = x, y"));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn an_empty_variable_is_no_variable() {
    let config = Machine::new()
        .file("extractor.toml", "[jira]\nsite = 's'\nbatch_size = 9")
        .variable("EXTRACTOR_JIRA__SITE", "")
        .variable("EXTRACTOR_JIRA__BATCH_SIZE", "")
        .config();
    assert_eq!(config.jira.site.unwrap().as_str(), "s");
    assert_eq!(config.jira.batch_size, 9);
}

#[test]
fn the_star_is_every_project_and_nothing_is_none() {
    assert_eq!(Machine::new().config().sync.projects, Projects::Only(Vec::new()));
    let all = Machine::new().variable("EXTRACTOR_SYNC__PROJECTS", "*");
    assert_eq!(all.config().sync.projects, Projects::All);
    let all = Machine::new().file("extractor.toml", "[sync]\nprojects = ['*']");
    assert_eq!(all.config().sync.projects, Projects::All);
}

#[test]
fn overlap_is_by_flavour_unless_it_is_fixed() {
    let sync = Machine::new().config().sync;
    assert_eq!(sync.overlap.on_server(), Duration::from_secs(3600));
    assert_eq!(sync.overlap.on_cloud(), Duration::from_secs(12 * 3600));
}

#[test]
fn a_demo_sees_neither_environment_nor_files() {
    let overrides =
        Overrides { base_url: Some("http://127.0.0.1:1".into()), ..Overrides::default() };
    let loaded = load(&Inputs::isolated(overrides)).unwrap();
    assert_eq!(loaded.file, None);
    assert_eq!(loaded.config.jira.instance().unwrap().1.as_str(), "127.0.0.1");
}

#[test]
fn the_short_name_for_the_programs_of_postgres_is_a_lower_layer_too() {
    let bin = |machine: &Machine| match machine.config().database.location {
        DatabaseLocation::Private { postgres_bin, .. } => postgres_bin.unwrap(),
        DatabaseLocation::Url(url) => panic!("{url:?}"),
    };
    let machine = Machine::new()
        .file("extractor.toml", "database.postgres_bin = '/file'")
        .variable("EXTRACTOR_POSTGRES_BIN", "/short");
    assert_eq!(bin(&machine), PathBuf::from("/short"));
    let machine = machine.variable("EXTRACTOR_DATABASE__POSTGRES_BIN", "/long");
    assert_eq!(bin(&machine), PathBuf::from("/long"));
}

#[test]
fn what_differs_is_named_and_secrets_count_by_what_they_are() {
    let machine = |token: &str, schedule: &str| {
        Machine::new()
            .file("token", token)
            .file("extractor.toml", &format!("sync.schedule = '{schedule}'"))
    };
    let loaded = |machine: Machine| {
        let path = machine.path("token").display().to_string();
        machine.variable("EXTRACTOR_JIRA__TOKEN_FILE", &path).loaded()
    };
    let first = loaded(machine("secret-1", "5m"));
    assert!(first.differs_in(&loaded(machine("secret-1\n", "5m"))).is_empty());
    assert_eq!(first.differs_in(&loaded(machine("secret-2", "5m"))), ["jira.token"]);
    let other = loaded(machine("secret-2", "6m"));
    assert_eq!(first.differs_in(&other), ["jira.token", "sync.schedule"]);
    assert!(!format!("{first:?}").contains("secret-1"), "{first:?}");
}
