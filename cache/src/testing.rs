//! The suite every tier passes, and a tier outside the process as tests need one. For tests only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{Entry, Key, Kind, Pending, Seal, Tier, TierError};

const LONG: Duration = Duration::from_secs(600);

/// Runs every law of a tier over `tier`, which is empty and has room for at least 1 MiB.
///
/// # Panics
/// When a law is broken.
pub async fn conforms(tier: &dyn Tier) {
    finds_what_was_put(tier).await;
    keeps_kinds_and_digests_apart(tier).await;
    the_last_put_wins(tier).await;
    forgets_what_was_removed(tier).await;
    keeps_empty_and_large_bodies(tier).await;
    each_entry_has_its_own_time(tier).await;
}

fn key(number: u8) -> Key {
    Key::new(Kind::Body, [number; 32])
}

async fn put(tier: &dyn Tier, key: Key, body: impl Into<Bytes>) {
    tier.put(Entry::new(key, body, LONG)).await.expect("a working tier takes an entry");
}

async fn found(tier: &dyn Tier, key: &Key) -> Option<Bytes> {
    tier.get(key).await.expect("a working tier answers").map(Entry::into_body)
}

async fn finds_what_was_put(tier: &dyn Tier) {
    assert_eq!(found(tier, &key(1)).await, None, "nothing was put yet");
    let entry = Entry::new(key(1), "one", LONG);
    tier.put(entry.clone()).await.expect("a working tier takes an entry");
    let back = tier.get(&key(1)).await.expect("a working tier answers");
    assert_eq!(back, Some(entry), "key, times and body come back as they were");
}

async fn keeps_kinds_and_digests_apart(tier: &dyn Tier) {
    for kind in Kind::ALL {
        put(tier, Key::new(kind, [2; 32]), kind.name()).await;
    }
    for kind in Kind::ALL {
        assert_eq!(found(tier, &Key::new(kind, [2; 32])).await.as_deref(), Some(kind.name().as_bytes()));
    }
    let mut near = [2; 32];
    near[31] ^= 1;
    assert_eq!(found(tier, &Key::new(Kind::Body, near)).await, None, "a key that differs in one bit");
}

async fn the_last_put_wins(tier: &dyn Tier) {
    put(tier, key(3), "first").await;
    put(tier, key(3), "second").await;
    assert_eq!(found(tier, &key(3)).await.as_deref(), Some(&b"second"[..]));
}

async fn forgets_what_was_removed(tier: &dyn Tier) {
    put(tier, key(4), "four").await;
    tier.remove(&key(4)).await.expect("a working tier removes");
    assert_eq!(found(tier, &key(4)).await, None);
    tier.remove(&key(4)).await.expect("removing what is not there is no failure");
}

async fn keeps_empty_and_large_bodies(tier: &dyn Tier) {
    put(tier, key(5), Bytes::new()).await;
    assert_eq!(found(tier, &key(5)).await, Some(Bytes::new()), "empty is not absent");
    let large: Bytes = (0..512 << 10).map(|position| (position % 251) as u8).collect();
    put(tier, key(6), large.clone()).await;
    assert_eq!(found(tier, &key(6)).await, Some(large));
}

async fn each_entry_has_its_own_time(tier: &dyn Tier) {
    let (brief, over) = (Entry::new(key(7), "brief", Duration::from_millis(40)), Duration::ZERO);
    put(tier, key(8), "long").await;
    tier.put(Entry::new(key(9), "over", over)).await.expect("a working tier takes an entry");
    assert_eq!(found(tier, &key(9)).await, None, "its time was over from the start");
    tier.put(brief).await.expect("a working tier takes an entry");
    let begun = Instant::now();
    while found(tier, &key(7)).await.is_some() {
        assert!(begun.elapsed() < Duration::from_secs(10), "an entry of 40 ms was still there after 10 s");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(begun.elapsed() >= Duration::from_millis(35), "it was gone before its time");
    assert!(found(tier, &key(8)).await.is_some(), "another entry's time is not its own");
}

/// A tier that keeps the outer form of entries, as a store shared by several servers does.
pub struct Outside {
    seal: Seal,
    kept: Mutex<HashMap<Key, Bytes>>,
}

impl Default for Outside {
    fn default() -> Self {
        Self { seal: Seal::new(&[42; 32]), kept: Mutex::default() }
    }
}

impl Outside {
    /// Flips one bit of the last byte kept under `key`.
    pub fn damage(&self, key: &Key) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outer) = kept.get_mut(key) {
            let mut bytes = outer.to_vec();
            bytes.last_mut().into_iter().for_each(|byte| *byte ^= 1);
            *outer = bytes.into();
        }
    }

    fn find(&self, key: &Key) -> Result<Option<Entry>, TierError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(outer) = kept.get(key) else { return Ok(None) };
        let entry = Entry::unseal(&self.seal, key, outer).map_err(|broken| TierError(broken.to_string()))?;
        Ok(Some(entry).filter(|entry| !entry.left().is_zero()))
    }
}

impl Tier for Outside {
    fn name(&self) -> &'static str {
        "outside"
    }

    fn get<'a>(&'a self, key: &'a Key) -> Pending<'a, Option<Entry>> {
        Box::pin(std::future::ready(self.find(key)))
    }

    fn put(&self, entry: Entry) -> Pending<'_, ()> {
        let outer = entry.seal(&self.seal);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(*entry.key(), outer);
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, ()> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[tokio::test]
    async fn memory_conforms() {
        conforms(&Memory::new(4 << 20)).await;
    }

    #[tokio::test]
    async fn outside_conforms() {
        conforms(&Outside::default()).await;
    }
}
