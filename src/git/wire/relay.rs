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
        tokio::select! {
            done = pass(from_local, to_remote, |_| Ok(())) => done,
            done = pass(from_remote, to_local, |count| link.took(count)) => done,
        }
    };
    tokio::select! {
        // What broke is told by the link, or by the library that sees its connection end.
        _ = relayed => {}
        // Inside the branch: the reason is there before the connections are gone.
        () = async { drop(link.fail(link.ended().await)) } => {}
    }
}

/// Passes bytes on until they end, showing their counts to `count`.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: impl Fn(usize) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        count(read)?;
        to.write_all(&buffer[..read]).await?;
    }
}
