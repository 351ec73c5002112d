//! The connections of one listener: how many there may be, which of them must go when there are too many, and what each
//! of them has done so far.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Bytes that a connection may send besides messages: a window of them that nobody reads, with room to spare.
const MAX_IDLE_BYTES: u64 = 8 << 20;

/// Bytes that a call may take besides its messages: headers and the frames around small pieces.
const MAX_CALL_BYTES: u64 = 64 << 10;

/// Calls that a client may give up within [`ABANDON_PERIOD`]. A controller that restarts closes its connection instead.
const MAX_ABANDONED: u64 = 1_000;

const ABANDON_PERIOD: Duration = Duration::from_secs(10);

/// How many connections a listener may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionLimits {
    /// All together.
    pub(super) max: usize,
    /// From one peer.
    pub(super) max_per_peer: usize,
}

type Table = HashMap<u64, Arc<Connection>>;

/// The connections of one listener.
#[derive(Debug)]
pub(super) struct Connections {
    limits: ConnectionLimits,
    table: Mutex<Table>,
    next: AtomicU64,
    /// Connections that had no place.
    refused: AtomicU64,
    /// Connections that had to make room for others.
    displaced: AtomicU64,
}

/// One connection and what it has done.
#[derive(Debug)]
pub(super) struct Connection {
    peer: IpAddr,
    opened: Instant,
    /// Ended by somebody else than its client.
    ended: CancellationToken,
    /// Bytes received and sent, above TLS.
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    /// Bytes received that belong to messages.
    pub(super) message_bytes: AtomicU64,
    /// Calls so far.
    calls: AtomicU64,
    /// Calls whose headers are here and whose answer is not yet sent.
    open_calls: AtomicUsize,
    /// Of these, the calls that are being answered.
    working: AtomicUsize,
    /// When the last call began or ended, in milliseconds since the connection was opened.
    active_at: AtomicU64,
    abandoned: Mutex<Abandoned>,
}

#[derive(Debug)]
struct Abandoned {
    since: Instant,
    calls: u64,
}

/// The right to be connected; the connection leaves the table on drop.
#[derive(Debug)]
pub(super) struct Admitted {
    connections: Arc<Connections>,
    id: u64,
    pub(super) connection: Arc<Connection>,
}

/// A call of a connection, counted while it lives.
#[derive(Debug)]
pub(super) struct OpenCall(Arc<Connection>);

/// A call that is being answered, counted while it lives.
#[derive(Debug)]
pub(super) struct WorkingCall(Arc<Connection>);

impl Connections {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            table: Mutex::default(),
            next: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            displaced: AtomicU64::new(0),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Connections so far that had no place, and that had to make room for others.
    pub(super) fn refused_and_displaced(&self) -> (u64, u64) {
        (self.refused.load(Ordering::Relaxed), self.displaced.load(Ordering::Relaxed))
    }

    /// A place for one more connection. Where there are too many, the one that has been idle for the longest time goes;
    /// `None` when every one of them is working.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let peer = peer_of(address);
        let mut table = self.lock();
        if !self.make_room(&mut table, peer) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let connection = Arc::new(Connection::new(peer));
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        table.insert(id, connection.clone());
        Some(Admitted { connections: self.clone(), id, connection })
    }

    /// Ends the connection that has been idle for the longest time, for the sake of its descriptor.
    pub(super) fn end_longest_idle(&self) {
        self.end_idle(&mut self.lock(), |_| true);
    }

    /// Whether there is room for another connection of `peer`, now.
    fn make_room(&self, table: &mut Table, peer: IpAddr) -> bool {
        let of_peer = table.values().filter(|connection| connection.peer == peer).count();
        if of_peer >= self.limits.max_per_peer {
            return self.end_idle(table, |connection| connection.peer == peer);
        }
        if table.len() < self.limits.max {
            return true;
        }
        let largest = largest_peer(table);
        self.end_idle(table, |connection| Some(connection.peer) == largest) || self.end_idle(table, |_| true)
    }

    /// Ends the connection that has been idle for the longest time of those that `may` go; false when there is none.
    fn end_idle(&self, table: &mut Table, may: impl Fn(&Connection) -> bool) -> bool {
        let idle = table.iter().filter(|(_, one)| one.working.load(Ordering::Relaxed) == 0 && may(one));
        let longest = idle.min_by_key(|(_, connection)| connection.last_active()).map(|(id, _)| *id);
        // It leaves the table at once: its task may take a moment to notice.
        let Some(connection) = longest.and_then(|id| table.remove(&id)) else { return false };
        connection.ended.cancel();
        self.displaced.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

impl Connection {
    fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            opened: Instant::now(),
            ended: CancellationToken::new(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            message_bytes: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            open_calls: AtomicUsize::new(0),
            working: AtomicUsize::new(0),
            active_at: AtomicU64::new(0),
            abandoned: Mutex::new(Abandoned { since: Instant::now(), calls: 0 }),
        }
    }

    /// Ready when the connection has to go.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// How long it has been open.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// How long it has had no call; zero while it has one.
    pub(super) fn idle_time(&self) -> Duration {
        if self.open_calls.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        self.age().saturating_sub(Duration::from_millis(self.active_at.load(Ordering::Relaxed)))
    }

    /// Whether it has sent far more than its calls need: frames that carry nothing keep a processor busy.
    pub(super) fn is_flooding(&self) -> bool {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let needed = load(&self.message_bytes)
            .saturating_mul(2)
            .saturating_add(load(&self.sent) / 8)
            .saturating_add(load(&self.calls).saturating_mul(MAX_CALL_BYTES));
        load(&self.received) > needed.saturating_add(MAX_IDLE_BYTES)
    }

    /// A call begins.
    pub(super) fn begin_call(self: &Arc<Self>) -> OpenCall {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.open_calls.fetch_add(1, Ordering::Relaxed);
        self.touch();
        OpenCall(self.clone())
    }

    /// The request of a call is complete.
    pub(super) fn begin_work(self: &Arc<Self>) -> WorkingCall {
        self.working.fetch_add(1, Ordering::Relaxed);
        WorkingCall(self.clone())
    }

    /// The client gave up a call before its answer. One that does so all the time is cut off: to begin work and to give
    /// it up costs a client less than us.
    pub(super) fn abandon_call(&self) {
        let mut abandoned = self.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
        if abandoned.since.elapsed() > ABANDON_PERIOD {
            *abandoned = Abandoned { since: Instant::now(), calls: 0 };
        }
        abandoned.calls += 1;
        if abandoned.calls > MAX_ABANDONED {
            self.ended.cancel();
        }
    }

    fn touch(&self) {
        let age = u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX);
        self.active_at.store(age, Ordering::Relaxed);
    }

    /// When it was last active.
    fn last_active(&self) -> Instant {
        self.opened + Duration::from_millis(self.active_at.load(Ordering::Relaxed))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.touch();
        self.0.open_calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for WorkingCall {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

fn largest_peer(table: &Table) -> Option<IpAddr> {
    let mut counts = HashMap::new();
    for connection in table.values() {
        *counts.entry(connection.peer).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(peer, _)| peer)
}

/// Who is at an address: for IPv6 the network of 64 bits, all of which one host may use.
fn peer_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max: usize, max_per_peer: usize) -> Arc<Connections> {
        Arc::new(Connections::new(ConnectionLimits { max, max_per_peer }))
    }

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn has_ended(admitted: &Admitted) -> bool {
        admitted.connection.ended.is_cancelled()
    }

    #[test]
    fn the_longest_idle_connection_makes_room() {
        let all = connections(3, 3);
        let first = all.admit(peer(1)).unwrap();
        let second = all.admit(peer(1)).unwrap();
        std::thread::sleep(Duration::from_millis(2));
        drop(first.connection.begin_call());
        let _third = all.admit(peer(2)).unwrap();
        let _fourth = all.admit(peer(3)).unwrap();
        assert!(has_ended(&second) && !has_ended(&first));
        assert_eq!(all.count(), 3);
        drop(second);
        assert_eq!(all.count(), 3, "it had left the table already");
    }

    #[test]
    fn a_peer_makes_room_for_itself_and_working_connections_stay() {
        let all = connections(10, 2);
        let other = all.admit(peer(2)).unwrap();
        let first = all.admit(peer(1)).unwrap();
        let second = all.admit(peer(1)).unwrap();
        let work = first.connection.begin_work();
        let third = all.admit(peer(1)).unwrap();
        assert!(has_ended(&second) && !has_ended(&first) && !has_ended(&other));
        let _more_work = third.connection.begin_work();
        assert!(all.admit(peer(1)).is_none());
        drop(work);
        assert!(all.admit(peer(1)).is_some());
        assert!(has_ended(&first));
    }

    #[test]
    fn a_full_listener_takes_from_the_peer_with_the_most() {
        let all = connections(4, 3);
        let lone = all.admit(peer(1)).unwrap();
        let many: Vec<_> = (0..3).map(|_| all.admit(peer(2)).unwrap()).collect();
        let _newcomer = all.admit(peer(3)).unwrap();
        assert!(!has_ended(&lone));
        assert_eq!(many.iter().filter(|one| has_ended(one)).count(), 1);
    }

    #[test]
    fn a_peer_is_a_host() {
        let text = |text: &str| peer_of(text.parse().unwrap()).to_string();
        assert_eq!(text("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(text("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn frames_that_carry_nothing_are_a_flood() {
        let all = connections(1, 1);
        let connection = all.admit(peer(1)).unwrap().connection.clone();
        connection.received.store(MAX_IDLE_BYTES, Ordering::Relaxed);
        assert!(!connection.is_flooding());
        connection.received.store(MAX_IDLE_BYTES + 1, Ordering::Relaxed);
        assert!(connection.is_flooding());
        connection.message_bytes.store(1, Ordering::Relaxed);
        assert!(!connection.is_flooding());
    }

    #[test]
    fn giving_up_calls_all_the_time_ends_the_connection() {
        let all = connections(1, 1);
        let admitted = all.admit(peer(1)).unwrap();
        for _ in 0..MAX_ABANDONED {
            admitted.connection.abandon_call();
        }
        assert!(!has_ended(&admitted));
        admitted.connection.abandon_call();
        assert!(has_ended(&admitted));
    }
}
