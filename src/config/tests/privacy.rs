//! What may be stored of people, and the secret that hashes are made with.

use super::*;
use crate::model::{HashKey, Treatment};

const SALT: &str = "0123456789abcdef";

#[test]
fn everything_is_kept_unless_told_otherwise() {
    let privacy = Machine::new().config().privacy;
    assert_eq!(privacy, Privacy::default());
    assert_eq!(privacy.fingerprint(), None);
}

#[test]
fn dropping_needs_no_salt() {
    let machine = Machine::new()
        .variable("EXTRACTOR_PRIVACY__EMAILS", "drop")
        .variable("EXTRACTOR_PRIVACY__DISPLAY_NAMES", "drop");
    let privacy = machine.config().privacy;
    assert_eq!((privacy.emails, privacy.display_names), (Treatment::Drop, Treatment::Drop));
}

#[rstest::rstest]
#[case("EMAILS", "privacy.emails")]
#[case("DISPLAY_NAMES", "privacy.display_names")]
fn hashing_needs_one(#[case] variable: &str, #[case] key: &str) {
    let machine = || Machine::new().variable(&format!("EXTRACTOR_PRIVACY__{variable}"), "hash");
    let said = machine().complaint();
    let begins = format!(
        "{key} is set (from the environment variable EXTRACTOR_PRIVACY__{variable}) without privacy.salt;"
    );
    assert!(said.starts_with(&begins) && said.contains("openssl rand -hex 32"), "{said}");
    let salted = machine().variable("EXTRACTOR_PRIVACY__SALT", SALT).config().privacy;
    assert_eq!(salted.salt, Some(HashKey::of_salt(SALT)));
}

#[test]
fn a_short_salt_is_refused_and_not_shown() {
    let short = &SALT[1..];
    let said = Machine::new().variable("EXTRACTOR_PRIVACY__SALT", short).complaint();
    assert!(said.contains("privacy.salt") && said.contains("at least 16 characters"), "{said}");
    assert!(!said.contains(short), "{said}");
}

#[test]
fn the_salt_may_come_from_a_file() {
    let machine = Machine::new().file("salt", SALT);
    let path = machine.path("salt").display().to_string();
    let machine = machine
        .variable("EXTRACTOR_PRIVACY__SALT_FILE", &path)
        .variable("EXTRACTOR_PRIVACY__EMAILS", "hash");
    assert_eq!(machine.config().privacy.salt, Some(HashKey::of_salt(SALT)));
    assert!(!format!("{:?}", machine.config()).contains(SALT));
}
