//! The HTTP server: its routes, its limits, and its end. What the routes answer is others'.

use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Office;

/// Serves until `stop` is cancelled, then finishes what is under way.
///
/// # Errors
/// When the listener can accept no more.
pub async fn serve(
    listener: TcpListener,
    office: Arc<Office>,
    stop: CancellationToken,
) -> io::Result<()> {
    let closing = office.closing.clone();
    axum::serve(listener, router(office))
        .with_graceful_shutdown(async move {
            stop.cancelled().await;
            closing.cancel();
        })
        .await
}

/// Everything that is served.
pub fn router(office: Arc<Office>) -> Router {
    Router::new()
        // .merge(super::metrics::routes())
        // .merge(super::page::routes())
        .with_state(office)
}
