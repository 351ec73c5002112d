//! What the git layer counts and shows: counters for the metrics, progress for a terminal.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start, read by the telemetry.
#[derive(Debug, Default)]
pub struct Stats {
    listings: AtomicU64,
    fetches: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Listings asked of remotes.
    pub listings: u64,
    /// Fetches asked of remotes.
    pub fetches: u64,
    /// Bytes received from remotes.
    pub bytes: u64,
    /// Listings and fetches that failed.
    pub failures: u64,
}

/// Where the progress of a fetch is shown. Called often and from any thread.
pub trait Progress: Debug + Send + Sync {
    /// So many bytes of the current conversation have come.
    fn bytes(&self, total: u64);
    /// So many objects are coming.
    fn objects(&self, count: u64);
}

impl Stats {
    /// The counters now.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            listings: read(&self.listings),
            fetches: read(&self.fetches),
            bytes: read(&self.bytes),
            failures: read(&self.failures),
        }
    }

    pub(super) fn listing(&self) {
        self.listings.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fetch(&self) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}
