//! `extractor migrate`: applies the schema migrations that the database lacks.

use serde_json::json;

use super::Context;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::words::count;
use crate::daemon::wiring::{Database, Schema};
use crate::store::{Store, StoreError};

pub(super) async fn run(context: &Context) -> Result<Outcome, Failure> {
    let (config, stop) = (&context.loaded.config.database, context.shutdown.token());
    let database = Database::open(config, Schema::Untouched, stop).await?;
    let applied = migrate(database.store()).await;
    database.close().await;
    let applied = applied?;
    context.console.say(&match applied {
        0 => "the schema was up to date".to_owned(),
        applied => format!("{} applied: the schema is up to date", count(applied, "migration")),
    });
    Ok(Outcome { code: ExitCode::Done, json: json!({"applied": applied, "exit_code": 0}) })
}

/// Applies what is missing, and answers how many migrations that were.
async fn migrate(store: &Store) -> Result<u64, StoreError> {
    match store.check_schema().await {
        Ok(()) => Ok(0),
        Err(StoreError::SchemaOutdated { missing }) => {
            store.migrate().await?;
            Ok(missing as u64)
        }
        Err(error) => Err(error),
    }
}
