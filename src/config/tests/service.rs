//! The keys of the service: its schedule, its end, and who may ask it over HTTP.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

const TOKEN: &str = "0123456789abcdef";

#[test]
fn the_service_has_defaults_that_need_no_token() {
    let config = Machine::new().config();
    assert_eq!(config.sync.schedule.to_string(), "5m");
    assert_eq!(config.sync.max_runs, 2);
    assert_eq!(config.sync.stalled_after, Duration::from_secs(3600));
    assert_eq!(config.shutdown.grace, Duration::from_secs(20));
    assert_eq!(config.http.listen, Some("127.0.0.1:8080".parse().unwrap()));
    assert!(config.http.token.is_none());
}

#[test]
fn no_address_is_no_http() {
    // An empty variable counts as unset, so this is said in a file.
    let machine = Machine::new().file("extractor.toml", "http.listen = ''");
    assert_eq!(machine.config().http.listen, None);
}

#[rstest::rstest]
#[case("127.0.0.1:0")]
#[case("127.8.8.8:80")]
#[case("[::1]:8080")]
#[case("localhost:8080")]
fn loopback_needs_no_token(#[case] address: &str) {
    let config = Machine::new().variable("EXTRACTOR_HTTP__LISTEN", address).config();
    assert!(config.http.listen.unwrap().ip().is_loopback());
}

#[rstest::rstest]
#[case("0.0.0.0:8080")]
#[case("[::]:8080")]
#[case("10.1.2.3:8080")]
fn an_address_for_others_needs_a_token(#[case] address: &str) {
    let machine = || Machine::new().variable("EXTRACTOR_HTTP__LISTEN", address);
    assert_eq!(
        machine().complaint(),
        "http.listen is set (from the environment variable EXTRACTOR_HTTP__LISTEN) without \
         http.token; other machines can reach this address: set http.token or http.token_file to \
         what they must send, or listen on 127.0.0.1"
    );
    let config = machine().variable("EXTRACTOR_HTTP__TOKEN", TOKEN).config();
    assert_eq!(config.http.token.unwrap().expose_secret(), TOKEN);

    let machine = machine().file("token", &format!("{TOKEN}\n"));
    let path = machine.path("token").display().to_string();
    let config = machine.variable("EXTRACTOR_HTTP__TOKEN_FILE", &path).config();
    assert_eq!(config.http.token.unwrap().expose_secret(), TOKEN);
}

#[rstest::rstest]
#[case("hunter2")]
#[case("hunter2 hunter2 hunter2")]
#[case("hünter2hünter2hünter2")]
fn a_token_that_cannot_be_sent_or_can_be_guessed_is_refused(#[case] token: &str) {
    let said = Machine::new().variable("EXTRACTOR_HTTP__TOKEN", token).complaint();
    assert!(said.starts_with("bad value for http.token: a value that is not shown"), "{said}");
    assert!(said.contains("openssl rand -hex 32") && !said.contains("nter2"), "{said}");
}

#[test]
fn a_token_is_in_nothing_that_can_be_printed() {
    let loaded = Machine::new().variable("EXTRACTOR_HTTP__TOKEN", TOKEN).loaded();
    let printed = format!("{loaded:?} {loaded:#?}");
    assert!(!printed.contains(TOKEN), "{printed}");
}
