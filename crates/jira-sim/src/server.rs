//! The running server and a test's handle on it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::api::{Shared, handle};
use crate::config::SimConfig;
use crate::faults::Faults;
use crate::limits::Limiter;
use crate::listener::{Connection, SimListener};
use crate::requests::{RequestLog, Seen, lock};
use crate::world::World;

/// How long [`SimServer::stop`] waits for connections to end.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be bound.
    #[error("could not listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A simulated Jira that listens. Dropping it stops it without waiting.
pub struct SimServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl SimServer {
    /// Serves a world. `gzip`, `address`, `port` and `context_path` are fixed from here on.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(config: SimConfig, world: World) -> Result<Self, StartError> {
        let asked = SocketAddr::new(config.address, config.port);
        let bind = |source| StartError::Bind { address: asked, source };
        let listener = TcpListener::bind(asked).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let gzip = config.gzip;
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            faults: Faults::default(),
            limits: Limiter::default(),
            log: RequestLog::new(),
            hooks: Mutex::new(Vec::new()),
            origin: format!("http://{address}"),
            base_url: format!("http://{address}{}", config.context_path),
            config: RwLock::new(config),
            last_tick: Mutex::new(Instant::now()),
            stopping: CancellationToken::new(),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let router = if gzip {
            router.layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        } else {
            router
        };
        let service = router.into_make_service_with_connect_info::<Connection>();
        let stopping = shared.stopping.clone();
        let task = tokio::spawn(async move {
            axum::serve(SimListener(listener), service)
                .with_graceful_shutdown(stopping.cancelled_owned())
                .await
        });
        Ok(Self { shared, address, task })
    }

    /// `http://address:port` with the context path, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The address of a Cloud site itself, whatever [`SimServer::base_url`] is.
    pub fn site_url(&self) -> String {
        format!("{}{}", self.shared.origin, self.shared.config().site_path())
    }

    /// The address of a Cloud site at the API gateway.
    pub fn gateway_url(&self) -> String {
        format!("{}{}", self.shared.origin, self.shared.config().gateway_path())
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The world, for reading. Do not hold the guard across an await: requests wait for it.
    pub fn world(&self) -> RwLockReadGuard<'_, World> {
        self.shared.world()
    }

    /// The world, for changing. Do not hold the guard across an await: requests wait for it.
    pub fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.shared.tick(self.shared.config().clock_runs);
        self.shared.world_mut()
    }

    /// The set-up as it is now.
    pub fn config(&self) -> SimConfig {
        self.shared.config()
    }

    /// Changes the set-up while the server runs.
    pub fn configure(&self, change: impl FnOnce(&mut SimConfig)) {
        change(&mut self.shared.config.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The script of faults.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The log of requests.
    pub fn requests(&self) -> &RequestLog {
        &self.shared.log
    }

    /// Has this called with every request before it is answered, with the world to change.
    pub fn on_request(&self, hook: impl FnMut(&Seen, &mut World) + Send + 'static) {
        lock(&self.shared.hooks).push(Box::new(hook));
    }

    /// Takes all hooks out.
    pub fn clear_hooks(&self) {
        lock(&self.shared.hooks).clear();
    }

    /// Stops: stalled requests are answered 503, idle connections are closed.
    pub async fn stop(mut self) {
        self.shared.stopping.cancel();
        if tokio::time::timeout(STOP_GRACE, &mut self.task).await.is_err() {
            tracing::warn!("connections were still open when the simulated jira stopped");
        }
    }
}

impl Drop for SimServer {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
        self.task.abort();
    }
}
