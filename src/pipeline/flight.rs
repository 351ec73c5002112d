//! One worker per key, everybody else waits for its result.
//!
//! The work runs as a task of its own: no caller's deadline reaches it, and a caller that goes away does not end it for
//! the rest. When the last one has gone, the work is told to stop.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tracing::Instrument;

use crate::error::{Error, Kind, Result};
use crate::render::Stop;

/// Longer than anything runs: the flag of a flight has no deadline of its own, each stage brings one.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

type Key = [u8; 32];

/// The flights in the air. Clones share them.
pub(super) struct Flights<T> {
    table: Arc<Mutex<Table<T>>>,
    /// The runtime they were made in: flights run there, not on the threads that receive and answer calls.
    runtime: Option<Handle>,
}

/// When a caller arrived, and whether it wants nothing older than itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    moment: u64,
    fresh: bool,
}

/// A result, and whether this caller is the one whose coming began the work.
#[derive(Debug)]
pub(super) struct Landed<T> {
    pub(super) result: Result<T>,
    pub(super) began: bool,
}

struct Table<T> {
    flights: HashMap<Key, Arc<Flight<T>>>,
    /// The number of the newest flight: what begins after an arrival has a higher one.
    newest: u64,
}

/// One piece of work.
struct Flight<T> {
    number: u64,
    /// Whether it uses no earlier result.
    fresh: bool,
    /// Changed only while the table is locked.
    waiting: AtomicUsize,
    stop: Stop,
    work: AbortHandle,
    landed: watch::Receiver<Option<Result<T>>>,
}

/// A caller's place in a flight; dropping it is leaving.
struct Seat<T> {
    flights: Flights<T>,
    key: Key,
    flight: Arc<Flight<T>>,
    began: bool,
}

impl<T> Clone for Flights<T> {
    fn clone(&self) -> Self {
        Self { table: Arc::clone(&self.table), runtime: self.runtime.clone() }
    }
}

impl<T> Flights<T> {
    pub(super) fn new() -> Self {
        let table = Arc::new(Mutex::new(Table { flights: HashMap::new(), newest: 0 }));
        Self { table, runtime: Handle::try_current().ok() }
    }

    /// A caller arrives. A `fresh` one takes part only in flights that begin from now on and use nothing older.
    pub(super) fn arrive(&self, fresh: bool) -> Arrival {
        Arrival { moment: self.lock().newest, fresh }
    }

    /// How many flights are in the air, those excepted that were overtaken by a fresh one.
    pub(super) fn count(&self) -> usize {
        self.lock().flights.len()
    }

    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the flight off the table, unless a newer one of its key is there.
    fn remove(table: &mut Table<T>, key: &Key, number: u64) {
        if table.flights.get(key).is_some_and(|flight| flight.number == number) {
            table.flights.remove(key);
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Waits for the result of the flight of `key`; it begins now unless one is in the air that will do. Dropping the
    /// future is leaving.
    pub(super) async fn join<W>(&self, key: Key, arrival: Arrival, work: impl FnOnce(Stop) -> W) -> Landed<T>
    where
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let seat = self.seat(key, arrival, work);
        let mut landed = seat.flight.landed.clone();
        let result = match landed.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or_else(|| Err(shutting_down())),
            Err(_) => Err(shutting_down()),
        };
        Landed { result, began: seat.began }
    }

    fn seat<W>(&self, key: Key, arrival: Arrival, work: impl FnOnce(Stop) -> W) -> Seat<T>
    where
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let mut table = self.lock();
        let suiting = table.flights.get(&key).filter(|flight| flight.suits(arrival)).cloned();
        let began = suiting.is_none();
        let flight = suiting.unwrap_or_else(|| self.begin(&mut table, key, arrival, work));
        flight.waiting.fetch_add(1, Ordering::Relaxed);
        Seat { flights: self.clone(), key, flight, began }
    }

    fn begin<W>(
        &self,
        table: &mut Table<T>,
        key: Key,
        arrival: Arrival,
        work: impl FnOnce(Stop) -> W,
    ) -> Arc<Flight<T>>
    where
        W: Future<Output = Result<T>> + Send + 'static,
    {
        table.newest += 1;
        let number = table.newest;
        let (sender, landed) = watch::channel(None);
        let stop = Stop::after(NO_DEADLINE);
        let runtime = self.runtime.clone().unwrap_or_else(Handle::current);
        let work = runtime.spawn(work(stop.clone()).in_current_span());
        let waiting = AtomicUsize::new(0);
        let flight =
            Flight { number, fresh: arrival.fresh, waiting, stop, work: work.abort_handle(), landed };
        let flight = Arc::new(flight);
        // A flight that is overtaken lands for those who wait for it; nobody else finds it.
        table.flights.insert(key, Arc::clone(&flight));
        runtime.spawn(self.clone().see_down(key, number, work, sender));
        flight
    }

    /// Waits for the work, whatever becomes of it, and tells everybody.
    async fn see_down(
        self,
        key: Key,
        number: u64,
        work: JoinHandle<Result<T>>,
        tell: watch::Sender<Option<Result<T>>>,
    ) {
        let result = work.await.unwrap_or_else(|broken| Err(broke_off(broken.is_panic())));
        Self::remove(&mut self.lock(), &key, number);
        tell.send_replace(Some(result));
    }
}

impl<T> Flight<T> {
    fn suits(&self, arrival: Arrival) -> bool {
        !arrival.fresh || (self.fresh && self.number > arrival.moment)
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        let mut table = self.flights.lock();
        if self.flight.waiting.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        Flights::remove(&mut table, &self.key, self.flight.number);
        drop(table);
        self.flight.stop.raise();
        self.flight.work.abort();
    }
}

fn broke_off(panicked: bool) -> Error {
    if panicked {
        return Error::new(
            Kind::Internal,
            "answering the request broke off because of a mistake in manifestd",
        );
    }
    Error::new(Kind::Cancelled, "the request was given up: nobody waits for it any more")
}

fn shutting_down() -> Error {
    Error::new(Kind::Unavailable, "the server is shutting down").help("try again")
}

#[cfg(test)]
mod tests {
    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    const KEY: Key = [1; 32];

    /// Work that is counted when it begins and ends when it is told to.
    #[derive(Clone)]
    struct Work {
        begun: Arc<AtomicUsize>,
        gate: Arc<Semaphore>,
    }

    impl Work {
        fn new() -> Self {
            Self { begun: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
        }

        async fn run(self, answer: u32) -> Result<u32> {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            Ok(answer)
        }

        fn begun(&self) -> usize {
            self.begun.load(Ordering::SeqCst)
        }
    }

    async fn until(holds: impl Fn() -> bool) {
        for _ in 0..100_000 {
            if holds() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never came to hold");
    }

    fn waiting(flights: &Flights<u32>) -> usize {
        flights.lock().flights.get(&KEY).map_or(0, |flight| flight.waiting.load(Ordering::SeqCst))
    }

    /// A caller as a task of its own.
    fn call(flights: &Flights<u32>, fresh: bool, work: &Work, answer: u32) -> JoinHandle<Landed<u32>> {
        let (flights, work) = (flights.clone(), work.clone());
        let arrival = flights.arrive(fresh);
        tokio::spawn(async move { flights.join(KEY, arrival, |_| work.run(answer)).await })
    }

    #[tokio::test]
    async fn two_hundred_callers_cause_one_piece_of_work() {
        let (flights, work) = (Flights::new(), Work::new());
        let callers: Vec<_> = (0..200).map(|answer| call(&flights, false, &work, answer)).collect();
        until(|| waiting(&flights) == 200).await;
        work.gate.add_permits(1);
        let mut began = 0;
        for caller in callers {
            let landed = caller.await.unwrap();
            assert_eq!(landed.result.unwrap(), 0);
            began += usize::from(landed.began);
        }
        assert_eq!((work.begun(), began), (1, 1));
        assert!(flights.lock().flights.is_empty());
    }

    #[tokio::test]
    async fn the_first_caller_leaving_changes_nothing() {
        let (flights, work) = (Flights::new(), Work::new());
        let first = call(&flights, false, &work, 1);
        until(|| waiting(&flights) == 1).await;
        let second = call(&flights, false, &work, 2);
        until(|| waiting(&flights) == 2).await;
        first.abort();
        until(|| waiting(&flights) == 1).await;
        work.gate.add_permits(1);
        assert_eq!(second.await.unwrap().result.unwrap(), 1);
        assert_eq!(work.begun(), 1);
    }

    #[tokio::test]
    async fn the_last_caller_leaving_stops_the_work_and_the_next_begins_anew() {
        let flights: Flights<u32> = Flights::new();
        let (told, stopped) = oneshot::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let caller = tokio::spawn({
            let flights = flights.clone();
            async move {
                let arrival = flights.arrive(false);
                flights
                    .join(KEY, arrival, |stop| async move {
                        begun.send(stop).ok();
                        let _told = told;
                        std::future::pending().await
                    })
                    .await
            }
        });
        let stop = begins.await.unwrap();
        assert!(stop.check().is_ok());
        caller.abort();
        assert!(stopped.await.is_err(), "the work is dropped");
        assert_eq!(stop.check().unwrap_err().kind(), Kind::Cancelled);
        let work = Work::new();
        work.gate.add_permits(1);
        assert_eq!(call(&flights, false, &work, 7).await.unwrap().result.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_for_every_waiter() {
        let flights: Flights<u32> = Flights::new();
        let gate = Arc::new(Semaphore::new(0));
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (flights, gate) = (flights.clone(), Arc::clone(&gate));
                tokio::spawn(async move {
                    let arrival = flights.arrive(false);
                    let work = |_| async move {
                        gate.acquire().await.unwrap().forget();
                        panic!("on purpose")
                    };
                    flights.join(KEY, arrival, work).await
                })
            })
            .collect();
        until(|| waiting(&flights) == 3).await;
        gate.add_permits(1);
        for caller in callers {
            assert_eq!(caller.await.unwrap().result.unwrap_err().kind(), Kind::Internal);
        }
    }

    #[tokio::test]
    async fn errors_reach_every_waiter() {
        let flights: Flights<u32> = Flights::new();
        let gate = Arc::new(Semaphore::new(0));
        let call = || {
            let gate = Arc::clone(&gate);
            flights.join(KEY, flights.arrive(false), |_| async move {
                gate.acquire().await.unwrap().forget();
                Err(Error::new(Kind::Invalid, "wrong"))
            })
        };
        let (first, second, ()) = tokio::join!(call(), call(), async { gate.add_permits(1) });
        for landed in [first, second] {
            assert_eq!(landed.result.unwrap_err().message(), "wrong");
        }
    }

    #[tokio::test]
    async fn a_fresh_caller_joins_only_fresh_flights_begun_after_it_arrived() {
        let (flights, work) = (Flights::new(), Work::new());
        let old = call(&flights, false, &work, 1);
        until(|| work.begun() == 1).await;
        let earlier = flights.arrive(true);
        let fresh = call(&flights, true, &work, 2);
        until(|| work.begun() == 2).await;
        let ordinary = call(&flights, false, &work, 3);
        until(|| waiting(&flights) == 2).await;
        // It arrived before the fresh flight began, so that one is new enough for it.
        let joining = tokio::spawn({
            let (flights, work) = (flights.clone(), work.clone());
            async move { flights.join(KEY, earlier, |_| work.run(4)).await }
        });
        until(|| waiting(&flights) == 3).await;
        let later = call(&flights, true, &work, 5);
        until(|| work.begun() == 3).await;
        work.gate.add_permits(3);
        let answer = async |caller: JoinHandle<Landed<u32>>| caller.await.unwrap().result.unwrap();
        assert_eq!(answer(old).await, 1, "the overtaken flight lands for its own callers");
        assert_eq!(answer(fresh).await, 2);
        assert_eq!(answer(ordinary).await, 2, "an ordinary caller takes what is in the air");
        assert_eq!(answer(joining).await, 2);
        assert_eq!(answer(later).await, 5, "what began before it arrived is too old");
        assert!(flights.lock().flights.is_empty());
    }

    #[tokio::test]
    async fn a_fresh_caller_does_not_join_an_ordinary_flight_begun_after_it() {
        let (flights, work) = (Flights::new(), Work::new());
        let arrival = flights.arrive(true);
        let ordinary = call(&flights, false, &work, 1);
        until(|| work.begun() == 1).await;
        work.gate.add_permits(2);
        let landed = flights.join(KEY, arrival, |_| work.clone().run(2)).await;
        assert_eq!(landed.result.unwrap(), 2, "the ordinary one may answer from what is old");
        assert_eq!(ordinary.await.unwrap().result.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_waiter_has_its_own_deadline() {
        let (flights, work) = (Flights::new(), Work::new());
        let patient = call(&flights, false, &work, 1);
        until(|| waiting(&flights) == 1).await;
        let arrival = flights.arrive(false);
        let hasty = flights.join(KEY, arrival, |_| work.clone().run(2));
        assert!(tokio::time::timeout(Duration::from_millis(1), hasty).await.is_err());
        assert_eq!(waiting(&flights), 1);
        work.gate.add_permits(1);
        assert_eq!(patient.await.unwrap().result.unwrap(), 1);
    }

    #[test]
    fn nobody_hangs_when_the_runtime_goes_away() {
        let flights: Flights<u32> = Flights::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let other = flights.clone();
        let seat = runtime.block_on(async {
            let arrival = other.arrive(false);
            other.seat(KEY, arrival, |_| std::future::pending())
        });
        drop(runtime);
        let last = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut landed = seat.flight.landed.clone();
        let result = last.block_on(async { landed.wait_for(Option::is_some).await.is_err() });
        assert!(result);
    }
}
