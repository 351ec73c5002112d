//! Metrics and health over plain http, for Prometheus and for probes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::ready::Ready;
use crate::telemetry::Metrics;

/// Serves until it is aborted.
pub(super) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, ready: Arc<Ready>) {
    let router = Router::new()
        .route("/metrics", get(text).with_state(metrics))
        // Alive: this very answer says so. A probe that restarts us for anything else does harm.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readiness).with_state(ready));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "serving metrics broke off");
    }
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
