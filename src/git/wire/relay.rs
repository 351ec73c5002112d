//! A relay between a library that opens its own connections and a remote: the library connects to loopback, we to an
//! address that was checked, and every byte passes under the limits of a link. When the link ends, so do both ends.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::error::{Error, Kind, Result};

use super::super::link::{Limits, Link};
use super::super::remote::Host;
use super::socket;

/// The most an ssh server may say up to the end of its version: notices of companies take a few kilobytes.
const MAX_GREETING: usize = 32 << 10;

/// What an ssh server has said so far, up to the end of its version (RFC 4253 §4.2). The library takes it byte by byte
/// and without end.
#[derive(Default)]
struct Greeting {
    begins: [u8; 4],
    line: usize,
    total: usize,
    is_over: bool,
}

impl Greeting {
    /// Fails when it has become too long.
    fn check(&mut self, bytes: &[u8]) -> Result<()> {
        for byte in bytes {
            if self.is_over {
                return Ok(());
            }
            if self.total >= MAX_GREETING {
                return Err(Error::new(
                    Kind::Unavailable,
                    "the remote does not come to the point as ssh servers do",
                ));
            }
            self.total += 1;
            if let Some(place) = self.begins.get_mut(self.line) {
                *place = *byte;
            }
            self.line += 1;
            if *byte == b'\n' {
                self.is_over = self.begins == *b"SSH-";
                self.line = 0;
            }
        }
        Ok(())
    }
}

/// Opens a relay to `host` for one connection, and says where it is to be made.
pub(super) fn open(host: &Host, limits: &Limits, link: &Arc<Link>) -> Result<SocketAddr> {
    let remote = socket::connect(host, limits, link)?;
    let failed = |_| Error::new(Kind::Unavailable, "no port of loopback can be opened");
    let listener = link.wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).map_err(failed)?.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    link.spawn(run(listener, remote, link.clone()));
    Ok(address)
}

async fn run(listener: TcpListener, remote: TcpStream, link: Arc<Link>) {
    let relayed = async {
        let (local, _) = listener.accept().await?;
        drop(listener);
        let _ = local.set_nodelay(true);
        let ((from_local, to_local), (from_remote, to_remote)) = (local.into_split(), remote.into_split());
        let mut greeting = Greeting::default();
        let received = |bytes: &[u8]| {
            link.took(bytes.len())?;
            greeting.check(bytes).map_err(|error| link.fail(error))
        };
        tokio::select! {
            done = pass(from_local, to_remote, |_| Ok(())) => done,
            done = pass(from_remote, to_local, received) => done,
        }
    };
    tokio::select! {
        // What broke is told by the link, or by the library that sees its connection end.
        _ = relayed => {}
        // Inside the branch: the reason is there before the connections are gone.
        () = async { drop(link.fail(link.ended().await)) } => {}
    }
}

/// Passes bytes on until they end, showing them to `check` first.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut check: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        check(&buffer[..read])?;
        to.write_all(&buffer[..read]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_ends_with_the_version() {
        let mut greeting = Greeting::default();
        for part in [&b"notice\r\nSSH"[..], b"-2.0-x", b"\r\n\0\0", &[b'x'; 2 * MAX_GREETING]] {
            greeting.check(part).unwrap();
        }
        for endless in [&b"welcome\r\n"[..], b"x", b"SSH-x"] {
            let mut greeting = Greeting::default();
            assert!((0..2 * MAX_GREETING).any(|_| greeting.check(endless).is_err()));
        }
    }
}
