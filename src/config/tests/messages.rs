//! Each mistake is named with its key, its source and its remedy.

use super::*;

#[rstest::rstest]
#[case(
    "x.toml",
    "[jira]\ntokn = 'hunter2'",
    r#"unknown key "jira.tokn" in the file x.toml; did you mean "jira.token"?"#
)]
#[case(
    "x.yaml",
    "base_url: https://h",
    r#"unknown key "base_url" in the file x.yaml; did you mean "jira.base_url"?"#
)]
#[case(
    "x.json",
    r#"{"kafka": {"brokers": "h"}}"#,
    r#"unknown key "kafka.brokers" in the file x.json; config/default.toml lists every key"#
)]
#[case(
    "x.toml",
    "jira = 'https://h'",
    "bad value for jira: a single value from the file x.toml; expected a section with keys in it, \
     such as jira.base_url"
)]
#[case("x.toml", "[jira]\ntimeout = 30",
    r#"bad value for jira.timeout: "30" from the file x.toml; expected a duration above zero, such as 250ms, 30s, 5m or 12h, in quotes"#)]
#[case("x.toml", "[jira]\nbatch_size = 5000",
    r#"bad value for jira.batch_size: "5000" from the file x.toml; expected a whole number from 1 to 1000, such as 10"#)]
#[case("x.toml", "[jira]\nmax_body = 'lots'",
    r#"bad value for jira.max_body: "lots" from the file x.toml; expected a size such as 512KiB or 64MiB"#)]
#[case(
    "x.yaml",
    "jira:\n  http1_only: maybe",
    r#"bad value for jira.http1_only: "maybe" from the file x.yaml; expected true or false"#
)]
#[case("x.toml", "[sync]\nprojects = ['PROJ', 'ops']",
    r#"bad value for sync.projects: "PROJ,ops" from the file x.toml; expected project keys in upper case, such as OPS instead of ops"#)]
#[case("x.toml", "[sync]\nprojects = ['*', 'OPS']",
    r#"bad value for sync.projects: "*,OPS" from the file x.toml; expected "*" alone, because it is every project already"#)]
#[case("x.toml", "[sync]\nschedule = 'daily'",
    r#"bad value for sync.schedule: "daily" from the file x.toml; expected an interval such as 5m, or a cron expression of five fields (minute, hour, day of month, month, day of week; in UTC) such as */15 * * * *"#)]
#[case("x.toml", "[sync]\nschedule = 300",
    r#"bad value for sync.schedule: "300" from the file x.toml; expected an interval such as 5m, or a cron expression (in UTC) such as */15 * * * *, in quotes"#)]
#[case("x.toml", "[http]\nlisten = ':8080'",
    r#"bad value for http.listen: ":8080" from the file x.toml; expected an address and a port such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080 (empty: no HTTP)"#)]
#[case("x.toml", "profile = 'quick'",
    r#"bad value for profile: "quick" from the file x.toml; expected fast, balanced or conservative"#)]
#[case("x.toml", "[jira]\nbase_url = 'jira.example.com'",
    r#"bad value for jira.base_url: "jira.example.com" from the file x.toml; expected an http or https address such as https://jira.example.com/jira"#)]
#[case(
    "x.yaml",
    "jira:\n  token: 0012e3",
    "bad value for jira.token: a value that is not shown, because it may hold a secret, from the file \
     x.yaml; expected a text (shown nowhere), in quotes"
)]
fn a_mistake_in_a_file(#[case] name: &str, #[case] text: &str, #[case] said: &str) {
    let machine = Machine::new().file(name, text);
    let path = machine.path(name);
    assert_eq!(machine.flags(|flags| flags.file = Some(path)).complaint(), said);
}

#[rstest::rstest]
#[case(
    "EXTRACTOR_JIRA__TOKN",
    "hunter2",
    "the environment variable EXTRACTOR_JIRA__TOKN sets no known key; did you mean EXTRACTOR_JIRA__TOKEN?"
)]
#[case(
    "EXTRACTOR_JIRA_TOKEN",
    "hunter2",
    "the environment variable EXTRACTOR_JIRA_TOKEN sets no known key; did you mean EXTRACTOR_JIRA__TOKEN?"
)]
#[case(
    "EXTRACTOR_KAFKA",
    "x",
    "the environment variable EXTRACTOR_KAFKA sets no known key; config/default.toml lists every key"
)]
#[case("EXTRACTOR_JIRA__MAX_ATTEMPTS", "many",
    r#"bad value for jira.max_attempts: "many" from the environment variable EXTRACTOR_JIRA__MAX_ATTEMPTS; expected a whole number from 1 to 20, such as 10"#)]
#[case("EXTRACTOR_LOG__LEVEL", "inof",
    r#"bad value for log.level: "inof" from the environment variable EXTRACTOR_LOG__LEVEL; expected error, warn, info, debug, trace, or filters such as info,extractor::jira=debug"#)]
#[case(
    "EXTRACTOR_JIRA__BASE_URL",
    "https://bob:hunter2@h",
    "bad value for jira.base_url: a value that is not shown, because it may hold a secret, from the \
     environment variable EXTRACTOR_JIRA__BASE_URL; expected an address without credentials in it: \
     put the user name and the password into jira.username and jira.password, or a token into \
     jira.token"
)]
fn a_mistake_in_the_environment(#[case] name: &str, #[case] value: &str, #[case] said: &str) {
    assert_eq!(Machine::new().variable(name, value).complaint(), said);
}

#[test]
fn a_bad_database_address_is_not_shown() {
    let said = Machine::new().variable("DATABASE_URL", "postgres:/u:hunter2").complaint();
    assert!(said.starts_with("bad value for database.url: "), "{said}");
    assert!(said.contains(
        "the environment variable DATABASE_URL; expected an address such as postgres://"
    ));
    assert!(!said.contains("hunter2"), "{said}");
    let said = Machine::new().variable("DATABASE_URL", "mysql://u:hunter2@h/d").complaint();
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_mistake_in_the_dot_env_file_is_placed() {
    let machine = Machine::new().file(".env", "# ours\nEXTRACTOR_JIRA__SIT=x\n");
    assert_eq!(
        machine.complaint(),
        "the variable EXTRACTOR_JIRA__SIT in the file .env sets no known key; did you mean \
         EXTRACTOR_JIRA__SITE?"
    );
    let machine = Machine::new().file(".env", "A=1\nB='hunter2\nC=3\n");
    let said = machine.complaint();
    assert!(said.contains("of the file .env is not of the form NAME=value"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let machine = Machine::new().file(".env", "A=1\nno form at all\n");
    assert_eq!(machine.complaint(), "line 2 of the file .env is not of the form NAME=value");
}

#[test]
fn a_mistake_in_a_flag_names_the_flag() {
    let machine = Machine::new().flags(|flags| flags.log_format = Some("xml".into()));
    assert_eq!(
        machine.complaint(),
        r#"bad value for log.format: "xml" from the flag --log-format; expected auto, pretty or json"#
    );
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_cause() {
    let machine = Machine::new();
    let path = machine.path("gone.toml");
    let said = machine.flags(|flags| flags.file = Some(path)).complaint();
    assert_eq!(
        said,
        "cannot read the configuration file gone.toml: No such file or directory (os error 2)"
    );
}

#[test]
fn a_file_of_no_known_format_says_which_there_are() {
    let machine = Machine::new().file("x.ini", "[jira]");
    let path = machine.path("x.ini");
    let said = machine.flags(|flags| flags.file = Some(path)).complaint();
    assert_eq!(
        said,
        "the configuration file x.ini has no known format; its name must end in .toml, .yaml, .yml \
         or .json"
    );
}

#[test]
fn a_malformed_file_is_placed_without_its_line() {
    let machine = Machine::new().file("extractor.toml", "[jira]\ntoken = hunter2\n");
    let said = machine.complaint();
    assert!(
        said.starts_with("the configuration file extractor.toml is not valid TOML: "),
        "{said}"
    );
    assert!(said.contains("line 2") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_missing_address_says_every_way_to_give_it() {
    let said = Machine::new().config().jira.instance().unwrap_err().to_string();
    for part in [
        "jira.base_url is not set",
        "https://jira.example.com/jira",
        "--base-url",
        "EXTRACTOR_JIRA__BASE_URL",
        "base_url under [jira]",
        "./extractor.toml",
        "--config",
    ] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[test]
fn plain_http_to_another_machine_is_warned_of() {
    let with_token = |url: &str| {
        Machine::new()
            .variable("EXTRACTOR_JIRA__BASE_URL", url)
            .variable("EXTRACTOR_JIRA__TOKEN", "t")
            .loaded()
            .warnings
    };
    assert!(with_token("http://jira.example.com")[0].contains("http://"));
    assert!(with_token("http://localhost:8080").is_empty());
    assert!(with_token("https://jira.example.com").is_empty());
}

#[test]
fn asking_as_nobody_is_warned_of() {
    let machine = Machine::new().variable("EXTRACTOR_JIRA__BASE_URL", "https://jira.example.com");
    assert!(machine.loaded().warnings[0].starts_with("no credentials are set"));
    assert!(Machine::new().loaded().warnings.is_empty());
}
