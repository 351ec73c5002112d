//! Conversations with remotes, one file per transport, and the protocol spoken over them.

mod announcement;
mod certificate;
mod failure;
mod http;
mod http_client;
mod page;
mod relay;
mod session;
mod socket;
mod ssh;
mod tls;
mod unpacked;
mod unreachable;

use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};

pub(super) use failure::disk;
pub use page::Page;

use super::link::{Halt, Limits, Link};
use super::refs::Listing;
use super::remote::{Host, Place, Remote};
use super::stats::{Progress, Stats};

/// Decides whether a remote may be asked; also asked of every place a remote redirects to.
pub type Gate = Arc<dyn Fn(&Remote) -> Result<()> + Send + Sync>;

/// Who asks which remote.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The remote.
    pub remote: &'a Remote,
    /// What it is asked with.
    pub by: &'a Credential,
    /// Stops the conversation.
    pub halt: &'a Halt,
}

/// What is wanted of a remote.
pub(super) struct Want<'a> {
    /// The commits.
    pub(super) ids: &'a [ObjectId],
    /// Commits that are here, all of their trees too; nothing of their history is assumed to be.
    pub(super) haves: &'a [ObjectId],
    /// How many commits of history, at least 1.
    pub(super) depth: u32,
    /// Leave out trees and files where the remote can.
    pub(super) only_commits: bool,
    /// Where the objects of `haves` are.
    pub(super) base: Option<gix::Repository>,
    /// The empty folder the pack goes to.
    pub(super) folder: &'a Path,
}

impl<'a> Want<'a> {
    /// The commits with their trees and no history, nothing being here yet.
    pub(super) fn whole(ids: &'a [ObjectId], folder: &'a Path) -> Self {
        Self { ids, haves: &[], depth: 1, only_commits: false, base: None, folder }
    }
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// The pack is in the folder, complete; or the remote had nothing to send.
    Done,
    /// The remote gives only what it lists, and the commit is not listed.
    Refused,
    /// The remote does not have the commit.
    Missing,
}

/// Speaks with remotes.
pub struct Network {
    limits: Limits,
    clients: http_client::Clients,
    gate: Gate,
    known_hosts: String,
    stats: Arc<Stats>,
    progress: Option<Arc<dyn Progress>>,
}

impl Network {
    /// A network within `limits`; `gate` is asked about redirects, and `known_hosts` are the lines that hold for
    /// everybody.
    #[must_use]
    pub fn new(limits: Limits, gate: Gate, known_hosts: String) -> Self {
        let clients = http_client::Clients::new(limits.connect);
        Self { limits, clients, gate, known_hosts, stats: Arc::default(), progress: None }
    }

    /// The same network, showing its progress.
    #[must_use]
    pub fn shown(self, progress: Option<Arc<dyn Progress>>) -> Self {
        Self { progress, ..self }
    }

    /// What was counted so far.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// What the remote lists under names that begin with one of `prefixes`; everything when there are none. Blocks.
    ///
    /// # Errors
    /// What went wrong, by kind; nothing of the credential or the host is in the text.
    pub fn list(&self, ask: Ask<'_>, prefixes: &[String]) -> Result<Listing> {
        self.stats.listing();
        let link = Link::new(&self.limits, self.limits.list, self.limits.list_bytes, ask.halt.clone());
        let link = Arc::new(link.watched(self.stats.clone(), None));
        let listed = match &ask.remote.place {
            Place::Http { .. } => session::list(&mut self.http(ask, &link)?, prefixes, &link),
            Place::Git { host, path } => {
                let opened = socket::open(host, path, &self.limits, &link);
                opened.and_then(|mut transport| session::list(&mut transport, prefixes, &link))
            }
            Place::Ssh { user, host, path } => {
                ssh::list(&self.ssh(user.as_deref(), (host, path), ask.by), prefixes, &self.limits, &link)
            }
            Place::Local(_) => Err(not_remote()),
        };
        self.finish(ask.remote, listed.and_then(|listing| listing.within(self.limits.refs)))
    }

    /// Fetches what is wanted into its folder. Blocks.
    ///
    /// # Errors
    /// As [`Network::list`].
    pub(super) fn fetch(&self, ask: Ask<'_>, want: &Want<'_>) -> Result<Fetched> {
        self.stats.fetch();
        let link = Link::new(&self.limits, self.limits.fetch, self.limits.fetch_bytes, ask.halt.clone());
        let link = Arc::new(link.watched(self.stats.clone(), self.progress.clone()));
        let _watch = link.watch();
        let fetched = match &ask.remote.place {
            Place::Http { .. } => session::fetch(&mut self.http(ask, &link)?, want, &link),
            Place::Git { host, path } => {
                let opened = socket::open(host, path, &self.limits, &link);
                opened.and_then(|mut transport| session::fetch(&mut transport, want, &link))
            }
            Place::Ssh { user, host, path } => {
                ssh::fetch(&self.ssh(user.as_deref(), (host, path), ask.by), want, &self.limits, &link)
            }
            Place::Local(_) => Err(not_remote()),
        };
        self.finish(ask.remote, fetched)
    }

    /// The page of the web at the address of `ask.remote`, with a query behind it or none. Redirects are asked about at
    /// `gate` as well. Blocks.
    ///
    /// # Errors
    /// As [`Network::list`]; [`Kind::OverBudget`] for more than [`Limits::page_bytes`].
    pub fn page(&self, ask: Ask<'_>, query: &str, gate: &Gate) -> Result<Page> {
        let link = Link::new(&self.limits, self.limits.list, self.limits.page_bytes, ask.halt.clone());
        let link = Arc::new(link.watched(self.stats.clone(), None));
        let url = ask.remote.http_url().ok_or_else(not_remote)? + query;
        let (own, gate) = (self.gate.clone(), gate.clone());
        let both: Gate = Arc::new(move |remote: &Remote| own(remote).and_then(|()| gate(remote)));
        let caller = http::Caller { credential: ask.by.clone(), gate: both };
        self.finish(ask.remote, page::get(&url, &caller, &self.clients, &link))
    }

    fn http(&self, ask: Ask<'_>, link: &Arc<Link>) -> Result<http::Transport> {
        let url = ask.remote.http_url().ok_or_else(not_remote)?;
        http::open(
            &url,
            http::Caller { credential: ask.by.clone(), gate: self.gate.clone() },
            &self.clients,
            link,
        )
    }

    fn ssh<'a>(
        &'a self,
        user: Option<&'a str>,
        (host, path): (&'a Host, &'a str),
        by: &'a Credential,
    ) -> ssh::Ssh<'a> {
        ssh::Ssh { user, host, path, by, known_hosts: &self.known_hosts }
    }

    /// The result, counted and with the remote's name.
    fn finish<T>(&self, remote: &Remote, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            self.stats.failure();
            error.context(remote.display())
        })
    }
}

fn not_remote() -> Error {
    Error::new(Kind::Internal, "a local repository is not asked over a network")
}
