//! A desk that the test writes, a real store, and the router over them. Requests go in without a
//! network unless a test is about that.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Utc};
use extractor::admin::desk::{ConfigurationFacts, Link, Phase, Pulse, ServiceStatus};
use extractor::admin::{Desk, Office, Tally, router};
use extractor::clock::{Clock, SystemClock};
use extractor::model::{RunKind, Site, WorkerId};
use extractor::store::{Store, Wanted};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::watch;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::app::{SITE, connect, new_database};

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Everything a test of the HTTP side needs.
pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) pool: PgPool,
    pub(super) office: Arc<Office>,
    pub(super) status: watch::Sender<ServiceStatus>,
    pub(super) opened: watch::Sender<Option<Store>>,
    pub(super) pulse: Pulse,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Stage {
    /// A service that is up and follows these projects, reached over loopback without a token.
    pub(super) async fn of(projects: &[&str]) -> Self {
        Self::with(projects, None, Arc::new(SystemClock)).await
    }

    pub(super) async fn with(
        projects: &[&str],
        token: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let url = new_database().await;
        let store = connect(&url).await;
        store.migrate().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(2).connect(&url).await.unwrap();
        let now = SystemClock.now();
        let followed: Vec<Wanted> = projects
            .iter()
            .map(|key| Wanted { project: key.parse().unwrap(), kind: RunKind::Delta, due: now })
            .collect();
        store.follow_projects(&Site::new(SITE), WorkerId(Uuid::nil()), &followed).await.unwrap();
        let opened = watch::Sender::new(Some(store.clone()));
        let status = watch::Sender::new(running(now));
        let pulse = Pulse::default();
        let desk = Desk {
            site: Site::new(SITE),
            version: "0.0.0-test",
            started_at: now,
            store: opened.subscribe(),
            status: status.subscribe(),
            pulse: pulse.clone(),
            tally: Tally::default(),
        };
        let office = Arc::new(Office::new(desk, token.map(Into::into), clock));
        Self { store, pool, office, status, opened, pulse }
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = router(Arc::clone(&self.office)).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = request("POST", path).header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.ask(request.body(body).unwrap()).await
    }

    pub(super) async fn start(&self, project: &str) -> Answer {
        let wanted = serde_json::json!({"project": project, "kind": "backfill"});
        self.post("/api/v1/runs", &wanted).await
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The name of the problem, after checking that it is one in every part.
    pub(super) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        for member in ["title", "detail", "category"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        assert!(!problem["recovery"].as_array().unwrap().is_empty(), "{problem}");
        problem["type"].as_str().unwrap().replace("urn:extractor:problem:", "")
    }
}

/// A request as a tool on this machine would send it.
pub(super) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "localhost:8080")
}

fn running(now: DateTime<Utc>) -> ServiceStatus {
    ServiceStatus {
        phase: Phase::Running,
        worker: None,
        database: Link::Up { since: now },
        jira: Link::Up { since: now },
        client: None,
        instance: None,
        projects: Vec::new(),
        runs: Vec::new(),
        configuration: ConfigurationFacts {
            loaded_at: now,
            refused: None,
            may_lag: Duration::from_secs(3_600),
            may_go_unproven: None,
        },
    }
}
