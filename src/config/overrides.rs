//! What the command line sets: the highest layer.

use std::path::PathBuf;

use config::ValueKind;
use secrecy::{ExposeSecret, SecretString};

use super::layers::Written;
use super::origin::Origin;
use super::profile::Profile;

/// The flags that stand for configuration keys; `None` leaves the key to the lower layers.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: the only file that is read.
    pub file: Option<PathBuf>,
    /// `--profile`
    pub profile: Option<Profile>,
    /// `--base-url`
    pub base_url: Option<String>,
    /// `--site`
    pub site: Option<String>,
    /// `--database-url`
    pub database_url: Option<SecretString>,
    /// `--data-dir`
    pub data_dir: Option<String>,
    /// `--no-migrate` is `Some(false)`.
    pub auto_migrate: Option<bool>,
    /// `--log-format`
    pub log_format: Option<String>,
    /// `--log-level`
    pub log_level: Option<String>,
}

impl Overrides {
    pub(super) fn layer(&self) -> Vec<Written> {
        let text = |value: &Option<String>| value.clone().map(ValueKind::String);
        let url = self.database_url.as_ref().map(|url| url.expose_secret().to_owned());
        let profile = self.profile.map(|profile| ValueKind::String(profile.as_str().to_owned()));
        [
            ("profile", "--profile", profile),
            ("jira.base_url", "--base-url", text(&self.base_url)),
            ("jira.site", "--site", text(&self.site)),
            ("database.url", "--database-url", text(&url)),
            ("database.data_dir", "--data-dir", text(&self.data_dir)),
            ("database.auto_migrate", "--no-migrate", self.auto_migrate.map(ValueKind::Boolean)),
            ("log.format", "--log-format", text(&self.log_format)),
            ("log.level", "--log-level", text(&self.log_level)),
        ]
        .into_iter()
        .filter_map(|(key, flag, value)| {
            Some(Written { key, value: value?, origin: Origin::Flag(flag) })
        })
        .collect()
    }
}
