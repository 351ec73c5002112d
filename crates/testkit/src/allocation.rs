//! What a piece of work takes from the allocator and how long it goes without looking at its stop flag, measured on
//! this thread.
//!
//! Budgets are proven with these: what was taken is compared with what was charged, and no stretch of work between two
//! looks may be long. A test binary that measures declares the allocator that counts:
//!
//! ```
//! use manifestd_testkit::allocation::{Jemalloc, StopProbe, measure_allocated};
//!
//! #[global_allocator]
//! static ALLOCATOR: Jemalloc = Jemalloc;
//!
//! let (text, taken) = measure_allocated(|| "x".repeat(100_000));
//! assert!(taken >= text.len() as u64);
//!
//! let probe = StopProbe::raised_after(std::time::Duration::ZERO);
//! assert!(probe.is_raised());
//! ```

use std::cell::Cell;
use std::time::Duration;

use cpu_time::ThreadTime;
use tikv_jemalloc_ctl::thread;
pub use tikv_jemallocator::Jemalloc;

/// Does `work` and says how many bytes this thread took from the allocator meanwhile, what was given back again
/// counted too.
///
/// # Panics
/// When the binary's global allocator is not [`Jemalloc`]: nothing would be counted.
pub fn measure_allocated<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let counter = thread::allocatedp::read().expect("jemalloc is built with its counters");
    let before = counter.get();
    std::hint::black_box(Vec::<u8>::with_capacity(4_096));
    let of_probe = counter.get() - before;
    assert!(of_probe > 0, "the test binary must declare testkit's Jemalloc as its global allocator");
    let result = work();
    (result, counter.get() - before - of_probe)
}

/// The processor time of this thread: unlike the clock, it does not go on while others have the processor.
#[must_use]
pub fn thread_time() -> Duration {
    ThreadTime::now().as_duration()
}

/// A stop flag that times how often it is looked at. All times are processor time of this thread.
#[derive(Debug)]
pub struct StopProbe {
    begin: Duration,
    raise_after: Duration,
    last_look: Cell<Duration>,
    longest: Cell<Duration>,
    looks: Cell<u64>,
    raised_at: Cell<Option<Duration>>,
}

impl StopProbe {
    /// A flag that is raised once this much processor time has passed.
    #[must_use]
    pub fn raised_after(time: Duration) -> Self {
        let now = thread_time();
        Self {
            begin: now,
            raise_after: time,
            last_look: Cell::new(now),
            longest: Cell::new(Duration::ZERO),
            looks: Cell::new(0),
            raised_at: Cell::new(None),
        }
    }

    /// A flag that is never raised: it only times the looks.
    #[must_use]
    pub fn never_raised() -> Self {
        Self::raised_after(Duration::MAX)
    }

    /// The look at the flag; what an engine is given as its stop check.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        let now = thread_time();
        self.note(now);
        self.looks.set(self.looks.get() + 1);
        let raised = now - self.begin >= self.raise_after;
        if raised && self.raised_at.get().is_none() {
            self.raised_at.set(Some(now));
        }
        raised
    }

    fn note(&self, now: Duration) {
        let since = now.saturating_sub(self.last_look.get());
        self.longest.set(self.longest.get().max(since));
        self.last_look.set(now);
    }

    /// Ends the measurement: the longest time between two looks, the beginning and the end counted as looks.
    #[must_use]
    pub fn longest_stretch(&self) -> Duration {
        self.note(thread_time());
        self.longest.get()
    }

    /// How often the flag was looked at.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks.get()
    }

    /// How long the work has gone on since it was first told to stop; `None` when it never was.
    #[must_use]
    pub fn time_since_raised(&self) -> Option<Duration> {
        self.raised_at.get().map(|at| thread_time().saturating_sub(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burn(time: Duration) {
        let begin = thread_time();
        while thread_time() - begin < time {}
    }

    #[test]
    fn a_stretch_without_a_look_is_seen() {
        let probe = StopProbe::never_raised();
        assert!(!probe.is_raised());
        burn(Duration::from_millis(20));
        assert!(!probe.is_raised());
        assert!(probe.longest_stretch() >= Duration::from_millis(20));
        assert_eq!(probe.looks(), 2);
        assert_eq!(probe.time_since_raised(), None);
    }

    #[test]
    fn a_flag_is_raised_after_its_time() {
        let probe = StopProbe::raised_after(Duration::from_millis(10));
        assert!(!probe.is_raised());
        burn(Duration::from_millis(10));
        assert!(probe.is_raised());
        burn(Duration::from_millis(5));
        assert!(probe.time_since_raised().is_some_and(|time| time >= Duration::from_millis(5)));
    }
}
