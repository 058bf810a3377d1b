//! What a page asks for, and how it is put together: what the board knows, with what only this page
//! needs read on the spot, within a time limit.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::board::Picture;
use super::html::{self, Page};
use super::view::{Sight, log};
use crate::admin::Office;
use crate::model::{ProjectKey, RunId};
use crate::store::{FailureFilter, RunFilter, Store, StoreError};

/// How long a page may take to read what it needs.
const READ_WITHIN: Duration = Duration::from_secs(3);
/// Runs that the page of a project shows.
const RUNS: u32 = 30;
/// Failures that a page shows.
const FAILURES: u32 = 200;
/// Lines of its log that the page of a run shows: the last.
const EVENTS: u32 = 300;

/// One of the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// The first page.
    Overview,
    /// One project.
    Project(ProjectKey),
    /// One run.
    Run(RunId),
    /// All failures.
    Failures,
}

/// Why a page cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// There is no such project or run.
    Unknown,
    /// Postgres does not answer.
    Silence,
}

/// What every page tells of the service around its content.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// The short name of the Jira instance.
    pub(super) site: String,
    /// The host of the Jira instance, or its short name while that is not known.
    pub(super) host: String,
    /// What Jira said it is.
    pub(super) instance: Option<String>,
    /// The program's version.
    pub(super) version: &'static str,
    /// When the process started.
    pub(super) started_at: DateTime<Utc>,
    /// Whether the visitor had to log in.
    pub(super) logged_in: bool,
}

impl Visit {
    /// What there is to tell now.
    pub(super) fn of(office: &Office) -> Self {
        let desk = &office.desk;
        let status = desk.status.borrow();
        let instance = status.instance.as_ref();
        let site = desk.site.to_string();
        Self {
            host: instance.map_or_else(|| site.clone(), |instance| instance.host.clone()),
            instance: instance.map(|it| format!("Jira {} {}", flavor(it.flavor), it.version)),
            site,
            version: desk.version,
            started_at: desk.started_at,
            logged_in: office.token.is_some(),
        }
    }
}

fn flavor(flavor: crate::jira::Flavor) -> &'static str {
    match flavor {
        crate::jira::Flavor::Server => "Server",
        crate::jira::Flavor::Cloud => "Cloud",
    }
}

impl View {
    /// Where the page hears of changes.
    pub(super) fn events_path(&self) -> String {
        match self {
            Self::Overview => "/events".to_owned(),
            Self::Project(key) => format!("/events?project={key}"),
            Self::Run(id) => format!("/events?run={id}"),
            Self::Failures => "/events?failures=1".to_owned(),
        }
    }

    /// The page that is meant by what `/events` was asked; none when it means none.
    pub(super) fn named(project: Option<&str>, run: Option<Uuid>, failures: bool) -> Option<Self> {
        match (project, run, failures) {
            (None, None, false) => Some(Self::Overview),
            (Some(key), None, false) => key.parse().ok().map(Self::Project),
            (None, Some(id), false) => Some(Self::Run(RunId(id))),
            (None, None, true) => Some(Self::Failures),
            (Some(_), Some(_), _) | (Some(_), _, true) | (_, Some(_), true) => None,
        }
    }

    /// The page as it is now.
    pub(super) async fn page(&self, office: &Office) -> Result<Page, Lack> {
        let status = office.desk.status.borrow().clone();
        let picture = office.board.picture();
        let stats = status.client.as_ref().map(crate::jira::JiraClient::stats);
        let now = office.clock.now();
        let sight = Sight { status: &status, stats, picture: &picture, now };
        match self {
            Self::Overview => Ok(html::overview(&sight)),
            Self::Project(key) => project_page(key, office, &sight).await,
            Self::Run(id) => run_page(*id, office, &sight).await,
            Self::Failures => failures_page(office, &sight).await,
        }
    }

    /// The shortest time between two changes that are told. A page that reads the database for
    /// itself waits longer.
    pub(super) fn pace(&self) -> Duration {
        match self {
            Self::Overview => Duration::from_secs(1),
            Self::Project(_) | Self::Run(_) | Self::Failures => Duration::from_secs(2),
        }
    }
}

async fn project_page(key: &ProjectKey, office: &Office, sight: &Sight<'_>) -> Result<Page, Lack> {
    let site = Some(office.desk.site.clone());
    let runs = RunFilter { site: site.clone(), project: Some(key.clone()), ..RunFilter::default() };
    let failures = FailureFilter { site, project: Some(key.clone()), ..FailureFilter::default() };
    let read = async |store: &Store| {
        Ok((store.list_runs(&runs, RUNS).await?, store.find_failures(&failures, FAILURES).await?))
    };
    let (runs, failures) = match ask(office, read).await {
        Ok(read) => read,
        // What is known of it can be shown all the same.
        Err(_) => kept(key, sight.picture),
    };
    html::project(key.as_str(), &runs, &failures, sight).ok_or(Lack::Unknown)
}

/// What the board remembers of a project.
fn kept(
    key: &ProjectKey,
    picture: &Picture,
) -> (Vec<crate::store::Run>, Vec<crate::store::StoredFailure>) {
    let Some(known) = &picture.known else { return (Vec::new(), Vec::new()) };
    (
        known.runs.iter().filter(|run| run.project == *key).cloned().collect(),
        known.failures.iter().filter(|failure| failure.project == *key).cloned().collect(),
    )
}

async fn run_page(id: RunId, office: &Office, sight: &Sight<'_>) -> Result<Page, Lack> {
    let read = async |store: &Store| {
        let Some(run) = store.load_run(id).await? else { return Ok(None) };
        let certificate = store.load_certificate(id).await?;
        let events = store.list_events(id, None, EVENTS).await?;
        Ok(Some((run, certificate, events)))
    };
    let (run, certificate, events) = ask(office, read).await?.ok_or(Lack::Unknown)?;
    if run.site != office.desk.site {
        return Err(Lack::Unknown);
    }
    Ok(html::run(&run, certificate.as_ref(), &log::lines(&events), sight))
}

async fn failures_page(office: &Office, sight: &Sight<'_>) -> Result<Page, Lack> {
    let site = Some(&office.desk.site);
    let read = async |store: &Store| store.list_failures(site, None, FAILURES).await;
    match ask(office, read).await {
        Ok(failures) => Ok(html::failures(&failures, sight)),
        Err(lack) => match &sight.picture.known {
            Some(known) => Ok(html::failures(&known.failures, sight)),
            None => Err(lack),
        },
    }
}

async fn ask<T>(
    office: &Office,
    question: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
) -> Result<T, Lack> {
    let store = store(office).ok_or(Lack::Silence)?;
    match tokio::time::timeout(READ_WITHIN, question(&store)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "a page cannot read the database");
            Err(Lack::Silence)
        }
        Err(_) => Err(Lack::Silence),
    }
}

/// The store, once the database was opened.
pub(super) fn store(office: &Office) -> Option<Store> {
    office.desk.store.borrow().clone()
}
