//! A commit of a remote, from its store, or fetched into it when it is not there.

use std::sync::Arc;

use gix::ObjectId;
use gix::hash::Prefix;

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};

use super::held::Held;
use super::local;
use super::refs::Listing;
use super::remote::Remote;
use super::store::{Generation, Store, Stores, scratch};
use super::wire::{Ask, Fetched, Network, Want};

/// How often a fetch is repeated because another process changed the store meanwhile.
const ATTEMPTS: usize = 3;

/// Remotes and what is here of them. Its methods block.
pub struct Repositories {
    network: Network,
    stores: Stores,
    max_history: u32,
}

impl Repositories {
    /// Remotes behind `network`, kept in `stores`.
    #[must_use]
    pub fn new(network: Network, stores: Stores, max_history: u32) -> Self {
        Self { network, stores, max_history: max_history.max(1) }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The commit, if it is here. Asks nobody, and so proves nothing about the right of who asks.
    #[must_use]
    pub fn find(&self, remote: &Remote, by: &Credential, commit: ObjectId) -> Option<Held> {
        let found = self.stores.store(remote, by).find(commit);
        found.map(|generation| Held::new(generation, commit))
    }

    /// The commit, asked of the remote; what is here already need not be sent again. `listing` says what the remote lists,
    /// for remotes that give only that.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the remote has no such commit, and what went wrong on the way.
    pub fn get(
        &self,
        ask: Ask<'_>,
        commit: ObjectId,
        listing: impl FnOnce() -> Result<Arc<Listing>>,
    ) -> Result<Held> {
        let store = self.stores.store(ask.remote, ask.by);
        let generation = match self.fetch(&store, ask, commit)? {
            Some(generation) => generation,
            None => self.fetch_history(&store, ask, commit, &*listing()?)?,
        };
        self.stores.evict();
        Ok(Held::new(generation, commit))
    }

    /// The one commit whose id begins with `prefix` among the commits that are here.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when there are several.
    pub fn abbreviated_here(
        &self,
        remote: &Remote,
        by: &Credential,
        prefix: &Prefix,
    ) -> Result<Option<ObjectId>> {
        let Some(newest) = self.stores.store(remote, by).newest() else { return Ok(None) };
        local::abbreviated(&newest.repository().to_thread_local(), prefix)
    }

    /// The one commit whose id begins with `prefix` in the history of what the remote lists.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when there are several, and what went wrong on the way.
    pub fn abbreviated_there(
        &self,
        ask: Ask<'_>,
        prefix: &Prefix,
        listing: &Listing,
    ) -> Result<Option<ObjectId>> {
        let work = self.stores.store(ask.remote, ask.by).workplace()?;
        let tips = listing.branch_tips();
        let want = Want { depth: self.max_history, only_commits: true, ..Want::whole(&tips, work.path()) };
        if tips.is_empty() || self.network.fetch(ask, &want)? != Fetched::Done {
            return Ok(None);
        }
        local::abbreviated(&scratch(work.path())?.to_thread_local(), prefix)
    }

    /// Fetches the commit by its id; `None` when the remote does not give it so.
    fn fetch(&self, store: &Store, ask: Ask<'_>, commit: ObjectId) -> Result<Option<Arc<Generation>>> {
        let ids = [commit];
        for _ in 0..ATTEMPTS {
            let plan = store.plan();
            let work = store.workplace()?;
            let haves = plan.base.as_ref().map_or(Ok(Vec::new()), |base| base.haves(commit))?;
            let base = plan.base.as_ref().map(|base| base.repository().to_thread_local());
            let want = Want { haves: &haves, base, ..Want::whole(&ids, work.path()) };
            match self.network.fetch(ask, &want) {
                Ok(Fetched::Done) => {}
                Ok(Fetched::Refused) => return Ok(None),
                Ok(Fetched::Missing) => return Err(missing(ask.remote, commit)),
                // What is sent are differences to what should be here.
                Err(error) if error.kind() == Kind::Unavailable && store.heal(&plan) => continue,
                Err(error) => return Err(error),
            }
            if let Some(generation) = store.install(&plan, work.path(), commit)? {
                return Ok(Some(generation));
            }
        }
        Err(Error::new(Kind::Unavailable, "the store is being changed by other processes; try again"))
    }

    /// Fetches the history of what the remote lists, in which the commit may be.
    fn fetch_history(
        &self,
        store: &Store,
        ask: Ask<'_>,
        commit: ObjectId,
        listing: &Listing,
    ) -> Result<Arc<Generation>> {
        let missing = || {
            missing(ask.remote, commit).help(format!(
                "the remote gives only what it lists, of which {} commits of history were looked at",
                self.max_history
            ))
        };
        let tips = listing.branch_tips();
        let plan = store.plan().whole();
        let work = store.workplace()?;
        let want = Want { depth: self.max_history, ..Want::whole(&tips, work.path()) };
        if tips.is_empty() || self.network.fetch(ask, &want)? != Fetched::Done {
            return Err(missing());
        }
        store.install(&plan, work.path(), commit)?.ok_or_else(missing)
    }
}

fn missing(remote: &Remote, commit: ObjectId) -> Error {
    Error::new(Kind::NotFound, format!("{} has no commit {commit}", remote.display()))
}
