//! How much may happen at once: renders, the memory they may take, callers that wait for their turn, and bytes of
//! replies on their way. Turns are shared fairly between repositories; a waiter that is dropped leaves at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::slots::{Slot, Slots, Tenant};
use crate::error::{Error, Kind, Result};

/// Callers that may wait for each permit. A render takes some 100 ms; who is further back than this would wait for
/// seconds, and is better served by another replica.
const WAITING_PER_PERMIT: usize = 16;

/// The unit memory is reserved in; a semaphore counts in 32 bits, and this makes it reach to 4 TiB.
const UNIT: u64 = 1024;

/// A number of bytes that are handed out and come back.
#[derive(Debug)]
struct Bytes {
    units: Arc<Semaphore>,
    total: u32,
}

impl Bytes {
    fn new(bytes: u64) -> Self {
        let total = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1);
        Self { units: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// The share of one who wants `bytes`: at most everything, so that the largest can have its turn, alone.
    fn share(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.total)
    }

    async fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit> {
        let units = Arc::clone(&self.units);
        units.acquire_many_owned(self.share(bytes)).await.map_err(|_| closed())
    }
}

/// Renders at once, and the memory they may take together.
#[derive(Debug)]
pub(super) struct Limit {
    slots: Slots,
    memory: Bytes,
    most_waiting: u64,
    gauges: Arc<Gauges>,
}

/// How full it is.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) waiting: AtomicU64,
    pub(super) running: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// The right to render; dropping it makes room.
#[derive(Debug)]
pub(super) struct Permit {
    _slot: Slot,
    _memory: OwnedSemaphorePermit,
    _running: Counted,
}

impl Limit {
    /// At most `renders` at once, and `extra` ones that overtake long renders; their inputs at most `memory` bytes
    /// together.
    pub(super) fn new(renders: usize, extra: usize, memory: u64) -> Self {
        let renders = renders.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            slots: Slots::new(renders, extra),
            memory: Bytes::new(memory),
            most_waiting: renders.saturating_mul(WAITING_PER_PERMIT) as u64,
            gauges: Arc::default(),
        }
    }

    pub(super) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Waits for the right to render something of this repository that takes about `bytes` of memory.
    ///
    /// # Errors
    /// [`Kind::Busy`] at once when too many wait already.
    pub(super) async fn enter(&self, tenant: &Tenant, bytes: u64) -> Result<Permit> {
        let waiting = self.queue(tenant)?;
        let slot = self.slots.acquire(tenant).await;
        let memory = self.memory.reserve(bytes).await?;
        drop(waiting);
        Ok(Permit { _slot: slot, _memory: memory, _running: self.count(|gauges| &gauges.running) })
    }

    /// A place in the queue. One who need not wait takes a place too, for an instant; what is left of the slots is room
    /// for those. A repository that has filled half of a full queue is refused; others may fill it once more.
    fn queue(&self, tenant: &Tenant) -> Result<Counted> {
        let place = self.count(|gauges| &gauges.waiting);
        let room = self.most_waiting + self.slots.free() as u64;
        let waiting = self.gauges.waiting.load(Ordering::SeqCst);
        let (_, own) = self.slots.waiting(tenant);
        if waiting > room && (own as u64 >= self.most_waiting / 2 || waiting > 2 * room) {
            self.gauges.refused.fetch_add(1, Ordering::Relaxed);
            return Err(busy());
        }
        Ok(place)
    }

    fn count(&self, gauge: fn(&Gauges) -> &AtomicU64) -> Counted {
        gauge(&self.gauges).fetch_add(1, Ordering::SeqCst);
        Counted { gauges: Arc::clone(&self.gauges), gauge }
    }
}

/// One in a gauge for as long as it lives.
#[derive(Debug)]
struct Counted {
    gauges: Arc<Gauges>,
    gauge: fn(&Gauges) -> &AtomicU64,
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.gauge)(&self.gauges).fetch_sub(1, Ordering::SeqCst);
    }
}

/// Bytes of replies on their way at the same time: a slow reader holds its reply in memory, and there may be many.
#[derive(Debug)]
pub struct Replies(Bytes);

/// Room for one reply, until it has been sent.
#[derive(Debug)]
pub struct ReplyRoom {
    _room: OwnedSemaphorePermit,
}

impl Replies {
    /// At most `bytes` together; a reply that is larger than that goes alone.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(Bytes::new(bytes))
    }

    /// Waits for room for a reply of `bytes`.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the server is shutting down.
    pub async fn reserve(&self, bytes: u64) -> Result<ReplyRoom> {
        Ok(ReplyRoom { _room: self.0.reserve(bytes).await? })
    }
}

fn busy() -> Error {
    Error::new(Kind::Busy, "too many requests wait to be rendered").help("try again in a few seconds")
}

fn closed() -> Error {
    Error::new(Kind::Unavailable, "the server is shutting down").help("try again")
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::sync::LazyLock;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Entering<'a> = Pin<Box<dyn Future<Output = Result<Permit>> + 'a>>;

    fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    static REPOSITORY: LazyLock<Tenant> = LazyLock::new(|| "repository".into());

    /// Somebody who stands in the queue.
    fn enter(limit: &Limit, bytes: u64) -> Entering<'_> {
        let mut entering: Entering<'_> = Box::pin(limit.enter(&REPOSITORY, bytes));
        assert!(poll(entering.as_mut()).is_pending(), "it did not have to wait");
        entering
    }

    fn enter_now(limit: &Limit, bytes: u64) -> Permit {
        match poll(pin!(limit.enter(&REPOSITORY, bytes)).as_mut()) {
            Poll::Ready(permit) => permit.unwrap(),
            Poll::Pending => panic!("it had to wait"),
        }
    }

    fn gauges(limit: &Limit) -> (u64, u64, u64) {
        let Gauges { waiting, running, refused } = limit.gauges();
        let [waiting, running, refused] =
            [waiting, running, refused].map(|gauge| gauge.load(Ordering::SeqCst));
        (waiting, running, refused)
    }

    #[tokio::test]
    async fn as_many_as_permits_run_and_the_rest_wait_in_order() {
        let limit = Limit::new(2, 0, 1 << 20);
        let (first, second) = (enter_now(&limit, 0), enter_now(&limit, 0));
        let (mut third, mut fourth) = (enter(&limit, 0), enter(&limit, 0));
        assert_eq!(gauges(&limit), (2, 2, 0));
        drop(first);
        assert!(poll(fourth.as_mut()).is_pending(), "it came after the third");
        let Poll::Ready(third) = poll(third.as_mut()) else { panic!("it was its turn") };
        assert!(poll(fourth.as_mut()).is_pending());
        drop(second);
        assert!(poll(fourth.as_mut()).is_ready());
        drop((third, fourth));
        assert_eq!(gauges(&limit), (0, 0, 0));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_takes_the_next_when_somebody_left() {
        let limit = Limit::new(1, 0, 1 << 20);
        let running = enter_now(&limit, 0);
        let mut queue: Vec<_> = (0..WAITING_PER_PERMIT).map(|_| enter(&limit, 0)).collect();
        let Poll::Ready(Err(error)) = poll(pin!(limit.enter(&REPOSITORY, 0)).as_mut()) else {
            panic!("it was not refused")
        };
        assert_eq!(error.kind(), Kind::Busy);
        assert_eq!(error.advice(), Some("try again in a few seconds"));
        assert_eq!(gauges(&limit), (16, 1, 1));
        drop(queue.remove(3));
        assert_eq!(gauges(&limit), (15, 1, 1), "a waiter that is dropped leaves the queue");
        queue.push(enter(&limit, 0));
        drop(running);
        assert!(poll(queue[0].as_mut()).is_ready());
    }

    #[tokio::test]
    async fn a_queue_that_one_repository_filled_has_room_for_others() {
        let limit = Limit::new(1, 0, 1 << 20);
        let _running = enter_now(&limit, 0);
        let _queue: Vec<_> = (0..WAITING_PER_PERMIT).map(|_| enter(&limit, 0)).collect();
        let other = Tenant::from("other");
        assert!(poll(pin!(limit.enter(&other, 0)).as_mut()).is_pending());
        assert!(matches!(poll(pin!(limit.enter(&REPOSITORY, 0)).as_mut()), Poll::Ready(Err(_))));
    }

    #[tokio::test]
    async fn memory_is_reserved_and_the_largest_runs_alone() {
        let limit = Limit::new(3, 0, 10 * UNIT);
        let half = enter_now(&limit, 5 * UNIT);
        let mut larger_than_all = enter(&limit, 1_000 * UNIT);
        let mut small = enter(&limit, UNIT);
        drop(half);
        assert!(poll(small.as_mut()).is_pending(), "the large one came first");
        let Poll::Ready(large) = poll(larger_than_all.as_mut()) else { panic!("all memory is free") };
        assert!(poll(small.as_mut()).is_pending());
        drop(large);
        assert!(poll(small.as_mut()).is_ready());
    }

    #[tokio::test]
    async fn one_who_leaves_while_waiting_for_memory_gives_its_permit_back() {
        let limit = Limit::new(2, 0, 10 * UNIT);
        let all = enter_now(&limit, 10 * UNIT);
        let leaving = enter(&limit, UNIT);
        let mut next = enter(&limit, UNIT);
        drop(leaving);
        drop(all);
        assert!(poll(next.as_mut()).is_ready());
    }

    #[tokio::test]
    async fn zero_means_one_and_not_none() {
        let limit = Limit::new(0, 0, 0);
        let running = enter_now(&limit, 5 * UNIT);
        let mut waiting = enter(&limit, 0);
        drop(running);
        assert!(poll(waiting.as_mut()).is_ready());
    }

    #[test]
    fn replies_wait_for_room() {
        let replies = Replies::new(10 * UNIT);
        let mut first = pin!(replies.reserve(8 * UNIT));
        let Poll::Ready(Ok(room)) = poll(first.as_mut()) else { panic!("there is room") };
        let mut second = pin!(replies.reserve(3 * UNIT));
        assert!(poll(second.as_mut()).is_pending());
        drop(room);
        assert!(poll(second.as_mut()).is_ready());
    }
}
