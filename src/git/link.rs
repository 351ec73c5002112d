//! The limits of one conversation with a remote: when it must be over, how slow it may be, how much it may send, and
//! who can stop it. Every byte of every transport passes through a [`Link`].

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};

use super::stats::{Progress, Stats};

/// How often a waiting link looks at its clocks.
const TICK: Duration = Duration::from_millis(100);

/// A server must send this many bytes in every stall window. Its own progress messages are more than that, one byte
/// a second is less.
const SLOWEST: u64 = 256;

/// What a conversation may use up.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time to connect.
    pub connect: Duration,
    /// Time for a listing of refs.
    pub list: Duration,
    /// Time for a fetch, all of it.
    pub fetch: Duration,
    /// The window in which a server must send something worth its name.
    pub stall: Duration,
    /// Bytes of a listing.
    pub list_bytes: u64,
    /// Bytes of a fetch.
    pub fetch_bytes: u64,
    /// Bytes that the objects of a fetch may unpack to however few were sent for them.
    pub unpack_bytes: u64,
    /// Bytes of a file of the web.
    pub page_bytes: u64,
    /// Names in a listing.
    pub refs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A server that is up answers within milliseconds; a lost packet is sent again after 1, 3 and 7 s.
            connect: Duration::from_secs(10),
            // Argo CD's limit for listings.
            list: Duration::from_secs(15),
            fetch: Duration::from_secs(120),
            // Servers that count objects for long say so every second or at least every five.
            stall: Duration::from_secs(20),
            // A million refs of 64 bytes.
            list_bytes: 64 << 20,
            // Twice what the largest public monorepos send at depth 1.
            fetch_bytes: 4 << 30,
            // Several times what the largest public repositories of manifests unpack to at depth 1.
            unpack_bytes: 1 << 30,
            // Five times the largest install manifests of public projects.
            page_bytes: 16 << 20,
            // The largest public repositories list half a million refs (pull requests).
            refs: 1_000_000,
        }
    }
}

/// Stops work: a flag for code that looks, and a token for code that waits. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    flag: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Halt {
    /// Stops everything that has this halt.
    pub fn raise(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.token.cancel();
    }

    /// The flag, for libraries that take one.
    #[must_use]
    pub fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Whether it was raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        self.token.cancelled().await;
    }
}

/// One conversation with a remote. Used from a blocking thread inside the runtime.
#[derive(Debug)]
pub(super) struct Link {
    halt: Halt,
    deadline: Instant,
    limit: Duration,
    stall: Duration,
    most: u64,
    unpack_bytes: u64,
    received: AtomicU64,
    pace: Mutex<Pace>,
    failure: Mutex<Option<Error>>,
    runtime: tokio::runtime::Handle,
    stats: Arc<Stats>,
    progress: Option<Arc<dyn Progress>>,
}

/// Keeps the stop flag to the time of a link.
#[derive(Debug)]
pub(super) struct Watch(tokio::task::AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The window the speed is measured in.
#[derive(Debug)]
struct Pace {
    since: Instant,
    received: u64,
}

impl Link {
    /// A conversation of at most `time` and `bytes`, that `halt` stops.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub(super) fn new(limits: &Limits, time: Duration, bytes: u64, halt: Halt) -> Self {
        Self {
            halt,
            deadline: Instant::now() + time,
            limit: time,
            stall: limits.stall,
            most: bytes,
            unpack_bytes: limits.unpack_bytes,
            received: AtomicU64::new(0),
            pace: Mutex::new(Pace { since: Instant::now(), received: 0 }),
            failure: Mutex::default(),
            runtime: tokio::runtime::Handle::current(),
            stats: Arc::default(),
            progress: None,
        }
    }

    /// The same conversation, counted in `stats` and shown by `progress`.
    #[must_use]
    pub(super) fn watched(self, stats: Arc<Stats>, progress: Option<Arc<dyn Progress>>) -> Self {
        Self { stats, progress, ..self }
    }

    /// The stop flag, for libraries that take one.
    #[must_use]
    pub(super) fn flag(&self) -> &AtomicBool {
        self.halt.flag()
    }

    /// Waits for `work`, but not beyond any limit.
    ///
    /// # Errors
    /// The limit that was reached; it is kept as the failure of the link.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> io::Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                done = work => Ok(done),
                error = self.ended() => Err(self.fail(error)),
            }
        })
    }

    /// Counts received bytes.
    ///
    /// # Errors
    /// When they are more than the link may take, or came too slowly.
    pub(super) fn took(&self, bytes: usize) -> io::Result<()> {
        let total = self.received.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        self.stats.received(bytes as u64);
        if let Some(progress) = &self.progress {
            progress.bytes(total);
        }
        if total > self.most {
            let most = self.most >> 20;
            return Err(
                self.fail(Error::new(Kind::OverBudget, format!("the remote sent more than {most} MiB")))
            );
        }
        self.check().map_err(|error| self.fail(error))
    }

    /// Shows how many objects are about to come.
    pub(super) fn objects(&self, count: u64) {
        if let Some(progress) = &self.progress {
            progress.objects(count);
        }
    }

    /// Fails once time is up, or nobody waits any more.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] or [`Kind::Deadline`].
    pub(super) fn check_time(&self) -> Result<()> {
        if Instant::now() >= self.deadline {
            let limit = self.limit.as_secs_f32();
            return Err(Error::new(Kind::Deadline, format!("the remote took longer than {limit} s")));
        }
        if self.halt.is_raised() {
            return Err(Error::new(Kind::Cancelled, "nobody waits for the remote any more"));
        }
        Ok(())
    }

    /// As [`Link::check_time`], and fails when the remote is too slow. For those who wait for it.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] or [`Kind::Deadline`].
    pub(super) fn check(&self) -> Result<()> {
        self.check_time()?;
        self.check_pace()
    }

    /// Raises the stop flag when time is up, for code that looks at nothing else, until the result is dropped.
    #[must_use]
    pub(super) fn watch(&self) -> Watch {
        let (halt, left) = (self.halt.clone(), self.deadline.saturating_duration_since(Instant::now()));
        let watching = self.runtime.spawn(async move {
            tokio::time::sleep(left).await;
            halt.raise();
        });
        Watch(watching.abort_handle())
    }

    /// Keeps `error` as the reason the link broke, unless there is one, and gives the I/O error that carries it up.
    pub(super) fn fail(&self, error: Error) -> io::Error {
        let message = error.message().to_owned();
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        io::Error::other(message)
    }

    /// Keeps `error` as [`Link::fail`] does, and stops whatever works for the link.
    pub(super) fn stop(&self, error: Error) {
        drop(self.fail(error));
        self.halt.raise();
    }

    /// How many bytes were received so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// What the objects of a fetch may unpack to however few bytes were received.
    pub(super) fn unpack_bytes(&self) -> u64 {
        self.unpack_bytes
    }

    /// Why the link broke, if it did.
    #[must_use]
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn check_pace(&self) -> Result<()> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.since.elapsed() < self.stall {
            return Ok(());
        }
        let received = self.received.load(Ordering::Relaxed);
        if received - pace.received < SLOWEST {
            let stall = self.stall.as_secs_f32();
            return Err(Error::new(Kind::Deadline, format!("the remote sent next to nothing for {stall} s")));
        }
        *pace = Pace { since: Instant::now(), received };
        Ok(())
    }

    /// Runs `work` beside, inside the runtime.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Waits until a limit is reached, and says which.
    pub(super) async fn ended(&self) -> Error {
        loop {
            tokio::select! {
                () = self.halt.raised() => {}
                () = tokio::time::sleep(TICK) => {}
            }
            if let Err(error) = self.check() {
                return error;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(stall: u64) -> Limits {
        Limits { stall: Duration::from_millis(stall), ..Limits::default() }
    }

    async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn silence_ends_at_the_stall_limit_and_the_reason_is_kept() {
        let link = Link::new(&limits(150), Duration::from_secs(60), 1 << 20, Halt::default());
        let (broke, failure) =
            blocking(move || (link.wait(std::future::pending::<()>()), link.failure())).await;
        assert!(broke.is_err());
        assert_eq!(failure.unwrap().kind(), Kind::Deadline);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_trickle_is_a_stall_too() {
        let link = Link::new(&limits(150), Duration::from_secs(60), 1 << 20, Halt::default());
        let failure = blocking(move || {
            while link.took(1).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
            link.failure()
        });
        assert_eq!(failure.await.unwrap().kind(), Kind::Deadline);
    }

    #[tokio::test]
    async fn the_whole_time_and_the_bytes_are_limited() {
        let link = Link::new(&limits(60_000), Duration::ZERO, 1 << 20, Halt::default());
        assert_eq!(link.check().unwrap_err().kind(), Kind::Deadline);
        let link = Link::new(&limits(60_000), Duration::from_secs(60), 10, Halt::default());
        assert!(link.took(10).is_ok());
        assert!(link.took(1).is_err());
        assert_eq!(link.failure().unwrap().kind(), Kind::OverBudget);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_watch_raises_the_flag_when_time_is_up() {
        let halt = Halt::default();
        let link = Link::new(&limits(60_000), Duration::from_millis(50), 1 << 20, halt.clone());
        let watch = link.watch();
        halt.raised().await;
        assert_eq!(link.check_time().unwrap_err().kind(), Kind::Deadline);
        drop(watch);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_halt_ends_the_wait_at_once() {
        let halt = Halt::default();
        let link = Link::new(&limits(60_000), Duration::from_secs(60), 1 << 20, halt.clone());
        let waiting = blocking(move || link.wait(std::future::pending::<()>()).map_err(|_| link.failure()));
        halt.raise();
        assert_eq!(waiting.await.unwrap_err().unwrap().kind(), Kind::Cancelled);
    }
}
