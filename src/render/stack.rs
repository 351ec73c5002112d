//! A thread with the stack that the engines in process need.

use std::cell::Cell;

use budget::Budget;

use crate::error::{Error, Kind, Result};

/// The stack of the thread that runs templates: gotmpl nests blocks and pipelines 30,000 deep at most, which took 300 MB
/// in a debug build with the worst templates there are. Only the pages that are used cost memory.
pub(super) const STACK: usize = 512 << 20;

thread_local! {
    /// Whether this thread has such a stack.
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread with a stack for templates and for kustomizations beneath each other: on this one, if it has
/// such a stack.
///
/// # Errors
/// [`Kind::Unavailable`] when the system gives no thread, [`Kind::Internal`] when the work broke off.
pub(crate) fn on_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    if IS_DEEP.get() {
        return Ok(work());
    }
    // The thread works for the same engine call.
    let budget = Budget::current();
    let work = || {
        IS_DEEP.set(true);
        match &budget {
            Some(budget) => budget.run(work),
            None => work(),
        }
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("engine".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, work).map_err(|error| {
            Error::new(Kind::Unavailable, format!("no thread could be started: {}", error.kind()))
        })?;
        thread.join().map_err(|_| Error::new(Kind::Internal, "rendering broke off"))
    })
}
