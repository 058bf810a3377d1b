//! The section `[database]`: which Postgres, and how it is used.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::text::unset_if_empty;

/// Which Postgres holds the data.
#[derive(Debug, Clone)]
pub enum DatabaseLocation {
    /// One that somebody runs, by its address with the password.
    Url(SecretString),
    /// A private one, started and stopped by this program.
    Private {
        /// Where its files are; `None` leaves it to `store`, which knows the user's data directory.
        data_dir: Option<PathBuf>,
        /// Where its programs are, if they are not to be looked for.
        postgres_bin: Option<PathBuf>,
    },
}

/// The section `[database]`.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Which Postgres.
    pub location: DatabaseLocation,
    /// The most connections held open.
    pub max_connections: u32,
    /// The longest that one statement may take; zero is no limit.
    pub statement_timeout: Duration,
    /// Whether missing migrations are applied before any work.
    pub auto_migrate: bool,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseSection {
    #[serde(deserialize_with = "unset_if_empty")]
    url: Option<SecretString>,
    #[serde(deserialize_with = "unset_if_empty")]
    data_dir: Option<String>,
    #[serde(deserialize_with = "unset_if_empty")]
    postgres_bin: Option<String>,
    max_connections: u32,
    #[serde(with = "humantime_serde")]
    statement_timeout: Duration,
    auto_migrate: bool,
}

impl DatabaseSection {
    pub(super) fn resolve(self, environment: &BTreeMap<String, String>) -> DatabaseConfig {
        let path = |text: Option<String>| text.map(|text| super::text::path(&text, environment));
        let location = match self.url {
            Some(url) => DatabaseLocation::Url(url),
            None => DatabaseLocation::Private {
                data_dir: path(self.data_dir),
                postgres_bin: path(self.postgres_bin),
            },
        };
        DatabaseConfig {
            location,
            max_connections: self.max_connections,
            statement_timeout: self.statement_timeout,
            auto_migrate: self.auto_migrate,
        }
    }
}

/// Whether a text is the address of a Postgres database.
pub(super) fn is_postgres_url(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
        && Url::parse(text).is_ok()
}

/// The address with its password blotted out; `None` when it cannot be taken apart for certain.
pub fn without_password(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok().filter(|_| is_postgres_url(address))?;
    // An unescaped `/`, `?` or `#` in a password ends what counts as host: the rest of the password
    // would then stand where the database's name does.
    if url.fragment().is_some()
        || url.path().contains('@')
        || url.query().is_some_and(|query| query.contains('@'))
    {
        return None;
    }
    if url.password().is_some() {
        url.set_password(Some("***")).ok()?;
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| {
                let value = if name.contains("password") { "***".into() } else { value };
                (name.into_owned(), value.into_owned())
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("postgres://u:pw@h:5432/db", "postgres://u:***@h:5432/db")]
    #[case("postgresql://u@h/db", "postgresql://u@h/db")]
    #[case("postgres:///db?host=/run/pg", "postgres:///db?host=%2Frun%2Fpg")]
    #[case("postgres://h/db?user=u&password=pw", "postgres://h/db?user=u&password=***")]
    #[case("postgres://h/db?sslpassword=pw", "postgres://h/db?sslpassword=***")]
    fn the_password_is_blotted_out(#[case] address: &str, #[case] shown: &str) {
        assert_eq!(without_password(address).as_deref(), Some(shown));
    }

    #[rstest::rstest]
    #[case("postgres://u:p@ss/w@h/db")]
    #[case("postgres://u:12/w@h/db")]
    #[case("postgres://u:12?w@h/db")]
    #[case("postgres://u:12#w@h/db")]
    #[case("postgres:/u:pw")]
    #[case("u:pw@h")]
    #[case("mysql://u:pw@h/db")]
    fn what_cannot_be_taken_apart_is_not_shown(#[case] address: &str) {
        assert_eq!(without_password(address), None);
    }
}
