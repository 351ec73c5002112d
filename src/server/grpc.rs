//! Connections of the gRPC listener: TLS, HTTP/2 with its limits, and the time limits of what a client leaves undone.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::connections::{Admitted, Connection};
use super::counted_io::CountedIo;

/// What one stream may have under way before its reader says it has read: a common answer in one go.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// The same for a whole connection: several calls of a controller side by side.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// Headers of one call: the metadata of the largest, a token and a trace, take 4 kB.
const MAX_HEADER_BYTES: u32 = 16 << 10;

/// Calls that a client resets before we have looked at them; a client that does so more often is cut off.
const MAX_PENDING_RESETS: usize = 20;

/// Calls that we had to reset because of what a client did wrong.
const MAX_LOCAL_RESETS: usize = 128;

/// How often an idle connection is asked whether it is still there, and how long its answer may take.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PING_TIME: Duration = Duration::from_secs(20);

/// How long a client may take over its TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long a client may take over the first bytes of HTTP/2. It sends them by itself, before any call.
const PREFACE_TIME: Duration = Duration::from_secs(10);

/// What a client sends by itself: the preface of 24 bytes, and a frame of settings.
const PREFACE_BYTES: u64 = 33;

/// How long a connection may have no call. Clients connect again when they need to.
const IDLE_TIME: Duration = Duration::from_secs(300);

/// How long a client may take to close a connection once it was told to.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// How long a client may take nothing of an answer that is there for it.
const STALL_TIME: Duration = Duration::from_secs(60);

/// How often the time limits of a connection are looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Serves connections.
#[derive(Clone)]
pub(super) struct GrpcServer {
    router: Router,
    tls: Option<TlsAcceptor>,
    builder: Builder<CallExecutor>,
    draining: CancellationToken,
}

impl GrpcServer {
    /// Serves `router` with at most `max_streams` calls at once per connection. Connections are closed once `draining`
    /// is cancelled and their calls are over.
    pub(super) fn new(
        router: Router,
        tls: Option<TlsAcceptor>,
        max_streams: u32,
        draining: CancellationToken,
    ) -> Self {
        let mut builder = Builder::new(CallExecutor);
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_concurrent_streams(max_streams)
            .max_header_list_size(MAX_HEADER_BYTES)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(MAX_LOCAL_RESETS)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIME);
        Self { router, tls, builder, draining }
    }

    /// Serves one connection until its end.
    pub(super) async fn serve(self, stream: TcpStream, admitted: Admitted) {
        let connection = admitted.connection.clone();
        tokio::select! {
            () = connection.ended() => {}
            () = self.serve_stream(stream, &connection) => {}
        }
    }

    async fn serve_stream(self, stream: TcpStream, connection: &Arc<Connection>) {
        match self.tls.clone() {
            None => self.serve_http(stream, connection).await,
            Some(tls) => match timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve_http(stream, connection).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn serve_http<S>(self, stream: S, connection: &Arc<Connection>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, of_calls) = (self.router, connection.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(of_calls.clone());
            router.clone().call(request)
        });
        let io = TokioIo::new(CountedIo::new(stream, connection.clone()));
        let begun = Instant::now();
        let mut serving = pin!(self.builder.serve_connection(io, service));
        let mut checks = interval(CHECK_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let close = loop {
            tokio::select! {
                served = &mut serving => return log_end(served),
                () = self.draining.cancelled() => break None,
                _ = checks.tick() => {
                    if begun.elapsed() > PREFACE_TIME && !has_begun(connection) {
                        return;
                    }
                    if connection.idle_time() > IDLE_TIME {
                        break Some(CLOSE_TIME);
                    }
                }
            }
        };
        serving.as_mut().graceful_shutdown();
        match close {
            // The drain has its own time limit.
            None => log_end(serving.await),
            Some(time) => drop(timeout(time, serving).await),
        }
    }
}

fn has_begun(connection: &Connection) -> bool {
    connection.received.load(Ordering::Relaxed) >= PREFACE_BYTES
}

fn log_end(served: hyper::Result<()>) {
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Runs the calls of connections, each as a task that ends when its client takes nothing of the answer any more.
#[derive(Clone, Copy)]
struct CallExecutor;

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for CallExecutor {
    fn execute(&self, call: F) {
        tokio::spawn(SENDING.scope(Sending::default(), async move {
            tokio::select! {
                biased;
                _ = call => {}
                () = stalled() => tracing::debug!("a client took nothing of its answer; the call is cut off"),
            }
        }));
    }
}

tokio::task_local! {
    /// What becomes of the answer of the call that this task runs.
    static SENDING: Sending;
}

/// When a part of the answer was handed over that the client has not made room behind yet.
#[derive(Debug, Default)]
struct Sending {
    /// Milliseconds since the first of them, plus one; 0 while nothing waits for the client.
    since: AtomicU64,
}

/// Notes that a part of the answer was handed over: until the body is asked for more, it waits for the client.
pub(super) fn note_part(handed_over: bool) {
    let now = if handed_over { milliseconds() + 1 } else { 0 };
    // Outside of a call's task nobody looks.
    let _ = SENDING.try_with(|sending| sending.since.store(now, Ordering::Relaxed));
}

/// Ready when the client has taken nothing for too long.
async fn stalled() {
    loop {
        sleep(STALL_TIME / 4).await;
        let since = SENDING.with(|sending| sending.since.load(Ordering::Relaxed));
        let limit = u64::try_from(STALL_TIME.as_millis()).unwrap_or(u64::MAX);
        if since > 0 && milliseconds().saturating_sub(since) > limit {
            return;
        }
    }
}

fn milliseconds() -> u64 {
    static FIRST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    u64::try_from(FIRST.elapsed().as_millis()).unwrap_or(u64::MAX)
}
