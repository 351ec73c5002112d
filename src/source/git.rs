//! Sources of git: who may ask which remote, what it listed, and which commits are here.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tree::Tree;

use crate::credentials::{Book, Credential, ScopeKey};
use crate::error::{Error, Kind, Result};
use crate::git::{
    Ask, CommitId, Gate, Halt, Held, Limits, Listing, Local, Network, Page, Place, Prefix, Remote,
    Repositories, Revision, Stats, Stores, tip_with,
};
use crate::request::Refs;

use super::flight::Flights;
use super::listings::{Asked, Listings};
use super::pages::{AskedPage, Pages};
use super::permit::{Permit, Permits};
use super::shown::{ShownCommit, ShownCommits};
use super::{Access, Pinned, Scope, Settings};

/// A remote and who asks it. Two are equal when the same remote is asked by the same scope.
#[derive(Clone, Debug)]
pub(super) struct Target {
    remote: Arc<Remote>,
    credential: Arc<Credential>,
    scope: Scope,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.remote.identity == other.remote.identity && self.scope == other.scope
    }
}

impl Eq for Target {}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.remote.identity.hash(state);
        self.scope.hash(state);
    }
}

/// What a fetch may bring however little the data folder may take: the remote of a whole repository is asked before it is
/// known how large it is, and what is too much for the folder is removed again.
const MIN_FETCH_BYTES: u64 = 64 << 20;

/// All repositories.
pub(super) struct Gits {
    gate: Gate,
    refs: usize,
    key: ScopeKey,
    book: Book,
    repositories: Arc<Repositories>,
    permits: Permits,
    listings: Listings,
    listing: Flights<Asked, Arc<Listing>>,
    fetching: Flights<(Target, CommitId), Held>,
    shown: ShownCommits,
    searching: Flights<(Target, Prefix), Option<CommitId>>,
    pages: Pages,
    visiting: Flights<AskedPage, Page>,
}

impl Gits {
    pub(super) fn new(settings: Settings) -> Result<Self> {
        let gate = gate(&settings)?;
        let stores = Stores::open(&settings.data_dir, settings.data_max_bytes)?;
        let refs = settings.limits.refs;
        // What one fetch brings has to fit the data folder, but for the smallest of folders.
        let most = settings.data_max_bytes.max(MIN_FETCH_BYTES);
        let limits = Limits { fetch_bytes: settings.limits.fetch_bytes.min(most), ..settings.limits };
        let known_hosts = known_hosts(&settings.known_hosts_files)?;
        let network = Network::new(limits, gate.clone(), known_hosts).shown(settings.progress);
        Ok(Self {
            gate,
            refs,
            key: ScopeKey::random(),
            book: settings.credentials_file.as_deref().map_or(Ok(Book::default()), book)?,
            repositories: Arc::new(Repositories::new(network, stores, settings.max_history)),
            permits: Permits::new(settings.per_remote),
            listings: Listings::new(settings.revision_cache_expiration),
            listing: Flights::default(),
            fetching: Flights::default(),
            shown: ShownCommits::default(),
            searching: Flights::default(),
            pages: Pages::new(settings.revision_cache_expiration),
            visiting: Flights::default(),
        })
    }

    pub(super) fn stats(&self) -> Arc<Stats> {
        self.repositories.network().stats()
    }

    /// The remote of `url`, if it may be asked at all, with the credential it is asked with.
    pub(super) fn target(&self, url: &str, credential: Option<&Credential>) -> Result<Target> {
        let (remote, in_url) = Remote::parse(url)?;
        (self.gate)(&remote)?;
        let sent = credential.cloned().or_else(|| in_url.clone().filter(|one| !one.password.is_empty()));
        let known = || self.book.find(&remote.identity).or_else(|| in_url.map(Arc::new));
        let credential = sent.map(Arc::new).or_else(known).unwrap_or_default();
        let scope = Scope(self.key.digest(&credential));
        Ok(Target { remote: Arc::new(remote), credential, scope })
    }

    pub(super) async fn refs(self: Arc<Self>, target: Target, fresh: bool) -> Result<Refs> {
        Ok(self.listing(&target, Vec::new(), fresh).await?.to_refs())
    }

    /// The commit `revision` stands for now; `text` is how it was written.
    pub(super) async fn pin(
        self: Arc<Self>,
        target: Target,
        revision: &Revision,
        text: &str,
        fresh: bool,
    ) -> Result<Pinned> {
        let listing = self.listing(&target, revision.prefixes(), fresh).await?;
        let commit = match (revision.find(&listing), revision.abbreviation()) {
            (Some(commit), _) => commit,
            (None, Some(prefix)) => match self.abbreviated(&target, prefix, fresh).await? {
                Some(commit) => commit,
                None => return Err(self.unknown(&target, text, fresh).await),
            },
            (None, None) => return Err(self.unknown(&target, text, fresh).await),
        };
        if listing.holds(commit) {
            self.shown.add(target.shown(commit));
        }
        let revision = commit.to_string().into();
        let Target { remote, credential, scope } = target;
        let identity = remote.identity.clone();
        Ok(Pinned { identity, revision, scope, access: Access::Git { remote, credential, commit } })
    }

    /// There is no such revision, or none at all.
    async fn unknown(self: &Arc<Self>, target: &Target, text: &str, fresh: bool) -> Error {
        match self.listing(target, Vec::new(), fresh).await {
            Ok(all) if all.is_empty() => empty(&target.remote),
            _ => unknown(&target.remote, text),
        }
    }

    /// The page at the address of `asked`; redirects may lead where `gate` allows, which for one address is always the
    /// same.
    pub(super) async fn page(self: Arc<Self>, asked: AskedPage, gate: Gate, fresh: bool) -> Result<Page> {
        if let Some(page) = self.pages.get(&asked).filter(|_| !fresh) {
            return Ok(page);
        }
        let start = |halt: Halt| {
            let (this, asked) = (self.clone(), asked.clone());
            async move {
                let _permit = this.permit(&asked.target, &halt).await?;
                blocking(move || this.page_now(asked, &gate, &halt)).await
            }
        };
        self.visiting.join(&asked, fresh, start).await
    }

    /// Asks for a page, and keeps the answer. Blocks.
    fn page_now(&self, asked: AskedPage, gate: &Gate, halt: &Halt) -> Result<Page> {
        let since = Instant::now();
        let page = self.repositories.network().page(asked.target.ask(halt), &asked.query, gate)?;
        self.pages.put(asked, page.clone(), since);
        Ok(page)
    }

    /// The tree of a commit that was pinned.
    pub(super) async fn open(self: Arc<Self>, target: Target, commit: CommitId) -> Result<Arc<dyn Tree>> {
        if let Place::Local(path) = &target.remote.place {
            let path = path.clone();
            return blocking(move || Local::open(&path)?.tree(commit)).await;
        }
        let held = self.clone().hold(target.clone(), commit).await?;
        match blocking(move || held.tree()).await {
            // What cannot be read is put aside when the store is asked again, and fetched anew.
            Err(error) if error.kind() == Kind::Unavailable => {
                let held = self.hold(target, commit).await?;
                blocking(move || held.tree()).await
            }
            opened => opened,
        }
    }

    /// The commit: from the store when the remote has shown it to this scope, else asked of the remote.
    async fn hold(self: Arc<Self>, target: Target, commit: CommitId) -> Result<Held> {
        if self.shown.contains(&target.shown(commit)) {
            let (repositories, target) = (self.repositories.clone(), target.clone());
            let find = move || Ok(repositories.find(&target.remote, &target.credential, commit));
            if let Some(held) = blocking(find).await? {
                return Ok(held);
            }
        }
        let key = (target.clone(), commit);
        let start = |halt: Halt| {
            let this = self.clone();
            async move { this.fetch(target, commit, halt).await }
        };
        self.fetching.join(&key, false, start).await
    }

    async fn fetch(self: Arc<Self>, target: Target, commit: CommitId, halt: Halt) -> Result<Held> {
        let _permit = self.permit(&target, &halt).await?;
        blocking(move || {
            let asked = target.asks(Vec::new());
            let list = || self.list_now(&target, &asked, &halt);
            let held = self.repositories.get(target.ask(&halt), commit, list)?;
            self.shown.add(target.shown(commit));
            Ok(held)
        })
        .await
    }

    /// The one commit whose id begins with `prefix`: among what the remote lists, what is here, and the history.
    async fn abbreviated(
        self: &Arc<Self>,
        target: &Target,
        prefix: Prefix,
        fresh: bool,
    ) -> Result<Option<CommitId>> {
        let all = self.listing(target, Vec::new(), fresh).await?;
        if let Some(commit) = tip_with(&prefix, &all)? {
            self.shown.add(target.shown(commit));
            return Ok(Some(commit));
        }
        if let Place::Local(path) = &target.remote.place {
            let path = path.clone();
            return blocking(move || Local::open(&path)?.abbreviated(&prefix)).await;
        }
        let (repositories, asking) = (self.repositories.clone(), target.clone());
        let here = move || repositories.abbreviated_here(&asking.remote, &asking.credential, &prefix);
        let shown = |commit: &CommitId| self.shown.contains(&target.shown(*commit));
        if let Some(commit) = blocking(here).await?.filter(shown) {
            return Ok(Some(commit));
        }
        let start = |halt: Halt| {
            let (this, target) = (self.clone(), target.clone());
            async move { this.search(target, prefix, all, halt).await }
        };
        let found = self.searching.join(&(target.clone(), prefix), false, start).await?;
        // It came out of what the remote has just sent.
        found.into_iter().for_each(|commit| self.shown.add(target.shown(commit)));
        Ok(found)
    }

    async fn search(
        self: Arc<Self>,
        target: Target,
        prefix: Prefix,
        all: Arc<Listing>,
        halt: Halt,
    ) -> Result<Option<CommitId>> {
        let _permit = self.permit(&target, &halt).await?;
        blocking(move || self.repositories.abbreviated_there(target.ask(&halt), &prefix, &all)).await
    }

    /// What the remote lists, of the last minutes or, with `fresh`, of now.
    async fn listing(
        self: &Arc<Self>,
        target: &Target,
        prefixes: Vec<String>,
        fresh: bool,
    ) -> Result<Arc<Listing>> {
        if let Place::Local(path) = &target.remote.place {
            let (path, refs) = (path.clone(), self.refs);
            return blocking(move || Ok(Arc::new(Local::open(&path)?.list(&prefixes, refs)?))).await;
        }
        let asked = target.asks(prefixes);
        if let Some(listing) = self.listings.get(&asked).filter(|_| !fresh) {
            return Ok(listing);
        }
        let start = |halt: Halt| {
            let (this, target, asked) = (self.clone(), target.clone(), asked.clone());
            async move {
                let _permit = this.permit(&target, &halt).await?;
                blocking(move || this.list_now(&target, &asked, &halt)).await
            }
        };
        self.listing.join(&asked, fresh, start).await
    }

    /// Asks the remote, and keeps the answer. Blocks.
    fn list_now(&self, target: &Target, asked: &Asked, halt: &Halt) -> Result<Arc<Listing>> {
        let since = Instant::now();
        let listing = Arc::new(self.repositories.network().list(target.ask(halt), &asked.prefixes)?);
        self.listings.put(asked.clone(), listing.clone(), since);
        Ok(listing)
    }

    /// Leave to talk to the remote, unless everybody goes away while waiting for it.
    async fn permit(&self, target: &Target, halt: &Halt) -> Result<Permit> {
        tokio::select! {
            permit = self.permits.get(&target.remote.identity) => Ok(permit),
            () = halt.raised() => Err(Error::new(Kind::Cancelled, "nobody waits for the remote any more")),
        }
    }
}

impl Target {
    /// The remote.
    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(super) fn new(remote: Arc<Remote>, credential: Arc<Credential>, scope: Scope) -> Self {
        Self { remote, credential, scope }
    }

    fn ask<'a>(&'a self, halt: &'a Halt) -> Ask<'a> {
        Ask { remote: &self.remote, by: &self.credential, halt }
    }

    fn shown(&self, commit: CommitId) -> ShownCommit {
        ShownCommit { remote: self.remote.identity.clone(), scope: self.scope, commit }
    }

    fn asks(&self, prefixes: Vec<String>) -> Asked {
        Asked { remote: self.remote.identity.clone(), scope: self.scope, prefixes }
    }
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let broken = |_| Error::new(Kind::Internal, "reading a repository broke off");
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

fn book(file: &Path) -> Result<Book> {
    Book::read(file, |url| Remote::parse(url).map(|(remote, _)| remote.identity.to_string()))
}

/// The lines of all `known_hosts` files there are.
fn known_hosts(files: &[PathBuf]) -> Result<String> {
    let mut lines = String::new();
    for file in files {
        match std::fs::read_to_string(file) {
            Ok(text) => lines.extend([text.as_str(), "\n"]),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("the known_hosts file cannot be read: {}", error.kind());
                return Err(Error::new(Kind::Invalid, message));
            }
        }
    }
    Ok(lines)
}

/// What may be asked: local repositories only where they are allowed, remotes only when a pattern matches.
fn gate(settings: &Settings) -> Result<Gate> {
    let compile = |text: &String| {
        let wrong = |error| {
            Error::new(Kind::Invalid, format!("the pattern '{text}' of allowed repositories: {error}"))
        };
        glob::gobwas::Pattern::compile(text, &[]).map_err(wrong)
    };
    let patterns = settings.allow_repos.iter().map(compile).collect::<Result<Vec<_>>>()?;
    let allow_local = settings.allow_local;
    Ok(Arc::new(move |remote: &Remote| {
        if remote.is_local() && !allow_local {
            return Err(Error::new(Kind::Invalid, "local paths and file URLs are not allowed here")
                .help("start the server with local repositories allowed, or use the command line"));
        }
        if !patterns.is_empty() && !patterns.iter().any(|pattern| pattern.matches(&remote.identity)) {
            let message = format!("the repository {} is not on the list of allowed ones", remote.display());
            return Err(Error::new(Kind::Denied, message));
        }
        Ok(())
    }))
}

fn empty(remote: &Remote) -> Error {
    Error::new(Kind::NotFound, format!("{} is an empty repository: it has no commits", remote.display()))
        .help("push a commit first")
}

fn unknown(remote: &Remote, revision: &str) -> Error {
    let revision = if revision.is_empty() { "HEAD" } else { revision };
    Error::new(Kind::NotFound, format!("{} has no revision '{revision}'", remote.display())).help(
        "a revision is a branch, a tag, a ref (refs/…), a commit id, HEAD, or a version range over tags",
    )
}

#[cfg(test)]
#[path = "git_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "store_tests.rs"]
mod store_tests;

#[cfg(test)]
#[path = "damage_tests.rs"]
mod damage_tests;
