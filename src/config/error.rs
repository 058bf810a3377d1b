//! Everything that can be wrong with a configuration, each with where it stands and how to mend it.

use std::io;
use std::path::PathBuf;

use super::origin::Origin;

/// Why the configuration cannot be used. The process ends with exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that does not exist, usually a misspelt one.
    #[error("unknown key {name:?} in {origin}; {advice}")]
    UnknownKey {
        /// The key as it was written.
        name: String,
        /// Where it was written.
        origin: Origin,
        /// The nearest known key, or where all of them are listed.
        advice: String,
    },
    /// A variable with our prefix that stands for no key.
    #[error("{origin} sets no known key; {advice}")]
    UnknownVariable {
        /// The variable.
        origin: Origin,
        /// The nearest known variable, or where all of them are listed.
        advice: String,
    },
    /// A value that does not have the form its key wants.
    #[error("bad value for {key}: {shown} from {origin}; expected {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value, quoted; or a stand-in when it may hold a secret.
        shown: String,
        /// Where it was written.
        origin: Origin,
        /// The form that is wanted, with an example.
        expected: String,
    },
    /// A key without a default that this command needs.
    #[error("{key} is not set; {advice}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What to set it to, and every way to do so.
        advice: String,
    },
    /// Two keys that exclude each other.
    #[error(
        "{first} (from {first_origin}) and {second} (from {second_origin}) are both set; {advice}"
    )]
    Conflict {
        /// One key.
        first: &'static str,
        /// Where it was set.
        first_origin: Box<Origin>,
        /// The other key.
        second: &'static str,
        /// Where that was set.
        second_origin: Box<Origin>,
        /// What to do.
        advice: &'static str,
    },
    /// A key that means nothing without another.
    #[error("{key} is set (from {origin}) without {wanted}; {advice}")]
    Incomplete {
        /// The key that is there.
        key: &'static str,
        /// Where it was set.
        origin: Origin,
        /// The key that is not.
        wanted: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A `…_file` key names a file that cannot be read.
    #[error("cannot read the file {path}, which {key} names (set in {origin})", path = path.display())]
    UnreadableSecret {
        /// The `…_file` key.
        key: String,
        /// The file.
        path: PathBuf,
        /// Where the key was set.
        origin: Origin,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// A `…_file` key names a file that holds nothing, or too much to be a secret.
    #[error("the file {path}, which {key} names (set in {origin}), {problem}", path = path.display())]
    BadSecret {
        /// The `…_file` key.
        key: String,
        /// The file.
        path: PathBuf,
        /// Where the key was set.
        origin: Origin,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A configuration file that was asked for, or found, cannot be read.
    #[error("cannot read the configuration file {path}", path = path.display())]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// A configuration file whose name does not say what it is written in.
    #[error(
        "the configuration file {path} has no known format; its name must end in .toml, .yaml, .yml \
         or .json", path = path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A configuration file that is not what its name says.
    #[error("the configuration file {path} is not valid {format}: {problem}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// TOML, YAML or JSON.
        format: &'static str,
        /// The parser's words without the line itself, which may hold a secret.
        problem: String,
    },
    /// A line of the `.env` file that is not `NAME=value`.
    #[error("line {line} of the file {path} is not of the form NAME=value", path = path.display())]
    MalformedDotEnv {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when it is not known.
        line: usize,
    },
}

impl ConfigError {
    pub(super) fn bad_value(
        key: &str,
        shown: impl Into<String>,
        origin: &Origin,
        expected: impl Into<String>,
    ) -> Self {
        Self::BadValue {
            key: key.to_owned(),
            shown: shown.into(),
            origin: origin.clone(),
            expected: expected.into(),
        }
    }
}
