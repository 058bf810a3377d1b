//! The main story against a Postgres in a container of its own, which is stopped in the middle of a
//! backfill and started again. Without Docker, or without such an image, the throwaway Postgres of
//! the other tests takes its place, and its connections are cut instead.

use std::sync::Arc;
use std::time::Duration;

use extractor::jira::Credentials;
use jira_sim::{SimConfig, SimServer, World, WorldProfile, generate};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use testcontainers::core::WaitFor;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _, TestcontainersError as Error};
use tokio::sync::Notify;

use crate::app::{App, Options, connect, new_database};
use crate::binary::Home;
use crate::compare::{assert_equal, assert_nothing_open};

/// What `scripts/base-images.sh` makes; EXTRACTOR_TEST_POSTGRES names another, such as postgres:17.
const IMAGE: &str = "extractor-base/postgres:15";
const PASSWORD: &str = "of-this-test-alone";
const ISSUES: usize = 600;
/// The request at which Postgres is taken away: some batches are written by then, most are not.
const TAKEN_AWAY_AT: usize = 25;

/// Where the rows go.
enum Server {
    Container(Box<ContainerAsync<GenericImage>>),
    Private,
}

impl Server {
    /// A server and the address of an empty database there.
    async fn start() -> (Self, String) {
        let image = std::env::var("EXTRACTOR_TEST_POSTGRES").unwrap_or_else(|_| IMAGE.to_owned());
        let (name, tag) = image.rsplit_once(':').unwrap_or((&image, "latest"));
        let started = GenericImage::new(name, tag)
            .with_wait_for(WaitFor::message_on_stderr("ready to accept connections"))
            .with_env_var("POSTGRES_PASSWORD", PASSWORD)
            .with_network("bridge")
            .with_startup_timeout(Duration::from_secs(120))
            .start()
            .await;
        match started {
            Ok(container) => {
                // By its own address: a published port would be another one after a restart.
                let ip = container.get_bridge_ip_address().await.unwrap();
                let url = format!("postgres://postgres:{PASSWORD}@{ip}:5432/postgres");
                eprintln!("against Postgres in a container of {image}");
                (Self::Container(Box::new(container)), url)
            }
            // No engine, or no such image and none to be pulled.
            Err(Error::Client(why)) => {
                eprintln!("skipped the container, a private Postgres takes its place: {why}");
                (Self::Private, new_database().await)
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes it away in the middle of what it does, and brings it back. It ends as quickly as it can
    /// (SIGINT), but says so to its clients: a host that vanishes without a word is another story.
    async fn fail_and_return(&self, pool: &PgPool) {
        match self {
            Self::Container(container) => {
                let before = container.get_bridge_ip_address().await.unwrap();
                container.stop_with_timeout(Some(60)).await.unwrap();
                container.start().await.unwrap();
                assert_eq!(container.get_bridge_ip_address().await.unwrap(), before);
            }
            Self::Private => {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                sqlx::query(cut).execute(pool).await.unwrap();
            }
        }
    }
}

async fn app(database_url: String, world: World) -> App {
    let mut config = SimConfig::default();
    config.cost.per_request = Duration::from_millis(20);
    // Waits until the server answers.
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(60))
        .connect(&database_url)
        .await
        .unwrap();
    let store = connect(&database_url).await;
    store.migrate().await.unwrap();
    let options = Options { credentials: Credentials::Anonymous, ..Options::default() };
    let sim = SimServer::start(config, world).await.unwrap();
    App { sim, store, pool, database_url, options }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_outlives_the_postgres_it_writes_to() {
    let (server, database_url) = Server::start().await;
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 91).plain(1_500)).unwrap();
    let (app, home) = (app(database_url, world).await, Home::new());
    let (reached, mut seen) = (Arc::new(Notify::new()), 0);
    let reach = Arc::clone(&reached);
    app.sim.on_request(move |_, _| {
        seen += 1;
        if seen == TAKEN_AWAY_AT {
            reach.notify_one();
        }
    });
    let program = |arguments| home.extractor_at(&app, arguments).set("jira.batch_size", "10");

    let running = program("backfill PROJ").start();
    reached.notified().await;
    server.fail_and_return(&app.pool).await;
    running.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
    assert_nothing_open(&app).await;
    let stored = app.number("SELECT count(*) FROM jira.issues").await;
    assert_eq!(usize::try_from(stored), Ok(ISSUES));

    // What was edited meanwhile comes with the next sync, over connections made anew.
    app.sim.clear_hooks();
    {
        let mut world = app.sim.world_mut();
        world.advance(Duration::from_secs(60));
        let id = world.issues("PROJ").next().unwrap().id();
        world.edit(id, &[("summary", "after the outage".into())]).unwrap();
        world.advance(Duration::from_secs(60));
    }
    program("sync PROJ").run().await.with(0);
    assert_equal(&app, "PROJ").await;
}
