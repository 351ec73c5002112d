//! Metrics and health over plain http, for Prometheus and for probes: on threads of their own, so that neither renders
//! nor the traffic of the gRPC listener hold them up.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder as RuntimeBuilder;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::accept::Acceptor;
use super::connections::{Admitted, ConnectionLimits, Connections};
use super::ready::Ready;
use crate::error::{Error, Kind, Result};
use crate::telemetry::Metrics;

/// Enough for a scrape beside the probes.
const THREADS: usize = 2;

/// Probes and a few scrapers; who connects more often is no probe.
const MAX_CONNECTIONS: usize = 128;
const MAX_CONNECTIONS_PER_PEER: usize = 32;

/// How long the headers of a request may take, and how long a connection may be idle between two requests.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// A probe sends some hundred bytes; the least that the library allows.
const MAX_BUFFER_BYTES: usize = 8 << 10;

const MAX_HEADERS: usize = 32;

/// How long a connection may live. Scrapers connect again.
const CONNECTION_TIME: Duration = Duration::from_secs(120);

/// How long the answer under way may take then.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// A listener that is being served; its threads end when this is dropped.
pub(super) struct HttpServer(CancellationToken);

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Serves `listener` on threads of its own, with its share of the `descriptors` of this process.
///
/// # Errors
/// [`Kind::Internal`] when the system gives no thread.
pub(super) fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    ready: Arc<Ready>,
    descriptors: u64,
) -> Result<HttpServer> {
    let router = Router::new()
        .route("/metrics", get(text).with_state(metrics))
        // Alive: this very answer says so. A probe that restarts us for anything else does harm.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readiness).with_state(ready));
    let max = usize::try_from(descriptors / 8).unwrap_or(usize::MAX).clamp(1, MAX_CONNECTIONS);
    let limits = ConnectionLimits { max, max_per_peer: MAX_CONNECTIONS_PER_PEER.min(max) };
    let end = CancellationToken::new();
    let ended = end.clone();
    let runtime = RuntimeBuilder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("health")
        .enable_all()
        .build()
        .map_err(|error| no_thread(&error))?;
    // A listener belongs to the runtime it was made in.
    let listener = listener.into_std().map_err(|error| no_thread(&error))?;
    let work = move || {
        runtime.block_on(async {
            match TcpListener::from_std(listener) {
                Ok(listener) => {
                    ended.run_until_cancelled(accept_all(listener, router, limits)).await;
                }
                Err(error) => tracing::error!(%error, "metrics cannot be served"),
            }
        });
        runtime.shutdown_background();
    };
    thread::Builder::new().name("health".into()).spawn(work).map_err(|error| no_thread(&error))?;
    Ok(HttpServer(end))
}

async fn accept_all(listener: TcpListener, router: Router, limits: ConnectionLimits) {
    let mut acceptor = Acceptor::new(listener, Arc::new(Connections::new(limits)));
    loop {
        let (stream, admitted) = acceptor.accept().await;
        tokio::spawn(serve_connection(stream, admitted, router.clone()));
    }
}

async fn serve_connection(stream: TcpStream, admitted: Admitted, router: Router) {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    tokio::select! {
        // What a client did wrong is its own affair.
        _ = &mut serving => return,
        () = admitted.connection.ended() => return,
        () = sleep(CONNECTION_TIME) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = timeout(CLOSE_TIME, serving).await;
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], metrics.text())
}

async fn readiness(State(ready): State<Arc<Ready>>) -> impl IntoResponse {
    if ready.wants_calls() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

fn no_thread(error: &io::Error) -> Error {
    Error::new(Kind::Internal, format!("metrics cannot be served: {error}"))
}
