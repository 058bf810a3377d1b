//! Where a value came from, so that every message can say it and the higher layer can win.

use std::fmt;
use std::path::PathBuf;

use super::profile::Profile;

/// The place a configuration value was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`, compiled in.
    Default,
    /// The chosen profile, compiled in.
    Profile(Profile),
    /// A configuration file.
    File(PathBuf),
    /// A variable of the process's environment, by name.
    Environment(String),
    /// A variable in a `.env` file.
    DotEnv {
        /// The variable's name.
        variable: String,
        /// The file it stands in.
        file: PathBuf,
    },
    /// A flag of the command line, with its dashes.
    Flag(&'static str),
    /// A file that holds the value, named by a `…_file` key.
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Where the key that names the file was set.
        named_by: Box<Origin>,
    },
}

impl Origin {
    /// The layer, from 0 (the built-in defaults) upwards; a higher one wins.
    ///
    /// `DATABASE_URL` and its like are a layer of their own below the rest of the environment,
    /// because they may be there for another program.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Profile(_) => 1,
            Self::File(_) => 2,
            Self::Environment(name) | Self::DotEnv { variable: name, .. }
                if super::environment::is_alias(name) =>
            {
                3
            }
            Self::Environment(_) | Self::DotEnv { .. } => 4,
            Self::Flag(_) => 5,
            Self::SecretFile { named_by, .. } => named_by.rank(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the built-in defaults"),
            Self::Profile(profile) => write!(f, "the profile {profile}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::DotEnv { variable, file } => {
                write!(f, "the variable {variable} in the file {}", file.display())
            }
            Self::Flag(flag) => write!(f, "the flag {flag}"),
            Self::SecretFile { path, .. } => write!(f, "the file {}", path.display()),
        }
    }
}
