//! Bytes by key: bounded, expiring, checked.
//!
//! A [`Cache`] asks its tiers in turn, the fastest first: the [`Memory`] of this process, then any other [`Tier`]. What
//! an entry holds is its [`Kind`]'s business; the cache sees shared bytes. Entries that come from outside the process
//! carry a header and a seal ([`Entry::unseal`]) and count as absent when either is wrong.
//!
//! ```
//! use std::time::Duration;
//! use manifestd_cache::{Cache, Entry, Key, Kind, Memory};
//!
//! let cache = Cache::new(Memory::new(64 << 20));
//! let key = Key::new(Kind::Body, [7; 32]);
//! let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! runtime.block_on(async {
//!     cache.put(Entry::new(key, "bytes", Duration::from_secs(60))).await;
//!     assert_eq!(cache.get(&key).await.as_deref(), Some(&b"bytes"[..]));
//! });
//! assert_eq!(cache.stats().of(Kind::Body).hits, 1);
//! ```

mod cache;
mod entry;
mod key;
mod memory;
mod stats;
pub mod testing;
mod tier;

pub use cache::Cache;
pub use entry::{Broken, Entry, Seal};
pub use key::{Key, Kind};
pub use memory::Memory;
pub use stats::{Counts, Stats};
pub use tier::{Pending, Tier, TierError};
