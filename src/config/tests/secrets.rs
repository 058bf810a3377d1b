//! Credentials: kept to the letter, read from files, and shown nowhere.

use secrecy::ExposeSecret;

use super::*;

fn token(config: &Config) -> &str {
    match &config.jira.credentials {
        Credentials::Token(token) => token.expose_secret(),
        other => panic!("{other:?}"),
    }
}

#[rstest::rstest]
#[case("0012e3")]
#[case("00123")]
#[case("true")]
#[case("1.0")]
#[case("a,b")]
#[case(" spaced ")]
#[case("$HOME")]
fn a_token_is_kept_to_the_letter(#[case] text: &str) {
    let config = Machine::new().variable("EXTRACTOR_JIRA__TOKEN", text).config();
    assert_eq!(token(&config), text);
    let config = Machine::new().file("extractor.toml", &format!("jira.token = '{text}'")).config();
    assert_eq!(token(&config), text);
    let config = Machine::new().file(".env", &format!("EXTRACTOR_JIRA__TOKEN='{text}'")).config();
    assert_eq!(token(&config), text);
}

#[rstest::rstest]
#[case("secret\n")]
#[case("secret\r\n")]
#[case("secret")]
fn a_token_is_read_from_a_file_without_its_line_end(#[case] contents: &str) {
    let machine = Machine::new().file("token", contents);
    let path = machine.path("token").display().to_string();
    let machine = machine.variable("EXTRACTOR_JIRA__TOKEN_FILE", &path);
    assert_eq!(token(&machine.config()), "secret");
}

#[test]
fn every_credential_and_the_database_can_come_from_a_file() {
    let machine = Machine::new()
        .file("user", "bob\n")
        .file("password", "hunter2\n")
        .file("url", "postgres://u:hunter3@h/d\n");
    let path = |name: &str| machine.path(name).display().to_string();
    let (user, password, url) = (path("user"), path("password"), path("url"));
    let machine = machine
        .variable("EXTRACTOR_JIRA__USERNAME_FILE", &user)
        .variable("EXTRACTOR_JIRA__PASSWORD_FILE", &password)
        .variable("EXTRACTOR_DATABASE__URL_FILE", &url);
    let config = machine.config();
    let Credentials::UserAndPassword { username, password } = &config.jira.credentials else {
        panic!("{config:?}")
    };
    assert_eq!((username.as_str(), password.expose_secret()), ("bob", "hunter2"));
    let DatabaseLocation::Url(url) = &config.database.location else { panic!("{config:?}") };
    assert_eq!(url.expose_secret(), "postgres://u:hunter3@h/d");

    let machine = machine.file("email", "bob@example.com").file("token", "t");
    let path = |name: &str| machine.path(name).display().to_string();
    let (email, token) = (path("email"), path("token"));
    let config = Machine::new()
        .variable("EXTRACTOR_JIRA__EMAIL_FILE", &email)
        .variable("EXTRACTOR_JIRA__TOKEN_FILE", &token)
        .config();
    assert!(
        matches!(config.jira.credentials, Credentials::EmailAndToken { email, .. } if email == "bob@example.com")
    );
}

#[test]
fn a_secret_file_that_cannot_be_read_is_named_with_its_key_and_cause() {
    let machine = Machine::new();
    let path = machine.path("gone").display().to_string();
    assert_eq!(
        machine.variable("EXTRACTOR_JIRA__TOKEN_FILE", &path).complaint(),
        "cannot read the file gone, which jira.token_file names (set in the environment variable \
         EXTRACTOR_JIRA__TOKEN_FILE): No such file or directory (os error 2)"
    );
}

#[rstest::rstest]
#[case("", "is empty")]
#[case("\n", "is empty")]
#[case("hunter2\nhunter3\n", "has more than one line")]
#[case(&"x".repeat(70_000), "is larger than 64 KiB")]
fn a_secret_file_that_holds_no_secret_is_named(#[case] contents: &str, #[case] problem: &str) {
    let machine = Machine::new().file("token", contents);
    let path = machine.path("token").display().to_string();
    assert_eq!(
        machine.variable("EXTRACTOR_JIRA__TOKEN_FILE", &path).complaint(),
        format!(
            "the file token, which jira.token_file names (set in the environment variable \
             EXTRACTOR_JIRA__TOKEN_FILE), {problem}"
        )
    );
}

#[test]
fn a_secret_and_its_file_in_one_layer_contradict_each_other() {
    let machine = Machine::new().file("token", "t");
    let path = machine.path("token").display().to_string();
    let said = machine
        .variable("EXTRACTOR_JIRA__TOKEN_FILE", &path)
        .variable("EXTRACTOR_JIRA__TOKEN", "hunter2")
        .complaint();
    assert_eq!(
        said,
        "jira.token (from the environment variable EXTRACTOR_JIRA__TOKEN) and jira.token_file (from \
         the environment variable EXTRACTOR_JIRA__TOKEN_FILE) are both set; keep one of them"
    );
}

#[test]
fn a_secret_in_a_higher_layer_beats_a_file_in_a_lower_one_and_the_other_way_round() {
    let machine = Machine::new().file("extractor.toml", "jira.token_file = '/nowhere'");
    assert_eq!(token(&machine.variable("EXTRACTOR_JIRA__TOKEN", "env").config()), "env");

    let machine = Machine::new().file("extractor.toml", "jira.token = 'file'").file("token", "t");
    let path = machine.path("token").display().to_string();
    assert_eq!(token(&machine.variable("EXTRACTOR_JIRA__TOKEN_FILE", &path).config()), "t");
}

#[rstest::rstest]
#[case(&["token"], None)]
#[case(&["token", "email"], None)]
#[case(&["username", "password"], None)]
#[case(&["token", "password"], Some("jira.token (from E_TOKEN) and jira.password (from E_PASSWORD) are both set"))]
#[case(&["token", "username"], Some("jira.token (from E_TOKEN) and jira.username (from E_USERNAME) are both set"))]
#[case(&["token", "email", "username"], Some("remove jira.username"))]
#[case(&["token", "username", "password"], Some("keep the token"))]
#[case(&["email", "password"], Some("jira.email (from E_EMAIL) and jira.password (from E_PASSWORD) are both set"))]
#[case(&["email"], Some("jira.email is set (from E_EMAIL) without jira.token"))]
#[case(&["email", "username"], Some("without jira.token"))]
#[case(&["username"], Some("jira.username is set (from E_USERNAME) without jira.password"))]
#[case(&["password"], Some("jira.password is set (from E_PASSWORD) without jira.username"))]
fn credentials_make_one_form_or_are_refused(#[case] set: &[&str], #[case] said: Option<&str>) {
    let mut machine = Machine::new();
    for key in set {
        machine = machine.variable(&format!("EXTRACTOR_JIRA__{}", key.to_uppercase()), "hunter2");
    }
    match said {
        None => drop(machine.config()),
        Some(said) => {
            let complaint = machine.complaint();
            let short = complaint.replace("the environment variable EXTRACTOR_JIRA__", "E_");
            assert!(short.contains(said), "{complaint}");
            assert!(!complaint.contains("hunter2"));
        }
    }
}

#[test]
fn no_secret_is_in_anything_that_can_be_printed() {
    let machine = Machine::new()
        .file("password", "hunter2")
        .variable("EXTRACTOR_JIRA__BASE_URL", "https://jira.example.com")
        .variable("EXTRACTOR_JIRA__USERNAME", "bob")
        .variable("EXTRACTOR_DATABASE__URL", "postgres://u:hunter2@h/d?sslpassword=hunter2");
    let path = machine.path("password").display().to_string();
    let loaded = machine.variable("EXTRACTOR_JIRA__PASSWORD_FILE", &path).loaded();
    let printed = format!("{loaded:?} {loaded:#?}");
    assert!(!printed.contains("hunter2"), "{printed}");

    let shown = |key: &str| loaded.settings.iter().find(|s| s.key == key).unwrap().clone();
    assert_eq!(shown("jira.password").value, None);
    assert_eq!(shown("jira.token").value.as_deref(), Some(""));
    let url = shown("database.url");
    assert_eq!(url.value.as_deref(), Some("postgres://u:***@h/d?sslpassword=***"));
    assert_eq!(url.origin.to_string(), "the environment variable EXTRACTOR_DATABASE__URL");
}
