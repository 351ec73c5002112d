//! The thread that starts workers. A worker dies with the *thread* that started it (`PR_SET_PDEATHSIG`), and those that
//! render come and go: this one lives as long as its pool.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::process::keep_descriptors;

/// Starts processes on a thread of its own. When it is dropped, what it started is killed.
pub(super) struct Starter(Sender<Request>);

struct Request {
    command: Command,
    started: Sender<io::Result<Child>>,
}

impl Starter {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn new() -> io::Result<Self> {
        let (requests, waiting) = mpsc::channel::<Request>();
        thread::Builder::new().name("worker-starter".to_owned()).spawn(move || {
            while let Ok(Request { mut command, started }) = waiting.recv() {
                keep_descriptors();
                // Who asked waits; if it is gone all the same, the process is killed with this thread.
                let _ = started.send(command.spawn());
            }
        })?;
        Ok(Self(requests))
    }

    /// Starts a process.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn spawn(&self, command: Command) -> io::Result<Child> {
        let (started, child) = mpsc::channel();
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.send(Request { command, started }).map_err(|_| gone())?;
        child.recv().map_err(|_| gone())?
    }
}
