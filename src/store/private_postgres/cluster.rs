//! The files of the database cluster: made once, whole or not at all, and never by two at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use postgresql_commands::CommandBuilder;
use postgresql_commands::initdb::InitDbBuilder;
use tokio::time::{Instant, timeout_at};

use super::account::{self, Account};
use super::find::Install;
use super::layout::Layout;
use super::presence::Turn;
use super::{PrivatePostgresError, ROLE, server_log};

/// The major version of the existing cluster, or None if there is none yet.
pub(super) fn major(layout: &Layout) -> Result<Option<u32>, PrivatePostgresError> {
    let path = layout.cluster.join("PG_VERSION");
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|source| {
            let source = io::Error::new(io::ErrorKind::InvalidData, source);
            PrivatePostgresError::io("understand", &path)(source)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_strange_files(&layout.cluster)?;
            Ok(None)
        }
        Err(error) => Err(PrivatePostgresError::io("read", &path)(error)),
    }
}

/// A directory in the cluster's place without a version file is nothing of ours.
fn refuse_strange_files(cluster: &Path) -> Result<(), PrivatePostgresError> {
    if !cluster.exists() {
        return Ok(());
    }
    Err(PrivatePostgresError::NotAllowed {
        path: cluster.to_path_buf(),
        reason:
            "it exists but is no Postgres cluster; move it away or choose another data directory"
                .to_owned(),
        source: None,
    })
}

/// Refuses a cluster that belongs to somebody else than the server's account.
pub(super) fn check_owner(layout: &Layout, account: &Account) -> Result<(), PrivatePostgresError> {
    match layout.cluster.metadata() {
        Ok(meta) if meta.uid() != account.uid() => Err(PrivatePostgresError::NotAllowed {
            path: layout.cluster.clone(),
            reason: format!(
                "it belongs to {}, and the server would run as {}; run as its owner, or choose \
                 another data directory",
                account::user_name(meta.uid()),
                account.name()
            ),
            source: None,
        }),
        _ => Ok(()),
    }
}

/// Makes the cluster beside its place and then names it, so that a kill at any instant leaves
/// either none or a whole one. With `durable`, `initdb` flushes every file before the name is given.
pub(super) async fn create(
    layout: &Layout,
    install: &Install,
    account: &Account,
    durable: bool,
    turn: &Turn,
    deadline: Instant,
) -> Result<(), PrivatePostgresError> {
    let staging = &layout.staging;
    if staging.exists() {
        std::fs::remove_dir_all(staging).map_err(PrivatePostgresError::io("remove", staging))?;
    }
    std::fs::create_dir(staging).map_err(PrivatePostgresError::io("create", staging))?;
    account.give(staging)?;
    let made = run_initdb(layout, install, account, durable, turn, deadline).await;
    if let Err(error) = made {
        // The first error is the one worth telling; the next start removes what stays.
        drop(std::fs::remove_dir_all(staging));
        return Err(error);
    }
    std::fs::rename(staging, &layout.cluster)
        .and_then(|()| File::open(&layout.data_dir)?.sync_all())
        .map_err(PrivatePostgresError::io("name", &layout.cluster))
}

async fn run_initdb(
    layout: &Layout,
    install: &Install,
    account: &Account,
    durable: bool,
    turn: &Turn,
    deadline: Instant,
) -> Result<(), PrivatePostgresError> {
    let mut builder = InitDbBuilder::new()
        .program_dir(&install.bin_dir)
        .pgdata(&layout.staging)
        .username(ROLE)
        .auth_local("trust")
        .auth_host("reject")
        .encoding("UTF8")
        .locale("C")
        .data_checksums()
        .no_instructions();
    if !durable {
        builder = builder.no_sync();
    }
    let mut command = builder.build_tokio();
    super::isolate(&mut command, account, layout);
    let initdb = || PrivatePostgresError::io("run", &install.bin_dir.join("initdb"));
    command
        .stdin(turn.lend().map_err(initdb())?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let failed = |text: &str| {
        if server_log::tells_of_full_disk(text) {
            return PrivatePostgresError::DiskFull { path: layout.data_dir.clone() };
        }
        PrivatePostgresError::InitFailed {
            data_dir: layout.data_dir.clone(),
            output: server_log::last_lines(text),
        }
    };
    let output = timeout_at(deadline, command.output())
        .await
        .map_err(|_| failed("initdb took too long"))?
        .map_err(initdb())?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(failed(&text))
}
