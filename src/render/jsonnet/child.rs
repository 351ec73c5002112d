//! The worker process as the server sees it: started bare, spoken with, and killed when time is up.

use std::io::{self, BufReader, BufWriter};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::wire::{self, Answer, Order};
use super::{Settings, worker};
use crate::error::{Error, Kind, Result};
use crate::render::{Job, Stop};

/// How often a running worker's time is looked at: a stop takes hold within it.
const TICK: Duration = Duration::from_millis(20);

/// A worker. Dropping it kills it.
pub(super) struct Worker {
    child: Child,
    orders: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
    /// Hanging up ends the watch.
    watch: Option<(Sender<()>, JoinHandle<()>)>,
    stop: Stop,
    memory: u64,
    output_bytes: u64,
}

impl Worker {
    /// Starts a worker that lives until the job is to stop at the longest.
    pub(super) fn start(settings: &Settings, job: &Job) -> Result<Self> {
        let stop = &job.stop;
        // The watch keeps the time; this only catches a worker that outlives its server.
        let seconds = stop.left().as_secs().saturating_add(2);
        let mut command = Command::new(&settings.program);
        command.arg(worker::ARGUMENT).arg(settings.memory.to_string()).arg(seconds.to_string());
        command.env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| broken(&error))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new(Kind::Internal, "the jsonnet worker has no pipes"));
        };
        let watch = Some(watch(&child, stop.clone()));
        let (orders, answers) = (Some(BufWriter::new(stdin)), BufReader::new(stdout));
        let (memory, output_bytes) = (settings.memory, job.budgets.output_bytes);
        Ok(Self { child, orders, answers, watch, stop: stop.clone(), memory, output_bytes })
    }

    /// Gives an order and waits for the answer.
    pub(super) fn ask(&mut self, order: &Order, body: &[u8]) -> Result<(Answer, Vec<u8>)> {
        let sent = self.orders.as_mut().map_or(Ok(()), |orders| wire::send(orders, order, body));
        let most = u32::try_from(self.output_bytes).unwrap_or(wire::MOST);
        match sent.and_then(|()| wire::receive(&mut self.answers, most)) {
            Ok(Some(answer)) => Ok(answer),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                let message = format!("the program's value is larger than {} bytes", self.output_bytes);
                Err(Error::new(Kind::OverBudget, message).help("split the application"))
            }
            Ok(None) | Err(_) => Err(self.obituary()),
        }
    }

    /// Why there is no answer: time ran out, or the program took more than it may.
    fn obituary(&mut self) -> Error {
        // A worker that is dying keeps the status it dies with; one that only fell silent must not be waited for.
        let _ = self.child.kill();
        self.orders = None;
        let status = self.bury();
        if let Err(stopped) = self.stop.check() {
            return stopped;
        }
        match status.map(|status| status.signal()) {
            Ok(Some(signal)) if signal == Signal::XCPU.as_raw() => {
                Error::new(Kind::Deadline, "the jsonnet program took longer than its time limit")
            }
            Ok(Some(_)) => {
                let megabytes = self.memory >> 20;
                let message = format!(
                    "the jsonnet program needs more than {megabytes} MiB of memory, or nests too deep"
                );
                Error::new(Kind::OverBudget, message)
                    .help("look for endless recursion or very large arrays and strings")
            }
            Ok(None) => Error::new(Kind::Internal, "the jsonnet worker ended unexpectedly"),
            Err(error) => broken(&error),
        }
    }

    /// Makes sure it is dead, and only then lets the watch go: until here its number cannot be another process's.
    fn bury(&mut self) -> io::Result<ExitStatus> {
        if let Some((hang_up, watch)) = self.watch.take() {
            drop(hang_up);
            // The watch cannot panic; if it did, the worker is killed all the same.
            let _ = watch.join();
        }
        self.child.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A worker ends by itself when its orders end, unless it is in the middle of a program.
        self.orders = None;
        if self.watch.is_some() {
            let _ = self.child.kill();
            let _ = self.bury();
        }
    }
}

/// Kills the worker when `stop` says so. Ends when the other end of the channel is dropped.
fn watch(child: &Child, stop: Stop) -> (Sender<()>, JoinHandle<()>) {
    let (hang_up, ended) = mpsc::channel();
    let pid = Pid::from_child(child);
    let watch = thread::spawn(move || {
        while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if stop.check().is_err() {
                // It may be dead already, but it was not waited for.
                let _ = kill_process(pid, Signal::KILL);
                return;
            }
        }
    });
    (hang_up, watch)
}

fn broken(error: &io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("the jsonnet worker cannot be run: {}", error.kind()))
}
