//! `git://`: a plain connection to a daemon.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use gix_transport::Protocol;
use gix_transport::client::git::ConnectMode;
use gix_transport::client::git::blocking_io::Connection;
use tokio::net::TcpStream;

use crate::error::{Error, Kind, Result};

use super::super::address;
use super::super::link::{Limits, Link};
use super::super::remote::Host;
use super::unreachable::{Phase, broken_connection, not_in_time};

/// One direction of a connection, under the limits of a link.
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    link: Arc<Link>,
}

/// A connection to the daemon of `host` for the repository `path`.
pub(super) fn open(
    host: &Host,
    path: &str,
    limits: &Limits,
    link: &Arc<Link>,
) -> Result<Connection<Socket, Socket>> {
    let stream = Arc::new(connect(host, limits, link)?);
    let reader = Socket { stream: stream.clone(), link: link.clone() };
    let writer = Socket { stream, link: link.clone() };
    let port = (host.port != 9418).then_some(host.port);
    let named = Some((host.name.clone(), port));
    Ok(Connection::new(reader, writer, Protocol::V2, path, named, ConnectMode::Daemon, false))
}

/// A connection to a checked address of `host`, within the time to connect.
pub(super) fn connect(host: &Host, limits: &Limits, link: &Link) -> Result<TcpStream> {
    let connecting = tokio::time::timeout(limits.connect, address::connect(host));
    let connected = link.wait(connecting).map_err(|_| broken(link))?;
    let connection = connected.map_err(|_| not_in_time())?;
    connection.map_err(|error| broken_connection(&error, Phase::Connect))
}

fn broken(link: &Link) -> Error {
    link.failure().unwrap_or_else(|| Error::new(Kind::Unavailable, "the connection broke"))
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.link.wait(self.stream.readable())??;
            match self.stream.try_read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(count) => return self.link.took(count).map(|()| count),
                Err(error) => return Err(self.link.fail(broken_connection(&error, Phase::Talk))),
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            self.link.wait(self.stream.writable())??;
            match self.stream.try_write(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
