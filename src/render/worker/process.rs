//! A worker process as the server sees it: started bare, spoken with under a time limit, and killed with its group when
//! the time is up or nobody waits any more.

use std::io::{self, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::death::Death;
use super::starter::Starter;
use super::{WorkerSettings, inside};
use crate::error::{Error, Kind, Result};
use crate::render::Stop;

/// How often a waiting server looks at whether to wait on: a stop takes hold within it.
const TICK: Duration = Duration::from_millis(20);

/// What a worker is given beyond the render's time limit, to say itself that it is over.
const GRACE: Duration = Duration::from_millis(100);

/// The most that is read of what a dead worker wrote on standard error.
const MAX_LAST_WORDS: u64 = 16 << 10;

/// A worker process. Dropping it kills it and waits for its end.
pub(super) struct WorkerProcess {
    child: Child,
    /// Where it is spoken with.
    pub(super) socket: ServerSocket,
    /// What it remembers belongs to this scope; `None` before its first order.
    pub(super) scope: Option<[u8; 32]>,
    /// Orders it was given.
    pub(super) orders: u32,
    dead: bool,
}

impl WorkerProcess {
    /// Starts a worker that remembers nothing.
    pub(super) fn start(settings: &WorkerSettings, starter: &Starter) -> Result<Self> {
        let socket = UnixStream::pair().and_then(|(near, far)| {
            near.set_read_timeout(Some(TICK))?;
            near.set_write_timeout(Some(TICK))?;
            Ok((near, far))
        });
        let (near, far) = socket.map_err(|error| unavailable(&error))?;
        let mut command = Command::new(&settings.program);
        command
            .arg(inside::ARGUMENT)
            .arg(settings.data_bytes().to_string())
            .arg(std::process::id().to_string());
        command.env_clear().current_dir("/").process_group(0);
        command.stdin(OwnedFd::from(far)).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = starter.spawn(command).map_err(|error| unavailable(&error))?;
        let socket = ServerSocket(BufReader::new(PatientStream { stream: near, patience: None }));
        Ok(Self { child, socket, scope: None, orders: 0, dead: false })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        !self.dead && matches!(self.child.try_wait(), Ok(None))
    }

    /// From now on it is waited for as long as `stop` allows, and a moment more.
    pub(super) fn wait_as_long_as(&mut self, stop: &Stop) {
        let until = Instant::now() + stop.left() + GRACE;
        self.socket.0.get_mut().patience = Some(Patience { stop: stop.clone(), until });
    }

    /// Bytes of data it has now, as Linux counts them against its limit; `None` where that cannot be seen.
    pub(super) fn data_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes.saturating_mul(1024))
    }

    /// Says what it died of; one that was waited for in vain is `killed_by_us`.
    pub(super) fn examine_death(&mut self, stop: &Stop, killed_by_us: bool) -> Death {
        // A worker that is dying keeps the status it dies with; one that only fell silent must not be waited for.
        self.kill();
        let status = self.child.wait().ok();
        self.dead = true;
        // What it wrote last; whatever else was wrong shows in its status.
        let mut said = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(MAX_LAST_WORDS).read_to_end(&mut said);
        }
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Death { status, said, killed_by_us, stopped: stop.check().err() }
    }

    fn kill(&self) {
        let leader = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(leader) = leader.filter(|_| !self.dead) {
            // It was not waited for, so the number is still its own; it fails only when nobody is left in the group.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
        // It was killed, so there is nothing to wait for long.
        let _ = self.child.wait();
    }
}

/// The server's end of a worker's socket.
pub(super) struct ServerSocket(BufReader<PatientStream>);

struct PatientStream {
    stream: UnixStream,
    patience: Option<Patience>,
}

/// How long a worker is waited for.
struct Patience {
    stop: Stop,
    until: Instant,
}

impl PatientStream {
    /// Tries again and again, as long as there is patience.
    fn patiently<T>(&mut self, mut action: impl FnMut(&mut UnixStream) -> io::Result<T>) -> io::Result<T> {
        loop {
            match action(&mut self.stream) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                done => return done,
            }
            let over = self.patience.as_ref().is_none_or(|Patience { stop, until }| {
                stop.flag().load(Ordering::Relaxed) || Instant::now() >= *until
            });
            if over {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

impl Read for PatientStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(|stream| stream.read(buffer))
    }
}

impl Read for ServerSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ServerSocket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.get_mut().patiently(|stream| stream.write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unavailable(error: &io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("a worker cannot be started: {}", error.kind()))
}
