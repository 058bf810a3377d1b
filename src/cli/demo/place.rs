//! Where the demo's Postgres keeps its files, and what becomes of them.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cli::failure::Failure;

/// A directory for the private Postgres.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Removed when the demo ends.
    temporary: Option<TempDir>,
}

impl Place {
    /// The directory that was asked for, which stays; else a temporary one, which stays if it is
    /// to be kept.
    pub(super) fn choose(dir: Option<&Path>, keep: bool) -> Result<Self, Failure> {
        if let Some(dir) = dir {
            return Ok(Self { path: dir.to_path_buf(), temporary: None });
        }
        let make = || {
            let temporary = tempfile::Builder::new().prefix("extractor-demo-").tempdir()?;
            // As root the server runs as another account, which must be able to pass.
            set_permissions(temporary.path(), Permissions::from_mode(0o711))?;
            Ok(temporary)
        };
        let mut temporary =
            make().map_err(|source| Failure::Io { doing: "make a temporary directory", source })?;
        temporary.disable_cleanup(keep);
        let path = temporary.path().join("postgres");
        Ok(Self { path, temporary: (!keep).then_some(temporary) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what is temporary, and says what is left and how to use it again.
    pub(super) fn leave(self) -> String {
        match self.temporary {
            Some(_) => "the demo's database is removed; --keep leaves it in place".to_owned(),
            None => format!(
                "the demo's database is left in {dir}\n  look at it:      extractor status \
                 --data-dir {dir}\n  go on with it:   the same command, with --dir {dir}",
                dir = self.path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_and_others_can_pass_through_it_before() {
        let place = Place::choose(None, false).unwrap();
        let parent = place.path().parent().unwrap().to_path_buf();
        assert_eq!(parent.metadata().unwrap().permissions().mode() & 0o777, 0o711);
        assert!(place.leave().contains("removed"));
        assert!(!parent.exists());
    }

    #[test]
    fn what_was_named_or_is_to_be_kept_stays() {
        let kept = Place::choose(None, true).unwrap();
        let parent = kept.path().parent().unwrap().to_path_buf();
        assert!(kept.leave().contains("with --dir"));
        assert!(parent.exists());
        let named = Place::choose(Some(&parent), false).unwrap();
        assert_eq!(named.path(), parent);
        assert!(named.leave().contains("is left in"));
        assert!(parent.exists());
        std::fs::remove_dir_all(parent).unwrap();
    }
}
