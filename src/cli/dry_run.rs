//! `--dry-run`: lists and counts, but fetches no issue and writes nothing, the schema included.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::runs::{Results, meant, named};
use super::summary;
use crate::config::{Config, DatabaseLocation, Projects};
use crate::daemon::wiring::{self, Database, Peer, Schema, WiringError};
use crate::jira::Flavor;
use crate::model::ProjectKey;
use crate::seek::{Method, ScanPlan};
use crate::store::private_postgres::PrivatePostgres;
use crate::store::{CursorFacts, Store, StoreError};
use crate::sync::{DryRun, SyncError};

/// How far completed runs have got, by project.
type Cursors = BTreeMap<ProjectKey, DateTime<Utc>>;

/// What a backfill would list. It needs no database.
pub(super) async fn backfill(projects: &Projects, context: &Context) -> Result<Outcome, Failure> {
    let peer = meet(projects, context).await?;
    list(projects, &peer, &Cursors::new(), context).await
}

/// What a delta would list, from where the last completed run began.
pub(super) async fn sync(projects: &Projects, context: &Context) -> Result<Outcome, Failure> {
    let peer = meet(projects, context).await?;
    let cursors = cursors(&context.loaded.config, &peer, context.shutdown.token()).await?;
    list(projects, &peer, &cursors, context).await
}

async fn meet(projects: &Projects, context: &Context) -> Result<Peer, Failure> {
    let (config, stop) = (&context.loaded.config, context.shutdown.token());
    Ok(Peer::meet(config, named(projects)?, stop).await?)
}

async fn cursors(
    config: &Config,
    peer: &Peer,
    stop: &CancellationToken,
) -> Result<Cursors, Failure> {
    if let DatabaseLocation::Private { .. } = config.database.location
        && !PrivatePostgres::is_created(&wiring::private_settings(&config.database)?.data_dir)
    {
        return Ok(Cursors::new());
    }
    let database = Database::open(&config.database, Schema::Untouched, stop).await?;
    let listed = list_cursors(database.store(), peer).await;
    database.close().await;
    let of = |cursor: CursorFacts| Some((cursor.project, cursor.completed_until?));
    Ok(listed?.into_iter().filter_map(of).collect())
}

/// The cursors, or none where the schema has not come so far as to have any.
async fn list_cursors(store: &Store, peer: &Peer) -> Result<Vec<CursorFacts>, StoreError> {
    let outdated = match store.check_schema().await {
        Ok(()) => false,
        Err(StoreError::SchemaOutdated { .. }) => true,
        Err(error) => return Err(error),
    };
    match store.list_cursors(Some(&peer.site)).await {
        Err(StoreError::Failed(_)) if outdated => Ok(Vec::new()),
        listed => listed,
    }
}

async fn list(
    projects: &Projects,
    peer: &Peer,
    cursors: &Cursors,
    context: &Context,
) -> Result<Outcome, Failure> {
    let config = &context.loaded.config;
    let projects = meant(projects, peer).await?;
    let single = projects.len() == 1;
    let mut results = Results::default();
    for project in projects {
        let plan = plan(&project, peer, cursors.get(&project), config)?;
        let listing = DryRun::of(&peer.client, plan);
        let listed = tokio::select! {
            listed = listing => listed,
            () = context.shutdown.token().cancelled() => Err(SyncError::Interrupted),
        };
        match listed.map_err(Failure::from) {
            Ok(dry) => {
                context.console.say(&summary::of_dry_run(&dry));
                results.add(ExitCode::Done, serde_json::json!(dry));
            }
            Err(failure) if single || failure.is_interruption() => return Err(failure),
            Err(failure) => {
                context.console.complain_about(&project, &failure);
                let result = serde_json::json!({"project": project, "error": failure.json()});
                results.add(failure.exit_code(), result);
            }
        }
    }
    Ok(results.outcome("dry_runs"))
}

fn plan(
    project: &ProjectKey,
    peer: &Peer,
    cursor: Option<&DateTime<Utc>>,
    config: &Config,
) -> Result<ScanPlan, WiringError> {
    let overlap = wiring::overlap(config, peer.instance.flavor);
    let from = cursor.map(|until| *until - overlap);
    let horizon = peer.client.jira_time().unwrap_or(peer.instance.server_time);
    Ok(ScanPlan {
        project: project.clone(),
        filter: wiring::user_filter(config)?,
        grid: peer.instance.time_grid,
        page_rows: config.jira.listing_page_size.min(peer.instance.page_cap.max(1)),
        from,
        horizon,
        settled: horizon - overlap,
        result_window: peer.instance.result_window,
        method: match peer.instance.flavor {
            Flavor::Server => Method::Forward,
            Flavor::Cloud => Method::Tokens,
        },
        undated: from.is_none(),
    })
}
