//! What happens to every request: log, hooks, faults, log-in, answer, cost, HTTP.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::auth::{Caller, caller};
use super::context::Context;
use super::params::{Params, parse_query, seen};
use super::toll::{cost_of, limit_headers, refusal};
use super::{cloud, server};
use crate::config::{Flavor, SimConfig};
use crate::faults::{Action, Faults, Hit, RetryAfter, response};
use crate::limits::{Limiter, Notice};
use crate::listener::Connection;
use crate::requests::{Outcome, RequestLog, Seen, lock};
use crate::time::http_date;
use crate::world::World;

/// The largest request body that is read.
const MAX_BODY_BYTES: usize = 16 << 20;

/// Called with each request before it is answered, and may change the world.
pub(crate) type Hook = Box<dyn FnMut(&Seen, &mut World) + Send>;

/// Everything the server and its handle share.
pub(crate) struct Shared {
    pub(crate) world: RwLock<World>,
    pub(crate) config: RwLock<SimConfig>,
    pub(crate) faults: Faults,
    pub(crate) limits: Limiter,
    pub(crate) log: RequestLog,
    pub(crate) hooks: Mutex<Vec<Hook>>,
    /// `http://address:port`.
    pub(crate) origin: String,
    pub(crate) base_url: String,
    pub(crate) last_tick: Mutex<Instant>,
    pub(crate) stopping: CancellationToken,
}

impl Shared {
    pub(crate) fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn config(&self) -> SimConfig {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Brings the world's clock up to real time, where it runs at all.
    pub(crate) fn tick(&self, clock_runs: bool) {
        let mut last = lock(&self.last_tick);
        let now = Instant::now();
        if clock_runs {
            self.world_mut().advance(now - *last);
        }
        *last = now;
    }

    fn prepare(&self, seen: &Seen, clock_runs: bool) {
        self.tick(clock_runs);
        let mut hooks = lock(&self.hooks);
        if !hooks.is_empty() {
            let mut world = self.world_mut();
            for hook in hooks.iter_mut() {
                hook(seen, &mut world);
            }
        }
    }
}

/// A request taken apart.
struct Incoming {
    seen: Seen,
    params: Params,
    headers: HeaderMap,
    body: Option<Value>,
    /// The body could not be read as JSON.
    bad_body: bool,
    number: usize,
}

/// Answers any request.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let config = shared.config();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return Response::new(Body::empty());
    };
    let (path, via_gateway) = config.below_prefix(parts.uri.path());
    let params = parse_query(parts.uri.query().unwrap_or(""));
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    let bad_body = !body.is_empty() && !json.as_ref().is_some_and(Value::is_object);
    let mut seen = seen(parts.method.as_str(), path, &params, json.as_ref());
    seen.via_gateway = via_gateway;
    let flight = shared.log.begin(seen.clone());
    shared.prepare(&seen, config.clock_runs);
    let number = flight.number;
    let incoming = Incoming { seen, params, headers: parts.headers, body: json, bad_body, number };
    let (answer, who, fault) = tokio::select! {
        done = answer(&shared, &config, &incoming) => done,
        () = shared.stopping.cancelled() => {
            (Answer::html(StatusCode::SERVICE_UNAVAILABLE, "stopping"), Caller::Anonymous, None)
        }
    };
    let outcome = Outcome {
        status: (!answer.reset).then_some(answer.status.as_u16()),
        bytes: answer.body.len(),
        issues: answer.issues.clone(),
        links: answer.links,
        fault,
        notice: None,
    };
    let (reset, number) = (answer.reset, flight.number);
    let response = into_response(answer, who, &shared, &config);
    let notice = || {
        let (status, headers) = (response.status(), response.headers());
        Notice::read(number, &incoming.seen, status, headers, shared.log.now())
    };
    flight.finish(Outcome { notice: if reset { None } else { notice() }, ..outcome });
    if reset {
        connection.reset();
    }
    response
}

async fn answer(
    shared: &Shared,
    config: &SimConfig,
    incoming: &Incoming,
) -> (Answer, Caller, Option<&'static str>) {
    let mut who = caller(&config.auth, &incoming.headers);
    let refused = refusal(shared, config, &incoming.seen, who);
    pause(config.cost.per_request).await;
    if let Some((answer, limit)) = refused {
        return (answer, who, Some(limit));
    }
    let fault = shared.faults.on_arrival(&incoming.seen);
    let name = fault.as_ref().map(|hit| hit.action.name());
    if let Some(Hit { action, .. }) = &fault {
        stall(action).await;
        if matches!(action, Action::Anonymous) {
            who = Caller::Expired;
        }
        if let Some(made_up) = response::instead(action) {
            return (made_up, who, name);
        }
    }
    let mut answer = compute(shared, config, incoming, who, fault.as_ref());
    shared.limits.charge(answer.issues.len());
    let cost = cost_of(config.cost, &shared.world(), &answer, &incoming.seen);
    pause(cost).await;
    let poison = match &fault {
        Some(_) => None,
        None => shared.faults.on_answer(&incoming.seen, &answer.issues),
    };
    if let Some(hit) = &poison {
        stall(&hit.action).await;
        if hit.action.shapes_answer() {
            answer = compute(shared, config, incoming, who, Some(hit));
        }
    }
    let applied = fault.or(poison);
    if let Some(hit) = &applied {
        response::spoil(&hit.action, &mut answer);
    }
    (answer, who, applied.as_ref().map(|hit| hit.action.name()))
}

fn compute(
    shared: &Shared,
    config: &SimConfig,
    incoming: &Incoming,
    who: Caller,
    hit: Option<&Hit>,
) -> Answer {
    if who == Caller::Refused && config.flavor == Flavor::Server {
        return Answer::unauthorized();
    }
    if incoming.bad_body {
        let text = "Unexpected character in the request body".to_owned();
        return Answer::errors(StatusCode::BAD_REQUEST, &[text]);
    }
    let by_gateway = format!("{}{}", shared.origin, config.gateway_path());
    let site_url = format!("{}{}", shared.origin, config.site_path());
    let base_url = match (config.flavor, incoming.seen.via_gateway) {
        (Flavor::Server, _) => shared.base_url.as_str(),
        (Flavor::Cloud, true) => by_gateway.as_str(),
        (Flavor::Cloud, false) => site_url.as_str(),
    };
    let world = shared.world();
    let context = Context {
        world: &world,
        config,
        base_url,
        site_url: &site_url,
        seen: &incoming.seen,
        params: &incoming.params,
        body: incoming.body.as_ref(),
        who,
        logged_in: who == Caller::LoggedIn,
        number: incoming.number,
        hit,
    };
    match config.flavor {
        Flavor::Server => server::route(&context),
        Flavor::Cloud => cloud::route(&context),
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

async fn stall(action: &Action) {
    match action {
        Action::Stall(time) => tokio::time::sleep(*time).await,
        Action::StallUntil(gate) => gate.pass().await,
        Action::TooManyRequests(_)
        | Action::Fail(_)
        | Action::FailRetryAfter(..)
        | Action::Refuse(..)
        | Action::FailAfterEffect(_)
        | Action::Reset
        | Action::Truncate(_)
        | Action::LoginPage
        | Action::Redirect(_)
        | Action::MalformedJson
        | Action::WrongShape
        | Action::Anonymous
        | Action::OmitField(_)
        | Action::OmitIssues(_)
        | Action::Token(_) => {}
    }
}

fn into_response(answer: Answer, who: Caller, shared: &Shared, config: &SimConfig) -> Response {
    let now = shared.world().now();
    let length = answer.body.len();
    let body = match answer.cut_after {
        None => Body::from(answer.body),
        Some(bytes) => cut_body(answer.body, bytes),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    let user = if who == Caller::LoggedIn { config.user.as_str() } else { "anonymous" };
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("content-type", answer.content_type);
    set("date", &http_date(now));
    match config.flavor {
        _ if answer.foreign => {}
        Flavor::Server => {
            set("x-ausername", user);
            set("x-seraph-loginreason", who.login_reason());
        }
        Flavor::Cloud if who == Caller::LoggedIn => {
            set("x-aaccountid", &cloud::account_id(&config.user));
        }
        Flavor::Cloud => set("x-seraph-loginreason", who.login_reason()),
    }
    set("cache-control", "no-cache, no-store, no-transform");
    for (name, value) in limit_headers(shared, config, who, now) {
        set(name, &value);
    }
    match answer.retry_after {
        RetryAfter::Absent => {}
        RetryAfter::Seconds(seconds) => set("retry-after", &seconds.to_string()),
        RetryAfter::Date(ahead) => {
            let ahead = i64::try_from(ahead.as_millis()).unwrap_or(0);
            set("retry-after", &http_date(now.saturating_add(ahead)));
        }
    }
    if answer.cut_after.is_some() {
        // Named, so that the compression layer leaves the body and its length alone.
        set(header::CONTENT_ENCODING.as_str(), "identity");
        set(header::CONTENT_LENGTH.as_str(), &length.to_string());
    }
    for (name, value) in &answer.headers {
        set(name, value);
    }
    response
}

/// A body that breaks off: hyper then cuts the connection.
fn cut_body(body: String, bytes: usize) -> Body {
    let mut head = body.into_bytes();
    head.truncate(bytes.min(head.len().saturating_sub(1)));
    let head = stream::once(async move { Ok(bytes::Bytes::from(head)) });
    // The pause lets hyper flush what it has before the error ends the connection.
    let cut = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut by a fault"))
    });
    Body::from_stream(head.chain(cut))
}
