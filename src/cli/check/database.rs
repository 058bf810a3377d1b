//! The database: whether it answers, what it is, and how its schema stands.

use super::finding::{Finding, Findings};
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::words::count;
use crate::config::{DatabaseConfig, DatabaseLocation};
use crate::daemon::wiring::{self, Database, Schema, WiringError};
use crate::store::private_postgres::{
    PrivatePostgres, PrivatePostgresError, PrivatePostgresSettings,
};
use crate::store::{Store, StoreError};

const ABOUT: &str = "database";
const PEOPLE: &str = "people";

pub(super) async fn check(findings: &mut Findings<'_>, context: &Context) {
    let config = &context.loaded.config.database;
    match look(config, context, findings).await {
        Ok(()) => {}
        Err(failure) if failure.is_interruption() => {}
        Err(failure) => findings.add(Finding::fail(ABOUT, &failure)),
    }
}

async fn look(
    config: &DatabaseConfig,
    context: &Context,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    if let DatabaseLocation::Private { .. } = config.location {
        let settings = wiring::private_settings(config)?;
        if !PrivatePostgres::is_created(&settings.data_dir) {
            findings.add(not_created(&settings).await);
            return Ok(());
        }
    }
    let database = Database::open(config, Schema::Untouched, context.shutdown.token()).await?;
    let mut looked = look_inside(database.store(), config, &database).await;
    if let Ok(findings) = &mut looked
        && database.store().check_schema().await.is_ok()
    {
        match look_at_people(database.store(), context).await {
            Ok(more) => findings.extend(more),
            Err(failure) => findings.push(Finding::fail(PEOPLE, &failure)),
        }
    }
    database.close().await;
    looked?.into_iter().for_each(|finding| findings.add(finding));
    Ok(())
}

async fn look_inside(
    store: &Store,
    config: &DatabaseConfig,
    database: &Database,
) -> Result<Vec<Finding>, Failure> {
    let version = store.server_version().await?;
    let place = match database.private() {
        Some(private) => format!("a private one in {}", private.data_dir().display()),
        None => "as configured".to_owned(),
    };
    let answers = Finding::ok(ABOUT, format!("PostgreSQL {version} answers ({place})"));
    let schema = match store.check_schema().await {
        Ok(()) => Finding::ok("schema", "up to date"),
        Err(StoreError::SchemaOutdated { missing }) if config.auto_migrate => Finding::warn(
            "schema",
            format!("lacks {}, which the next run applies", count(missing as u64, "migration")),
            None,
        ),
        Err(error) => Finding::fail("schema", &error.into()),
    };
    Ok(vec![answers, schema])
}

/// Whether people are stored as configured, and erasures have got to their end. Says nothing where
/// that goes without saying.
async fn look_at_people(store: &Store, context: &Context) -> Result<Vec<Finding>, Failure> {
    let config = &context.loaded.config;
    let mut findings = Vec::new();
    let print = config.privacy.fingerprint();
    let others =
        store.count_under_other_privacy(config.jira.site.as_ref(), print.as_deref()).await?;
    if others > 0 {
        findings.push(Finding::warn(
            PEOPLE,
            format!("{} stored under another privacy setting", count(others, "issue")),
            Some("`extractor backfill` of their projects fetches them again"),
        ));
    } else if print.is_some() {
        findings.push(Finding::ok(PEOPLE, "every issue is stored as privacy.* says"));
    }
    for unfinished in store.unfinished_erasures().await? {
        findings.push(Finding::warn(
            PEOPLE,
            format!("the erasure of {} was cut short or is under way", unfinished.pseudonym),
            Some("if nobody is at it, say `extractor users erase` once more, of the same person"),
        ));
    }
    Ok(findings)
}

/// What a run would find that has to create the private Postgres first.
async fn not_created(settings: &PrivatePostgresSettings) -> Finding {
    let place = settings.data_dir.display();
    match PrivatePostgres::find_programs(settings).await {
        Ok((bin_dir, major)) => Finding::ok(
            ABOUT,
            format!(
                "none is configured: the first run creates a private PostgreSQL {major} in {place} \
                 (with the programs in {})",
                bin_dir.display()
            ),
        ),
        Err(PrivatePostgresError::NotInstalled { .. }) if cfg!(feature = "embedded-download") => {
            Finding::warn(
                ABOUT,
                format!("the first run fetches PostgreSQL and creates a private one in {place}"),
                Some("install PostgreSQL, or set DATABASE_URL, if it must not be fetched"),
            )
        }
        Err(error) => Finding::fail(ABOUT, &WiringError::from(error).into()),
    }
}
