//! How the server is doing: whether it wants calls, and how many it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Calls at once over all connections: each holds some kB even while it only waits.
const MOST_CALLS: usize = 10_000;

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
            places: Arc::new(Semaphore::new(MOST_CALLS)),
            calls: watch::Sender::new(0),
        }
    }
}

/// One call; dropped when it is over.
#[derive(Debug)]
pub(super) struct Place {
    ready: Arc<Ready>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ready.calls.send_modify(|calls| *calls -= 1);
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

    /// A place for one more call, unless there are too many.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        self.calls.send_modify(|calls| *calls += 1);
        Some(Place { ready: self.clone(), _permit: permit })
    }

    /// Ready when no call is under way.
    pub(super) async fn idle(&self) {
        // The sender is ours, so waiting does not fail.
        let _ = self.calls.subscribe().wait_for(|calls| *calls == 0).await;
    }
}
