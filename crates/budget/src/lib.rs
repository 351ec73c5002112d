//! What one engine call may use: bytes of memory, and a flag that says stop.
//!
//! A budget belongs to the threads that work for the call ([`Budget::run`]), not to an argument of every function: a
//! parameter that one of a thousand functions does not pass on is a hole, and the readers and writers of YAML serve
//! engines that know nothing of each other. Tokio's cooperative budget is ambient for the same reason.
//!
//! Code that takes memory in proportion to its input says so first with [`charge`]; code that only walks says so with
//! [`work`]. Both look at the flag after a bounded amount of either. Without a budget both always succeed.
//!
//! ```
//! use manifestd_budget::{Budget, Exhausted, charge};
//!
//! let budget = Budget::new(1 << 20, || false);
//! let refused = budget.run(|| {
//!     charge(600_000)?;
//!     charge(600_000)
//! });
//! assert_eq!(refused, Err(Exhausted::Bytes(1 << 20)));
//! // Whoever swallows a refusal does not hide it.
//! assert_eq!(budget.exhausted(), Some(Exhausted::Bytes(1 << 20)));
//! ```

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Bytes a thread takes from the shared count at once, so that a small charge is one subtraction. The flag is looked
/// at each time.
const GRANT: usize = 32 << 10;

/// Units of work between two looks at the flag. A unit is what walking over one byte or one small node costs: at a
/// hundred nanoseconds each, which only a build without optimisation needs, a look every few milliseconds.
const WORK_PER_LOOK: usize = 32 << 10;

/// The budget of one engine call. Clones are the same budget.
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    most: usize,
    /// Bytes charged and not released, those granted to threads included.
    held: AtomicUsize,
    /// Bytes charged all together, released or not.
    charged: AtomicUsize,
    /// 0, [`BYTES`] or [`STOPPED`]: the first refusal.
    refused: AtomicU8,
    stop: Box<dyn Fn() -> bool + Send + Sync>,
}

const BYTES: u8 = 1;
const STOPPED: u8 = 2;

/// Why a call has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// It would hold more than this many bytes.
    Bytes(usize),
    /// The flag was raised.
    Stopped,
}

thread_local! {
    static CURRENT: RefCell<Option<Budget>> = const { RefCell::new(None) };
    /// Bytes granted to this thread and not charged yet. Without a budget nothing is counted.
    static GRANTED: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Units of work until the flag is looked at.
    static UNWATCHED: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Budget {
    /// A budget of `most` bytes whose flag is `stop`.
    #[must_use]
    pub fn new(most: usize, stop: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            most,
            held: AtomicUsize::new(0),
            charged: AtomicUsize::new(0),
            refused: AtomicU8::new(0),
            stop: Box::new(stop),
        }))
    }

    /// The budget this thread works under: what a thread it starts has to run under, too.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Does `work` under this budget. The one around it waits meanwhile.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _restore = Installed::new(self.clone());
        work()
    }

    /// The first refusal, whether or not anybody reported it: a result that was made after one is none.
    #[must_use]
    pub fn exhausted(&self) -> Option<Exhausted> {
        self.0.exhausted()
    }

    /// Bytes charged up to now, what was released again included. A thread's grant counts only once it is used up or
    /// its run has ended.
    #[must_use]
    pub fn charged(&self) -> usize {
        self.0.charged.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("most", &self.0.most).field("charged", &self.charged()).finish()
    }
}

impl Shared {
    fn exhausted(&self) -> Option<Exhausted> {
        match self.refused.load(Ordering::Relaxed) {
            0 => None,
            BYTES => Some(Exhausted::Bytes(self.most)),
            _ => Some(Exhausted::Stopped),
        }
    }

    fn refuse(&self, why: u8) -> Exhausted {
        // The first reason stays: what follows it is only its consequence.
        let _ = self.refused.compare_exchange(0, why, Ordering::Relaxed, Ordering::Relaxed);
        self.exhausted().unwrap_or(Exhausted::Stopped)
    }

    fn look(&self) -> Result<(), Exhausted> {
        if let Some(refused) = self.exhausted() {
            return Err(refused);
        }
        if (self.stop)() { Err(self.refuse(STOPPED)) } else { Ok(()) }
    }

    fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        self.look()?;
        let held = self.held.load(Ordering::Relaxed).saturating_add(bytes);
        if held > self.most {
            return Err(self.refuse(BYTES));
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.charged.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes.min(self.held.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}

/// A budget in force on this thread, until it is dropped.
struct Installed {
    before: Option<Budget>,
    granted: usize,
    unwatched: usize,
}

impl Installed {
    fn new(budget: Budget) -> Self {
        Self {
            before: CURRENT.replace(Some(budget)),
            granted: GRANTED.replace(0),
            unwatched: UNWATCHED.replace(0),
        }
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if let Some(budget) = CURRENT.replace(self.before.take()) {
            let unused = GRANTED.replace(self.granted);
            budget.0.give_back(unused);
            budget.0.charged.fetch_sub(unused.min(budget.charged()), Ordering::Relaxed);
        }
        UNWATCHED.set(self.unwatched);
    }
}

/// Charges `bytes` that are about to be taken, and looks at the flag now and then.
///
/// # Errors
/// The thread's budget does not have them, or its flag is raised.
#[inline]
pub fn charge(bytes: usize) -> Result<(), Exhausted> {
    match GRANTED.get().checked_sub(bytes) {
        Some(left) => {
            GRANTED.set(left);
            Ok(())
        }
        None => charge_slowly(bytes),
    }
}

#[cold]
fn charge_slowly(bytes: usize) -> Result<(), Exhausted> {
    CURRENT.with_borrow(|current| {
        let Some(budget) = current else {
            GRANTED.set(usize::MAX);
            return Ok(());
        };
        let missing = bytes - GRANTED.get();
        // Near the end what is asked for may be there where a whole grant is not.
        let room = budget.0.most.saturating_sub(budget.0.held.load(Ordering::Relaxed));
        let wanted = missing.max(GRANT.min(room));
        budget.0.take(wanted)?;
        GRANTED.set(wanted - missing);
        Ok(())
    })
}

/// Charges `bytes` in code that cannot fail: the next check refuses where there was too little. Meant for what is small
/// by itself and taken in loops that check.
#[inline]
pub fn note(bytes: usize) {
    let _ = charge(bytes);
}

/// Says that `units` of work follow, a byte or a small node each, and looks at the flag now and then.
///
/// # Errors
/// The flag of the thread's budget is raised, or the budget refused something before.
#[inline]
pub fn work(units: usize) -> Result<(), Exhausted> {
    match UNWATCHED.get().checked_sub(units) {
        Some(left) => {
            UNWATCHED.set(left);
            Ok(())
        }
        None => look(),
    }
}

/// Looks at the flag at once.
///
/// # Errors
/// As [`work`].
#[cold]
pub fn look() -> Result<(), Exhausted> {
    CURRENT.with_borrow(|current| {
        let Some(budget) = current else {
            UNWATCHED.set(usize::MAX);
            return Ok(());
        };
        UNWATCHED.set(WORK_PER_LOOK);
        budget.0.look()
    })
}

/// Releases bytes that were charged on this thread: the memory is free again.
pub fn release(bytes: usize) {
    CURRENT.with_borrow(|current| {
        if let Some(budget) = current {
            budget.0.give_back(bytes);
        }
    });
}

/// Does `work` and releases all it charged, for what is made and dropped on the way to a small result.
pub fn temporarily<T>(work: impl FnOnce() -> T) -> T {
    let held = || CURRENT.with_borrow(|current| current.as_ref().map(Budget::held_here));
    let before = held();
    let result = work();
    if let (Some(before), Some(after)) = (before, held()) {
        release(after.saturating_sub(before));
    }
    result
}

impl Budget {
    /// Bytes held, without what is granted to this thread and not charged.
    fn held_here(&self) -> usize {
        self.0.held.load(Ordering::Relaxed).saturating_sub(GRANTED.get())
    }
}

/// Bytes that something holds: released when it is dropped.
#[derive(Debug, Default)]
pub struct Charge(usize);

impl Charge {
    /// Adds bytes that are about to be taken.
    ///
    /// # Errors
    /// As [`charge`].
    #[inline]
    pub fn add(&mut self, bytes: usize) -> Result<(), Exhausted> {
        charge(bytes)?;
        self.0 += bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        release(self.0);
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(most) => write!(f, "it needs more than its memory budget of {} MiB", most >> 20),
            Self::Stopped => f.write_str("it was stopped"),
        }
    }
}

impl std::error::Error for Exhausted {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn without_a_budget_nothing_is_refused() {
        for _ in 0..3 {
            assert_eq!(charge(usize::MAX / 2), Ok(()));
            assert_eq!(work(usize::MAX / 2), Ok(()));
        }
        assert_eq!(look(), Ok(()));
    }

    #[test]
    fn small_charges_add_up_to_the_budget_and_not_beyond() {
        let budget = Budget::new(1_000_000, || false);
        let fitted = budget.run(|| (0..).take_while(|_| charge(100).is_ok()).count());
        assert_eq!(fitted, 10_000);
        assert_eq!(budget.exhausted(), Some(Exhausted::Bytes(1_000_000)));
        assert_eq!(budget.charged(), 1_000_000);
    }

    #[test]
    fn a_refusal_stays_one() {
        let budget = Budget::new(100, || false);
        budget.run(|| {
            assert!(charge(101).is_err());
            assert!(charge(1).is_err() && look().is_err());
        });
    }

    #[test]
    fn what_is_released_can_be_charged_again() {
        let budget = Budget::new(1_000, || false);
        budget.run(|| {
            for _ in 0..10 {
                temporarily(|| charge(900)).unwrap();
                let mut charged = Charge::default();
                charged.add(900).unwrap();
            }
        });
        assert_eq!((budget.exhausted(), budget.charged()), (None, 18_000));
    }

    #[test]
    fn a_raised_flag_is_seen_after_a_bounded_amount_of_work() {
        let raised = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&raised);
        let budget = Budget::new(usize::MAX, move || flag.load(Ordering::Relaxed));
        budget.run(|| {
            assert!(work(1).is_ok());
            raised.store(true, Ordering::Relaxed);
            let done = (0..).take_while(|_| work(1).is_ok()).count();
            assert!(done <= WORK_PER_LOOK, "{done}");
            assert_eq!(charge(1), Err(Exhausted::Stopped));
        });
        assert_eq!(budget.exhausted(), Some(Exhausted::Stopped));
    }

    #[test]
    fn an_inner_budget_leaves_the_outer_one_as_it_was() {
        let (outer, inner) = (Budget::new(1_000, || false), Budget::new(10, || false));
        outer.run(|| {
            charge(10).unwrap();
            inner.run(|| assert!(charge(11).is_err()));
            charge(990).unwrap();
            assert!(charge(1).is_err());
        });
        assert_eq!(charge(5_000), Ok(()));
    }

    #[test]
    fn threads_share_a_budget() {
        let budget = Budget::new(1_000, || false);
        budget.run(|| {
            charge(600).unwrap();
            let current = Budget::current().unwrap();
            std::thread::scope(|scope| {
                let other = scope.spawn(|| current.run(|| charge(600)));
                assert!(other.join().unwrap().is_err());
            });
        });
    }
}
