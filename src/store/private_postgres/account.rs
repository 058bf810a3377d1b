//! The system account that the server programs run as: ours, or another one when we are root.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, getegid, geteuid};
use tokio::process::Command;

use super::PrivatePostgresError;

/// Accounts that may run the server when we are root, best first.
const SERVER_USERS: [&str; 2] = ["extractor", "postgres"];

/// The user and group of the server's processes and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    switch: bool,
}

impl Account {
    /// Ourselves; as root, the owner of an existing cluster, else a user named `extractor` or
    /// `postgres`.
    pub(super) fn choose(cluster: &Path) -> Result<Self, PrivatePostgresError> {
        if !geteuid().is_root() {
            return Ok(Self::ourselves());
        }
        if let Ok(owner) = cluster.metadata()
            && owner.uid() != 0
        {
            return Ok(Self::other(owner.uid(), primary_group(&owner)));
        }
        SERVER_USERS
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .map(|user| Self::other(user.uid.as_raw(), user.gid.as_raw()))
            .ok_or(PrivatePostgresError::NoServerUser)
    }

    fn ourselves() -> Self {
        Self { uid: geteuid().as_raw(), gid: getegid().as_raw(), switch: false }
    }

    fn other(uid: u32, gid: u32) -> Self {
        Self { uid, gid, switch: true }
    }

    /// The numeric user.
    pub(super) fn uid(&self) -> u32 {
        self.uid
    }

    /// Whether the server runs as somebody else than we do.
    pub(super) fn is_other(&self) -> bool {
        self.switch
    }

    /// Makes `command` run as this account. The standard library drops all other groups with it.
    pub(super) fn apply(&self, command: &mut Command) {
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives a directory that we made to this account.
    pub(super) fn give(&self, path: &Path) -> Result<(), PrivatePostgresError> {
        if !self.switch {
            return Ok(());
        }
        lchown(path, Some(self.uid), Some(self.gid))
            .map_err(PrivatePostgresError::io("change the owner of", path))
    }

    /// The first directory on the way to `path` that this account may not enter, by its mode.
    pub(super) fn blocked_at(&self, path: &Path) -> Option<PathBuf> {
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        ancestors
            .into_iter()
            .find(|dir| dir.metadata().is_ok_and(|meta| meta.is_dir() && !self.may_enter(&meta)))
            .map(Path::to_path_buf)
    }

    fn may_enter(&self, meta: &Metadata) -> bool {
        let bit = if meta.uid() == self.uid {
            0o100
        } else if meta.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        meta.permissions().mode() & bit != 0
    }

    /// What to call this account in a message.
    pub(super) fn name(&self) -> String {
        user_name(self.uid)
    }
}

/// What to call a user in a message.
pub(super) fn user_name(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("user {uid}"), |user| format!("user {}", user.name))
}

fn primary_group(owner: &Metadata) -> u32 {
    User::from_uid(Uid::from_raw(owner.uid()))
        .ok()
        .flatten()
        .map_or(owner.gid(), |user| user.gid.as_raw())
}
