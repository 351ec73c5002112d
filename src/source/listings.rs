//! What remotes listed a short while ago, by remote, scope and prefixes. That a listing is here also shows that its
//! scope opened the remote: nothing of a remote is served to a scope that has none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::git::Listing;

use super::Scope;

/// The most listings kept. A listing of one name takes under a kilobyte.
const MOST: usize = 10_000;

/// The most names in all listings together, some 100 bytes each.
const MOST_NAMES: usize = 2_000_000;

/// What a listing was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    /// The remote's identity.
    pub(super) remote: Arc<str>,
    /// Who asks.
    pub(super) scope: Scope,
    /// The prefixes of the names; none asks for all.
    pub(super) prefixes: Vec<String>,
}

/// Recent listings.
pub(super) struct Listings {
    expiration: Duration,
    kept: Mutex<HashMap<Asked, Kept>>,
}

struct Kept {
    listing: Arc<Listing>,
    since: Instant,
}

impl Listings {
    pub(super) fn new(expiration: Duration) -> Self {
        Self { expiration, kept: Mutex::default() }
    }

    /// The listing that answers `asked`, if it is young enough.
    pub(super) fn get(&self, asked: &Asked) -> Option<Arc<Listing>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(asked).filter(|kept| kept.since.elapsed() < self.expiration).map(|kept| kept.listing.clone())
    }

    /// Keeps a listing asked for at `since`; its age counts from the question, not from the answer.
    pub(super) fn put(&self, asked: Asked, listing: Arc<Listing>, since: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let names: usize = kept.values().map(|kept| kept.listing.refs.len()).sum();
        if kept.len() >= MOST || names + listing.refs.len() > MOST_NAMES {
            kept.retain(|_, kept| kept.since.elapsed() < self.expiration);
        }
        if kept.len() < MOST && names + listing.refs.len() <= MOST_NAMES {
            kept.insert(asked, Kept { listing, since });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(scope: u8) -> Asked {
        Asked { remote: "https://h/r".into(), scope: Scope([scope; 32]), prefixes: vec!["HEAD".into()] }
    }

    #[test]
    fn a_listing_is_its_scopes_own_and_gets_old() {
        let listings = Listings::new(Duration::from_secs(60));
        listings.put(asked(1), Arc::default(), Instant::now());
        assert!(listings.get(&asked(1)).is_some());
        assert!(listings.get(&asked(2)).is_none());
        let old = Instant::now().checked_sub(Duration::from_secs(61)).unwrap();
        listings.put(asked(1), Arc::default(), old);
        assert!(listings.get(&asked(1)).is_none());
    }
}
