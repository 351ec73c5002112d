//! How the server is doing: whether it wants calls, and how many it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Calls being answered at once over all connections: each holds some kB even while it only waits.
const MAX_CALLS: usize = 10_000;

/// Whether the server wants calls, and how many it has.
#[derive(Debug)]
pub struct Ready {
    wants: AtomicBool,
    places: Arc<Semaphore>,
    calls: watch::Sender<usize>,
}

impl Default for Ready {
    fn default() -> Self {
        Self {
            wants: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(MAX_CALLS)),
            calls: watch::Sender::new(0),
        }
    }
}

/// A call whose end the drain waits for; dropped when it is over.
#[derive(Debug)]
pub(super) struct Unfinished(Arc<Ready>);

/// The right of a call to be answered; dropped when it is over.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.calls.send_modify(|calls| *calls -= 1);
    }
}

impl Ready {
    /// Whether new calls are wanted: from when the listeners serve until the drain begins.
    #[must_use]
    pub fn wants_calls(&self) -> bool {
        self.wants.load(Ordering::Relaxed)
    }

    /// The calls under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        *self.calls.borrow()
    }

    pub(super) fn set(&self, wants: bool) {
        self.wants.store(wants, Ordering::Relaxed);
    }

    /// A call has begun.
    pub(super) fn begin_call(self: &Arc<Self>) -> Unfinished {
        self.calls.send_modify(|calls| *calls += 1);
        Unfinished(self.clone())
    }

    /// A place for one more call, unless there are too many.
    pub(super) fn place(&self) -> Option<Place> {
        self.places.clone().try_acquire_owned().ok().map(Place)
    }

    /// Ready when no call is under way.
    pub(super) async fn idle(&self) {
        // The sender is ours, so waiting does not fail.
        let _ = self.calls.subscribe().wait_for(|calls| *calls == 0).await;
    }
}
