//! `/healthz`: is the process alive; `/readyz`: does it do its work, and if not, why not. Both answer
//! quickly whatever hangs, and need no token; who has none is told names, not reasons.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{Link, Phase, Pulse, ServiceStatus, Trouble};
use super::office::{AppState, Office};
use super::{auth, origin};
use crate::store::{ProjectFacts, StoreError};

/// A loop that has made no turn for so long is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(6 * Pulse::EXPECTED_EVERY.as_secs());
/// How long the database may take to say that it is there.
const DATABASE_WITHIN: Duration = Duration::from_secs(2);
/// How long readiness is kept.
const KEPT: Duration = Duration::from_secs(1);
/// How many stalled projects are named.
const STALLED_NAMED: usize = 20;

/// What anybody may ask.
pub(super) fn routes() -> Router<AppState> {
    described().into()
}

/// The same, with what the routes declare of themselves.
pub(super) fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// Whether the service does its work, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Readiness {
    /// Every part, in the order in which they depend on each other.
    pub(super) checks: Vec<Check>,
}

/// One part of being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// What is looked at.
    pub(super) name: &'static str,
    /// What is amiss; none when all is well.
    pub(super) trouble: Option<Lack>,
}

/// What is amiss, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lack {
    /// In one sentence.
    pub(super) reason: String,
    /// What to do.
    pub(super) remedy: String,
}

impl Readiness {
    /// Whether nothing is amiss.
    pub(super) fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.trouble.is_none())
    }
}

/// Whether the process is alive.
#[derive(Serialize, ToSchema)]
struct Alive {
    /// `alive` or `stuck`.
    status: &'static str,
    /// `starting`, `running` or `stopping`.
    phase: &'static str,
    /// The version of the program.
    version: &'static str,
    /// How long the process has run, in seconds.
    uptime_secs: u64,
    /// How long ago its loop made a turn, in seconds; left out before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_turn_secs: Option<u64>,
}

/// Whether the process is alive: its loop turns.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "healthz", security(()),
    responses(
        (status = 200, description = "It is alive.", body = Alive),
        (status = 503, description = "Its loop is stuck: restart it.", body = Alive),
    ))]
async fn healthz(State(office): State<AppState>) -> Response {
    let age = office.desk.pulse.age(office.clock.instant());
    // The sender goes with the loop, however that ended.
    let is_gone = office.desk.status.has_changed().is_err();
    let alive = is_alive(age, is_gone);
    let uptime = (office.clock.now() - office.desk.started_at).to_std().unwrap_or_default();
    let phase = office.desk.status.borrow().phase;
    let answer = Alive {
        status: if alive { "alive" } else { "stuck" },
        phase: phase_name(phase),
        version: office.desk.version,
        uptime_secs: uptime.as_secs(),
        last_turn_secs: age.map(|age| age.as_secs()),
    };
    let status = if alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(answer)).into_response()
}

/// Whether the service's loop turns. Before its first turn it is only beginning.
fn is_alive(age: Option<Duration>, is_gone: bool) -> bool {
    !is_gone && age.is_none_or(|age| age < STUCK_AFTER)
}

/// The name of a phase in documents.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "starting",
        Phase::Running => "running",
        Phase::Stopping => "stopping",
    }
}

/// Whether the service does its work.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// Whether every check is well.
    ready: bool,
    /// The checks.
    checks: Vec<Line>,
}

/// One part of being ready.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadyCheck)]
struct Line {
    /// What is looked at.
    name: &'static str,
    /// Whether all is well.
    ok: bool,
    /// What is amiss; told to those who may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// What to do about it; told to those who may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remedy: Option<String>,
}

/// Whether the service does its work: the database answers and has the right schema, Jira answers,
/// and every project gets on.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz", security(()),
    responses(
        (status = 200, description = "It does its work.", body = Ready),
        (status = 503, description = "It does not; the checks say why.", body = Ready),
    ))]
async fn readyz(State(office): State<AppState>, headers: HeaderMap) -> Response {
    let readiness = load(&office).await;
    let may_know = auth::caller(&office, &headers)
        .is_some_and(|caller| origin::check(caller, &Method::GET, &headers).is_ok());
    let checks = readiness
        .checks
        .iter()
        .map(|check| {
            let trouble = check.trouble.as_ref().filter(|_| may_know);
            Line {
                name: check.name,
                ok: check.trouble.is_none(),
                reason: trouble.map(|trouble| trouble.reason.clone()),
                remedy: trouble.map(|trouble| trouble.remedy.clone()),
            }
        })
        .collect();
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks })).into_response()
}

/// Whether the service is ready, as of a moment ago.
pub(super) async fn load(office: &Office) -> Readiness {
    office.readiness.load(&*office.clock, KEPT, Box::pin(look(office))).await
}

async fn look(office: &Office) -> Readiness {
    let database = look_at_database(office).await;
    let projects = match &database {
        Some(_) => None,
        None => office.facts().await.ok(),
    };
    let projects = projects.as_deref().map_or(&[][..], Vec::as_slice);
    judge(&office.desk.status.borrow(), database, projects)
}

/// What the database lacks; the service's own view of it may be older than this.
async fn look_at_database(office: &Office) -> Option<Lack> {
    let store = office.desk.store.borrow().clone();
    let Some(store) = store else {
        return Some(match &office.desk.status.borrow().database {
            Link::Down { trouble, .. } => Lack::of(trouble),
            Link::Unknown | Link::Up { .. } => {
                lack("it has not been opened yet", "wait for the service to open it")
            }
        });
    };
    let asked = async {
        store.ping().await?;
        store.check_schema().await
    };
    match tokio::time::timeout(DATABASE_WITHIN, asked).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(of_database(&error)),
        Err(_) => Some(lack(
            format!("it does not answer within {} seconds", DATABASE_WITHIN.as_secs()),
            "look at the load and the locks of the Postgres server",
        )),
    }
}

fn of_database(error: &StoreError) -> Lack {
    let remedy = match error {
        StoreError::SchemaOutdated { .. } => "run `extractor migrate`",
        _ => "run `extractor check`, and look at the Postgres server",
    };
    lack(error.to_string(), remedy)
}

/// What follows from what is known.
fn judge(status: &ServiceStatus, database: Option<Lack>, projects: &[ProjectFacts]) -> Readiness {
    let may_lag = status.configuration.may_lag;
    let is_stalled = |facts: &&ProjectFacts| facts.is_stalled(may_lag, facts.as_of);
    let stalled: Vec<&str> =
        projects.iter().filter(is_stalled).map(|facts| facts.project.as_str()).collect();
    let service = match status.phase {
        Phase::Running => None,
        Phase::Starting => Some(lack(
            "it is still starting: the database or Jira has not answered yet",
            "wait, or mend what the other checks name",
        )),
        Phase::Stopping => Some(lack("it was told to end", "start it again when it has ended")),
    };
    let jira = match &status.jira {
        Link::Up { .. } => None,
        Link::Unknown => Some(lack("it has not been asked yet", "wait for the first answer")),
        Link::Down { trouble, .. } => Some(Lack::of(trouble)),
    };
    let projects = (!stalled.is_empty()).then(|| {
        let named = &stalled[..stalled.len().min(STALLED_NAMED)];
        let more = stalled.len() - named.len();
        let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lack(
            format!("no run of {}{and_more} gets anywhere", named.join(", ")),
            "look at the status page or at `extractor status` for why",
        )
    });
    let checks =
        [("service", service), ("database", database), ("jira", jira), ("projects", projects)];
    Readiness {
        checks: checks.into_iter().map(|(name, trouble)| Check { name, trouble }).collect(),
    }
}

fn lack(reason: impl Into<String>, remedy: impl Into<String>) -> Lack {
    Lack { reason: reason.into(), remedy: remedy.into() }
}

impl Lack {
    fn of(trouble: &Trouble) -> Self {
        lack(trouble.text.clone(), trouble.remedy.clone())
    }
}
