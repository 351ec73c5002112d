//! One conversation for many who want the same: the first starts it as its own task, the others wait with it. Who
//! leaves changes nothing for the rest; when the last one leaves, the work is told to stop.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use crate::error::{Error, Kind, Result};
use crate::git::Halt;

/// What is under way, by key.
pub(super) struct Flights<K, V> {
    running: Mutex<HashMap<K, Weak<Flight<V>>>>,
}

/// One piece of work under way; dropped with its last waiter.
struct Flight<V> {
    halt: Halt,
    result: watch::Receiver<Option<Result<V>>>,
}

impl<V> Drop for Flight<V> {
    fn drop(&mut self) {
        self.halt.raise();
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { running: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Send + Sync + 'static> Flights<K, V> {
    /// The result of the work for `key`: of the one under way, else of `start`. With `fresh`, only of a new one,
    /// which later callers then join.
    pub(super) async fn join<F>(&self, key: &K, fresh: bool, start: impl FnOnce(Halt) -> F) -> Result<V>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let flight = self.find(key, fresh, start);
        let mut result = flight.result.clone();
        let broken = || Error::new(Kind::Internal, "work for a remote ended without a result");
        let done = result.wait_for(Option::is_some).await.map_err(|_| broken())?;
        done.clone().unwrap_or_else(|| Err(broken()))
    }

    fn find<F>(&self, key: &K, fresh: bool, start: impl FnOnce(Halt) -> F) -> Arc<Flight<V>>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A finished flight may still have waiters that have not looked yet; its result is old news for a new one.
        let joinable = |flight: &Arc<Flight<V>>| !fresh && flight.result.borrow().is_none();
        if let Some(flight) = running.get(key).and_then(Weak::upgrade).filter(joinable) {
            return flight;
        }
        running.retain(|_, flight| flight.strong_count() > 0);
        let halt = Halt::default();
        let (send, result) = watch::channel(None);
        let work = start(halt.clone());
        tokio::spawn(async move { send.send_replace(Some(work.await)) });
        let flight = Arc::new(Flight { halt, result });
        running.insert(key.clone(), Arc::downgrade(&flight));
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn many_wait_for_one() {
        let flights = Arc::new(Flights::<&str, usize>::default());
        let started = Arc::new(AtomicUsize::new(0));
        let (go, wait) = watch::channel(false);
        let callers: Vec<_> = (0..100).map(|_| spawn_one(&flights, &started, wait.clone())).collect();
        tokio::task::yield_now().await;
        go.send_replace(true);
        for caller in callers {
            assert_eq!(caller.await.unwrap().unwrap(), 7);
        }
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }

    fn spawn_one(
        flights: &Arc<Flights<&'static str, usize>>,
        started: &Arc<AtomicUsize>,
        mut wait: watch::Receiver<bool>,
    ) -> tokio::task::JoinHandle<Result<usize>> {
        let (flights, started) = (flights.clone(), started.clone());
        tokio::spawn(async move {
            flights
                .join(&"key", false, |_| {
                    started.fetch_add(1, Ordering::SeqCst);
                    async move {
                        wait.wait_for(|go| *go).await.unwrap();
                        Ok(7)
                    }
                })
                .await
        })
    }

    #[tokio::test]
    async fn the_first_leaving_changes_nothing_and_the_last_leaving_stops_the_work() {
        let flights = Arc::new(Flights::<&str, ()>::default());
        let (stopped, was_stopped) = oneshot::channel();
        let work = |halt: Halt| async move {
            halt.raised().await;
            stopped.send(()).unwrap();
            Ok(())
        };
        let first = flights.clone();
        let first = tokio::spawn(async move { first.join(&"key", false, work).await });
        tokio::task::yield_now().await;
        let second = flights.clone();
        let second = tokio::spawn(async move {
            second.join(&"key", false, |_| async { unreachable!("the first one's work is joined") }).await
        });
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let flight = flights.running.lock().unwrap().get("key").and_then(Weak::upgrade).unwrap();
        assert!(!flight.halt.is_raised());
        drop(flight);
        second.abort();
        was_stopped.await.unwrap();
    }

    #[tokio::test]
    async fn fresh_work_is_not_joined_to_older_work() {
        let flights = Flights::<&str, u8>::default();
        let mut old = Box::pin(flights.join(&"key", false, |_| std::future::pending()));
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut old).await.is_err());
        assert_eq!(flights.join(&"key", true, |_| async { Ok(2) }).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_not_a_hang() {
        let flights = Flights::<&str, u8>::default();
        let result = flights.join(&"key", false, |_| async { panic!("on purpose") }).await;
        assert_eq!(result.unwrap_err().kind(), Kind::Internal);
    }
}
