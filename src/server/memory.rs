//! The memory that requests on their way in may take, all connections together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tonic::{Code, Status};

use crate::api;

/// Up to this many bytes a request is small. The last eighth of the memory is kept for these, so that a few large
/// requests do not keep the usual ones out.
const SMALL_REQUEST_BYTES: u64 = 256 << 10;

/// Bytes of requests that are being received or answered.
#[derive(Debug)]
pub(super) struct RequestMemory {
    used: AtomicU64,
    max: u64,
}

/// What one request takes; given back on drop.
#[derive(Debug)]
pub(super) struct MemoryCharge {
    memory: Arc<RequestMemory>,
    bytes: u64,
}

impl RequestMemory {
    /// At most `max` bytes together.
    pub(super) fn new(max: u64) -> Self {
        Self { used: AtomicU64::new(0), max }
    }

    /// Bytes in use.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// A request of which nothing is there yet.
    pub(super) fn open_charge(self: &Arc<Self>) -> MemoryCharge {
        MemoryCharge { memory: self.clone(), bytes: 0 }
    }

    fn take(&self, bytes: u64, max: u64) -> bool {
        let take = |used: u64| used.checked_add(bytes).filter(|used| *used <= max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

impl MemoryCharge {
    /// Takes `bytes` more, before they are allocated.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the memory of all requests is in use. Nobody waits for it: requests that hold some of it
    /// while they wait for more could wait for each other.
    pub(super) fn add(&mut self, bytes: u64) -> Result<(), Status> {
        let total = self.bytes.saturating_add(bytes);
        let reserved = if total > SMALL_REQUEST_BYTES { self.memory.max / 8 } else { 0 };
        if !self.memory.take(bytes, self.memory.max - reserved) {
            return Err(api::plain_status(
                Code::ResourceExhausted,
                "the server holds as many bytes of requests as it may",
                "try again in a few seconds, or raise --request-memory-bytes",
            ));
        }
        self.bytes = total;
        Ok(())
    }
}

impl Drop for MemoryCharge {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let memory = Arc::new(RequestMemory::new(8 << 20));
        let mut first = memory.open_charge();
        first.add(3 << 20).unwrap();
        let mut second = memory.open_charge();
        second.add(4 << 20).unwrap();
        assert_eq!(second.add(1).unwrap_err().code(), Code::ResourceExhausted);
        assert_eq!(memory.used(), 7 << 20);
        drop(first);
        second.add(1).unwrap();
        drop(second);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn the_last_eighth_is_for_small_requests() {
        let memory = Arc::new(RequestMemory::new(8 << 20));
        let mut large = memory.open_charge();
        large.add(7 << 20).unwrap();
        let mut small: Vec<_> = (0..4).map(|_| memory.open_charge()).collect();
        small.iter_mut().for_each(|charge| charge.add(SMALL_REQUEST_BYTES).unwrap());
        assert!(small[0].add(1).is_err());
        let mut other_large = memory.open_charge();
        assert!(other_large.add(SMALL_REQUEST_BYTES + 1).is_err());
    }
}
