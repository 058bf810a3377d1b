//! The environment and the `.env` file as one layer of keys. Reads what it is given; the process's
//! own environment is never changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use config::ValueKind;

use super::error::ConfigError;
use super::form;
use super::layers::Written;
use super::nearest::nearest;
use super::origin::Origin;

/// Variables that stand for a key under another name: the one that many programs share, and the
/// short one that the search for Postgres documents. The key's own variable wins over them.
const ALIASES: [(&str, &str); 2] =
    [("DATABASE_URL", "database.url"), ("EXTRACTOR_POSTGRES_BIN", "database.postgres_bin")];
const PREFIX: &str = "EXTRACTOR_";

/// The variables of a `.env` file; none when there is no such file.
///
/// # Errors
/// [`ConfigError::UnreadableFile`], or [`ConfigError::MalformedDotEnv`] with the line's number: its
/// text may hold a secret.
pub(super) fn read_dot_env(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let unreadable = |cause| ConfigError::UnreadableFile { path: path.to_owned(), cause };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let variables: Result<Vec<_>, _> = dotenvy::from_read_iter(Cursor::new(&text)).collect();
    variables.map_err(|error| match error {
        dotenvy::Error::Io(cause) => unreadable(cause),
        dotenvy::Error::LineParse(line, _) => {
            let number = text.lines().position(|other| other.trim() == line.trim());
            ConfigError::MalformedDotEnv {
                path: path.to_owned(),
                line: number.map_or(0, |n| n + 1),
            }
        }
        _ => ConfigError::MalformedDotEnv { path: path.to_owned(), line: 0 },
    })
}

/// What the environment and the `.env` file set. A variable of the real environment wins over the
/// same one in the file; an empty variable counts as unset.
///
/// # Errors
/// [`ConfigError::UnknownVariable`] for a variable with our prefix that is no key.
pub(super) fn layer(
    environment: &BTreeMap<String, String>,
    dot_env: Vec<(String, String)>,
    dot_env_path: &Path,
) -> Result<Vec<Written>, ConfigError> {
    let mut variables: BTreeMap<String, (String, Origin)> = BTreeMap::new();
    for (name, value) in dot_env {
        let origin = Origin::DotEnv { variable: name.clone(), file: dot_env_path.to_owned() };
        variables.insert(name, (value, origin));
    }
    for (name, value) in environment {
        variables.insert(name.clone(), (value.clone(), Origin::Environment(name.clone())));
    }
    let mut written = Vec::new();
    for (name, (value, origin)) in variables {
        if value.is_empty() {
            continue;
        }
        let key = if let Some((_, key)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
            *key
        } else if let Some(rest) = name.strip_prefix(PREFIX) {
            if is_service_link(rest) {
                continue;
            }
            let spelled = rest.to_lowercase().replace("__", ".");
            match form::known(&spelled) {
                Some((key, _)) => key,
                None => {
                    return Err(ConfigError::UnknownVariable { origin, advice: advice(&spelled) });
                }
            }
        } else {
            continue;
        };
        written.push(Written { key, value: ValueKind::String(value), origin });
    }
    Ok(written)
}

/// Whether a variable stands for a key under another name than the key's own.
pub(super) fn is_alias(variable: &str) -> bool {
    ALIASES.iter().any(|(alias, _)| *alias == variable)
}

/// The variable that stands for a key: EXTRACTOR_JIRA__BASE_URL for `jira.base_url`.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// Kubernetes gives every pod variables for each service of its namespace. When the service is
/// called `extractor` they carry our prefix without being meant for us.
fn is_service_link(rest: &str) -> bool {
    rest == "SERVICE_HOST"
        || rest == "PORT"
        || rest.starts_with("SERVICE_PORT")
        || rest
            .strip_prefix("PORT_")
            .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
}

fn advice(spelled: &str) -> String {
    nearest(spelled).map_or_else(
        || super::layers::NO_NEAR_KEY.to_owned(),
        |key| format!("did you mean {}?", variable(key)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_variable_that_leads_back_to_it() {
        for (key, _) in form::KEYS {
            let environment = BTreeMap::from([(variable(key), "x".to_owned())]);
            let written = layer(&environment, Vec::new(), Path::new(".env")).unwrap();
            assert_eq!(written[0].key, *key);
        }
    }

    #[test]
    fn variables_of_a_kubernetes_service_called_extractor_are_not_keys() {
        let names =
            ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR"];
        let environment =
            names.iter().map(|name| (format!("EXTRACTOR_{name}"), "10.0.0.1".to_owned())).collect();
        assert!(layer(&environment, Vec::new(), Path::new(".env")).unwrap().is_empty());
    }
}
