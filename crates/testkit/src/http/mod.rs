//! An http(s) server on loopback around the real `git http-backend`, which can also misbehave by script.
//!
//! One thread per connection; every request is noted before it is answered.

mod act;
mod backend;
mod scripted;
mod wire;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

pub use act::Act;
pub use scripted::{Scripted, band};
pub use wire::Request;

/// How a [`Server`] behaves.
pub struct Options {
    /// The folder of repositories; nothing is found when `None`.
    pub root: Option<PathBuf>,
    /// Certificates to speak https with.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What every request must carry.
    pub auth: Option<Auth>,
    /// What to do with each request that carries it.
    pub act: Box<dyn Fn(&Request) -> Act + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self { root: None, tls: None, auth: None, act: Box::new(|_| Act::Serve) }
    }
}

/// Credentials a server asks for.
#[derive(Clone, Debug)]
pub enum Auth {
    /// User and password.
    Basic(String, String),
    /// A bearer token.
    Bearer(String),
}

impl Auth {
    fn header(&self) -> String {
        match self {
            Self::Basic(user, password) => {
                format!("Basic {}", wire::base64(format!("{user}:{password}").as_bytes()))
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }

    fn challenge(&self) -> &'static str {
        match self {
            Self::Basic(..) => "Basic realm=\"testkit\"",
            Self::Bearer(_) => "Bearer realm=\"testkit\"",
        }
    }
}

/// A running server; stopped, with all its connections, on drop.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    expected: Option<String>,
    stop: AtomicBool,
    seen: Mutex<Vec<Request>>,
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    /// Serves the repositories beneath `root` to everyone over plain http.
    #[must_use]
    pub fn git(root: &crate::Root) -> Self {
        Self::start(Options { root: Some(root.path().to_owned()), ..Options::default() })
    }

    /// A server on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of loopback is free");
        let address = listener.local_addr().expect("the listener is bound");
        let shared = Arc::new(Shared {
            expected: options.auth.as_ref().map(Auth::header),
            options,
            stop: AtomicBool::new(false),
            seen: Mutex::default(),
            open: Mutex::default(),
        });
        let accepting = shared.clone();
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    /// The URL of a path beneath the root.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.shared.options.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/{path}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, without their bodies' transfer encodings, in the order they arrived.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.seen).clone()
    }

    /// How many fetches of objects were asked for (not listings of refs), in protocol version 2 or before.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.requests().iter().filter(|request| request.is_fetch()).count()
    }

    /// How many listings of refs were asked for, in protocol version 2 or before.
    #[must_use]
    pub fn listings(&self) -> usize {
        self.requests().iter().filter(|request| request.is_listing()).count()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        lock(&self.shared.seen).clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; it does not matter if that is gone already.
        drop(TcpStream::connect(self.address));
        for stream in lock(&self.shared.open).drain(..) {
            // The peer may have closed it first.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        // A connection that breaks is the client's affair: tests look at what the client makes of it.
        thread::spawn(move || connection(stream, &shared).ok());
    }
}

fn connection(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    lock(&shared.open).push(stream.try_clone()?);
    let closing = stream.try_clone()?;
    let done = match &shared.options.tls {
        None => exchange(stream, shared),
        Some(config) => {
            let session = rustls::ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            exchange(rustls::StreamOwned::new(session, stream), shared)
        }
    };
    // The clone kept for stopping would hold the connection open.
    let _ = closing.shutdown(Shutdown::Both);
    done
}

fn exchange(stream: impl Read + Write, shared: &Shared) -> io::Result<()> {
    let mut stream = wire::Buffered::new(stream);
    while let Some(request) = stream.request()? {
        lock(&shared.seen).push(request.clone());
        let act = if shared.admits(&request) { (shared.options.act)(&request) } else { shared.refusal() };
        act.perform(&request, shared.options.root.as_deref(), stream.inner())?;
    }
    Ok(())
}

impl Shared {
    fn admits(&self, request: &Request) -> bool {
        self.expected.as_deref().is_none_or(|wanted| request.header("authorization") == Some(wanted))
    }

    fn refusal(&self) -> Act {
        let challenge = self.options.auth.as_ref().map_or("Basic", Auth::challenge);
        Act::reply(401, &[("WWW-Authenticate", challenge)], "credentials wanted")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
