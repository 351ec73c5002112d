//! What a place that keeps entries can do.

use std::future::Future;
use std::pin::Pin;

use crate::{Entry, Key};

/// An answer that may take a while.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, TierError>> + Send + 'a>>;

/// A tier that failed. It counts as empty; [`crate::Cache`] goes on without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TierError(pub String);

/// A place that keeps entries, bounded in its own way; it may forget any entry at any time.
///
/// [`crate::testing`] holds the suite every tier passes.
pub trait Tier: Send + Sync {
    /// The name for logs and metrics.
    fn name(&self) -> &'static str;

    /// The entry of `key`, never one whose time is over. A tier outside the process checks it with [`Entry::unseal`].
    fn get<'a>(&'a self, key: &'a Key) -> Pending<'a, Option<Entry>>;

    /// Keeps the entry in place of any other of its key.
    fn put(&self, entry: Entry) -> Pending<'_, ()>;

    /// Forgets the entry of `key`, if any.
    fn remove<'a>(&'a self, key: &'a Key) -> Pending<'a, ()>;
}
