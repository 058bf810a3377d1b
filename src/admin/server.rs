//! The HTTP server: who is let in, for how long, and the end. What is answered is `routes`'s.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::attempts::Caller;
use super::routes::router;
use super::{Office, page};

/// Connections that are open at once; the next one waits until one closes.
const MAX_CONNECTIONS: usize = 512;
/// How long a client may take over the head of a request, and how long it may idle before it.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Headers a request may have.
const MAX_HEADERS: usize = 64;
/// Bytes the head of a request may have.
const MAX_HEAD: usize = 16 * 1024;
/// How long a client may leave what was sent to it unread.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How long answers that are under way may still take at the end.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

type Service = TowerToHyperService<axum::Router>;

/// Serves until `stop` is cancelled, then finishes what is under way, within a few seconds.
pub async fn serve(listener: TcpListener, office: Arc<Office>, stop: CancellationToken) {
    let answering = answer(listener, Arc::clone(&office), stop);
    let ((), ()) = tokio::join!(answering, page::watch(&office));
}

async fn answer(listener: TcpListener, office: Arc<Office>, stop: CancellationToken) {
    let closing = office.closing.clone();
    let routes = router(office);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // A connection that has ended is forgotten.
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &slots) => {
                if let Some((stream, caller, slot)) = accepted {
                    let routes = routes.clone().layer(Extension(Caller(caller)));
                    let service = TowerToHyperService::new(routes);
                    connections.spawn(converse(stream, slot, service, closing.clone()));
                }
            }
        }
    }
    drop(listener);
    closing.cancel();
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(CLOSE_WITHIN, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "answers under way are cut short");
        connections.shutdown().await;
    }
}

/// The next connection, once there is room for it; none after a pause if that failed.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, caller)) => Some((stream, caller.ip(), slot)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "connection not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Answers one connection's requests, until it closes or the server does.
async fn converse(
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
    service: Service,
    closing: CancellationToken,
) {
    limit_writing(&stream);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection ended early");
    }
}

/// Without it a client that reads nothing would hold its connection for as long as it likes.
fn limit_writing(stream: &TcpStream) {
    let millis = u32::try_from(READ_WITHIN.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = setsockopt(stream, sockopt::TcpUserTimeout, &millis) {
        tracing::debug!(error = &error as &dyn std::error::Error, "no limit set on writing");
    }
    // Answers are small and whole.
    let _ = stream.set_nodelay(true);
}
