//! Who renders next. Slots are shared fairly between repositories: the next one to render is of the repository that has
//! the fewest renders running, and when all slots are held for long by others, a repository that has none gets an extra
//! one. Renders that take their whole time limit keep only their own repository waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// A usual render takes less. When all that run have taken longer, another repository need not wait for their end.
const OVERTAKE_AFTER: Duration = Duration::from_millis(100);

/// How often one who waits looks whether it may overtake.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// The repository that a render is for.
pub(super) type Tenant = Arc<str>;

/// How many renders may be added to so many, for repositories that would wait for the long renders of others.
#[must_use]
pub fn extra_renders(renders: usize) -> usize {
    renders.div_ceil(4)
}

/// The slots. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    slots: usize,
    extra: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: HashMap<u64, Running>,
    next: u64,
    /// Those that wait, by repository; the one that was served last is at the end.
    queues: VecDeque<Queue>,
}

#[derive(Debug)]
struct Running {
    tenant: Tenant,
    since: Instant,
}

#[derive(Debug)]
struct Queue {
    tenant: Tenant,
    waiters: VecDeque<oneshot::Sender<Slot>>,
}

/// The right to render; dropping it lets the next one begin.
#[derive(Debug)]
pub(super) struct Slot {
    /// `None` once it was given back.
    shared: Option<Arc<Shared>>,
    number: u64,
}

impl Slots {
    /// So many slots, and `extra` ones for overtaking.
    pub(super) fn new(slots: usize, extra: usize) -> Self {
        Self(Arc::new(Shared { slots: slots.max(1), extra, state: Mutex::default() }))
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.0.slots.saturating_sub(self.0.lock().running.len())
    }

    /// How many wait for a slot, all together and of this repository.
    pub(super) fn waiting(&self, tenant: &Tenant) -> (usize, usize) {
        let state = self.0.lock();
        let own = state.queues.iter().filter(|queue| queue.tenant == *tenant);
        (state.queues.iter().map(Queue::waiting).sum(), own.map(Queue::waiting).sum())
    }

    /// Waits for a slot. One that is dropped while it waits leaves the queue.
    pub(super) async fn acquire(&self, tenant: &Tenant) -> Slot {
        let mut granted = self.0.queue(tenant);
        loop {
            tokio::select! {
                biased;
                Ok(slot) = &mut granted => return slot,
                () = sleep(LOOK_INTERVAL) => self.0.overtake(tenant),
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(self: &Arc<Self>, tenant: &Tenant) -> oneshot::Receiver<Slot> {
        let (sender, granted) = oneshot::channel();
        let mut state = self.lock();
        match state.queues.iter_mut().find(|queue| queue.tenant == *tenant) {
            Some(queue) => queue.waiters.push_back(sender),
            None => {
                state.queues.push_back(Queue { tenant: tenant.clone(), waiters: [sender].into() });
            }
        }
        self.begin_next(&mut state);
        granted
    }

    /// Gives the free slots to those that wait.
    fn begin_next(self: &Arc<Self>, state: &mut State) {
        while state.running.len() < self.slots {
            let counts = (0..state.queues.len()).map(|at| (state.running_of(&state.queues[at].tenant), at));
            let Some((_, at)) = counts.min() else { return };
            self.grant(state, at);
        }
    }

    /// Gives an extra slot to a repository that has none, where all others are held for long.
    fn overtake(self: &Arc<Self>, tenant: &Tenant) {
        let mut state = self.lock();
        let is_late = state.running.values().all(|running| running.since.elapsed() >= OVERTAKE_AFTER);
        let room = state.running.len() < self.slots + self.extra;
        if !is_late || !room || state.running_of(tenant) > 0 {
            return;
        }
        if let Some(at) = state.queues.iter().position(|queue| queue.tenant == *tenant) {
            self.grant(&mut state, at);
        }
    }

    /// Gives a slot to the first of a queue that still waits, and puts the queue behind the others.
    fn grant(self: &Arc<Self>, state: &mut State, at: usize) {
        let Some(mut queue) = state.queues.remove(at) else { return };
        while let Some(waiter) = queue.waiters.pop_front() {
            let number = state.next;
            let Err(mut unwanted) = waiter.send(Slot { shared: Some(self.clone()), number }) else {
                state.next += 1;
                let running = Running { tenant: queue.tenant.clone(), since: Instant::now() };
                state.running.insert(number, running);
                break;
            };
            // It must not be given back: it was never taken, and the state is locked.
            unwanted.shared = None;
        }
        if !queue.waiters.is_empty() {
            state.queues.push_back(queue);
        }
    }
}

impl State {
    fn running_of(&self, tenant: &Tenant) -> usize {
        self.running.values().filter(|running| running.tenant == *tenant).count()
    }
}

impl Queue {
    fn waiting(&self) -> usize {
        self.waiters.iter().filter(|waiter| !waiter.is_closed()).count()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let mut state = shared.lock();
        state.running.remove(&self.number);
        shared.begin_next(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Acquiring<'a> = Pin<Box<dyn Future<Output = Slot> + 'a>>;

    fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn tenant(name: &str) -> Tenant {
        name.into()
    }

    fn wait<'a>(slots: &'a Slots, tenant: &'a Tenant) -> Acquiring<'a> {
        let mut acquiring: Acquiring<'a> = Box::pin(slots.acquire(tenant));
        assert!(poll(acquiring.as_mut()).is_pending(), "it did not have to wait");
        acquiring
    }

    fn now(slots: &Slots, tenant: &Tenant) -> Slot {
        match poll(pin!(slots.acquire(tenant)).as_mut()) {
            Poll::Ready(slot) => slot,
            Poll::Pending => panic!("it had to wait"),
        }
    }

    #[tokio::test]
    async fn the_repository_with_the_fewest_renders_is_next() {
        let slots = Slots::new(2, 1);
        let (many, one) = (tenant("many"), tenant("one"));
        let (first, second) = (now(&slots, &many), now(&slots, &many));
        let (mut third, mut fourth) = (wait(&slots, &many), wait(&slots, &many));
        let mut other = wait(&slots, &one);
        assert_eq!((slots.waiting(&many), slots.waiting(&one)), ((3, 2), (3, 1)));
        drop(first);
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(other) = poll(other.as_mut()) else { panic!("it was its turn") };
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
        drop(other);
        assert!(poll(fourth.as_mut()).is_ready());
        assert_eq!(slots.free(), 2);
    }

    #[tokio::test]
    async fn long_renders_of_one_repository_are_overtaken_by_another() {
        let slots = Slots::new(2, 1);
        let (many, one) = (tenant("many"), tenant("one"));
        let held = (now(&slots, &many), now(&slots, &many));
        let begun = Instant::now();
        let extra = slots.acquire(&one).await;
        assert!(begun.elapsed() >= OVERTAKE_AFTER);
        // Neither the same repository nor a third one gets more than there is.
        let third = tenant("third");
        for waiting in [&many, &one, &third] {
            let more = tokio::time::timeout(2 * OVERTAKE_AFTER, slots.acquire(waiting)).await;
            assert!(more.is_err(), "{waiting}");
        }
        drop(extra);
        drop(held);
        assert_eq!(slots.free(), 2);
    }

    #[tokio::test]
    async fn one_who_leaves_gives_its_turn_to_the_next() {
        let slots = Slots::new(1, 0);
        let all = tenant("all");
        let running = now(&slots, &all);
        let leaving = wait(&slots, &all);
        let mut next = wait(&slots, &all);
        drop(leaving);
        assert_eq!(slots.waiting(&all), (1, 1));
        drop(running);
        assert!(poll(next.as_mut()).is_ready());
        assert_eq!(slots.free(), 1);
    }
}
