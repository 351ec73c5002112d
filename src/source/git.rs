//! Sources of git: who may ask which remote, what it listed, and which commits are here.

use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use tree::Tree;

use crate::credentials::{Credential, ScopeKey};
use crate::error::{Error, Kind, Result};
use crate::git::{CommitId, Limits, Listing, Local, Place, Remote, Revision, Stats, tip_with};
use crate::request::Refs;

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

/// All repositories.
pub(super) struct Gits {
    allow_local: bool,
    allow_repos: Vec<glob::gobwas::Pattern>,
    limits: Limits,
    key: ScopeKey,
    stats: Arc<Stats>,
}

impl Gits {
    pub(super) fn new(settings: Settings) -> Result<Self> {
        Ok(Self {
            allow_local: settings.allow_local,
            allow_repos: patterns(&settings.allow_repos)?,
            limits: settings.limits,
            key: ScopeKey::random(),
            stats: Arc::default(),
        })
    }

    pub(super) fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// The remote of `url`, if it may be asked at all, with the credential it is asked with.
    pub(super) fn target(&self, url: &str, credential: Option<&Credential>) -> Result<Target> {
        let (remote, in_url) = Remote::parse(url)?;
        self.check_allowed(&remote)?;
        let credential = Arc::new(credential.cloned().or(in_url).unwrap_or_default());
        let scope = Scope(self.key.digest(&credential));
        Ok(Target { remote: Arc::new(remote), credential, scope })
    }

    fn check_allowed(&self, remote: &Remote) -> Result<()> {
        if remote.is_local() && !self.allow_local {
            return Err(Error::new(Kind::Invalid, "local paths and file URLs are not allowed here")
                .help("start the server with local repositories allowed, or use the command line"));
        }
        if !self.allow_repos.is_empty() && !self.allow_repos.iter().any(|one| one.matches(&remote.identity)) {
            let message = format!("the repository {} is not on the list of allowed ones", remote.display());
            return Err(Error::new(Kind::Denied, message));
        }
        Ok(())
    }

    pub(super) async fn refs(self: Arc<Self>, target: Target, fresh: bool) -> Result<Refs> {
        Ok(self.listing(&target, Vec::new(), fresh).await?.to_refs())
    }

    /// The commit `revision` stands for now.
    pub(super) async fn pin(self: Arc<Self>, target: Target, revision: &str, fresh: bool) -> Result<Pinned> {
        let revision_of = Revision::parse(revision)?;
        let listing = self.listing(&target, revision_of.prefixes(), fresh).await?;
        let commit = match (revision_of.find(&listing), revision_of.abbreviation()) {
            (Some(commit), _) => commit,
            (None, Some(prefix)) => {
                let all = self.listing(&target, Vec::new(), fresh).await?;
                tip_with(&prefix, &all)?.ok_or_else(|| unknown(&target.remote, revision))?
            }
            (None, None) => return Err(unknown(&target.remote, revision)),
        };
        let revision = commit.to_string().into();
        let Target { remote, credential, scope } = target;
        let identity = remote.identity.clone();
        Ok(Pinned { identity, revision, scope, access: Access::Git { remote, credential, commit } })
    }

    pub(super) async fn open(
        &self,
        remote: &Remote,
        _credential: &Credential,
        _commit: CommitId,
    ) -> Result<Arc<dyn Tree>> {
        Err(Error::new(Kind::Internal, format!("{} cannot be opened yet", remote.display())))
    }

    async fn listing(&self, target: &Target, prefixes: Vec<String>, _fresh: bool) -> Result<Arc<Listing>> {
        match &target.remote.place {
            Place::Local(path) => self.list_local(path, prefixes).await,
            _ => Err(Error::new(Kind::Internal, "remotes cannot be listed yet")),
        }
    }

    async fn list_local(&self, path: &Path, prefixes: Vec<String>) -> Result<Arc<Listing>> {
        let (path, max) = (path.to_owned(), self.limits.refs);
        blocking(move || Ok(Arc::new(Local::open(&path)?.list(&prefixes, max)?))).await
    }
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let broken = |_| Error::new(Kind::Internal, "reading a repository broke off");
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

fn patterns(texts: &[String]) -> Result<Vec<glob::gobwas::Pattern>> {
    let compile = |text: &String| {
        glob::gobwas::Pattern::compile(text, &[]).map_err(|error| {
            Error::new(Kind::Invalid, format!("the pattern '{text}' of allowed repositories: {error}"))
        })
    };
    texts.iter().map(compile).collect()
}

fn unknown(remote: &Remote, revision: &str) -> Error {
    let revision = if revision.is_empty() { "HEAD" } else { revision };
    Error::new(Kind::NotFound, format!("{} has no revision '{revision}'", remote.display())).help(
        "a revision is a branch, a tag, a ref (refs/…), a commit id, HEAD, or a version range over tags",
    )
}
