//! Accepts connections: within the limits of the listener, and without spinning when descriptors run out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::connections::{Admitted, Connections};
use super::descriptors::{SpareDescriptor, is_exhausted};

/// How long to wait for a descriptor to become free. A probe that waits this long is still in time.
const BACK_OFF: Duration = Duration::from_millis(50);

/// A listener with its connections.
pub(super) struct Acceptor {
    listener: TcpListener,
    connections: Arc<Connections>,
    spare: SpareDescriptor,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener, connections: Arc<Connections>) -> Self {
        Self { listener, connections, spare: SpareDescriptor::new() }
    }

    /// The next connection that has a place. Those that have none are closed.
    pub(super) async fn accept(&mut self) -> (TcpStream, Admitted) {
        loop {
            self.spare.refill();
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if let Some(admitted) = self.connections.admit(address.ip()) {
                        // Answers are small or whole: nothing is gained by waiting for more.
                        let _ = stream.set_nodelay(true);
                        return (stream, admitted);
                    }
                    refused(address);
                }
                Err(error) if is_exhausted(&error) => self.make_room(&error).await,
                // The client was gone before it was its turn.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Descriptors have run out: gives the spare one to the next connection, and ends an idle connection so that there
    /// will be another. Where neither helps, waits.
    async fn make_room(&mut self, error: &io::Error) {
        tracing::warn!(%error, "no descriptor is left for a connection");
        self.connections.end_longest_idle();
        if !self.spare.give_up() {
            sleep(BACK_OFF).await;
        }
    }
}

fn refused(address: SocketAddr) {
    tracing::debug!(%address, "a connection was refused: there are too many, and all of them are working");
}
