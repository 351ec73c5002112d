//! The listeners and everything between them and the API: one chain of layers, health, and a drain with a time limit.

mod accept;
mod connections;
mod counted_io;
mod descriptors;
mod grpc;
mod http;
mod layers;
mod memory;
mod ready;
mod receive;
mod timeout;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout as within;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::api::{self, Guard};
use crate::config::ServerSettings;
use crate::error::{Error, Kind, Result};
use crate::telemetry::{Metrics, Sample};

use accept::Acceptor;
use connections::{ConnectionLimits, Connections};
use grpc::GrpcServer;
use memory::RequestMemory;
use receive::Receiver;

pub use ready::Ready;

/// How long connections get to send what is buffered once the last call is over.
const FLUSH: Duration = Duration::from_millis(500);

/// The listeners, bound but not serving yet.
pub struct Server {
    settings: ServerSettings,
    metrics: Arc<Metrics>,
    ready: Arc<Ready>,
    grpc: TcpListener,
    http: Option<TcpListener>,
    /// How many descriptors this process may have.
    descriptors: u64,
}

impl Server {
    /// Binds the listeners.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when an address is taken or not ours.
    pub async fn bind(settings: ServerSettings, metrics: Arc<Metrics>) -> Result<Self> {
        let descriptors = descriptors::raise_limit();
        let grpc = bind(settings.listen).await?;
        let http = match settings.metrics_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { settings, metrics, ready: Arc::default(), grpc, http, descriptors })
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
    /// [`Kind::Invalid`] for TLS files that are no certificates, [`Kind::Internal`] when the system gives no thread.
    pub async fn run(self, services: Routes, stop: impl Future<Output = ()>) -> Result<()> {
        let Self { settings, metrics, ready, grpc, http, descriptors } = self;
        let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let (health, health_service) = tonic_health::server::health_reporter();
        let layers = Layers::new(&settings, &metrics, &ready);
        let router = layers.around(services.add_service(health_service));
        let draining = CancellationToken::new();
        let server = GrpcServer::new(router, tls, settings.max_streams, draining.clone());
        let connections = Arc::new(Connections::new(connection_limits(&settings, descriptors)));
        metrics.read_server(samples(connections.clone(), layers.memory));
        let _http =
            http.map(|listener| http::serve(listener, metrics, ready.clone(), descriptors)).transpose()?;
        announce(&ready, &health, true).await;
        // Aborted when it is dropped.
        let mut serving = JoinSet::new();
        tokio::select! {
            () = accept_all(Acceptor::new(grpc, connections), &server, &mut serving) => {}
            () = stop => {}
        }
        announce(&ready, &health, false).await;
        draining.cancel();
        drained(&ready, settings.drain_time).await;
        Ok(())
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

/// Accepts and serves connections for ever.
async fn accept_all(mut acceptor: Acceptor, server: &GrpcServer, serving: &mut JoinSet<()>) {
    loop {
        tokio::select! {
            (stream, admitted) = acceptor.accept() => {
                serving.spawn(server.clone().serve(stream, admitted));
            }
            Some(_) = serving.join_next() => {}
        }
    }
}

/// What the layers share with each other and with the server.
struct Layers {
    metrics: Arc<Metrics>,
    guard: Guard,
    ready: Arc<Ready>,
    memory: Arc<RequestMemory>,
    receiver: Arc<Receiver>,
}

impl Layers {
    fn new(settings: &ServerSettings, metrics: &Arc<Metrics>, ready: &Arc<Ready>) -> Self {
        let memory = Arc::new(RequestMemory::new(settings.request_memory_bytes));
        Self {
            metrics: metrics.clone(),
            guard: Guard::new(settings.token.as_ref()),
            ready: ready.clone(),
            receiver: Arc::new(Receiver::new(memory.clone(), settings.max_message_bytes)),
            memory,
        }
    }

    /// The chain of layers around the services, the outermost last.
    fn around(&self, services: Routes) -> Router {
        services
            .into_axum_router()
            // A panic in a handler is this call's failure and nobody else's.
            .layer(from_fn(layers::catch))
            // More calls than this are refused at once instead of piling up.
            .layer(from_fn_with_state(self.ready.clone(), layers::admit))
            // A message is weighed while it arrives, and complete before it counts as a call being answered.
            .layer(from_fn_with_state(self.receiver.clone(), receive::receive))
            // The caller's deadline ends the call with the code for it.
            .layer(from_fn(timeout::limit))
            // The drain waits for calls whose headers are here.
            .layer(from_fn_with_state(self.ready.clone(), layers::begin))
            // Whoever bears no token gets no further, and costs nothing that those who bear one need.
            .layer(from_fn_with_state(self.guard.clone(), layers::authorize))
            // Counts and logs every call, refused ones too, and holds its share of the reply budget until it is sent.
            .layer(from_fn_with_state(self.metrics.clone(), layers::watch))
    }
}

/// What the server counts, for the metrics.
fn samples(connections: Arc<Connections>, memory: Arc<RequestMemory>) -> impl Fn() -> Vec<Sample> {
    move || {
        let (refused, displaced) = connections.refused_and_displaced();
        let open = connections.count() as u64;
        vec![
            Sample::gauge("connections", "Open connections of the gRPC listener", open),
            Sample::counter("connections_refused", "Connections closed because there were too many", refused),
            Sample::counter("connections_displaced", "Idle connections closed to make room", displaced),
            Sample::gauge("request_memory_bytes", "Memory charged for requests under way", memory.used()),
        ]
    }
}

/// As many connections as the settings say, and at most half of the descriptors of this process: repositories,
/// workers and remotes need the rest.
fn connection_limits(settings: &ServerSettings, descriptors: u64) -> ConnectionLimits {
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX).max(1);
    if half < settings.max_connections {
        tracing::warn!(descriptors, connections = half, "too few descriptors for --max-connections");
    }
    let max = settings.max_connections.min(half);
    ConnectionLimits { max, max_per_peer: settings.max_connections_per_peer.min(max) }
}

/// Ready when no call is left, or the drain time is over.
async fn drained(ready: &Ready, time: Duration) {
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

#[cfg(test)]
mod tests;
