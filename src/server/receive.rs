//! Receives requests: a message is weighed while it arrives, within the memory and the time for it, and a handler gets
//! it only when it is complete. The layer knows every method by its descriptor and refuses all others, so that no
//! service can be served without it.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::{Buf, Bytes, BytesMut};
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status};

use super::connections::Connection;
use super::layers::failed;
use super::memory::{MemoryCharge, RequestMemory};
use crate::api::{self, Method, Schema, Weigher};

/// How long a message may take, besides the time for its bytes.
const MESSAGE_TIME: Duration = Duration::from_secs(10);

/// The bytes of a message have to arrive at this rate, that of a line of 2 Mbit/s: 100 MiB in seven minutes.
const MIN_BYTES_PER_SECOND: u64 = 256 << 10;

/// How long a client may think between the messages of one call.
const PAUSE_TIME: Duration = Duration::from_secs(300);

/// Calls whose message is not here yet, over all connections: each takes some kB. Another one ends the call that has
/// been without progress for the longest time, so that headers without messages keep nobody out.
const MAX_WAITING: usize = 4_096;

/// The flag and the length before each message.
const PREFIX_BYTES: usize = 5;

/// Messages are kept in pieces, whatever the sizes of the frames: little is wasted and nothing is moved. A piece is as
/// large as what is there already, within these bounds: what is only announced takes no memory.
const MIN_PIECE_BYTES: usize = 4 << 10;
const MAX_PIECE_BYTES: usize = 64 << 10;

/// A message of n bytes is held as it came, as the decoder wants it, and as its fields; the allocator keeps what of it
/// is given back for some seconds.
const COPIES: u64 = 3;

/// A client may have sent this much of a message before it hears that the message is refused.
const MAX_UNDER_WAY_BYTES: u64 = 4 << 20;

/// What receiving requests needs to know.
pub(super) struct Receiver {
    schema: Arc<Schema>,
    memory: Arc<RequestMemory>,
    max_message_bytes: usize,
    waiting: Arc<WaitingCalls>,
}

impl Receiver {
    pub(super) fn new(memory: Arc<RequestMemory>, max_message_bytes: usize) -> Self {
        let waiting = Arc::default();
        Self { schema: Arc::new(api::schema()), memory, max_message_bytes, waiting }
    }
}

/// Receives the message of a call before its handler begins; of a call that may send several, each before the handler
/// sees it.
pub(super) async fn receive(State(receiver): State<Arc<Receiver>>, request: Request, next: Next) -> Response {
    let Some(method) = receiver.schema.method(request.uri().path()) else {
        return failed(&Status::unimplemented("there is no such method"));
    };
    if is_compressed(&request) {
        return failed(&Status::unimplemented("compressed requests are not accepted"));
    }
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let (parts, body) = request.into_parts();
    let mut messages = Messages::new(body, method, receiver, connection);
    if !method.streams
        && let Err(status) = messages.complete().await
    {
        messages.expect_rest();
        return failed(&status);
    }
    // The decoded message lives until the handler has answered.
    let _charge = messages.take_charge(method);
    next.run(Request::from_parts(parts, Body::new(messages))).await
}

fn is_compressed(request: &Request) -> bool {
    request.headers().get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

/// The messages of one call. As a body it yields each message when it is complete.
struct Messages {
    body: Body,
    method: Method,
    receiver: Arc<Receiver>,
    connection: Option<Arc<Connection>>,
    /// What came and is not looked at yet.
    input: Bytes,
    has_ended: bool,
    /// The prefix of the next message, as far as it is here.
    prefix: [u8; PREFIX_BYTES],
    prefix_bytes: usize,
    incoming: Option<Incoming>,
    received_any: bool,
    /// A complete message with its prefix, in pieces.
    complete: VecDeque<Bytes>,
    charge: Option<MemoryCharge>,
    timer: Timer,
    waiting: WaitingCall,
}

/// A message that is arriving.
struct Incoming {
    weigher: Weigher,
    missing: usize,
    received: usize,
    /// What was charged for its elements so far.
    overhead: u64,
    pieces: VecDeque<Bytes>,
    piece: BytesMut,
}

/// How long the bytes that come next may take.
struct Timer {
    begun: Instant,
    bytes: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Messages {
    fn new(body: Body, method: Method, receiver: Arc<Receiver>, connection: Option<Arc<Connection>>) -> Self {
        let waiting = receiver.waiting.clone().enter();
        Self {
            body,
            method,
            receiver,
            connection,
            input: Bytes::new(),
            has_ended: false,
            prefix: [0; PREFIX_BYTES],
            prefix_bytes: 0,
            incoming: None,
            received_any: false,
            complete: VecDeque::new(),
            charge: None,
            timer: Timer { begun: Instant::now(), bytes: 0, sleep: None },
            waiting,
        }
    }

    /// Waits for the one message and the end of the call's input.
    async fn complete(&mut self) -> Result<(), Status> {
        poll_fn(|context| self.poll_message(context)).await?;
        let whole = std::mem::take(&mut self.complete);
        poll_fn(|context| self.poll_message(context)).await?;
        self.complete = whole;
        Ok(())
    }

    /// The charge of a call's only message, to outlive the message's bytes.
    fn take_charge(&mut self, method: Method) -> Option<MemoryCharge> {
        if method.streams { None } else { self.charge.take() }
    }

    /// Ready when the next message lies complete, or the input has ended.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        loop {
            while !self.input.is_empty() {
                if self.take_input()? {
                    return Poll::Ready(Ok(()));
                }
            }
            if self.has_ended {
                return Poll::Ready(self.check_end());
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => self.take_frame(frame),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(broken(&error))),
                Poll::Ready(None) => {
                    self.has_ended = true;
                    self.waiting.leave();
                }
                Poll::Pending if self.waiting.has_ended(context) => return Poll::Ready(Err(crowded_out())),
                Poll::Pending => {
                    ready!(self.timer.poll_expired(context, self.may_pause()));
                    return Poll::Ready(Err(too_slow()));
                }
            }
        }
    }

    /// Whether the client owes no message now.
    fn may_pause(&self) -> bool {
        self.method.streams && self.received_any && self.prefix_bytes == 0
    }

    /// What of a refused message is on its way is no flood.
    fn expect_rest(&self) {
        let rest = self.incoming.as_ref().map_or(0, |incoming| incoming.missing as u64);
        self.count_bytes(rest.min(MAX_UNDER_WAY_BYTES));
    }

    fn count_bytes(&self, bytes: u64) {
        if let Some(connection) = &self.connection {
            connection.message_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn take_frame(&mut self, frame: Frame<Bytes>) {
        // Trailers of a request mean nothing to gRPC.
        let Ok(data) = frame.into_data() else { return };
        self.count_bytes(data.len() as u64);
        if !data.is_empty() {
            self.timer.add(data.len());
            self.waiting.touch();
            self.input = data;
        }
    }

    /// Takes some of the input; true when a message is complete.
    fn take_input(&mut self) -> Result<bool, Status> {
        if self.incoming.is_none() {
            let length = self.input.len().min(PREFIX_BYTES - self.prefix_bytes);
            self.input.copy_to_slice(&mut self.prefix[self.prefix_bytes..][..length]);
            self.prefix_bytes += length;
            if self.prefix_bytes < PREFIX_BYTES {
                return Ok(false);
            }
            self.begin_message()?;
        }
        let Some(incoming) = &mut self.incoming else { return Ok(false) };
        let data = self.input.split_to(self.input.len().min(incoming.missing));
        let charge = self.charge.get_or_insert_with(|| self.receiver.memory.open_charge());
        incoming.take(&data, charge)?;
        if incoming.missing > 0 {
            return Ok(false);
        }
        incoming.weigher.finish().map_err(api::Refusal::status)?;
        self.finish_message();
        Ok(true)
    }

    fn begin_message(&mut self) -> Result<(), Status> {
        let [flag, length @ ..] = self.prefix;
        let length = u32::from_be_bytes(length) as usize;
        if flag != 0 {
            return Err(Status::unimplemented("compressed requests are not accepted"));
        }
        if self.received_any && !self.method.streams {
            return Err(Status::invalid_argument("this method takes one message, and the call sent another"));
        }
        let max = self.receiver.max_message_bytes;
        if length > max {
            return Err(api::plain_status(
                Code::OutOfRange,
                &format!("the request of {length} bytes is over the message limit of {max} bytes"),
                "send less, or raise --max-message-bytes",
            ));
        }
        // The handler has seen the message before.
        self.charge = None;
        let weigher = Weigher::new(self.receiver.schema.clone(), self.method.request, length as u64);
        let piece = BytesMut::with_capacity(length.min(MIN_PIECE_BYTES));
        self.incoming = Some(Incoming {
            weigher,
            missing: length,
            received: 0,
            overhead: 0,
            pieces: VecDeque::new(),
            piece,
        });
        Ok(())
    }

    fn finish_message(&mut self) {
        let Some(Incoming { mut pieces, piece, .. }) = self.incoming.take() else { return };
        if !piece.is_empty() {
            pieces.push_back(piece.freeze());
        }
        pieces.push_front(Bytes::copy_from_slice(&self.prefix));
        self.complete = pieces;
        (self.prefix_bytes, self.received_any) = (0, true);
        self.timer.restart();
    }

    fn check_end(&self) -> Result<(), Status> {
        if self.incoming.is_none() && self.prefix_bytes == 0 {
            return Ok(());
        }
        Err(Status::invalid_argument("the call ended within a message"))
    }
}

impl HttpBody for Messages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.complete.is_empty() {
            ready!(self.poll_message(context))?;
        }
        Poll::Ready(self.complete.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

impl Incoming {
    fn take(&mut self, mut data: &[u8], charge: &mut MemoryCharge) -> Result<(), Status> {
        charge.add(data.len() as u64 * COPIES)?;
        self.weigher.walk(data).map_err(api::Refusal::status)?;
        charge.add(self.weigher.overhead() - self.overhead)?;
        self.overhead = self.weigher.overhead();
        self.missing -= data.len();
        while !data.is_empty() {
            let room = self.piece.capacity() - self.piece.len();
            if room == 0 {
                let wanted = self.received.clamp(MIN_PIECE_BYTES, MAX_PIECE_BYTES);
                let next = BytesMut::with_capacity(wanted.min(self.missing + data.len()));
                self.pieces.push_back(std::mem::replace(&mut self.piece, next).freeze());
                continue;
            }
            let (now, later) = data.split_at(data.len().min(room));
            self.piece.extend_from_slice(now);
            self.received += now.len();
            data = later;
        }
        Ok(())
    }
}

impl Timer {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.sleep = None;
    }

    fn restart(&mut self) {
        *self = Self { begun: Instant::now(), bytes: 0, sleep: None };
    }

    /// Ready when the time is over; `between` messages there is more of it.
    fn poll_expired(&mut self, context: &mut Context<'_>, between: bool) -> Poll<()> {
        let time = if between { PAUSE_TIME } else { MESSAGE_TIME };
        let end = self.begun + time + Duration::from_millis(self.bytes * 1000 / MIN_BYTES_PER_SECOND);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end)));
        sleep.as_mut().poll(context)
    }
}

/// The calls whose message is not here yet, the one longest without progress first.
#[derive(Debug, Default)]
struct WaitingCalls(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    calls: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

/// A call in the table of those that wait; it leaves on drop.
struct WaitingCall {
    all: Arc<WaitingCalls>,
    /// Its place in the table; `None` once it left by itself.
    number: Option<u64>,
}

impl WaitingCalls {
    fn enter(self: Arc<Self>) -> WaitingCall {
        let number = Some(self.with(Waiting::append));
        WaitingCall { all: self, number }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Waiting {
    /// A new last place; where there are too many, the first one has to go.
    fn append(&mut self) -> u64 {
        if self.calls.len() >= MAX_WAITING
            && let Some((_, Some(waker))) = self.calls.pop_first()
        {
            waker.wake();
        }
        self.next += 1;
        self.calls.insert(self.next, None);
        self.next
    }
}

impl WaitingCall {
    /// It has made progress, and is the last again.
    fn touch(&mut self) {
        let Some(number) = self.number else { return };
        self.number = self.all.with(|waiting| {
            // One that had to go is not let in again.
            waiting.calls.remove(&number)?;
            Some(waiting.append())
        });
    }

    fn leave(&mut self) {
        if let Some(number) = self.number.take() {
            self.all.with(|waiting| waiting.calls.remove(&number));
        }
    }

    /// Whether it had to make room for another; else the task is woken when it has to.
    fn has_ended(&self, context: &mut Context<'_>) -> bool {
        let Some(number) = self.number else { return false };
        self.all.with(|waiting| match waiting.calls.get_mut(&number) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                false
            }
            None => true,
        })
    }
}

impl Drop for WaitingCall {
    fn drop(&mut self) {
        self.leave();
    }
}

fn too_slow() -> Status {
    api::plain_status(
        Code::DeadlineExceeded,
        "the request did not arrive in time",
        "send each message at once, at 256 KiB per second or more",
    )
}

fn crowded_out() -> Status {
    api::plain_status(
        Code::ResourceExhausted,
        "too many calls wait for their messages, and this one had waited the longest",
        "try again, and send each message at once",
    )
}

fn broken(error: &axum::Error) -> Status {
    Status::cancelled(format!("the call broke off: {error}"))
}
