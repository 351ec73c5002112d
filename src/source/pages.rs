//! Files of the web that were read a short while ago, by address and scope. Like a listing of a remote, a page answers
//! for its address until it is as old as those may get.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::git::Page;

use super::git::Target;

/// The most pages kept.
const MOST: usize = 1_000;

/// The most bytes of them together: a few of the largest, hundreds of common ones.
const MOST_BYTES: usize = 64 << 20;

/// An address and who asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AskedPage {
    /// The address without its query.
    pub(super) target: Target,
    /// The query with its `?`, or nothing.
    pub(super) query: Arc<str>,
}

/// Recent pages.
pub(super) struct Pages {
    expiration: Duration,
    kept: Mutex<HashMap<AskedPage, Kept>>,
}

struct Kept {
    page: Page,
    since: Instant,
}

impl Kept {
    fn bytes(&self) -> usize {
        match &self.page {
            Page::File(content) => content.len(),
            Page::Status(_) => 0,
        }
    }
}

impl Pages {
    pub(super) fn new(expiration: Duration) -> Self {
        Self { expiration, kept: Mutex::default() }
    }

    /// The page, if it is young enough.
    pub(super) fn get(&self, asked: &AskedPage) -> Option<Page> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(asked).filter(|kept| kept.since.elapsed() < self.expiration).map(|kept| kept.page.clone())
    }

    /// Keeps a page asked for at `since`, where there is room for it.
    pub(super) fn put(&self, asked: AskedPage, page: Page, since: Instant) {
        let new = Kept { page, since };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&asked);
        let bytes = |kept: &HashMap<_, Kept>| kept.values().map(Kept::bytes).sum::<usize>() + new.bytes();
        if kept.len() >= MOST || bytes(&kept) > MOST_BYTES {
            kept.retain(|_, kept| kept.since.elapsed() < self.expiration);
        }
        if kept.len() < MOST && bytes(&kept) <= MOST_BYTES {
            kept.insert(asked, new);
        }
    }
}
