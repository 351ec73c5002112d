//! The workers: kept warm, handed out to one order at a time, preferably one of the same scope, and replaced when they
//! have grown or worked long enough.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::death::Cause;
use super::process::WorkerProcess;
use super::refused::RefusedInputs;
use super::starter::Starter;
use crate::error::{Error, Kind, Result};
use crate::render::Stop;
use crate::render::stack::STACK;

/// How often one who waits for a worker looks at whether to wait on.
const TICK: Duration = Duration::from_millis(20);

/// Orders after which a worker is replaced: what fragments or leaks does not add up for ever.
const MAX_ORDERS: u32 = 10_000;

/// How workers are started and how much each may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// The executable that becomes a worker by calling [`super::worked`] first: as a rule this very one.
    pub program: PathBuf,
    /// Bytes of memory one may use, beside its stack.
    pub memory: u64,
    /// The most workers at once.
    pub count: usize,
    /// So many of them no scope gets that has all the others: what one scope asks for never keeps another waiting.
    pub reserved: usize,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            // Also after an upgrade has replaced the file.
            program: PathBuf::from("/proc/self/exe"),
            // Three times what the largest public charts and programs need.
            memory: 768 << 20,
            count: std::thread::available_parallelism().map_or(1, usize::from),
            reserved: 0,
        }
    }
}

impl WorkerSettings {
    /// What Linux counts as a worker's data (`RLIMIT_DATA`): its memory and the whole stack its engines run on, of which
    /// only what is used takes memory.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.memory.saturating_add(STACK as u64)
    }

    /// Whether this scope may have another worker now.
    fn has_room(&self, state: &State, scope: [u8; 32]) -> bool {
        let most_of_scope = self.count.saturating_sub(self.reserved).max(1);
        let of_scope = state.busy_by_scope.get(&scope).copied().unwrap_or(0);
        state.busy < self.count.max(1) && of_scope < most_of_scope
    }
}

/// Hands out workers. Cheap to clone; clones share the workers, and the last one to go ends them.
#[derive(Clone)]
pub struct WorkerPool(Arc<Shared>);

struct Shared {
    settings: WorkerSettings,
    state: Mutex<State>,
    freed: Condvar,
    refused: RefusedInputs,
    deaths: Deaths,
}

/// How many died of what.
#[derive(Default)]
struct Deaths {
    memory: AtomicU64,
    time: AtomicU64,
    other: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Those that wait for work, the one used last at the end.
    idle: Vec<WorkerProcess>,
    busy: usize,
    /// How many of these each scope has.
    busy_by_scope: HashMap<[u8; 32], usize>,
    starter: Option<Arc<Starter>>,
}

/// How many workers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerCounts {
    /// With an order.
    pub busy: usize,
    /// Waiting for one.
    pub idle: usize,
    /// Died of want of memory or stack.
    pub died_of_memory: u64,
    /// Killed because a render took too long.
    pub died_of_time: u64,
    /// Died of something else.
    pub died_of_other: u64,
}

impl WorkerPool {
    /// A pool that starts workers when they are needed.
    #[must_use]
    pub fn new(settings: WorkerSettings) -> Self {
        let state = Mutex::new(State::default());
        Self(Arc::new(Shared {
            settings,
            state,
            freed: Condvar::new(),
            refused: RefusedInputs::default(),
            deaths: Deaths::default(),
        }))
    }

    /// How they are started.
    #[must_use]
    pub fn settings(&self) -> &WorkerSettings {
        &self.0.settings
    }

    /// How many there are now.
    #[must_use]
    pub fn counts(&self) -> WorkerCounts {
        let state = self.0.state();
        let Deaths { memory, time, other } = &self.0.deaths;
        let [died_of_memory, died_of_time, died_of_other] =
            [memory, time, other].map(|count| count.load(Ordering::Relaxed));
        WorkerCounts { busy: state.busy, idle: state.idle.len(), died_of_memory, died_of_time, died_of_other }
    }

    /// The numbers of the processes that wait for work, for whoever watches them.
    #[must_use]
    pub fn idle_processes(&self) -> Vec<u32> {
        self.0.state().idle.iter().map(WorkerProcess::id).collect()
    }

    /// Starts as many as there may be, so that the first orders need not wait for it.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn warm_up(&self) -> Result<()> {
        loop {
            let mut state = self.0.state();
            if state.idle.len() + state.busy >= self.0.settings.count {
                return Ok(());
            }
            let starter = state.starter()?;
            let worker = WorkerProcess::start(&self.0.settings, &starter)?;
            state.idle.insert(0, worker);
        }
    }

    pub(super) fn count_death(&self, cause: Cause) {
        let Deaths { memory, time, other } = &self.0.deaths;
        let count = match cause {
            Cause::Cancelled => return,
            Cause::Memory | Cause::Depth => memory,
            Cause::Time => time,
            Cause::Killed | Cause::Unknown => other,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> &RefusedInputs {
        &self.0.refused
    }

    /// A worker for an order of this scope, as soon as there is one; blocks.
    ///
    /// # Errors
    /// What `stop` says, and [`Kind::Unavailable`] when no process can be started.
    pub(super) fn check_out(&self, scope: [u8; 32], stop: &Stop) -> Result<WorkerLease> {
        let mut state = self.0.state();
        while !self.0.settings.has_room(&state, scope) {
            stop.check()?;
            let waited = self.0.freed.wait_timeout(state, TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.idle.retain_mut(WorkerProcess::is_alive);
        let room = state.idle.len() + state.busy < self.0.settings.count;
        let same = state.idle.iter().rposition(|worker| worker.scope == Some(scope));
        let unused = state.idle.iter().position(|worker| worker.scope.is_none());
        // One of another scope forgets what it remembers; the one that was used longest ago loses least by it.
        let other = Some(0).filter(|_| !room && !state.idle.is_empty());
        let found = same.or(unused).or(other);
        let known = found.map(|at| state.idle.remove(at));
        let starter = state.starter()?;
        state.busy += 1;
        *state.busy_by_scope.entry(scope).or_default() += 1;
        drop(state);
        let lease = |worker| WorkerLease { pool: Arc::clone(&self.0), scope, worker, healthy: false };
        let mut lease = lease(known);
        if lease.worker.is_none() {
            lease.worker = Some(WorkerProcess::start(&self.0.settings, &starter)?);
        }
        if let Some(worker) = &mut lease.worker {
            worker.scope = Some(scope);
            worker.orders += 1;
        }
        Ok(lease)
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Part of the key of results: what changes them is how much memory there is.
        f.debug_struct("WorkerPool").field("memory", &self.0.settings.memory).finish()
    }
}

impl Default for WorkerPool {
    fn default() -> Self {
        Self::new(WorkerSettings::default())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn starter(&mut self) -> Result<Arc<Starter>> {
        if let Some(starter) = &self.starter {
            return Ok(Arc::clone(starter));
        }
        let failed = |error: io::Error| {
            Error::new(Kind::Unavailable, format!("no worker can be started: {}", error.kind()))
        };
        let starter = Arc::new(Starter::new().map_err(failed)?);
        self.starter = Some(Arc::clone(&starter));
        Ok(starter)
    }
}

/// A worker that is somebody's for one order. Unless it is given back, it ends.
pub(super) struct WorkerLease {
    pool: Arc<Shared>,
    scope: [u8; 32],
    worker: Option<WorkerProcess>,
    healthy: bool,
}

impl WorkerLease {
    /// The worker.
    pub(super) fn worker(&mut self) -> &mut WorkerProcess {
        self.worker.as_mut().expect("a lease has its worker until it is dropped")
    }

    /// Gives the worker back, to work again if it has not grown too much.
    pub(super) fn give_back(mut self) {
        // The stack that its engines run on is counted whether it is used or not.
        let grown = self.pool.settings.memory / 2 + STACK as u64;
        let worker = self.worker();
        self.healthy = worker.orders < MAX_ORDERS && worker.data_bytes().is_none_or(|bytes| bytes <= grown);
    }
}

impl Drop for WorkerLease {
    fn drop(&mut self) {
        let mut worker = self.worker.take();
        if !self.healthy {
            // Its memory is free before another one may start.
            drop(worker.take());
        }
        let mut state = self.pool.state();
        state.busy -= 1;
        if let Some(of_scope) = state.busy_by_scope.get_mut(&self.scope) {
            *of_scope -= 1;
            if *of_scope == 0 {
                state.busy_by_scope.remove(&self.scope);
            }
        }
        state.idle.extend(worker);
        drop(state);
        // The next one in line may be of a scope that must wait on.
        self.pool.freed.notify_all();
    }
}
