//! The tier in this process's memory, bounded by bytes. The only file that knows moka.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;

use crate::{Entry, Key, Pending, Tier};

/// What an entry takes besides its body: key, times, moka's own bookkeeping. 200,000 entries with bodies of 40 bytes
/// made the resident size grow by 566 bytes each.
const OVERHEAD: usize = 526;

/// Entries in memory, the least recently used dropped first. Cheap to clone; clones share the entries.
#[derive(Clone)]
pub struct Memory {
    entries: moka::sync::Cache<Key, Entry>,
    evictions: Arc<AtomicU64>,
}

impl Memory {
    /// Keeps at most `max_bytes` of bodies and their bookkeeping; a body larger than that is not kept at all.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&evictions);
        let entries = moka::sync::Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, entry: &Entry| weight(entry))
            // Not TinyLFU: it turns away what was asked for once only, and the result of the newest commit is exactly
            // that while being the one that will be asked for next.
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Lasting)
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self { entries, evictions }
    }

    /// How many entries were dropped for want of room.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// How many entries are kept and how many bytes they take, after dropping what is due.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.entries.weighted_size())
    }
}

impl Tier for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn get<'a>(&'a self, key: &'a Key) -> Pending<'a, Option<Entry>> {
        let found = self.entries.get(key).filter(|entry| !entry.left().is_zero());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn put(&self, entry: Entry) -> Pending<'_, ()> {
        self.entries.insert(*entry.key(), entry);
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, ()> {
        self.entries.invalidate(key);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Gives each entry its own time.
struct Lasting;

impl Expiry<Key, Entry> for Lasting {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.left())
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.left())
    }
}

fn weight(entry: &Entry) -> u32 {
    u32::try_from(entry.body().len() + OVERHEAD).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn entry(number: u8, size: usize) -> Entry {
        Entry::new(Key::new(Kind::Body, [number; 32]), vec![number; size], Duration::from_secs(60))
    }

    #[tokio::test]
    async fn stays_within_its_bytes_and_drops_the_least_recently_used() {
        let memory = Memory::new(10_200);
        for number in 0..4 {
            memory.put(entry(number, 2_000)).await.unwrap();
        }
        assert_eq!(memory.usage().0, 4);
        let first = Key::new(Kind::Body, [0; 32]);
        assert!(memory.get(&first).await.unwrap().is_some());
        memory.put(entry(4, 2_000)).await.unwrap();
        let (entries, bytes) = memory.usage();
        assert!(entries == 4 && bytes <= 10_200, "{entries} entries, {bytes} bytes");
        assert!(memory.get(&first).await.unwrap().is_some(), "it was used last");
        assert!(memory.get(&Key::new(Kind::Body, [1; 32])).await.unwrap().is_none());
        assert!(memory.get(&Key::new(Kind::Body, [4; 32])).await.unwrap().is_some(), "the newest is kept");
        assert_eq!(memory.evictions(), 1);
    }

    #[tokio::test]
    async fn does_not_keep_what_is_larger_than_itself() {
        let memory = Memory::new(10_000);
        memory.put(entry(0, 1_000)).await.unwrap();
        memory.put(entry(1, 20_000)).await.unwrap();
        assert_eq!(memory.usage().0, 1);
    }

    #[tokio::test]
    async fn hands_out_the_same_bytes_not_copies() {
        let memory = Memory::new(10_000);
        let entry = entry(0, 1_000);
        memory.put(entry.clone()).await.unwrap();
        let found = memory.get(entry.key()).await.unwrap().unwrap();
        assert_eq!(found.body().as_ptr(), entry.body().as_ptr());
    }
}
