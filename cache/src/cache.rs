//! The cache callers use: memory first, then the other tiers in turn.

use std::sync::Arc;

use bytes::Bytes;

use crate::stats::Counters;
use crate::{Entry, Key, Memory, Stats, Tier, TierError};

/// Bytes by key. Cheap to clone; clones share everything.
///
/// A tier that fails is logged, counted, and otherwise treated as empty: the cache never makes a request fail.
#[derive(Clone)]
pub struct Cache {
    memory: Memory,
    outer: Arc<[Arc<dyn Tier>]>,
    counters: Arc<Counters>,
}

impl Cache {
    /// A cache of one tier.
    #[must_use]
    pub fn new(memory: Memory) -> Self {
        Self::with_outer(memory, [])
    }

    /// A cache that also asks `outer`, in order, for what memory does not hold.
    #[must_use]
    pub fn with_outer(memory: Memory, outer: impl IntoIterator<Item = Arc<dyn Tier>>) -> Self {
        Self { memory, outer: outer.into_iter().collect(), counters: Arc::default() }
    }

    /// The bytes of `key`. What an outer tier holds is kept in memory from then on.
    pub async fn get(&self, key: &Key) -> Option<Bytes> {
        let found = self.find(key).await;
        self.counters.looked(key.kind(), found.is_some());
        found.map(Entry::into_body)
    }

    /// As [`Cache::get`] for one who has looked before and was counted then: not finding it again is no second miss.
    pub async fn get_again(&self, key: &Key) -> Option<Bytes> {
        let found = self.find(key).await?;
        self.counters.looked(key.kind(), true);
        Some(found.into_body())
    }

    /// Keeps the entry in every tier, in place of any other of its key.
    pub async fn put(&self, entry: Entry) {
        self.counters.filled(entry.key().kind());
        self.checked(&self.memory, self.memory.put(entry.clone()).await);
        for tier in &*self.outer {
            self.checked(tier.as_ref(), tier.put(entry.clone()).await);
        }
    }

    /// Forgets the entry of `key` in every tier.
    pub async fn remove(&self, key: &Key) {
        self.checked(&self.memory, self.memory.remove(key).await);
        for tier in &*self.outer {
            self.checked(tier.as_ref(), tier.remove(key).await);
        }
    }

    /// The counters as they are now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (entries, bytes) = self.memory.usage();
        Stats { entries, bytes, evictions: self.memory.evictions(), ..self.counters.read() }
    }

    async fn find(&self, key: &Key) -> Option<Entry> {
        if let Some(entry) = self.checked(&self.memory, self.memory.get(key).await).flatten() {
            return Some(entry);
        }
        for tier in &*self.outer {
            if let Some(entry) = self.checked(tier.as_ref(), tier.get(key).await).flatten() {
                self.checked(&self.memory, self.memory.put(entry.clone()).await);
                return Some(entry);
            }
        }
        None
    }

    fn checked<T>(&self, tier: &dyn Tier, result: Result<T, TierError>) -> Option<T> {
        result
            .inspect_err(|error| {
                self.counters.failed();
                tracing::warn!(tier = tier.name(), %error, "a cache tier failed; going on without it");
            })
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Outside;
    use crate::{Counts, Kind};

    fn entry() -> Entry {
        Entry::new(Key::new(Kind::Answer, [1; 32]), "answer", Duration::from_secs(60))
    }

    fn two_tiers(outside: &Arc<Outside>) -> Cache {
        Cache::with_outer(Memory::new(1 << 20), [Arc::clone(outside) as Arc<dyn Tier>])
    }

    #[tokio::test]
    async fn counts_hits_misses_and_fills_per_kind() {
        let cache = Cache::new(Memory::new(1 << 20));
        assert_eq!(cache.get(entry().key()).await, None);
        assert_eq!(cache.get_again(entry().key()).await, None);
        cache.put(entry()).await;
        assert_eq!(cache.get_again(entry().key()).await.as_deref(), Some(&b"answer"[..]));
        let stats = cache.stats();
        assert_eq!(stats.of(Kind::Answer), Counts { hits: 1, misses: 1, fills: 1 });
        assert_eq!(stats.of(Kind::Body), Counts::default());
        assert_eq!((stats.entries, stats.failures, stats.evictions), (1, 0, 0));
        assert!(stats.bytes > 6);
    }

    #[tokio::test]
    async fn another_process_finds_what_was_put_outside_and_keeps_it() {
        let outside = Arc::new(Outside::default());
        two_tiers(&outside).put(entry()).await;
        let second = two_tiers(&outside);
        assert_eq!(second.get(entry().key()).await.as_deref(), Some(&b"answer"[..]));
        outside.remove(entry().key()).await.unwrap();
        assert!(second.get(entry().key()).await.is_some(), "it is in the second one's memory now");
    }

    #[tokio::test]
    async fn what_is_removed_is_gone_everywhere() {
        let outside = Arc::new(Outside::default());
        let cache = two_tiers(&outside);
        cache.put(entry()).await;
        cache.remove(entry().key()).await;
        assert_eq!(cache.get(entry().key()).await, None);
        assert_eq!(two_tiers(&outside).get(entry().key()).await, None);
    }

    #[tokio::test]
    async fn a_broken_entry_outside_is_a_miss_and_a_failure() {
        let outside = Arc::new(Outside::default());
        two_tiers(&outside).put(entry()).await;
        outside.damage(entry().key());
        let cache = two_tiers(&outside);
        assert_eq!(cache.get(entry().key()).await, None);
        assert_eq!(cache.stats().failures, 1);
    }
}
