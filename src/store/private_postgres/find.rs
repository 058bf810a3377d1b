//! Finds installed server programs and their versions. Starts nothing but `postgres --version`.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::PrivatePostgresError;

/// The environment variable that names the directory of `postgres` and `initdb`.
pub const BIN_DIR_VARIABLE: &str = "EXTRACTOR_POSTGRES_BIN";

/// The oldest major version that we run.
pub(super) const OLDEST_MAJOR: u32 = 14;

/// Directories that hold one directory per major version, as `(parent, prefix, suffix)`.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/usr/lib", "postgresql", "bin"),
];

/// Directories that hold one unnamed version.
const PLAIN: [&str; 3] = ["/opt/homebrew/bin", "/usr/local/pgsql/bin", "/usr/libexec/postgresql"];

/// A set of server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Install {
    /// The directory of `postgres` and `initdb`.
    pub(super) bin_dir: PathBuf,
    /// The major version.
    pub(super) major: u32,
}

/// The directories to look in, best first.
#[derive(Debug, Clone)]
pub(super) struct Places {
    dirs: Vec<PathBuf>,
    described: String,
    #[cfg_attr(not(feature = "embedded-download"), expect(dead_code))]
    configured: bool,
}

impl Places {
    /// The configured directory alone if there is one: a wrong setting is to be seen, not passed
    /// over. Else `PATH`, then the usual places, newest version first.
    pub(super) fn new(configured: Option<&Path>) -> Self {
        let variable = std::env::var_os(BIN_DIR_VARIABLE).filter(|value| !value.is_empty());
        if let Some(dir) = configured.map(Path::to_path_buf).or(variable.map(PathBuf::from)) {
            return Self::only(dir);
        }
        let mut dirs = on_path(std::env::var_os("PATH").as_deref());
        for (parent, prefix, suffix) in VERSIONED {
            dirs.extend(by_version(Path::new(parent), prefix, suffix));
        }
        dirs.extend(PLAIN.iter().map(PathBuf::from));
        Self {
            dirs,
            described: "PATH, /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin and other usual places"
                .to_owned(),
            configured: false,
        }
    }

    /// One directory.
    pub(super) fn only(dir: PathBuf) -> Self {
        Self { described: dir.display().to_string(), dirs: vec![dir], configured: true }
    }

    /// Whether somebody said where to look.
    #[cfg(feature = "embedded-download")]
    pub(super) fn is_configured(&self) -> bool {
        self.configured
    }

    /// The programs for the cluster of major version `cluster`, or the best ones for a new cluster.
    pub(super) async fn find(
        &self,
        cluster: Option<u32>,
        data_dir: &Path,
    ) -> Result<Install, PrivatePostgresError> {
        let mut others = Vec::new();
        for dir in &self.dirs {
            let Some(install) = inspect(dir).await else {
                continue;
            };
            let fits =
                cluster.map_or(install.major >= OLDEST_MAJOR, |major| major == install.major);
            if fits {
                return Ok(install);
            }
            others.push(format!("{} ({})", install.major, install.bin_dir.display()));
        }
        match cluster {
            Some(cluster) if !others.is_empty() => Err(PrivatePostgresError::VersionMismatch {
                data_dir: data_dir.to_path_buf(),
                cluster,
                installed: others.join(", "),
            }),
            _ => Err(PrivatePostgresError::NotInstalled { searched: self.described.clone() }),
        }
    }
}

/// The directories of `PATH`, with links resolved: `postgres` is often a link to a directory that
/// holds `initdb` as well.
fn on_path(path: Option<&OsStr>) -> Vec<PathBuf> {
    let dirs = path.map(std::env::split_paths);
    dirs.into_iter()
        .flatten()
        .filter_map(|dir| dir.join("postgres").canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_path_buf))
        .collect()
}

/// `parent/<prefix>N/suffix`, the highest N first.
fn by_version(parent: &Path, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let major = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join(suffix)))
        })
        .collect();
    found.sort_by_key(|(major, _)| Reverse(*major));
    found.into_iter().map(|(_, dir)| dir).collect()
}

async fn inspect(dir: &Path) -> Option<Install> {
    if !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().await.ok()?;
    let major = parse_major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Install { bin_dir: dir.to_path_buf(), major })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_releases_and_previews() {
        let cases = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres: command not found", None),
            ("", None),
        ];
        for (text, major) in cases {
            assert_eq!(parse_major(text), major, "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_as_numbers_newest_first() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9", "14", "100", "contrib", "15"] {
            std::fs::create_dir(parent.path().join(name)).unwrap();
        }
        let found = by_version(parent.path(), "", "bin");
        let expected: Vec<PathBuf> = ["100", "15", "14", "9"]
            .iter()
            .map(|name| parent.path().join(name).join("bin"))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_link_on_the_path_leads_to_the_real_directory() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (real, links) = (root.join("real"), root.join("links"));
        std::fs::create_dir_all(&real).unwrap();
        std::fs::create_dir_all(&links).unwrap();
        std::fs::write(real.join("postgres"), "").unwrap();
        std::os::unix::fs::symlink(real.join("postgres"), links.join("postgres")).unwrap();
        assert_eq!(on_path(Some(links.as_os_str())), vec![real]);
    }
}
