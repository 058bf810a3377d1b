//! The schema: applying migrations, and refusing a schema that is not ours to use.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::pool::Pool;
use super::reach::soon;
use super::{Store, StoreError};

const MIGRATIONS_TABLE: &str = "extractor.schema_migrations";

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.create_schema("extractor");
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator
}

impl Store {
    /// Applies what is missing of the schema; safe to call from many processes at once.
    ///
    /// # Errors
    /// The `Schema…` variants of [`StoreError`], but for [`StoreError::SchemaOutdated`].
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // Not from the pool: a migration may take longer than a statement is allowed to.
        let mut connection: PgConnection = soon(self.options.connect()).await?;
        let migrator = migrator();
        let migrated = async {
            refuse_foreign_tables(&mut connection).await?;
            let outcome = migrator.run_direct(None, &mut connection, false).await;
            outcome.map_err(|error| refusal(error, &migrator))
        };
        self.pool.reach().while_there(migrated).await?;
        soon(connection.close()).await?;
        Ok(())
    }

    /// Checks that the schema is exactly the one this program knows, without changing it.
    ///
    /// # Errors
    /// The `Schema…` variants of [`StoreError`].
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let migrator = migrator();
        let known: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
        let applied = applied_migrations(&self.pool).await?;
        for row in &applied {
            let ours = migrator.iter().find(|migration| migration.version == row.version);
            match ours {
                None => return Err(newer(row.version, &migrator)),
                _ if !row.success => return Err(StoreError::SchemaDirty { version: row.version }),
                Some(ours) if *ours.checksum != *row.checksum => {
                    return Err(StoreError::SchemaModified { version: row.version });
                }
                Some(_) => {}
            }
        }
        match known.len() - applied.len() {
            0 => Ok(()),
            missing => Err(StoreError::SchemaOutdated { missing }),
        }
    }
}

struct Applied {
    version: i64,
    success: bool,
    checksum: Vec<u8>,
}

/// Newest first, so that a newer schema is reported as such whatever else differs.
async fn applied_migrations(pool: &Pool) -> Result<Vec<Applied>, StoreError> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(MIGRATIONS_TABLE)
        .fetch_one(pool)
        .await?;
    if !exists {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, bool, Vec<u8>)> = sqlx::query_as(
        "SELECT version, success, checksum FROM extractor.schema_migrations ORDER BY version DESC",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(version, success, checksum)| Applied { version, success, checksum })
        .collect())
}

/// Refuses to move in where somebody else's tables already bear our schemas' names.
async fn refuse_foreign_tables(connection: &mut PgConnection) -> Result<(), StoreError> {
    let foreign: Option<String> = sqlx::query_scalar(
        "SELECT table_schema::text FROM information_schema.tables
         WHERE table_schema IN ('jira', 'extractor') AND to_regclass($1) IS NULL
         ORDER BY 1 LIMIT 1",
    )
    .bind(MIGRATIONS_TABLE)
    .fetch_optional(connection)
    .await?;
    foreign.map_or(Ok(()), |schema| Err(StoreError::SchemaForeign { schema }))
}

fn newer(found: i64, migrator: &Migrator) -> StoreError {
    let known = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    StoreError::SchemaNewer { found, known }
}

fn refusal(error: MigrateError, migrator: &Migrator) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => newer(version, migrator),
        MigrateError::VersionMismatch(version) => StoreError::SchemaModified { version },
        MigrateError::Dirty(version) => StoreError::SchemaDirty { version },
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => source.into(),
        other => StoreError::Failed(sqlx::Error::Migrate(Box::new(other))),
    }
}
