//! What a worker died of, and what that means for the request it worked for.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use crate::error::{Error, Kind};

/// What is left of a worker that ended in the middle of an order.
#[derive(Debug)]
pub(super) struct Death {
    pub(super) status: Option<ExitStatus>,
    /// What it wrote on standard error.
    pub(super) said: String,
    /// Whether it ran until we killed it.
    pub(super) killed_by_us: bool,
    /// Why nobody waits for it any more, if so.
    pub(super) stopped: Option<Error>,
}

/// Why a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nobody waited any more: the inputs are not to blame.
    Cancelled,
    /// It ran on beyond its time limit.
    Time,
    /// It needed more memory than it may have.
    Memory,
    /// It nested deeper than its stack.
    Depth,
    /// Somebody else killed it: a person, or the kernel for want of memory.
    Killed,
    /// Something else.
    Unknown,
}

impl Death {
    pub(super) fn cause(&self) -> Cause {
        let signal = self.status.and_then(|status| status.signal());
        let says = |words: &[&str]| words.iter().any(|word| self.said.contains(word));
        if !self.killed_by_us {
            if says(&["has overflowed its stack"]) {
                return Cause::Depth;
            }
            // The first is Rust's own last word; the others are threads and processes that find no room for a stack.
            if says(&[
                "memory allocation of",
                "failed to spawn thread",
                "Cannot allocate memory",
                "out of memory",
            ]) {
                return Cause::Memory;
            }
        }
        match &self.stopped {
            Some(error) if error.kind() == Kind::Cancelled => Cause::Cancelled,
            Some(_) => Cause::Time,
            None if signal == Some(Signal::KILL.as_raw()) && !self.killed_by_us => Cause::Killed,
            None => Cause::Unknown,
        }
    }

    /// The one error that the request gets.
    pub(super) fn error(&self, memory: u64) -> Error {
        let megabytes = memory >> 20;
        match (self.cause(), &self.stopped) {
            (Cause::Cancelled, Some(error)) => error.clone(),
            (Cause::Cancelled | Cause::Time, _) => {
                Error::new(Kind::Deadline, "rendering took longer than its time limit")
            }
            (Cause::Memory, _) => {
                let message = format!("rendering needs more than {megabytes} MiB of memory");
                Error::new(Kind::OverBudget, message)
                    .help("look for endless recursion, very large arrays and texts, and values that multiply")
            }
            (Cause::Depth, _) => Error::new(Kind::OverBudget, "rendering nests too deep")
                .help("look for endless recursion and deeply nested files"),
            (Cause::Killed | Cause::Unknown, _) => {
                Error::new(Kind::Internal, "the process that rendered ended unexpectedly")
                    .help("try again; the server's log says what was rendered")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(signal: i32, said: &str, stopped: Option<Kind>) -> Death {
        let status = Some(ExitStatus::from_raw(signal));
        let stopped = stopped.map(|kind| Error::new(kind, "over"));
        Death { status, said: said.to_owned(), killed_by_us: false, stopped }
    }

    #[test]
    fn a_death_has_one_cause() {
        let abort = Signal::ABORT.as_raw();
        let kill = Signal::KILL.as_raw();
        let cases = [
            (death(abort, "memory allocation of 8 bytes failed", None), Cause::Memory, Kind::OverBudget),
            (death(abort, "thread 'engine' has overflowed its stack", None), Cause::Depth, Kind::OverBudget),
            (death(kill, "", None), Cause::Killed, Kind::Internal),
            (death(abort, "", None), Cause::Unknown, Kind::Internal),
            (death(0, "panicked", None), Cause::Unknown, Kind::Internal),
            (death(kill, "", Some(Kind::Deadline)), Cause::Time, Kind::Deadline),
            (death(kill, "", Some(Kind::Cancelled)), Cause::Cancelled, Kind::Cancelled),
        ];
        for (death, cause, kind) in cases {
            assert_eq!((death.cause(), death.error(1 << 20).kind()), (cause, kind), "{death:?}");
        }
    }
}
