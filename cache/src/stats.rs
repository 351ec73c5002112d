//! What the cache did so far, counted per kind.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Kind;

/// A reading of the counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub(crate) kinds: [Counts; Kind::ALL.len()],
    /// Entries dropped from memory for want of room.
    pub evictions: u64,
    /// Entries in memory.
    pub entries: u64,
    /// Bytes in memory, with what the entries take besides their bodies.
    pub bytes: u64,
    /// Times a tier failed or held something broken; each counted as a miss of that tier.
    pub failures: u64,
}

/// What happened to one kind of entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Looked for and found, in any tier.
    pub hits: u64,
    /// Looked for and not found.
    pub misses: u64,
    /// Put in.
    pub fills: u64,
}

impl Stats {
    /// What happened to entries of `kind`.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Counts {
        self.kinds[kind.position()]
    }
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    kinds: [KindCounters; Kind::ALL.len()],
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct KindCounters {
    hits: AtomicU64,
    misses: AtomicU64,
    fills: AtomicU64,
}

impl Counters {
    pub(crate) fn looked(&self, kind: Kind, found: bool) {
        let kind = &self.kinds[kind.position()];
        count(if found { &kind.hits } else { &kind.misses });
    }

    pub(crate) fn filled(&self, kind: Kind) {
        count(&self.kinds[kind.position()].fills);
    }

    pub(crate) fn failed(&self) {
        count(&self.failures);
    }

    /// The counters as they are now; what only the memory tier knows is left zero.
    pub(crate) fn read(&self) -> Stats {
        let kinds = self.kinds.each_ref().map(|kind| Counts {
            hits: kind.hits.load(Ordering::Relaxed),
            misses: kind.misses.load(Ordering::Relaxed),
            fills: kind.fills.load(Ordering::Relaxed),
        });
        Stats { kinds, failures: self.failures.load(Ordering::Relaxed), ..Stats::default() }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
