//! The listeners and everything between them and the API: one chain of layers, health, and a drain with a time limit.

mod http;
mod layers;
mod ready;
mod timeout;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout as within;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server as Transport, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::api;
use crate::config::{ServerSettings, TlsSettings};
use crate::error::{Error, Kind, Result};
use crate::telemetry::Metrics;

pub use ready::Ready;

/// What one stream may have under way before its reader says it has read: a common answer in one go.
const STREAM_WINDOW: u32 = 4 << 20;

/// The same for a whole connection: several calls of a controller side by side.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How often an idle connection is asked whether it is still there.
const PING: Duration = Duration::from_secs(60);

/// How long a client may take over its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long connections get to send what is buffered once the last call is over.
const FLUSH: Duration = Duration::from_millis(500);

/// The listeners, bound but not serving yet.
pub struct Server {
    settings: ServerSettings,
    metrics: Arc<Metrics>,
    ready: Arc<Ready>,
    grpc: TcpListener,
    http: Option<TcpListener>,
}

impl Server {
    /// Binds the listeners.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when an address is taken or not ours.
    pub async fn bind(settings: ServerSettings, metrics: Arc<Metrics>) -> Result<Self> {
        let grpc = bind(settings.listen).await?;
        let http = match settings.metrics_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { settings, metrics, ready: Arc::default(), grpc, http })
    }

    /// Where gRPC is served; with port 0 in the settings, the port the system chose.
    ///
    /// # Errors
    /// [`Kind::Internal`] when the system does not say.
    pub fn address(&self) -> Result<SocketAddr> {
        self.grpc.local_addr().map_err(|error| no_address(&error))
    }

    /// Where metrics are served, if they are.
    ///
    /// # Errors
    /// [`Kind::Internal`] when the system does not say.
    pub fn metrics_address(&self) -> Result<Option<SocketAddr>> {
        self.http.as_ref().map(TcpListener::local_addr).transpose().map_err(|error| no_address(&error))
    }

    /// Serves `services` until `stop` is ready, then lets the calls under way finish within the drain time.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for TLS files that are no certificates, [`Kind::Unavailable`] when serving breaks off.
    pub async fn run(self, services: Routes, stop: impl Future<Output = ()>) -> Result<()> {
        let Self { settings, metrics, ready, grpc, http } = self;
        let (health, health_service) = tonic_health::server::health_reporter();
        let routes = layered(services.add_service(health_service), &metrics, &ready);
        let mut transport = transport(&settings)?;
        // Aborted when it is dropped.
        let mut side = JoinSet::new();
        if let Some(listener) = http {
            side.spawn(http::serve(listener, metrics, ready.clone()));
        }
        announce(&ready, &health, true).await;
        let (begun, draining) = oneshot::channel();
        let signal = async {
            stop.await;
            announce(&ready, &health, false).await;
            // The receiver lives as long as the serving below.
            let _ = begun.send(());
        };
        let incoming = TcpIncoming::from(grpc).with_nodelay(Some(true));
        let serving = transport.add_routes(routes).serve_with_incoming_shutdown(incoming, signal);
        tokio::select! {
            served = serving => served.map_err(|error| broke_off(&error)),
            () = drained(draining, &ready, settings.drain_time) => Ok(()),
        }
    }
}

/// Tells everyone who asks whether calls are wanted.
async fn announce(ready: &Ready, health: &HealthReporter, wanted: bool) {
    ready.set(wanted);
    let status = if wanted { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in ["", api::SERVICE] {
        health.set_service_status(service, status).await;
    }
}

/// The chain of layers, the outermost last.
fn layered(services: Routes, metrics: &Arc<Metrics>, ready: &Arc<Ready>) -> Routes {
    let router = services
        .into_axum_router()
        // A panic in a handler is this call's failure and nobody else's.
        .layer(from_fn(layers::catch))
        // The caller's deadline ends the call with the code for it; the transport's own timer would say CANCELLED.
        .layer(from_fn(timeout::limit))
        // More calls than this are refused at once instead of piling up.
        .layer(from_fn_with_state(ready.clone(), layers::admit))
        // Counts and logs every call, refused ones too, and holds its share of the reply budget until it is sent.
        .layer(from_fn_with_state(metrics.clone(), layers::watch));
    Routes::from(router)
}

fn transport(settings: &ServerSettings) -> Result<Transport> {
    let server = Transport::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(settings.max_streams)
        .http2_keepalive_interval(Some(PING));
    match &settings.tls {
        None => Ok(server),
        Some(tls) => server.tls_config(tls_config(tls)).map_err(|error| bad_tls(&error)),
    }
}

fn tls_config(tls: &TlsSettings) -> ServerTlsConfig {
    let identity = Identity::from_pem(&tls.certificate, tls.key.expose());
    let config = ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE);
    match &tls.client_ca {
        None => config,
        Some(authorities) => config.client_ca_root(Certificate::from_pem(authorities)),
    }
}

/// Ready once the drain has begun and no call is left, or its time is over.
async fn drained(begun: oneshot::Receiver<()>, ready: &Ready, time: Duration) {
    if begun.await.is_err() {
        return std::future::pending().await;
    }
    tracing::info!(limit = ?time, "stopping: calls under way may finish");
    if within(time, ready.idle()).await.is_err() {
        tracing::warn!(calls = ready.calls(), "the drain time is over; calls are cut off");
        return;
    }
    // Connections of idle clients and health watchers need not close by themselves.
    tokio::time::sleep(FLUSH).await;
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| {
        Error::new(Kind::Unavailable, format!("cannot listen on {address}: {error}"))
            .help("choose another address with --listen or --metrics-listen, or stop what listens there")
    })
}

fn no_address(error: &std::io::Error) -> Error {
    Error::new(Kind::Internal, format!("a listener has no address: {error}"))
}

fn bad_tls(error: &tonic::transport::Error) -> Error {
    Error::new(Kind::Invalid, format!("the TLS files cannot be used: {}", innermost(error)))
        .help("--tls-certificate and --client-ca hold PEM certificates, --tls-key the certificate's PEM key")
}

fn broke_off(error: &tonic::transport::Error) -> Error {
    Error::new(Kind::Unavailable, format!("serving broke off: {}", innermost(error)))
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

#[cfg(test)]
mod tests;
