//! The layers of the gRPC server. Each takes a call and the rest of the chain.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status};

use super::connections::{Connection, OpenCall, WorkingCall};
use super::grpc::note_part;
use super::ready::{Place, Ready, Unfinished};
use crate::api::{self, Counted, Guard, Held};
use crate::telemetry::{Call, Metrics};

/// Health is asked every few seconds: it is not logged, and a drain does not wait for its watchers.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// Counts and logs a call, and holds its share of the reply budget until the last byte is sent.
pub(super) async fn watch(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let quiet = is_health(&request);
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let mut watched = Watched::new(metrics, api::rpc(request.uri().path()), quiet, connection);
    let mut response = next.run(request).await;
    watched.answered(&response);
    let held = response.extensions_mut().remove::<Held>();
    response.map(|body| holding(body, (watched, held)))
}

/// Refuses a call that does not bear the token, by its headers alone.
pub(super) async fn authorize(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if is_health(&request) {
        return next.run(request).await;
    }
    match guard.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(status) => failed(&status),
    }
}

/// Counts a call for the drain, which waits for its end.
pub(super) async fn begin(State(ready): State<Arc<Ready>>, request: Request, next: Next) -> Response {
    if is_health(&request) {
        return next.run(request).await;
    }
    let unfinished: Unfinished = ready.begin_call();
    next.run(request).await.map(|body| holding(body, unfinished))
}

/// Refuses a call when too many are being answered.
pub(super) async fn admit(State(ready): State<Arc<Ready>>, request: Request, next: Next) -> Response {
    if is_health(&request) {
        return next.run(request).await;
    }
    let Some(place) = ready.place() else {
        return failed(&api::plain_status(
            Code::ResourceExhausted,
            "the server has too many calls under way",
            "try again in a moment",
        ));
    };
    let working = request.extensions().get::<Arc<Connection>>().map(Connection::begin_work);
    let admitted: (Place, Option<WorkingCall>) = (place, working);
    next.run(request).await.map(|body| holding(body, admitted))
}

fn is_health(request: &Request) -> bool {
    request.uri().path().starts_with(HEALTH)
}

/// Turns a panic into a failure of this call.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    let mut call = pin!(next.run(request));
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(panicked(&*panic)))
    })
    .await
}

/// An answer without a message.
pub(super) fn failed(status: &Status) -> Response {
    status.clone().into_http()
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    // The message may quote the files of a repository: it is for the operator's log, not for the wire.
    tracing::error!(panic = text, "a call panicked");
    failed(&Status::internal("a mistake of manifestd's: the call broke off"))
}

/// A call being watched. What is dropped unanswered was left by its caller.
struct Watched {
    metrics: Arc<Metrics>,
    call: Call,
    begun: Instant,
    quiet: bool,
    answered: bool,
    connection: Option<Arc<Connection>>,
    _open: Option<OpenCall>,
}

impl Watched {
    fn new(
        metrics: Arc<Metrics>,
        rpc: &'static str,
        quiet: bool,
        connection: Option<Arc<Connection>>,
    ) -> Self {
        metrics.begin();
        let call = Call { rpc, code: api::code_name(Code::Cancelled), answered: "" };
        let open = connection.as_ref().map(Connection::begin_call);
        Self { metrics, call, begun: Instant::now(), quiet, answered: false, connection, _open: open }
    }

    fn answered(&mut self, response: &Response) {
        let status = Status::from_header_map(response.headers());
        self.call.code = api::code_name(status.as_ref().map_or(Code::Ok, Status::code));
        self.call.answered = response.extensions().get::<Counted>().map_or("", |counted| counted.0);
        self.count(status.as_ref().map_or("", Status::message));
    }

    fn count(&mut self, message: &str) {
        self.answered = true;
        let time = self.begun.elapsed();
        self.metrics.answered(&self.call, time);
        if self.quiet {
            return;
        }
        let Call { rpc, code, answered } = self.call;
        if code == api::code_name(Code::Unauthenticated) {
            // Anybody can make as many of these as the line carries.
            tracing::debug!(rpc, code, message, "call");
            return;
        }
        tracing::info!(rpc, code, answered, seconds = time.as_secs_f64(), message, "call");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.answered {
            self.count("the caller went away");
            self.connection.as_ref().inspect(|connection| connection.abandon_call());
        }
        self.metrics.end();
    }
}

/// The body, and what lives until it is sent or given up.
fn holding(inner: Body, held: impl Send + Unpin + 'static) -> Body {
    Body::new(Holding { inner, _held: held })
}

struct Holding<H> {
    inner: Body,
    _held: H,
}

impl<H: Unpin> HttpBody for Holding<H> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        note_part(matches!(polled, Poll::Ready(Some(Ok(_)))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
