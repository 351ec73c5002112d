//! Which commits each scope has been shown: the remote listed them for it, or gave them to it. A store is shared by all
//! who reach the same remote the same way, but a commit's id alone opens nothing in it: some servers show one caller
//! branches that they hide from another.

use std::sync::{Arc, Mutex, PoisonError};

use recent::Recent;

use crate::git::CommitId;

use super::Scope;

/// How many commits are remembered, some 150 bytes each; twice as many at most.
const MAX_SHOWN: u64 = 50_000;

/// A commit of a remote, and who was shown it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ShownCommit {
    /// The remote's identity.
    pub(super) remote: Arc<str>,
    /// Who asked.
    pub(super) scope: Scope,
    /// The commit.
    pub(super) commit: CommitId,
}

/// The commits that were shown lately. One that is forgotten is asked for again.
pub(super) struct ShownCommits(Mutex<Recent<ShownCommit, ()>>);

impl Default for ShownCommits {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(MAX_SHOWN)))
    }
}

impl ShownCommits {
    /// Remembers that the remote showed this commit.
    pub(super) fn add(&self, shown: ShownCommit) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(shown, (), 1);
    }

    /// Whether the remote showed this commit.
    pub(super) fn contains(&self, shown: &ShownCommit) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(shown).is_some()
    }
}
