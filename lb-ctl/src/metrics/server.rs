//! Metrics over HTTP, to whoever asks.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::CONTENT_TYPE;
use crate::api::door::Door;
use crate::command::{Command, Reply};

/// Metrics cannot be offered.
#[derive(Debug, Error)]
#[error(
    "cannot offer metrics on {address}: {source}; give another --metrics ADDR:PORT, or end what \
     uses that port (`ss -ltnp` names it)"
)]
pub struct MetricsError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Takes the port, from which nothing is answered yet.
///
/// # Errors
/// It is in use, may not be had, or the address is not this machine's.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, MetricsError> {
    TcpListener::bind(address).await.map_err(|source| MetricsError { address, source })
}

/// Answers `GET /metrics` for ever.
pub async fn serve(listener: TcpListener, door: Door) {
    let scrapes = Arc::new(Scrapes { door, one: Mutex::new(()) });
    let app = Router::new().route("/metrics", get(scrape)).with_state(scrapes);
    // axum's own accept loop retries and never returns an error.
    let _ = axum::serve(listener, app).await;
}

struct Scrapes {
    door: Door,
    /// However many ask, the daemon's task is asked by one at a time.
    one: Mutex<()>,
}

async fn scrape(State(scrapes): State<Arc<Scrapes>>) -> Response {
    let _one = scrapes.one.lock().await;
    let text = match scrapes.door.ask(Command::Metrics).await {
        Ok(Reply::Metrics(sample)) => tokio::task::spawn_blocking(|| sample.text()).await,
        Ok(_) => return failed("the daemon gave another answer"),
        Err(error) => return failed(&error.to_string()),
    };
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(reason: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response()
}
