//! HTTP/2 written by hand, to send what no client library sends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinHandle;

/// What a client sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The end of a stream, as a flag of DATA and HEADERS.
pub(super) const END_STREAM: u8 = 1;

/// The end of the headers, as a flag of HEADERS and CONTINUATION.
pub(super) const END_HEADERS: u8 = 4;

/// Kinds of frames.
#[derive(Clone, Copy)]
pub(super) enum FrameKind {
    Data = 0,
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    WindowUpdate = 8,
    Continuation = 9,
}

/// A connection after its preface. What the server sends is read and forgotten.
pub(super) struct RawConnection {
    out: OwnedWriteHalf,
    next_stream: u32,
    closed: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl RawConnection {
    pub(super) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let (mut input, mut out) = stream.into_split();
        out.write_all(PREFACE).await?;
        out.write_all(&frame(FrameKind::Settings, 0, 0, b"")).await?;
        let closed = Arc::new(AtomicBool::new(false));
        let at_end = closed.clone();
        let reader = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while input.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            at_end.store(true, Ordering::Relaxed);
        });
        Ok(Self { out, next_stream: 1, closed, reader })
    }

    /// Whether the server has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes).await
    }

    /// The number of the next stream.
    pub(super) fn next_stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }
}

/// The bytes of a frame.
pub(super) fn frame(kind: FrameKind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind as u8, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The headers of a call of `Render`, with this token.
pub(super) fn call_headers(token: &str) -> Vec<u8> {
    // POST and http, by their numbers in the table of RFC 7541.
    let mut block = vec![0x83, 0x86];
    literal(&mut block, &[0x04], b"/manifestd.v1.Manifestd/Render");
    literal(&mut block, &[0x01], b"localhost");
    literal(&mut block, &[0x0f, 0x10], b"application/grpc");
    literal(&mut block, &[0x00, 0x02, b't', b'e'], b"trailers");
    literal(&mut block, &[0x0f, 0x08], format!("Bearer {token}").as_bytes());
    block
}

/// A message of gRPC with its prefix, of which only a part may follow.
pub(super) fn prefix(length: u32) -> Vec<u8> {
    [&[0][..], &length.to_be_bytes()].concat()
}

/// A header that is not kept in the table; `name` is written already, values are short.
fn literal(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.extend_from_slice(name);
    block.push(u8::try_from(value.len()).unwrap_or(u8::MAX) & 0x7f);
    block.extend_from_slice(value);
}
