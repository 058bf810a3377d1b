//! The layers laid over each other: for each key the value that wins, and where it was written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use config::{FileFormat, ValueKind};
use secrecy::{ExposeSecret, SecretString};

use super::error::ConfigError;
use super::form::{self, Form};
use super::origin::Origin;
use super::profile::{self, Profile};
use super::{DEFAULTS, Inputs, environment, file};

/// What is said when no key is near the one that was written.
pub(super) const NO_NEAR_KEY: &str = "config/default.toml lists every key";
/// No token or address is longer; a file that is, is not the one that was meant.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// One value as one layer writes it.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// The key; one of [`form::KEYS`].
    pub(super) key: &'static str,
    /// The value, not yet checked.
    pub(super) value: ValueKind,
    /// Where it was written.
    pub(super) origin: Origin,
}

/// One key with its effective value: what `extractor check` and a bug report show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// The value as text, empty when unset; `None` when it is set and secret.
    pub value: Option<String>,
    /// Where it was written.
    pub origin: Origin,
    /// The value to the letter, for comparing.
    pub(super) exact: Exact,
}

/// A value that is compared and never shown.
#[derive(Debug, Clone)]
pub(super) struct Exact(SecretString);

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Exact {}

/// The effective value of every key.
#[derive(Debug)]
pub(super) struct Settings {
    values: BTreeMap<&'static str, Written>,
    /// The file that was read, if any.
    pub(super) file: Option<PathBuf>,
}

impl Settings {
    /// Reads every layer and keeps the highest value of each key, checked and with its secrets read.
    pub(super) fn collect(inputs: &Inputs) -> Result<Self, ConfigError> {
        let file = file::find(inputs.overrides.file.as_deref(), &inputs.search);
        let dot_env = environment::read_dot_env(&inputs.dot_env)?;
        let mut above = match &file {
            Some(path) => file::layer(path)?,
            None => Vec::new(),
        };
        above.extend(environment::layer(&inputs.environment, dot_env, &inputs.dot_env)?);
        above.extend(inputs.overrides.layer());

        let mut written = built_in(DEFAULTS, &Origin::Default)?;
        let profile = chosen_profile(&written, &above)?;
        written.extend(profile_layer(profile)?);
        written.extend(above);
        let mut settings = Self { values: highest(written), file };
        settings.settle_files()?;
        settings.check()?;
        Ok(settings)
    }

    /// Where the effective value of a key was written.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.values.get(key).map_or(Origin::Default, |written| written.origin.clone())
    }

    /// Every key with its effective value, secrets hidden.
    pub(super) fn shown(&self) -> Vec<Setting> {
        form::KEYS
            .iter()
            .filter_map(|(key, form)| {
                let written = self.values.get(key)?;
                let value = if is_unset(&written.value) {
                    Some(String::new())
                } else {
                    form.shown(&written.value)
                };
                let exact = Exact(form::text(&written.value).into());
                Some(Setting { key, value, origin: written.origin.clone(), exact })
            })
            .collect()
    }

    /// The values as one tree for the sections to be read from. The `…_file` keys have done their
    /// work by now and are left out.
    pub(super) fn tree(&self) -> Result<config::Config, config::ConfigError> {
        let mut builder = config::Config::builder();
        for (key, written) in &self.values {
            if base_of(key).is_none() {
                builder = builder.set_override(*key, written.value.clone())?;
            }
        }
        builder.build()
    }

    /// Of a key and its `…_file` twin the one in the higher layer counts; in the same layer they
    /// contradict each other. What counts ends up under the plain key.
    fn settle_files(&mut self) -> Result<(), ConfigError> {
        for (file_key, _) in form::KEYS {
            let Some(key) = base_of(file_key) else { continue };
            let (Some(plain), Some(named)) = (self.set(key), self.set(file_key)) else {
                if let Some(named) = self.set(file_key) {
                    let (contents, origin) = read_secret(named)?;
                    self.values.insert(key, Written { key, value: contents, origin });
                }
                continue;
            };
            let (plain_rank, named_rank) = (plain.origin.rank(), named.origin.rank());
            if plain_rank == named_rank {
                return Err(ConfigError::Conflict {
                    first: key,
                    first_origin: Box::new(plain.origin.clone()),
                    second: file_key,
                    second_origin: Box::new(named.origin.clone()),
                    advice: "keep one of them",
                });
            }
            if plain_rank > named_rank {
                let origin = named.origin.clone();
                let value = ValueKind::String(String::new());
                self.values.insert(file_key, Written { key: file_key, value, origin });
            } else {
                let (contents, origin) = read_secret(named)?;
                self.values.insert(key, Written { key, value: contents, origin });
            }
        }
        Ok(())
    }

    fn set(&self, key: &str) -> Option<&Written> {
        self.values.get(key).filter(|written| !is_unset(&written.value))
    }

    fn check(&self) -> Result<(), ConfigError> {
        for (key, form) in form::KEYS {
            if let Some(written) = self.values.get(key) {
                check_value(*form, written)?;
            }
        }
        Ok(())
    }
}

/// The key that a `…_file` key stands in for.
fn base_of(key: &str) -> Option<&'static str> {
    key.strip_suffix("_file").and_then(form::known).map(|(key, _)| key)
}

fn is_unset(value: &ValueKind) -> bool {
    matches!(value, ValueKind::String(text) if text.is_empty())
}

fn check_value(form: Form, written: &Written) -> Result<(), ConfigError> {
    form.check(&written.value).map_err(|expected| {
        let shown = form.shown(&written.value).map_or_else(
            || "a value that is not shown, because it may hold a secret,".to_owned(),
            |text| format!("{text:?}"),
        );
        ConfigError::bad_value(written.key, shown, &written.origin, expected)
    })
}

fn highest(written: Vec<Written>) -> BTreeMap<&'static str, Written> {
    let mut values: BTreeMap<&'static str, Written> = BTreeMap::new();
    for one in written {
        let beaten = values.get(one.key).is_some_and(|old| old.origin.rank() > one.origin.rank());
        if !beaten {
            values.insert(one.key, one);
        }
    }
    values
}

/// The profile that the highest layer names.
fn chosen_profile(defaults: &[Written], above: &[Written]) -> Result<Profile, ConfigError> {
    let named =
        highest(defaults.iter().chain(above).filter(|w| w.key == "profile").cloned().collect());
    let Some(written) = named.get("profile") else { return Ok(Profile::Balanced) };
    if let Some((_, form)) = form::known("profile") {
        check_value(form, written)?;
    }
    Ok(form::profile(&written.value).unwrap_or(Profile::Balanced))
}

fn profile_layer(profile: Profile) -> Result<Vec<Written>, ConfigError> {
    let mut tables = file::parse(profile::text(), FileFormat::Toml).map_err(damaged)?;
    let values = tables.remove(profile.as_str()).and_then(|value| value.into_table().ok());
    let origin = Origin::Profile(profile);
    values
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| match form::known(&format!("jira.{name}")) {
            Some((key, _)) => Ok(Written { key, value: value.kind, origin: origin.clone() }),
            None => Err(damaged(format!("unknown key {name:?}"))),
        })
        .collect()
}

fn built_in(text: &str, origin: &Origin) -> Result<Vec<Written>, ConfigError> {
    file::keys(text, FileFormat::Toml, origin).map_err(|error| match error {
        file::KeysError::Parse(problem) => damaged(problem),
        file::KeysError::Config(error) => error,
    })
}

/// The compiled-in files are tested, so this does not happen; if it does, it is said and not hidden.
fn damaged(problem: String) -> ConfigError {
    ConfigError::Malformed { path: "(compiled in)".into(), format: "TOML", problem }
}

/// Reads the file that a `…_file` key names. The line end that editors add is not part of a secret.
fn read_secret(named: &Written) -> Result<(ValueKind, Origin), ConfigError> {
    let ValueKind::String(path) = &named.value else {
        // A number or a list: `check` says so.
        check_value(Form::Text, named)?;
        return Ok((ValueKind::String(String::new()), named.origin.clone()));
    };
    let (key, path, origin) = (named.key.to_owned(), PathBuf::from(path), named.origin.clone());
    let mut text = String::new();
    let read = File::open(&path)
        .and_then(|file| file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text));
    if let Err(cause) = read {
        return Err(ConfigError::UnreadableSecret { key, path, origin, cause });
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    let problem = if secret.is_empty() {
        "is empty"
    } else if text.len() as u64 > MAX_SECRET_BYTES {
        "is larger than 64 KiB"
    } else if secret.contains(['\r', '\n']) {
        "has more than one line"
    } else {
        let named_by = Box::new(origin);
        let value = ValueKind::String(secret.to_owned());
        return Ok((value, Origin::SecretFile { path, named_by }));
    };
    Err(ConfigError::BadSecret { key, path, origin, problem })
}
