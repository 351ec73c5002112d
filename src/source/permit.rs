//! How many conversations one remote has at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A semaphore per remote, as long as somebody uses it.
pub(super) struct Permits {
    each: usize,
    remotes: Mutex<HashMap<Arc<str>, Weak<Semaphore>>>,
}

/// Leave to talk to a remote; given back when dropped.
pub(super) struct Permit {
    _permit: Option<OwnedSemaphorePermit>,
    _semaphore: Arc<Semaphore>,
}

impl Permits {
    pub(super) fn new(each: usize) -> Self {
        Self { each: each.max(1), remotes: Mutex::default() }
    }

    /// Waits for leave to talk to `remote`.
    pub(super) async fn get(&self, remote: &Arc<str>) -> Permit {
        let semaphore = self.semaphore(remote);
        // Never closed, so never refused.
        let permit = semaphore.clone().acquire_owned().await.ok();
        Permit { _permit: permit, _semaphore: semaphore }
    }

    fn semaphore(&self, remote: &Arc<str>) -> Arc<Semaphore> {
        let mut remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = remotes.get(remote).and_then(Weak::upgrade) {
            return semaphore;
        }
        remotes.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(self.each));
        remotes.insert(remote.clone(), Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_remote_has_its_own_limit() {
        let permits = Permits::new(1);
        let (one, other) = (Arc::<str>::from("one"), Arc::<str>::from("other"));
        let held = permits.get(&one).await;
        let blocked = tokio::time::timeout(Duration::ZERO, permits.get(&one)).await;
        assert!(blocked.is_err());
        let _other = permits.get(&other).await;
        drop(held);
        let _again = permits.get(&one).await;
    }
}
