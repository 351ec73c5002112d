//! `manifestd serve`.

use std::sync::Arc;

use clap::ArgMatches;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::{Done, start};
use crate::api::{self, Api};
use crate::config::{MemoryPlan, RenderingSettings, ServerSettings, Settings};
use crate::error::{Error, Kind, Result};
use crate::server::Server;
use crate::service::Service;
use crate::telemetry::Metrics;

pub(super) fn run(matches: &ArgMatches) -> Done {
    let settings = start::settings(matches)?;
    // Work is done where the service is made, calls are received and answered in another runtime: what has its answer
    // in memory never waits for a thread.
    let work = start::runtime()?;
    let calls = start::runtime()?;
    let service = work.block_on(async { Service::new(&settings, None) })?;
    let result = calls.block_on(serve(settings, service));
    calls.shutdown_background();
    work.shutdown_background();
    Ok(result?)
}

async fn serve(settings: Settings, service: Service) -> Result<()> {
    let starting = service.clone();
    let started = tokio::task::spawn_blocking(move || starting.warm_up()).await;
    started.map_err(|error| Error::new(Kind::Internal, format!("workers: {error}")))??;
    let counted = service.clone();
    let metrics = Arc::new(Metrics::new(move || counted.samples()));
    let server = Server::bind(settings.server.clone(), metrics.clone()).await?;
    let api = Api::new(service.pipeline.clone(), metrics, limits(&settings.server));
    let routes = api::routes(api, &options(&settings.server));
    announce(&server, &settings)?;
    let mut signals = Signals::new()?;
    let (first, stop) = oneshot::channel();
    let twice = async {
        signals.next().await;
        // The server that listens to it is what this races with.
        let _ = first.send(());
        signals.next().await;
    };
    let stopped = async {
        let _ = stop.await;
    };
    tokio::select! {
        done = server.run(routes, stopped) => done,
        () = twice => Ok(()),
    }
}

fn limits(settings: &ServerSettings) -> api::Limits {
    api::Limits {
        secrets: is_private(settings),
        max_message_bytes: settings.max_message_bytes,
        reply_memory_bytes: settings.reply_memory_bytes,
    }
}

fn options(settings: &ServerSettings) -> api::Options {
    api::Options { max_message_bytes: settings.max_message_bytes, reflection: settings.reflection }
}

/// Whether nobody on the way can read what is sent.
fn is_private(settings: &ServerSettings) -> bool {
    settings.tls.is_some() || settings.listen.ip().is_loopback()
}

fn announce(server: &Server, settings: &Settings) -> Result<()> {
    announce_memory(&settings.rendering);
    let settings = &settings.server;
    let (grpc, tls) = (server.address()?, settings.tls.is_some());
    let metrics = server.metrics_address()?.map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %grpc, tls, metrics, "serving");
    if !is_private(settings) {
        tracing::warn!(
            "gRPC is neither encrypted nor limited to this machine; requests may not hold credentials"
        );
    }
    Ok(())
}

/// Says how memory is divided, where it is.
fn announce_memory(settings: &RenderingSettings) {
    let Some(plan) = settings.memory_plan else {
        return tracing::info!(isolation = ?settings.isolation, renders = settings.parallelism, "rendering");
    };
    let MemoryPlan { budget, workers, worker_bytes, own_bytes } = plan;
    tracing::info!(
        budget_mib = budget >> 20,
        workers,
        worker_mib = worker_bytes >> 20,
        server_mib = own_bytes >> 20,
        "memory"
    );
    if !plan.fits() {
        tracing::warn!(
            "one worker and the server itself may need more memory than there is; lower --worker-memory-bytes"
        );
    }
}

/// What tells a server to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Error::new(Kind::Internal, format!("signals cannot be heard: {error}")))
        };
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
