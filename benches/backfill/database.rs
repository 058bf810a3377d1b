//! The private Postgres that the benchmark writes to, and its databases.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use extractor::store::private_postgres::{PrivatePostgres, PrivatePostgresSettings};
use extractor::store::{Settings, Store};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::measure::Cpu;

/// A server that lives as long as the benchmark.
pub(crate) struct Database {
    server: PrivatePostgres,
    /// Removed when dropped.
    _dir: TempDir,
    made: AtomicU32,
}

impl Database {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("extractor-bench").tempdir()?;
        let settings = PrivatePostgresSettings::new(dir.path().join("postgres"));
        // Postgres does not run as root, and a temporary directory is its maker's alone.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(dir.path(), open)?;
        let server = PrivatePostgres::start(settings).await?;
        Ok(Self { server, _dir: dir, made: AtomicU32::new(0) })
    }

    /// A new database with the schema and nothing else.
    pub(crate) async fn create(&self) -> anyhow::Result<String> {
        self.made.fetch_add(1, Ordering::Relaxed);
        self.execute(&format!("CREATE DATABASE {}", self.last())).await?;
        let mut url = url::Url::parse(self.server.url())?;
        url.set_path(&self.last());
        let store = connect(url.as_str(), 1).await?;
        store.migrate().await?;
        store.close().await;
        Ok(url.to_string())
    }

    pub(crate) async fn drop_last(&self) -> anyhow::Result<()> {
        self.execute(&format!("DROP DATABASE {} WITH (FORCE)", self.last())).await
    }

    /// Writes out what earlier work has left, so that it does not burden the next.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.execute("CHECKPOINT").await
    }

    /// What the server and its connections have used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        Cpu::of_family(self.server.pid())
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(self.server.stop().await?)
    }

    fn last(&self) -> String {
        format!("bench_{}", self.made.load(Ordering::Relaxed))
    }

    async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        let options: PgConnectOptions = self.server.url().parse()?;
        let mut connection = options.connect().await?;
        connection.execute(AssertSqlSafe(sql.to_owned())).await?;
        Ok(connection.close().await?)
    }
}

/// The store as the program opens it.
pub(crate) async fn connect(url: &str, max_connections: u32) -> anyhow::Result<Store> {
    let settings = Settings {
        url: url.into(),
        max_connections,
        statement_timeout: Duration::from_secs(300),
        application_name: "extractor-bench".to_owned(),
    };
    Ok(Store::connect(&settings).await?)
}
