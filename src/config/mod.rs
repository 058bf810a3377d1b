//! Configuration: layers in, one checked [`Config`] out, with a source for every complaint.
//!
//! From lowest to highest: `config/default.toml` (compiled in), the profile, one file, the
//! environment (with `.env`), the flags. The environment and the places to look for files are
//! arguments ([`Inputs`]); nothing here reads or changes the process's own state except
//! [`Inputs::from_process`]. Each section has a file; what every key must look like is in `form`.
//! What a command needs beyond this is asked for when it is needed ([`JiraConfig::instance`]).

mod base_url;
mod credentials;
mod database;
mod environment;
mod error;
mod file;
mod form;
mod http;
mod jira;
mod layers;
mod log;
mod nearest;
mod origin;
mod overrides;
mod privacy;
mod profile;
mod shutdown;
mod sync;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

pub use credentials::Credentials;
pub use database::{DatabaseConfig, DatabaseLocation, without_password};
pub use environment::variable;
pub use error::ConfigError;
pub use http::HttpConfig;
pub use jira::{Flavor, JiraConfig};
pub use layers::Setting;
pub use log::LogConfig;
pub use origin::Origin;
pub use overrides::Overrides;
pub use profile::Profile;
pub use shutdown::ShutdownConfig;
pub use sync::{Overlap, Projects, SyncConfig};

use crate::model::Privacy;

/// The text of `config/default.toml`: every key, its default and the reason for it.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Everything that decides the configuration.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The environment, by name.
    pub environment: BTreeMap<String, String>,
    /// The `.env` file; it need not exist.
    pub dot_env: PathBuf,
    /// Where to look for a configuration file when the flags name none; the first that exists.
    pub search: Vec<PathBuf>,
    /// The flags.
    pub overrides: Overrides,
}

impl Inputs {
    /// The process's environment, `.env` and `extractor.toml` of the working directory, and
    /// `/etc/extractor/extractor.toml`.
    pub fn from_process(overrides: Overrides) -> Self {
        let environment = std::env::vars_os()
            .map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .collect();
        Self {
            environment,
            dot_env: ".env".into(),
            search: vec!["extractor.toml".into(), "/etc/extractor/extractor.toml".into()],
            overrides,
        }
    }

    /// No environment and no files: the defaults and the flags alone, as the demo wants it.
    pub fn isolated(overrides: Overrides) -> Self {
        Self {
            environment: BTreeMap::new(),
            dot_env: PathBuf::new(),
            search: Vec::new(),
            overrides,
        }
    }
}

/// The configuration, checked. Neither its `Debug` nor any part's shows a secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// How hard Jira is worked, by name.
    pub profile: Profile,
    /// Which Jira, and how.
    pub jira: JiraConfig,
    /// Which Postgres, and how.
    pub database: DatabaseConfig,
    /// What is followed.
    pub sync: SyncConfig,
    /// What is stored of people.
    pub privacy: Privacy,
    /// How long ending may take.
    pub shutdown: ShutdownConfig,
    /// Where operators are answered.
    pub http: HttpConfig,
    /// How much is said.
    pub log: LogConfig,
}

/// A configuration with what there is to say about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is allowed but unwise, one sentence each, to be logged once.
    pub warnings: Vec<String>,
    /// Every key with its effective value and where it was written; secrets hidden.
    pub settings: Vec<Setting>,
    /// The configuration file that was read, if any.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// The keys whose effective values `other` has otherwise, secrets included, in their order. A
    /// secret from a file counts under its plain key, by what the file holds.
    pub fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        self.settings
            .iter()
            .filter(|setting| !setting.key.ends_with("_file"))
            .filter(|setting| {
                let twin = other.settings.iter().find(|twin| twin.key == setting.key);
                twin.is_none_or(|twin| twin.exact != setting.exact)
            })
            .map(|setting| setting.key)
            .collect()
    }
}

/// The sections as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    profile: Profile,
    jira: jira::JiraSection,
    database: database::DatabaseSection,
    sync: sync::SyncSection,
    privacy: privacy::PrivacySection,
    shutdown: ShutdownConfig,
    http: http::HttpSection,
    log: LogConfig,
}

/// Reads every layer and checks what comes out.
///
/// # Errors
/// The first mistake found, with its key, its source and its remedy.
pub fn load(inputs: &Inputs) -> Result<Loaded, ConfigError> {
    let settings = layers::Settings::collect(inputs)?;
    let sections = read(&settings)?;
    let mut warnings = Vec::new();
    let config = Config {
        profile: sections.profile,
        jira: sections.jira.resolve(&settings, &inputs.environment, &mut warnings)?,
        database: sections.database.resolve(&inputs.environment),
        sync: sections.sync.resolve(),
        privacy: sections.privacy.resolve(&settings)?,
        shutdown: sections.shutdown,
        http: sections.http.resolve(&settings)?,
        log: sections.log,
    };
    Ok(Loaded { config, warnings, settings: settings.shown(), file: settings.file })
}

/// Reads the sections. The forms were checked before, so a failure here means that `form` lets
/// something through that a section cannot read; it is still told with its key and source.
fn read(settings: &layers::Settings) -> Result<Sections, ConfigError> {
    settings.tree().and_then(config::Config::try_deserialize).map_err(|error| {
        let key = match &error {
            config::ConfigError::Type { key: Some(key), .. }
            | config::ConfigError::At { key: Some(key), .. }
            | config::ConfigError::NotFound(key) => key.clone(),
            _ => "the configuration".to_owned(),
        };
        let origin = settings.origin(&key);
        ConfigError::bad_value(&key, "the value", &origin, "what config/default.toml describes")
    })
}
