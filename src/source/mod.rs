//! From a name to something pinned to a tree: `Origin → Pinned → Tree`.

mod disk;
mod flight;
mod git;
mod listings;
mod pages;
mod part;
mod permit;
mod settings;
mod shown;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinSet;
use tree::Tree;

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};
use crate::git::{CommitId, Remote, Revision, Stats};
use crate::request::{Origin, Refs, Source};

pub(crate) use disk::Disk;
pub use part::{Part, PartName, Parts};
pub use settings::Settings;

/// A source whose revision is settled: the same `Pinned` always opens the same tree.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// What it is, in normal form: the remote's normal URL, or the digest of a local folder. No secrets. In the key.
    pub identity: Arc<str>,
    /// The full commit id in hex, or the folder's digest. In the key; the revision of the answer.
    pub revision: Arc<str>,
    /// Who asks: the scope of the credential whose own listing of the remote succeeded. In the key.
    pub scope: Scope,
    /// How to open it; only `source` looks inside.
    pub(crate) access: Access,
}

/// An HMAC of a credential under the server's key: equal for equal credentials, tells nothing about them.
/// Anonymous is a scope like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(pub [u8; 32]);

/// What is needed to open a pinned source.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// A commit of a remote.
    Git {
        /// The remote.
        remote: Arc<Remote>,
        /// What it is opened with.
        credential: Arc<Credential>,
        /// The commit.
        commit: CommitId,
    },
    /// A folder as it is now.
    Folder(Arc<disk::Disk>),
}

/// Everything that sources come from.
pub struct Sources {
    git: Arc<git::Gits>,
    parts: part::Policy,
    allow_local: bool,
}

impl Sources {
    /// Opens the data folder and reads the credentials file.
    ///
    /// # Errors
    /// What is wrong with the settings, and a data folder that cannot be used.
    pub fn new(settings: Settings) -> Result<Self> {
        let allow_local = settings.allow_local;
        let parts = part::Policy::new(&settings.parts)?;
        Ok(Self { git: Arc::new(git::Gits::new(settings)?), parts, allow_local })
    }

    /// What the git layer has done so far.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        self.git.stats()
    }

    /// Every source pinned, in order; each repository and revision is resolved once.
    ///
    /// # Errors
    /// The first source's, in their order, that cannot be pinned.
    pub async fn pin(&self, sources: &[Source], no_revision_cache: bool) -> Result<Vec<Pinned>> {
        let mut slots = HashMap::new();
        let mut wanted = Vec::new();
        let mut order = Vec::with_capacity(sources.len());
        for source in sources {
            let name = self.name(&source.origin)?;
            let slot = *slots.entry(name.clone()).or_insert_with(|| {
                wanted.push(name);
                wanted.len() - 1
            });
            order.push(slot);
        }
        let pinned = self.pin_each(wanted, no_revision_cache).await?;
        Ok(order.into_iter().map(|slot| pinned[slot].clone()).collect())
    }

    /// The files of a pinned source; of a remote only what is missing is fetched.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the remote has no such commit, and what went wrong on the way to it.
    pub async fn open(&self, pinned: &Pinned) -> Result<Arc<dyn Tree>> {
        match &pinned.access {
            Access::Git { remote, credential, commit } => {
                let target = git::Target::new(remote.clone(), credential.clone(), pinned.scope);
                self.git.clone().open(target, *commit).await
            }
            Access::Folder(disk) => Ok(disk.clone()),
        }
    }

    /// The names a remote lists.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for a folder, which has none, and what went wrong on the way to the remote.
    pub async fn refs(&self, origin: &Origin, no_revision_cache: bool) -> Result<Refs> {
        match self.name(origin)? {
            Name::Git { target, .. } => self.git.clone().refs(target, no_revision_cache).await,
            Name::Folder(_) => Err(Error::new(Kind::Invalid, "a folder has no refs")),
        }
    }

    fn name(&self, origin: &Origin) -> Result<Name> {
        match origin {
            Origin::Git { url, revision, tag_prefix, credential } => Ok(Name::Git {
                target: self.git.target(url, credential.as_ref())?,
                revision: revision.clone(),
                tag_prefix: tag_prefix.clone(),
            }),
            Origin::Folder(path) if self.allow_local => Ok(Name::Folder(path.clone())),
            Origin::Folder(_) => Err(folders_refused()),
        }
    }

    /// The names pinned side by side, in their order.
    async fn pin_each(&self, names: Vec<Name>, fresh: bool) -> Result<Vec<Pinned>> {
        let mut work = JoinSet::new();
        let count = names.len();
        for (slot, name) in names.into_iter().enumerate() {
            let git = self.git.clone();
            work.spawn(async move { (slot, name.pin(git, fresh).await) });
        }
        let mut pinned: Vec<Option<Result<Pinned>>> = vec![None; count];
        while let Some(done) = work.join_next().await {
            let (slot, result) =
                done.map_err(|_| Error::new(Kind::Internal, "resolving a revision broke off"))?;
            pinned[slot] = Some(result);
        }
        pinned.into_iter().flatten().collect()
    }
}

/// What is to be pinned; equal names are pinned once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// A revision of a remote.
    Git {
        /// The remote.
        target: git::Target,
        /// The revision as asked for.
        revision: String,
        /// What the names of version tags begin with.
        tag_prefix: String,
    },
    /// A folder.
    Folder(PathBuf),
}

impl Name {
    async fn pin(self, git: Arc<git::Gits>, fresh: bool) -> Result<Pinned> {
        match self {
            Self::Git { target, revision, tag_prefix } => {
                let parsed = Revision::parse_with_prefix(&revision, &tag_prefix)?;
                git.pin(target, &parsed, &revision, fresh).await
            }
            Self::Folder(path) => disk::Disk::open(&path).map(disk::Disk::pin),
        }
    }
}

fn folders_refused() -> Error {
    Error::new(Kind::Invalid, "local folders are not read here")
}

#[cfg(test)]
impl Pinned {
    /// Something pinned that is never opened, for tests of what comes before and after.
    pub(crate) fn never_opened(identity: &str, revision: &str, scope: Scope) -> Self {
        let folder = disk::Disk::open(std::path::Path::new("/")).unwrap();
        let access = Access::Folder(Arc::new(folder));
        Self { identity: Arc::from(identity), revision: Arc::from(revision), scope, access }
    }
}
