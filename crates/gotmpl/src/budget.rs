//! The budgets of a run: how many steps it may take, how much memory its texts and lists may take, and the stop flag.
//!
//! Memory is charged before it is taken (`text.rs` does it for texts and lists as they grow), steps stand for time:
//! one is about what a node of a template costs, or 64 bytes of text. Everything that runs for a chart shares one
//! budget, also what reads its values and what its templates print.

use std::cell::Cell;
use std::mem::size_of;

use crate::function::{CallError, Cause};
use crate::value::Value;

/// The most bytes of one text: what goes once through a text then takes less than 50 ms.
pub const MAX_TEXT: usize = 64 << 20;

/// How many steps pass between two looks at the stop flag.
const STEPS_PER_LOOK: u64 = 1_024;

/// How many bytes of text make one step.
const BYTES_PER_STEP: usize = 64;

/// What a text takes besides its bytes: two counters, and what the allocator rounds up.
const TEXT_OVERHEAD: usize = 32;

/// What a list takes besides its elements.
const LIST_OVERHEAD: usize = 64;

/// What an entry of a map takes, without the bytes of its key and value.
const MAP_ENTRY: usize = 160;

/// What a map takes that holds one entry: room for eleven.
const MAP_OVERHEAD: usize = 700;

/// What an execution may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps: nodes walked, functions called, and what they work on.
    pub steps: u64,
    /// Bytes held in outputs and made by functions, all together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // The largest public charts take a few million steps and some hundred MB.
        Self { steps: 100_000_000, bytes: 1 << 30 }
    }
}

/// Says whether to give up now; called at least every 64 KiB of text or thousand steps.
pub type StopCheck<'a> = &'a dyn Fn() -> bool;

/// What is left of the limits of a run.
pub struct Budget<'a> {
    limits: Limits,
    stop: StopCheck<'a>,
    steps: Cell<u64>,
    /// What is charged now.
    bytes: Cell<u64>,
    /// What was charged in all, also what was given back.
    charged: Cell<u64>,
}

type Result<T = ()> = std::result::Result<T, CallError>;

impl<'a> Budget<'a> {
    /// A budget of which nothing is used up.
    #[must_use]
    pub const fn new(limits: Limits, stop: StopCheck<'a>) -> Self {
        Self { limits, stop, steps: Cell::new(0), bytes: Cell::new(0), charged: Cell::new(0) }
    }

    /// One that never ends, for what is small whatever a chart says.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self::new(Limits { steps: u64::MAX, bytes: u64::MAX }, &|| false)
    }

    /// The bytes charged so far, also those that were given back.
    #[must_use]
    pub fn bytes_charged(&self) -> u64 {
        self.charged.get()
    }

    /// The steps taken so far.
    #[must_use]
    pub fn steps_taken(&self) -> u64 {
        self.steps.get()
    }

    /// Charges `bytes` that are about to be taken.
    ///
    /// # Errors
    /// When the budget is used up; nothing may be taken then.
    pub fn spend(&self, bytes: usize) -> Result {
        let charged = self.bytes.get().saturating_add(bytes as u64);
        if charged > self.limits.bytes {
            return Err(out_of_memory(self.limits.bytes));
        }
        self.bytes.set(charged);
        self.charged.set(self.charged.get().saturating_add(bytes as u64));
        Ok(())
    }

    /// Gives back what was charged for something that is gone again.
    pub fn give_back(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes as u64));
    }

    /// Accounts for `steps` of work that are about to be done.
    ///
    /// # Errors
    /// When the budget is used up or the stop flag is raised.
    pub fn work(&self, steps: u64) -> Result {
        let before = self.steps.get();
        let after = before.saturating_add(steps);
        self.steps.set(after);
        if after > self.limits.steps {
            return Err(CallError::budget(
                "the templates take more steps than the budget allows; loop over less, or split the chart",
            ));
        }
        if after / STEPS_PER_LOOK != before / STEPS_PER_LOOK { self.look() } else { Ok(()) }
    }

    /// Looks at the stop flag.
    ///
    /// # Errors
    /// When it is raised.
    pub fn look(&self) -> Result {
        if (self.stop)() {
            let message = "rendering was stopped".to_owned();
            return Err(CallError { message, cause: Cause::Stopped, inner: None });
        }
        Ok(())
    }

    /// Accounts for going once through `bytes` of text.
    ///
    /// # Errors
    /// As for [`Self::work`].
    pub fn read(&self, bytes: usize) -> Result {
        self.work((bytes / BYTES_PER_STEP) as u64)
    }

    /// Charges a text of `bytes` that is made in one piece, and the time to copy it.
    ///
    /// # Errors
    /// As for [`Self::spend`] and [`Self::work`], and when one text would be too long.
    pub fn spend_text(&self, bytes: usize) -> Result {
        check_length(bytes)?;
        self.spend(bytes + TEXT_OVERHEAD)?;
        self.read(bytes)
    }

    /// Charges a list of `count` elements that is made in one piece; their texts are charged where they are made.
    ///
    /// # Errors
    /// As for [`Self::spend`] and [`Self::work`].
    pub fn spend_list(&self, count: usize) -> Result {
        self.spend(count.saturating_mul(size_of::<Value>()).saturating_add(LIST_OVERHEAD))?;
        self.work(count as u64 / 8)
    }

    /// Charges a map of `count` entries; the bytes of keys and values are charged where they are made.
    ///
    /// # Errors
    /// As for [`Self::spend`] and [`Self::work`].
    pub fn spend_map(&self, count: usize) -> Result {
        self.spend(count.saturating_mul(MAP_ENTRY).saturating_add(MAP_OVERHEAD))?;
        self.work(count as u64)
    }

    /// Charges a copy of a map's entries, as loops and merges take it.
    ///
    /// # Errors
    /// As for [`Self::spend`] and [`Self::work`].
    pub fn spend_entries(&self, count: usize) -> Result {
        self.spend(count.saturating_mul(2 * size_of::<Value>()))?;
        self.work(count as u64 / 4)
    }

    /// Charges one more entry of a map.
    ///
    /// # Errors
    /// As for [`Self::spend`].
    pub fn spend_entry(&self) -> Result {
        self.spend(MAP_ENTRY)
    }
}

/// Refuses a text that is too long.
pub(crate) fn check_length(bytes: usize) -> Result {
    if bytes > MAX_TEXT {
        return Err(CallError::budget(format!(
            "one text would be longer than the budget allows ({} MiB); make shorter ones",
            MAX_TEXT >> 20
        )));
    }
    Ok(())
}

fn out_of_memory(limit: u64) -> CallError {
    CallError::budget(format!(
        "the chart makes more text and lists than the budget allows ({} MiB in all); let its templates repeat less, or split it",
        limit >> 20
    ))
}
