//! The section `[privacy]`: what is stored of people.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::error::ConfigError;
use super::layers::Settings;
use super::text::unset_if_empty;
use crate::model::{HashKey, Privacy, Treatment};

/// Whoever has the database can try names and addresses against a salt that is shorter.
const SHORTEST_SALT: usize = 16;
const SALT: &str = "privacy.salt";
/// The words of `privacy.emails` and `privacy.display_names`.
pub(super) const TREATMENTS: [&str; 3] = ["keep", "hash", "drop"];

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrivacySection {
    emails: String,
    display_names: String,
    #[serde(deserialize_with = "unset_if_empty")]
    salt: Option<SecretString>,
}

impl PrivacySection {
    pub(super) fn resolve(self, settings: &Settings) -> Result<Privacy, ConfigError> {
        // The forms were checked before, so each is one of the words.
        let treatment = |word: &str| word.parse().unwrap_or(Treatment::Drop);
        let (emails, display_names) = (treatment(&self.emails), treatment(&self.display_names));
        if let Some(salt) = &self.salt
            && salt.expose_secret().chars().count() < SHORTEST_SALT
        {
            return Err(ConfigError::bad_value(
                SALT,
                "a value that is not shown, because it may hold a secret,",
                &settings.origin(SALT),
                "at least 16 characters, such as the output of: openssl rand -hex 32",
            ));
        }
        let hashes = [("privacy.emails", emails), ("privacy.display_names", display_names)];
        if let Some((key, _)) = hashes.iter().find(|(_, how)| *how == Treatment::Hash)
            && self.salt.is_none()
        {
            return Err(ConfigError::Incomplete {
                key,
                origin: settings.origin(key),
                wanted: SALT,
                advice: "without it anybody could try names and addresses against the hashes: set \
                         privacy.salt or privacy.salt_file to at least 16 characters that are kept \
                         elsewhere than the database (openssl rand -hex 32), and never change them",
            });
        }
        let salt = self.salt.map(|salt| HashKey::of_salt(salt.expose_secret()));
        Ok(Privacy { emails, display_names, salt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_treatment() {
        assert_eq!(TREATMENTS, Treatment::ALL.map(Treatment::as_str));
    }
}
