//! Configuration files as one layer of keys: found, read, and held to the keys that exist.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use config::{FileFormat, Map, Source, Value, ValueKind};

use super::error::ConfigError;
use super::form;
use super::layers::{NO_NEAR_KEY, Written};
use super::nearest::nearest;
use super::origin::Origin;

/// The file to read: the one that was asked for, or the first of `search` that exists.
pub(super) fn find(asked_for: Option<&Path>, search: &[PathBuf]) -> Option<PathBuf> {
    match asked_for {
        Some(path) => Some(path.to_owned()),
        // A file that is there but cannot be looked at is kept: reading it says why.
        None => search
            .iter()
            .find(
                |path| !matches!(fs::metadata(path), Err(e) if e.kind() == io::ErrorKind::NotFound),
            )
            .cloned(),
    }
}

/// What a file sets.
///
/// # Errors
/// Unreadable, of an unknown format, malformed, or with a key that does not exist.
pub(super) fn layer(path: &Path) -> Result<Vec<Written>, ConfigError> {
    let (format, name) = format(path)?;
    let text = fs::read_to_string(path)
        .map_err(|cause| ConfigError::UnreadableFile { path: path.to_owned(), cause })?;
    keys(&text, format, &Origin::File(path.to_owned())).map_err(|error| match error {
        KeysError::Parse(problem) => {
            ConfigError::Malformed { path: path.to_owned(), format: name, problem }
        }
        KeysError::Config(error) => error,
    })
}

/// Why a text is no layer.
#[derive(Debug)]
pub(super) enum KeysError {
    /// It is not TOML, YAML or JSON; the parser's words, without the line itself.
    Parse(String),
    /// It holds something that is no key.
    Config(ConfigError),
}

/// The keys that a text sets.
pub(super) fn keys(
    text: &str,
    format: FileFormat,
    origin: &Origin,
) -> Result<Vec<Written>, KeysError> {
    let tables = parse(text, format).map_err(KeysError::Parse)?;
    let mut written = Vec::new();
    flatten("", tables, origin, &mut written).map_err(KeysError::Config)?;
    Ok(written)
}

/// The text as nested tables.
pub(super) fn parse(text: &str, format: FileFormat) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    config::File::from_str(text, format).collect().map_err(|error| match error {
        config::ConfigError::FileParse { cause, .. } => without_excerpt(&cause.to_string()),
        // Only the kind of the top level is left to be wrong.
        _ => "the top level must be a table of keys".to_owned(),
    })
}

fn format(path: &Path) -> Result<(FileFormat, &'static str), ConfigError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Ok((FileFormat::Toml, "TOML")),
        Some("yaml" | "yml") => Ok((FileFormat::Yaml, "YAML")),
        Some("json") => Ok((FileFormat::Json, "JSON")),
        _ => Err(ConfigError::UnknownFormat { path: path.to_owned() }),
    }
}

/// Drops the lines in which a parser shows the text at fault (`3 | token = …`).
fn without_excerpt(message: &str) -> String {
    let is_excerpt = |line: &str| {
        line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|')
    };
    let kept: Vec<_> = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_excerpt(line))
        .collect();
    kept.join(": ")
}

fn flatten(
    prefix: &str,
    tables: Map<String, Value>,
    origin: &Origin,
    written: &mut Vec<Written>,
) -> Result<(), ConfigError> {
    // In a fixed order, so that of several mistakes the same one is reported each time.
    let mut entries: Vec<_> = tables.into_iter().collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, value) in entries {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match (form::known(&path), value.kind) {
            (_, ValueKind::Nil) => {}
            (Some((key, _)), value) => written.push(Written { key, value, origin: origin.clone() }),
            (None, ValueKind::Table(inner)) => flatten(&path, inner, origin, written)?,
            (None, other) if form::is_section(&path) => {
                let expected = format!("a section with keys in it, such as {}", example(&path));
                let shown =
                    if matches!(other, ValueKind::Array(_)) { "a list" } else { "a single value" };
                return Err(ConfigError::bad_value(&path, shown, origin, expected));
            }
            (None, _) => {
                let advice = nearest(&path)
                    .map_or_else(|| NO_NEAR_KEY.to_owned(), |key| format!("did you mean {key:?}?"));
                return Err(ConfigError::UnknownKey { name: path, origin: origin.clone(), advice });
            }
        }
    }
    Ok(())
}

fn example(section: &str) -> &'static str {
    form::KEYS
        .iter()
        .map(|(key, _)| *key)
        .find(|key| key.split_once('.').is_some_and(|(first, _)| first == section))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_at_fault_is_not_shown_because_it_may_hold_a_secret() {
        for (text, format) in [
            ("[jira]\ntoken = hunter2\"", FileFormat::Toml),
            ("jira:\n  token: \"hunter2\n", FileFormat::Yaml),
            ("{\"jira\": {\"token\": \"hunter2\n\"}}", FileFormat::Json),
        ] {
            let problem = parse(text, format).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
            assert!(problem.contains("line"), "{problem}");
        }
    }

    #[test]
    fn an_empty_file_and_a_null_set_nothing() {
        assert!(keys("", FileFormat::Yaml, &Origin::Default).unwrap().is_empty());
        assert!(keys("# nothing", FileFormat::Yaml, &Origin::Default).unwrap().is_empty());
        assert!(keys("jira:\n  token:\n", FileFormat::Yaml, &Origin::Default).unwrap().is_empty());
    }
}
